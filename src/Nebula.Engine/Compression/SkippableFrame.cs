using System.Buffers.Binary;

namespace Nebula.Engine.Compression;

/// <summary>Skippable frames, which zstd (RFC 8878, section 3.1.2) and LZ4 frames share: a signature, a size, and bytes for others.</summary>
internal static class SkippableFrame
{
    public const int HeaderSize = 8;
    private const uint Signature = 0x184D2A50;

    /// <summary>Whether a frame's first four bytes, little-endian, say that it can be skipped.</summary>
    public static bool Is(uint signature) => (signature & ~0xFu) == Signature;

    /// <summary>What follows the skippable frames at the start; nothing when they go beyond the bytes known.</summary>
    public static ReadOnlySpan<byte> SkipAll(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= HeaderSize && Is(BinaryPrimitives.ReadUInt32LittleEndian(bytes)))
        {
            var size = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            bytes = bytes[(int)Math.Min(HeaderSize + (long)size, bytes.Length)..];
        }
        return bytes;
    }
}

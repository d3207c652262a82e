using Nebula.Engine.Compression.Checksums;

namespace Nebula.Engine.Compression.Snappy;

/// <summary>What Snappy's framing format and that of S2 have in common and where they differ.</summary>
internal sealed class SnappyFraming
{
    public const byte CompressedChunk = 0x00;
    public const byte UncompressedChunk = 0x01;
    public const byte FirstSkippableChunk = 0x80;
    public const byte IdentifierChunk = 0xFF;
    public const int ChunkHeaderSize = 4;
    public const int ChecksumSize = 4;
    public const int IdentifierSize = 10;

    private readonly byte[] _identifier;

    private SnappyFraming(string name, ReadOnlySpan<byte> text, int maxBlockSize, int writtenBlockSize)
    {
        Name = name;
        MaxBlockSize = maxBlockSize;
        WrittenBlockSize = writtenBlockSize;
        _identifier = [IdentifierChunk, 6, 0, 0, .. text];
    }

    /// <summary>Snappy (framing_format.txt of its source).</summary>
    public static SnappyFraming Snappy { get; } = new("snappy", "sNaPpY"u8, 1 << 16, 1 << 16);

    /// <summary>S2, as klauspost/compress defines it.</summary>
    public static SnappyFraming S2 { get; } = new("s2", "S2sTwO"u8, 4 << 20, 1 << 20);

    /// <summary>The codec's name.</summary>
    public string Name { get; }

    /// <summary>Most content of a chunk, in bytes.</summary>
    public int MaxBlockSize { get; }

    /// <summary>Content of the chunks that we write, in bytes.</summary>
    public int WrittenBlockSize { get; }

    /// <summary>Whether copies may repeat the offset before.</summary>
    public bool AllowsRepeats => this == S2;

    /// <summary>The chunk that every stream begins with.</summary>
    public ReadOnlySpan<byte> Identifier => _identifier;

    /// <summary>The checksum of a chunk's content: CRC-32C, rotated and shifted so that it is not itself part of what others sum up (section 3).</summary>
    public static uint Checksum(ReadOnlySpan<byte> content)
    {
        var crc = Crc32C.Update(0, content);
        return (crc >> 15 | crc << 17) + 0xA282EAD8;
    }

    /// <summary>Whether a stream of this codec may begin with an identifier.</summary>
    public bool Accepts(ReadOnlySpan<byte> identifier) => identifier.SequenceEqual(_identifier) || this == S2 && identifier.SequenceEqual(Snappy._identifier);
}

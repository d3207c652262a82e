using System.Buffers.Binary;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Lz4;

/// <summary>LZ4 frames from span to span, for formats that compress buffers whose length they know. Checksums and the content size are verified.</summary>
internal static unsafe class Lz4Frame
{
    private const uint StoredFlag = 0x8000_0000;

    /// <summary>Decodes one frame.</summary>
    /// <param name="source">The frame; nothing may follow.</param>
    /// <param name="target">Where its content goes; it must fill it.</param>
    /// <exception cref="DataFormatException">The frame is corrupt or incomplete, or its content shorter or longer than <paramref name="target"/>.</exception>
    public static void Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var position = 0;
        try
        {
            Decode(source, target, ref position);
        }
        catch (CompressionFault fault)
        {
            throw fault.ToDataFormatException("lz4", position);
        }
    }

    private static void Decode(ReadOnlySpan<byte> source, Span<byte> target, ref int position)
    {
        if (ReadWord(source, ref position) != Lz4FrameDecompressor.Signature)
            throw new CompressionFault("an LZ4 frame is expected here, but the bytes are not one", -position);
        var used = Lz4FrameDescriptor.TryRead(source[position..], out var frame);
        if (used < 0)
            throw Incomplete();
        position += used;
        var length = 0;
        fixed (byte* output = target)
            while (ReadWord(source, ref position) is var header and not 0)
            {
                length += DecodeBlock(source, header, frame, output, target.Length, length, ref position);
                if (frame.HasBlockChecksums)
                    position += sizeof(uint);
            }
        if (length != target.Length || frame.ContentSize >= 0 && frame.ContentSize != length)
            throw new CompressionFault($"a frame's content has {length} bytes, but {(length != target.Length ? target.Length : frame.ContentSize)} are "
                + "announced");
        if (frame.HasContentChecksum)
            Compare(XxHash32.Hash(target), ReadWord(source, ref position), "a frame's content");
        if (position != source.Length)
            throw new CompressionFault($"{source.Length - position} bytes follow behind the frame");
    }

    private static int DecodeBlock(ReadOnlySpan<byte> source, uint header, Lz4FrameDescriptor frame, byte* output, int capacity, int length, ref int position)
    {
        var size = header & ~StoredFlag;
        if (size > frame.MaxBlockSize)
            throw new CompressionFault($"a block has {size} bytes, more than the {frame.MaxBlockSize} of this frame");
        if (size + (frame.HasBlockChecksums ? sizeof(uint) : 0) > source.Length - position)
            throw Incomplete();
        var block = source.Slice(position, (int)size);
        if (frame.HasBlockChecksums)
            Compare(XxHash32.Hash(block), BinaryPrimitives.ReadUInt32LittleEndian(source[(position + block.Length)..]), "a block");
        var room = Math.Min(capacity - length, frame.MaxBlockSize);
        if ((header & StoredFlag) != 0)
        {
            if (block.Length > room)
                throw new CompressionFault($"a frame holds more than the {capacity} bytes announced");
            block.CopyTo(new Span<byte>(output + length, room));
            position += block.Length;
            return block.Length;
        }
        fixed (byte* input = block)
        {
            var written = Lz4Block.Decode(input, block.Length, frame.BlocksAreLinked ? output : output + length, output + length, room);
            position += block.Length;
            return written;
        }
    }

    private static uint ReadWord(ReadOnlySpan<byte> source, ref int position)
    {
        if (source.Length - position < sizeof(uint))
            throw Incomplete();
        var word = BinaryPrimitives.ReadUInt32LittleEndian(source[position..]);
        position += sizeof(uint);
        return word;
    }

    private static void Compare(uint actual, uint stored, string what)
    {
        if (actual != stored)
            throw new CompressionFault($"the checksum of {what} is 0x{actual:X8}, but 0x{stored:X8} is stored");
    }

    private static CompressionFault Incomplete() => new("it ends too early");
}

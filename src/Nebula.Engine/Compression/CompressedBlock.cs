using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression;

/// <summary>Decodes what is wholly in memory: the pages and blocks of other formats that hold a gzip, zlib, raw deflate, zstd, brotli or LZ4 frame
/// stream.</summary>
/// <remarks>Bare LZ4 and Snappy blocks are <see cref="Lz4.Lz4Block"/> and <see cref="Snappy.SnappyBlock"/>.</remarks>
internal static class CompressedBlock
{
    private const int FirstCapacity = 64 << 10;

    /// <summary>Decodes content whose length is known.</summary>
    /// <param name="decompressor">A new decoder; the caller disposes of it.</param>
    /// <param name="codec">The codec's name, for messages.</param>
    /// <param name="source">The whole compressed data.</param>
    /// <param name="target">Where the content goes; it must fill it.</param>
    /// <exception cref="DataFormatException">The data is corrupt or incomplete, or its content shorter or longer than <paramref name="target"/>.</exception>
    public static void Decompress(Decompressor decompressor, string codec, ReadOnlySpan<byte> source, Span<byte> target)
    {
        var (position, length) = (0, 0);
        Span<byte> excess = stackalloc byte[1];
        while (Step(decompressor, codec, source, ref position, length < target.Length ? target[length..] : excess) is var written and > 0)
        {
            if (length == target.Length)
                throw new CompressionFault($"it holds more than the {target.Length} bytes announced").ToDataFormatException(codec, position);
            length += written;
        }
        if (length < target.Length)
            throw new CompressionFault($"it holds {length} bytes, but {target.Length} are announced").ToDataFormatException(codec, position);
    }

    /// <summary>Decodes content whose length is not known. Memory grows with what really comes out.</summary>
    /// <param name="decompressor">A new decoder; the caller disposes of it.</param>
    /// <param name="codec">The codec's name, for messages.</param>
    /// <param name="source">The whole compressed data.</param>
    /// <param name="maxLength">Most bytes that the content may have.</param>
    /// <param name="pool">Where the result comes from.</param>
    /// <exception cref="DataFormatException">The data is corrupt or incomplete, or its content longer than <paramref name="maxLength"/>.</exception>
    public static PooledBuffer Decompress(Decompressor decompressor, string codec, ReadOnlySpan<byte> source, int maxLength, BufferPool pool)
    {
        using var output = new PooledOutput();
        output.Begin(pool, Math.Min(FirstCapacity, maxLength));
        var (position, length) = (0, 0);
        while (Step(decompressor, codec, source, ref position, output.Reserve(1)) is var written and > 0)
        {
            length += written;
            if (length > maxLength)
                throw new CompressionFault($"it holds more than the {maxLength} bytes there may be").ToDataFormatException(codec, position);
            output.Advance(written);
        }
        return output.Take();
    }

    /// <summary>Decodes on. 0 when all is decoded.</summary>
    private static int Step(Decompressor decompressor, string codec, ReadOnlySpan<byte> source, ref int position, Span<byte> output)
    {
        try
        {
            var written = decompressor.Decompress(source[position..], output);
            position += decompressor.Consumed;
            return written > 0 || decompressor.IsComplete && position == source.Length ? written : throw CompressionFault.Truncated(codec, source.Length);
        }
        catch (CompressionFault fault)
        {
            throw fault.ToDataFormatException(codec, position + decompressor.Consumed);
        }
    }
}

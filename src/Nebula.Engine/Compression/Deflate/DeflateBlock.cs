using System.IO.Compression;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Deflate;

/// <summary>Raw deflate data (RFC 1951) from span to buffer. The way back is <see cref="Inflater"/>.</summary>
internal static class DeflateBlock
{
    /// <summary>Compresses.</summary>
    /// <param name="source">The content.</param>
    /// <param name="level">1 to 9.</param>
    /// <param name="pool">Where the result comes from.</param>
    public static PooledBuffer Compress(ReadOnlySpan<byte> source, int level, BufferPool pool)
    {
        using var output = new PooledOutput();
        output.Begin(pool, source.Length / 3 + 64);
        WriteTo(output, source, level);
        return output.Take();
    }

    /// <summary>Compresses behind what an output already holds.</summary>
    public static void WriteTo(PooledOutput output, ReadOnlySpan<byte> source, int level)
    {
        // DeflateStream writes nothing at all for no content, which no reader accepts: this is an empty block of fixed codes.
        if (source.IsEmpty)
        {
            output.Write([0x03, 0x00]);
            return;
        }
        using var deflate = new DeflateStream(output, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true);
        deflate.Write(source);
    }
}

using System.IO.Compression;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Deflate;

/// <summary>Raw deflate data (RFC 1951) from span to buffer. Where the length of the content is known, <see cref="Inflater"/> decodes straight to its
/// place.</summary>
internal static unsafe class DeflateBlock
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

    /// <summary>Decompresses content whose length is not known. Memory grows with what really comes out.</summary>
    /// <param name="source">The compressed data; more may follow it, since some Avro writers leave a part of a zlib trailer there.</param>
    /// <param name="maxLength">Most bytes that the content may have.</param>
    /// <param name="pool">Where the result comes from.</param>
    /// <param name="consumed">Bytes of <paramref name="source"/> that belong to the data.</param>
    /// <exception cref="DataFormatException">The data is corrupt or incomplete, or its content longer than <paramref name="maxLength"/>.</exception>
    public static PooledBuffer Decompress(ReadOnlySpan<byte> source, int maxLength, BufferPool pool, out int consumed)
    {
        using var inflater = new Inflater(pool);
        var output = pool.Rent((int)Math.Min(4L * source.Length + Inflater.OutputMargin, maxLength));
        try
        {
            fixed (byte* start = source)
            {
                var input = start;
                while (true)
                {
                    var end = output.Pointer + output.Length;
                    var before = input - start;
                    var room = Math.Min(output.Capacity, maxLength);
                    try
                    {
                        inflater.Inflate(ref input, start + source.Length, output.Pointer, ref end, output.Pointer + room);
                        if (inflater.NeedsOutput && room == maxLength)
                            throw new CompressionFault($"it holds more than the {maxLength} bytes there may be");
                    }
                    catch (CompressionFault fault)
                    {
                        throw fault.ToDataFormatException("deflate", before);
                    }
                    output.Length = (int)(end - output.Pointer);
                    consumed = (int)(input - start);
                    if (inflater.IsFinished)
                        return output;
                    if (!inflater.NeedsOutput)
                        throw CompressionFault.Truncated("deflate", source.Length);
                    Grow(ref output, maxLength, pool);
                }
            }
        }
        catch
        {
            output.Dispose();
            throw;
        }
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

    private static void Grow(ref PooledBuffer output, int maxLength, BufferPool pool)
    {
        var larger = pool.Rent((int)Math.Min(2L * output.Capacity, maxLength));
        output.Content.CopyTo(larger.Span);
        larger.Length = output.Length;
        output.Dispose();
        output = larger;
    }
}

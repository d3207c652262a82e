using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Brotli;
using Nebula.Engine.Compression.Deflate;
using Nebula.Engine.Compression.Lz4;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc.Metadata;

namespace Nebula.Engine.Formats.Orc.Streams;

/// <summary>Decompresses the chunks of which streams and metadata consist (ORC v1, "Compression"). Keeps what a codec can use again. Not thread-safe.</summary>
/// <param name="compression">The codec of the file; not <see cref="OrcCompression.None"/>, whose streams have no chunks.</param>
/// <param name="blockSize">Most bytes that a chunk decompresses to.</param>
/// <param name="pool">Where working memory comes from.</param>
internal sealed class ChunkDecompressor(OrcCompression compression, int blockSize, BufferPool pool) : IDisposable
{
    /// <summary>Bytes of the header of a chunk.</summary>
    public const int HeaderLength = 3;

    private PooledBuffer? _chunk;
    private Inflater? _inflater;
    private ZstdDecompressionContext? _zstd;

    /// <summary>Takes the header of a chunk apart.</summary>
    /// <param name="header">Its three bytes.</param>
    /// <param name="isOriginal">Whether the chunk is stored without compression.</param>
    /// <returns>Bytes of the chunk as stored, without the header.</returns>
    public static int ParseHeader(ReadOnlySpan<byte> header, out bool isOriginal)
    {
        isOriginal = (header[0] & 1) != 0;
        return (header[0] | header[1] << 8 | header[2] << 16) >> 1;
    }

    /// <summary>Most bytes that chunks can decompress to.</summary>
    /// <param name="storedLength">Bytes of the chunks as stored.</param>
    public long MostBytes(long storedLength)
    {
        var ratio = compression switch
        {
            OrcCompression.Zlib => 1032,
            OrcCompression.Snappy => 32,
            OrcCompression.Lz4 or OrcCompression.Lzo => 255,
            _ => blockSize,
        };
        // chunks of one byte, at the extreme
        return Math.Min(storedLength * ratio, (storedLength / (HeaderLength + 1) + 1) * Math.Max(blockSize, storedLength));
    }

    /// <summary>Decompresses a chunk.</summary>
    /// <param name="source">The chunk without its header.</param>
    /// <returns>Its content, good until the next call.</returns>
    public ReadOnlySpan<byte> Decompress(ReadOnlySpan<byte> source)
    {
        _chunk ??= pool.Rent(blockSize);
        var target = _chunk.Span[..blockSize];
        try
        {
            return target[..Decompress(source, target)];
        }
        catch (DataFormatException e)
        {
            throw new OrcFault(e.Reason.TrimEnd('.'), "", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _chunk?.Dispose();
        _inflater?.Dispose();
        _zstd?.Dispose();
    }

    private int Decompress(ReadOnlySpan<byte> source, Span<byte> target)
    {
        switch (compression)
        {
            case OrcCompression.Zlib:
                return (_inflater ??= new Inflater(pool)).Decompress(source, target, out _);
            case OrcCompression.Snappy:
                return SnappyBlock.Decompress(source, target);
            case OrcCompression.Lz4:
                return Lz4Block.Decompress(source, target);
            case OrcCompression.Zstd:
                return (_zstd ??= new ZstdDecompressionContext(pool)).Decompress(source, target);
            case OrcCompression.Lzo:
                return LzoBlock.Decompress(source, target);
            default:
                using (var decompressor = new BrotliDecompressor())
                using (var content = CompressedBlock.Decompress(decompressor, "brotli", source, target.Length, pool))
                {
                    content.Content.CopyTo(target);
                    return content.Length;
                }
        }
    }
}

using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Brotli;
using Nebula.Engine.Compression.Gzip;
using Nebula.Engine.Compression.Lz4;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Decompresses pages of any codec (Compression.md), one after the other. Not thread-safe.</summary>
/// <param name="pool">Where memory comes from.</param>
/// <param name="maxPageSize">Most bytes that a page may have.</param>
internal sealed class PageDecompressor(BufferPool pool, int maxPageSize) : IDisposable
{
    // what codecs reach on ordinary data; memory for more grows with what really comes out
    private const int TrustedRatio = 32;
    private const int TrustedSize = 4 << 20;
    private ZstdDecompressionContext? _zstd;

    /// <summary>Refuses a codec that is not supported.</summary>
    /// <param name="codec">The codec.</param>
    /// <exception cref="ParquetFault">It is not supported.</exception>
    public static void Require(PageCodec codec)
    {
        if (codec == PageCodec.Lzo)
            throw new ParquetFault("pages are compressed with LZO, which is not supported", -1, "Write the file again with zstd or snappy.");
        if (codec is < 0 or > PageCodec.Lz4Raw)
            throw new ParquetFault($"pages are compressed with codec {(int)codec}, which does not exist");
    }

    /// <summary>Refuses a page that is too large.</summary>
    /// <param name="size">Its size in bytes.</param>
    /// <exception cref="ParquetFault">It is too large.</exception>
    public void RequireSize(long size)
    {
        if (size > maxPageSize)
            throw new ParquetFault($"a page has {Units.FormatSize(size)}, more than the {Units.FormatSize(maxPageSize)} that memory allows", -1,
                "Raise the memory limit, leave out the column, or write the file with smaller pages.");
    }

    /// <summary>Decompresses.</summary>
    /// <param name="codec">The codec.</param>
    /// <param name="source">The compressed bytes.</param>
    /// <param name="size">Bytes that must come out.</param>
    /// <param name="target">Takes them, and is exchanged for a larger one where that is needed.</param>
    /// <param name="start">Where in <paramref name="target"/> they go; what is before stays.</param>
    /// <exception cref="ParquetFault">The page is damaged or too large.</exception>
    public void Decompress(PageCodec codec, ReadOnlySpan<byte> source, int size, ref PooledBuffer? target, int start)
    {
        RequireSize((long)start + size);
        try
        {
            if (size <= TrustedSize || size <= (long)source.Length * TrustedRatio || codec is PageCodec.Snappy or PageCodec.Lz4 or PageCodec.Lz4Raw)
            {
                if (codec == PageCodec.Snappy && SnappyBlock.ReadLength(source) != size)
                    throw new ParquetFault($"a page announces {size} bytes, its snappy block {SnappyBlock.ReadLength(source)}");
                // one byte makes at most 255 in these codecs
                if (size > TrustedSize && size / 256 > source.Length)
                    throw new ParquetFault($"a page of {source.Length} bytes announces {size} decompressed, which is not possible");
                Reserve(ref target, start, start + size);
                Decompress(codec, source, target!.Span.Slice(start, size));
                return;
            }
            using var grown = Grow(codec, source, size);
            if (grown.Length != size)
                throw new ParquetFault($"a page holds {grown.Length} bytes where {size} are announced");
            Reserve(ref target, start, start + size);
            grown.Content.CopyTo(target!.Span[start..]);
        }
        catch (DataFormatException e)
        {
            throw new ParquetFault("a page cannot be decompressed: " + e.Reason, -1, "");
        }
    }

    /// <summary>Exchanges a buffer for one that is large enough.</summary>
    /// <param name="buffer">The buffer.</param>
    /// <param name="used">Bytes that must be kept.</param>
    /// <param name="size">Bytes needed.</param>
    public void Reserve(ref PooledBuffer? buffer, int used, int size)
    {
        if (buffer is not null && buffer.Capacity >= size)
            return;
        var larger = pool.Rent(size);
        buffer?.Span[..used].CopyTo(larger.Span);
        buffer?.Dispose();
        buffer = larger;
    }

    /// <summary>Returns what was kept.</summary>
    public void Dispose()
    {
        _zstd?.Dispose();
        _zstd = null;
    }

    private void Decompress(PageCodec codec, ReadOnlySpan<byte> source, Span<byte> target)
    {
        var written = target.Length;
        switch (codec)
        {
            case PageCodec.Snappy:
                written = SnappyBlock.Decompress(source, target);
                break;
            case PageCodec.Lz4Raw:
                written = Lz4Block.Decompress(source, target);
                break;
            case PageCodec.Lz4:
                written = DecompressLegacyLz4(source, target);
                break;
            case PageCodec.Zstd:
                written = (_zstd ??= new ZstdDecompressionContext(pool)).Decompress(source, target);
                break;
            default:
                using (var decompressor = Create(codec))
                    CompressedBlock.Decompress(decompressor, NameOf(codec), source, target);
                break;
        }
        if (written != target.Length)
            throw new ParquetFault($"a page holds {written} bytes where {target.Length} are announced");
    }

    private PooledBuffer Grow(PageCodec codec, ReadOnlySpan<byte> source, int size)
    {
        using var decompressor = Create(codec);
        return CompressedBlock.Decompress(decompressor, NameOf(codec), source, size, pool);
    }

    private Decompressor Create(PageCodec codec) => codec switch
    {
        PageCodec.Gzip => new GzipDecompressor(pool),
        PageCodec.Zstd => new ZstdDecompressor(pool),
        _ => new BrotliDecompressor(),
    };

    private static string NameOf(PageCodec codec) => codec.ToString().ToLowerInvariant();

    /// <summary>Hadoop's framing (blocks with both lengths, big-endian), or a bare block, which some writers took the codec for.</summary>
    private static int DecompressLegacyLz4(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var written = 0;
        var rest = source;
        while (rest.Length >= 8)
        {
            var size = BinaryPrimitives.ReadUInt32BigEndian(rest);
            var compressed = BinaryPrimitives.ReadUInt32BigEndian(rest[4..]);
            if (size > (uint)(target.Length - written) || compressed > (uint)(rest.Length - 8))
                return Lz4Block.Decompress(source, target);
            try
            {
                if (Lz4Block.Decompress(rest.Slice(8, (int)compressed), target.Slice(written, (int)size)) != size)
                    return Lz4Block.Decompress(source, target);
            }
            catch (DataFormatException)
            {
                return Lz4Block.Decompress(source, target);
            }
            written += (int)size;
            rest = rest[(8 + (int)compressed)..];
        }
        return rest.IsEmpty && written > 0 ? written : Lz4Block.Decompress(source, target);
    }
}

using System.IO.Compression;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Gzip;
using Nebula.Engine.Compression.Lz4;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Compresses pages (Compression.md). Keeps what a codec needs from page to page. Not thread-safe.</summary>
/// <param name="codec">The codec.</param>
/// <param name="level">How hard it tries, where it has levels.</param>
/// <param name="pool">Where memory comes from.</param>
internal sealed class PageCompressor(PageCodec codec, int level, BufferPool pool) : IDisposable
{
    // 16 MB at most are asked of a decoder; pages are smaller
    private const int BrotliWindowBits = 22;
    private ZstdCompressionContext? _zstd;
    private GzipCompressor? _gzip;

    /// <summary>The codec.</summary>
    public PageCodec Codec => codec;

    /// <summary>Appends the bytes that are stored: compressed, unless the codec is <see cref="PageCodec.Uncompressed"/>.</summary>
    /// <param name="source">The page.</param>
    /// <param name="target">Takes what becomes of it.</param>
    /// <exception cref="NebulaException">The page is too large for the codec, or libzstd is missing.</exception>
    public void Compress(ReadOnlySpan<byte> source, GrowingBuffer target)
    {
        // what a codec may need is a little more than the page: a buffer must be able to hold it
        if (codec != PageCodec.Uncompressed && source.Length > BufferPool.MaxCapacity / 8 * 6)
            throw new NebulaException(ErrorKind.Limit,
                $"A page of {Units.FormatSize(source.Length)} cannot be compressed. Set compression: none, or split its values.");
        var before = target.Length;
        switch (codec)
        {
            case PageCodec.Snappy:
                target.Truncate(before + SnappyBlock.Compress(source, target.Extend(SnappyBlock.MaxCompressedLength(source.Length))));
                break;
            case PageCodec.Lz4Raw:
                target.Truncate(before + Lz4Block.Compress(source, target.Extend(Lz4Block.MaxCompressedLength(source.Length))));
                break;
            case PageCodec.Zstd:
                using (var frame = (_zstd ??= new ZstdCompressionContext(level, checksum: false, pool)).Compress(source, pool))
                    frame.Content.CopyTo(target.Extend(frame.Length));
                break;
            case PageCodec.Gzip:
                _gzip ??= new GzipCompressor(level);
                using (var member = source.IsEmpty ? _gzip.Finish(pool) : _gzip.Compress(source, pool))
                    member.Content.CopyTo(target.Extend(member.Length));
                break;
            case PageCodec.Brotli:
                BrotliEncoder.TryCompress(source, target.Extend(BrotliEncoder.GetMaxCompressedLength(source.Length)), out var written, level, BrotliWindowBits);
                target.Truncate(before + written);
                break;
            default:
                source.CopyTo(target.Extend(source.Length));
                break;
        }
    }

    /// <summary>Returns what a codec held.</summary>
    public void Dispose()
    {
        _zstd?.Dispose();
        _gzip?.Dispose();
    }
}

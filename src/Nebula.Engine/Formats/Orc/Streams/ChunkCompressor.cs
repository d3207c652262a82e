using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Compression.Deflate;
using Nebula.Engine.Compression.Lz4;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Compression.Zstd;
using Nebula.Engine.Formats.Orc.Metadata;

namespace Nebula.Engine.Formats.Orc.Streams;

/// <summary>Cuts streams and metadata into chunks and compresses these (ORC v1, "Compression"). Keeps what a codec can use again. Not thread-safe.</summary>
/// <param name="compression">The codec.</param>
/// <param name="level">How hard to compress, in the codec's own numbers.</param>
/// <param name="blockSize">Most bytes that a chunk has before compression.</param>
/// <param name="pool">Where working memory comes from.</param>
internal sealed class ChunkCompressor(OrcCompression compression, int level, int blockSize, BufferPool pool) : IDisposable
{
    private readonly PooledOutput _deflated = new();
    private PooledBuffer? _scratch;
    private ZstdCompressionContext? _zstd;

    /// <summary>The codec.</summary>
    public OrcCompression Compression => compression;

    /// <summary>Most bytes that a chunk has before compression.</summary>
    public int BlockSize => blockSize;

    /// <summary>Appends content as chunks; as it is where there is no compression.</summary>
    /// <param name="content">The content.</param>
    /// <param name="target">Takes the chunks.</param>
    /// <param name="chunkStarts">Takes the offset of each chunk behind where the target ended; null when nobody asks.</param>
    public void Compress(ReadOnlySpan<byte> content, GrowingBuffer target, List<int>? chunkStarts)
    {
        var start = target.Length;
        if (compression == OrcCompression.None)
        {
            content.CopyTo(target.Extend(content.Length));
            return;
        }
        for (; !content.IsEmpty; content = content[Math.Min(blockSize, content.Length)..])
        {
            chunkStarts?.Add(target.Length - start);
            CompressChunk(content[..Math.Min(blockSize, content.Length)], target);
        }
        chunkStarts?.Add(target.Length - start);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _deflated.Dispose();
        _scratch?.Dispose();
        _zstd?.Dispose();
    }

    private void CompressChunk(ReadOnlySpan<byte> content, GrowingBuffer target)
    {
        if (compression == OrcCompression.Zstd)
        {
            using var frame = (_zstd ??= new ZstdCompressionContext(level, checksum: false, pool)).Compress(content, pool);
            Append(frame.Content, content, target);
        }
        else if (compression == OrcCompression.Zlib)
        {
            _deflated.Begin(pool, content.Length / 2 + 64);
            DeflateBlock.WriteTo(_deflated, content, level);
            using var block = _deflated.Take();
            Append(block.Content, content, target);
        }
        else
        {
            _scratch ??= pool.Rent(Math.Max(SnappyBlock.MaxCompressedLength(blockSize), Lz4Block.MaxCompressedLength(blockSize)));
            var length = compression == OrcCompression.Snappy ? SnappyBlock.Compress(content, _scratch.Span) : Lz4Block.Compress(content, _scratch.Span);
            Append(_scratch.Span[..length], content, target);
        }
    }

    private static void Append(ReadOnlySpan<byte> compressed, ReadOnlySpan<byte> content, GrowingBuffer target)
    {
        var isOriginal = compressed.Length >= content.Length;
        var stored = isOriginal ? content : compressed;
        var header = stored.Length << 1 | (isOriginal ? 1 : 0);
        var chunk = target.Extend(ChunkDecompressor.HeaderLength + stored.Length);
        (chunk[0], chunk[1], chunk[2]) = ((byte)header, (byte)(header >> 8), (byte)(header >> 16));
        stored.CopyTo(chunk[ChunkDecompressor.HeaderLength..]);
    }
}

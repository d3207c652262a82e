using System.Collections.Concurrent;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Zstd;

/// <summary>Writes each piece as a zstd frame with its size and checksum.</summary>
/// <param name="level">1 to 22.</param>
internal sealed class ZstdCompressor(int level) : ICompressor
{
    private readonly ConcurrentBag<ZstdCompressionContext> _idle = [];
    private int _hasFrames;

    public bool IsParallel => true;

    public PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool) => piece.IsEmpty ? pool.Rent(0) : CompressFrame(piece, pool);

    public PooledBuffer Finish(BufferPool pool) => _hasFrames != 0 ? pool.Rent(0) : CompressFrame([], pool);

    public void Dispose()
    {
        while (_idle.TryTake(out var idle))
            idle.Dispose();
    }

    private PooledBuffer CompressFrame(ReadOnlySpan<byte> piece, BufferPool pool)
    {
        _hasFrames = 1;
        var context = _idle.TryTake(out var idle) ? idle : new ZstdCompressionContext(level, checksum: true, pool);
        try
        {
            return context.Compress(piece, pool);
        }
        finally
        {
            _idle.Add(context);
        }
    }
}

using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Compression.Zstd;

/// <summary>An encoding context of libzstd and its memory. Can be used for many frames, one after the other. Not thread-safe.</summary>
internal sealed unsafe class ZstdCompressionContext : IDisposable
{
    private readonly ZstdMemory _memory;
    private nint _context;

    /// <summary>Makes a context.</summary>
    /// <param name="level">1 to 22.</param>
    /// <param name="checksum">Whether frames carry a checksum of their content.</param>
    /// <param name="pool">Where its memory comes from.</param>
    /// <exception cref="NebulaException">libzstd is missing.</exception>
    public ZstdCompressionContext(int level, bool checksum, BufferPool pool)
    {
        ZstdNative.Require();
        _memory = new ZstdMemory(pool);
        _context = ZstdNative.CreateCCtx(_memory.Allocator);
        if (_context == 0)
        {
            _memory.Dispose();
            throw new NebulaException(ErrorKind.Limit, "There is no memory left for a zstd context. Lower the parallelism or raise the memory limit.");
        }
        ZstdNative.SetCompression(_context, ZstdNative.CompressionLevel, level);
        ZstdNative.SetCompression(_context, ZstdNative.ChecksumFlag, checksum ? 1 : 0);
    }

    /// <summary>Compresses into one frame that tells its content's size.</summary>
    /// <param name="source">The content.</param>
    /// <param name="pool">Where the frame comes from.</param>
    public PooledBuffer Compress(ReadOnlySpan<byte> source, BufferPool pool)
    {
        var frame = pool.Rent(checked((int)ZstdNative.CompressBound((nuint)source.Length)));
        fixed (byte* from = source)
        {
            var result = ZstdNative.Compress(_context, frame.Pointer, (nuint)frame.Capacity, from, (nuint)source.Length);
            if (ZstdNative.ErrorOf(result) is { } error)
            {
                frame.Dispose();
                throw new NebulaException(ErrorKind.Fatal, $"libzstd cannot compress {source.Length} bytes: {error}.");
            }
            frame.Length = (int)result;
            return frame;
        }
    }

    public void Dispose()
    {
        if (_context == 0)
            return;
        ZstdNative.FreeCCtx(_context);
        _context = 0;
        _memory.Dispose();
    }
}

using System.IO.Compression;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Deflate;

/// <summary>Writes one zlib stream (RFC 1950).</summary>
internal sealed class ZlibCompressor : ICompressor
{
    private readonly PooledOutput _output = new();
    private readonly ZLibStream _stream;
    private bool _hasContent;

    /// <summary>Starts the stream.</summary>
    /// <param name="level">1 to 9.</param>
    public ZlibCompressor(int level) => _stream = new ZLibStream(_output, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true);

    public bool IsParallel => false;

    public PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool)
    {
        _output.Begin(pool, piece.Length / 3 + 64);
        _hasContent |= !piece.IsEmpty;
        _stream.Write(piece);
        return _output.Take();
    }

    public PooledBuffer Finish(BufferPool pool)
    {
        _output.Begin(pool, 256 << 10);
        _stream.Dispose();
        if (!_hasContent)
            _output.Write([0x78, 0x9C, 0x03, 0x00, 0, 0, 0, 1]); // an empty block of fixed codes: ZLibStream writes nothing at all
        return _output.Take();
    }

    public void Dispose()
    {
        // Disposing of an unfinished stream writes its rest, which nobody wants any more.
        _output.Begin(BufferPool.Shared, 256);
        _stream.Dispose();
        _output.Dispose();
    }
}

using System.Buffers;
using System.IO.Compression;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Brotli;

/// <summary>Writes one brotli stream.</summary>
/// <param name="level">0 to 11.</param>
internal sealed class BrotliCompressor(int level) : ICompressor
{
    // 4 MB: what the brotli program uses by default, and what every decoder must accept.
    private const int WindowBits = 22;
    private BrotliEncoder _encoder = new(level, WindowBits);

    public bool IsParallel => false;

    public PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool) => Encode(piece, isLast: false, pool);

    public PooledBuffer Finish(BufferPool pool) => Encode([], isLast: true, pool);

    public void Dispose() => _encoder.Dispose();

    private PooledBuffer Encode(ReadOnlySpan<byte> piece, bool isLast, BufferPool pool)
    {
        using var output = new PooledOutput();
        output.Begin(pool, piece.Length / 3 + 1024);
        OperationStatus status;
        do
        {
            status = _encoder.Compress(piece, output.Reserve(1024), out var consumed, out var written, isLast);
            piece = piece[consumed..];
            output.Advance(written);
        }
        while (status == OperationStatus.DestinationTooSmall);
        return status == OperationStatus.Done ? output.Take() : throw new InvalidOperationException($"The brotli encoder reports {status}.");
    }
}

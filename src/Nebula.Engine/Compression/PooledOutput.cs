using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression;

/// <summary>A write-only stream into a pooled buffer that grows as needed.</summary>
internal sealed class PooledOutput : Stream
{
    private BufferPool? _pool;
    private PooledBuffer? _buffer;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Starts a new result.</summary>
    /// <param name="pool">Where it comes from.</param>
    /// <param name="capacity">Expected size in bytes.</param>
    public void Begin(BufferPool pool, int capacity)
    {
        _buffer?.Dispose();
        _pool = pool;
        _buffer = pool.Rent(capacity);
    }

    /// <summary>Gives the result away.</summary>
    public PooledBuffer Take()
    {
        var taken = _buffer!;
        _buffer = null;
        return taken;
    }

    /// <summary>At least <paramref name="count"/> bytes of room; call <see cref="Advance"/> with what was used.</summary>
    public Span<byte> Reserve(int count)
    {
        var buffer = _buffer ?? throw new InvalidOperationException("Begin was not called.");
        if (buffer.Capacity - buffer.Length < count)
        {
            var larger = _pool!.Rent((int)Math.Min(Math.Max(buffer.Capacity * 2L, (long)buffer.Length + count), BufferPool.MaxCapacity));
            buffer.Content.CopyTo(larger.Span);
            larger.Length = buffer.Length;
            buffer.Dispose();
            _buffer = buffer = larger;
        }
        return buffer.Span[buffer.Length..];
    }

    public void Advance(int count) => _buffer!.Length += count;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        buffer.CopyTo(Reserve(buffer.Length));
        Advance(buffer.Length);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _buffer?.Dispose();
        _buffer = null;
        base.Dispose(disposing);
    }
}

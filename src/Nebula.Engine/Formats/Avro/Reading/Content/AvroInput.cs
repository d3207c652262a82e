using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Avro.Reading.Content;

/// <summary>The data of a block as it is stored: in memory, or in the file where it is too large for that.</summary>
internal sealed unsafe class AvroInput : IDisposable
{
    private const int PieceSize = 256 << 10;
    private readonly IRandomAccess? _file;
    private readonly BufferPool? _pool;
    private PooledBuffer? _piece;
    private long _offset;
    private long _unread;

    /// <summary>Data in memory.</summary>
    public AvroInput(byte* data, int length)
    {
        At = data;
        End = data + length;
        Length = length;
    }

    /// <summary>Data in a file, fetched piece by piece.</summary>
    public AvroInput(IRandomAccess file, long offset, long length, BufferPool pool)
    {
        _file = file;
        _offset = offset;
        _unread = length;
        _pool = pool;
        _piece = pool.Rent(PieceSize);
        At = End = _piece.Pointer;
        Length = length;
    }

    /// <summary>Bytes in all.</summary>
    public long Length { get; }

    /// <summary>The first byte not used; for the codec to move.</summary>
    public byte* At { get; set; }

    /// <summary>The end of what is in memory.</summary>
    public byte* End { get; private set; }

    /// <summary>Whether everything is in memory.</summary>
    public bool IsComplete => _unread == 0;

    /// <summary>Fetches more behind what is not used.</summary>
    /// <returns>Whether there was more.</returns>
    public bool Fetch()
    {
        if (_unread == 0)
            return false;
        var kept = (int)(End - At);
        var buffer = _piece!;
        // a codec that cannot go on with so much must be given more at once
        if (kept > buffer.Capacity / 2)
            buffer = _pool!.Rent((int)Math.Min(2L * buffer.Capacity, BufferPool.MaxCapacity));
        new Span<byte>(At, kept).CopyTo(buffer.Span);
        if (buffer != _piece)
            _piece!.Dispose();
        _piece = buffer;
        var count = (int)Math.Min(buffer.Capacity - kept, _unread);
        _file!.Read(_offset, buffer.Span.Slice(kept, count));
        _offset += count;
        _unread -= count;
        At = buffer.Pointer;
        End = At + kept + count;
        return count > 0;
    }

    /// <summary>Copies all that is left to where it is wanted.</summary>
    public void CopyTo(Span<byte> target)
    {
        var there = new Span<byte>(At, (int)(End - At));
        there = there[..Math.Min(there.Length, target.Length)];
        there.CopyTo(target);
        At += there.Length;
        target = target[there.Length..];
        if (target.IsEmpty)
            return;
        _file!.Read(_offset, target);
        _offset += target.Length;
        _unread -= target.Length;
    }

    /// <inheritdoc/>
    public void Dispose() => _piece?.Dispose();
}

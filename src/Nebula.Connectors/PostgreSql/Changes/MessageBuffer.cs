using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Messages of the log that were fetched, each framed like a row of one value of a binary <c>COPY</c>.</summary>
/// <param name="pool">Where the buffer comes from.</param>
internal sealed class MessageBuffer(BufferPool pool) : IDisposable
{
    /// <summary>Bytes in front of each message: number of values, and length.</summary>
    public const int FrameSize = sizeof(short) + sizeof(int);

    private const int InitialSize = 512 << 10;
    private PooledBuffer _buffer = pool.Rent(InitialSize);
    private int _start;
    private int _end;

    /// <summary>Bytes that were fetched and not taken.</summary>
    public ReadOnlySpan<byte> Rest => _buffer.Span[_start.._end];

    /// <summary>Messages taken.</summary>
    public long Count { get; private set; }

    /// <summary>Makes room behind what was fetched.</summary>
    /// <param name="count">Bytes needed.</param>
    /// <returns>The room, of which <see cref="Advance"/> tells how much was filled.</returns>
    /// <exception cref="DataFormatException">A message is larger than a buffer can be.</exception>
    public Span<byte> Reserve(int count)
    {
        if (_buffer.Capacity - _end < count)
            MakeRoom(count);
        return _buffer.Span[_end..];
    }

    /// <summary>Tells how much of the room was filled.</summary>
    /// <param name="count">Number of bytes.</param>
    public void Advance(int count) => _end += count;

    /// <summary>Goes on with messages that are framed already. What was not taken of those before is gone.</summary>
    /// <param name="messages">The messages, which belong to this afterwards.</param>
    /// <param name="header">Bytes in front of the first.</param>
    public void Replace(PooledBuffer messages, int header)
    {
        _buffer.Dispose();
        _buffer = messages;
        (_start, _end) = (header, messages.Length);
    }

    /// <summary>Writes what stands in front of a message.</summary>
    /// <param name="length">Length of the message.</param>
    public void Frame(int length)
    {
        var frame = Reserve(FrameSize);
        BinaryPrimitives.WriteInt16BigEndian(frame, 1);
        BinaryPrimitives.WriteInt32BigEndian(frame[sizeof(short)..], length);
        Advance(FrameSize);
    }

    /// <summary>Takes the next message.</summary>
    /// <param name="message">The message, good until more is fetched.</param>
    /// <returns>False when none is there as a whole.</returns>
    public bool TryTake(out ReadOnlySpan<byte> message)
    {
        message = default;
        var rest = Rest;
        // the last row is followed by a number below zero
        if (rest.Length < FrameSize || BinaryPrimitives.ReadInt16BigEndian(rest) < 0)
            return false;
        var length = BinaryPrimitives.ReadInt32BigEndian(rest[sizeof(short)..]);
        if (length < 0)
            throw new DataFormatException("The log has a message without content. This is a defect: report it.");
        if (rest.Length - FrameSize < length)
            return false;
        message = rest.Slice(FrameSize, length);
        _start += FrameSize + length;
        Count++;
        return true;
    }

    /// <summary>Forgets what was fetched.</summary>
    public void Clear() => (_start, _end, Count) = (0, 0, 0);

    /// <inheritdoc/>
    public void Dispose() => _buffer.Dispose();

    private void MakeRoom(int count)
    {
        var rest = _end - _start;
        if ((long)rest + count > BufferPool.MaxCapacity)
            throw new DataFormatException($"A message of the log has more than the {Units.FormatSize(BufferPool.MaxCapacity)} that a buffer can hold. Leave "
                + "the large column out.");
        if (_buffer.Capacity - rest < count || rest > _buffer.Capacity / 2)
        {
            var larger = pool.Rent((int)Math.Min(Math.Max((long)rest + count, 2L * _buffer.Capacity), BufferPool.MaxCapacity));
            Rest.CopyTo(larger.Span);
            _buffer.Dispose();
            _buffer = larger;
        }
        else
            Rest.CopyTo(_buffer.Span);
        (_start, _end) = (0, rest);
    }
}

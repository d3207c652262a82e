using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>The log as a server streams it. Manual, "Streaming Replication Protocol". One thread reads; any may confirm.</summary>
/// <param name="connection">The connection.</param>
/// <param name="pool">Where room for large messages comes from.</param>
internal sealed class LogStream(WireConnection connection, BufferPool pool) : IDisposable
{
    private const byte Data = (byte)'d';
    private const byte Done = (byte)'c';
    private const byte Change = (byte)'w';
    private const byte Heartbeat = (byte)'k';
    private const int ChangeHeader = sizeof(byte) + 3 * sizeof(ulong);
    private const int HeartbeatSize = sizeof(byte) + 2 * sizeof(ulong) + sizeof(byte);

    // the server sends message by message; to be woken by each of them takes longer than to read it
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(5);
    private static readonly DateTime Epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private readonly WireInput _input = connection.Input;
    private PooledBuffer? _large;
    private bool _isLargeTaken;
    private ulong _received;

    /// <summary>How far the server has come with what was taken.</summary>
    public ulong Received => Interlocked.Read(ref _received);

    /// <summary>Whether the server wants to hear something.</summary>
    public bool IsAsked { get; set; }

    /// <summary>Waits for a message.</summary>
    /// <exception cref="Npgsql.PostgresException">The server ran into an error.</exception>
    /// <exception cref="IOException">The connection broke, or the server ended the stream.</exception>
    /// <exception cref="DataFormatException">What comes is no log.</exception>
    public void Wait()
    {
        if (_isLargeTaken)
            Release();
        while (_large is null && !IsWhole())
            if (_input.Available is not [Data, ..] and not [])
            {
                connection.TakeOne(out var type);
                if (type == WireConnection.NoType)
                    continue;
                if (type is not (Done or (byte)'C'))
                    throw _input.Unexpected(type);
                throw new EndOfStreamException("The server ended the stream.");
            }
            else if (_input.Available.Length >= WireInput.HeaderSize
                && LengthOf(_input.Available) is var length and > WireInput.Capacity - WireInput.HeaderSize)
            {
                var large = pool.Rent(length);
                large.Length = length;
                _large = large;
                _input.Skip(WireInput.HeaderSize);
                _input.Read(large.Content);
            }
            else
                _input.Fill(Gathering);
    }

    /// <summary>Takes the next message that is here as a whole.</summary>
    /// <param name="message">A message of the plug-in, good until <see cref="Wait"/>; empty for none of it.</param>
    /// <returns>False when there is none.</returns>
    public bool TryTake(out ReadOnlySpan<byte> message)
    {
        message = default;
        if (_large is not null && !_isLargeTaken)
        {
            _isLargeTaken = true;
            message = Take(_large.Content);
            return true;
        }
        if (!IsWhole())
            return false;
        var length = LengthOf(_input.Available);
        var data = _input.Available.Slice(WireInput.HeaderSize, length);
        _input.Skip(WireInput.HeaderSize + length);
        message = Take(data);
        return true;
    }

    /// <summary>Tells the server how far the log is needed no more.</summary>
    /// <param name="flushed">The place; 0 for not yet known.</param>
    /// <param name="ask">Whether it has to answer.</param>
    public void Confirm(ulong flushed, bool ask) => connection.Send(new WireOutput().Begin((char)Data).Byte((byte)'r').UInt64(Math.Max(Received, flushed))
        .UInt64(flushed).UInt64(flushed).UInt64((ulong)((DateTime.UtcNow - Epoch).Ticks / TimeSpan.TicksPerMicrosecond)).Byte(ask ? (byte)1 : (byte)0).End());

    /// <summary>Ends the stream: the server has heard then what it was told before. What it has sent meanwhile is not looked at. The connection is ready for
    /// more afterwards.</summary>
    /// <exception cref="Npgsql.PostgresException">The server ran into an error.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="DataFormatException">What comes is too large, or no end.</exception>
    public void End()
    {
        connection.Send(new WireOutput().Begin((char)Done).End());
        // a heartbeat may come behind the end of the stream
        connection.WaitForEnd(Data, Done);
    }

    /// <inheritdoc/>
    public void Dispose() => Release();

    private void Release()
    {
        _large?.Dispose();
        _large = null;
        _isLargeTaken = false;
    }

    private bool IsWhole()
    {
        var input = _input.Available;
        return input.Length >= WireInput.HeaderSize && input[0] == Data && LengthOf(input) <= input.Length - WireInput.HeaderSize;
    }

    private int LengthOf(ReadOnlySpan<byte> header)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(header[1..]) - sizeof(int);
        return (uint)length <= BufferPool.MaxCapacity ? length : _input.LengthOf(header, BufferPool.MaxCapacity);
    }

    private ReadOnlySpan<byte> Take(ReadOnlySpan<byte> data)
    {
        if (data.Length >= ChangeHeader && data[0] == Change)
        {
            // where the message begins; the server may be further
            Advance(BinaryPrimitives.ReadUInt64BigEndian(data[1..]));
            return data[ChangeHeader..];
        }
        if (data.Length != HeartbeatSize || data[0] != Heartbeat)
            throw _input.Broken($"{data.Length} bytes of the log begin with {(data.IsEmpty ? "nothing" : $"0x{data[0]:X2}")}");
        Advance(BinaryPrimitives.ReadUInt64BigEndian(data[1..]));
        IsAsked |= data[^1] != 0;
        return default;
    }

    private void Advance(ulong place)
    {
        if (place > _received)
            Interlocked.Exchange(ref _received, place);
    }
}

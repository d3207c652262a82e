using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Wire;

/// <summary>
/// The answer to a <c>COPY … TO STDOUT</c>. A server sends each row as a message of its own (manual, "CopyData": messages from the backend correspond to
/// single rows), so that rows need not be looked for.
/// </summary>
/// <param name="connection">The connection.</param>
/// <param name="name">What is read, for messages.</param>
/// <param name="largestRow">Most bytes that a row may have.</param>
internal sealed class CopyOut(WireConnection connection, string name, int largestRow)
{
    private const byte Data = (byte)'d';
    private const byte Done = (byte)'c';

    // the server sends 8 kB at a time
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(1);
    private readonly WireInput _input = connection.Input;

    /// <summary>Bytes of the last row.</summary>
    public int LastRowSize { get; private set; }

    /// <summary>Whether everything was read. The connection is ready for more then.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Waits until the first row is there, or the end. What goes wrong before is told then.</summary>
    public void Wait() => WaitForRow();

    /// <summary>Reads rows.</summary>
    /// <param name="pool">Where the buffer comes from.</param>
    /// <param name="size">Its size, unless one row is larger.</param>
    /// <param name="atOnce">Whether what has come is taken, and no more is waited for.</param>
    /// <param name="rows">Number of rows.</param>
    /// <returns>The rows; null at the end.</returns>
    /// <exception cref="Npgsql.PostgresException">The server ran into an error.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="DataFormatException">A row is too large, or what comes is no answer.</exception>
    public PooledBuffer? Read(BufferPool pool, int size, bool atOnce, out int rows)
    {
        rows = 0;
        if (IsEnded)
            return null;
        var first = WaitForRow();
        if (first < 0)
            return null;
        var buffer = pool.Rent(Math.Max(size, first));
        try
        {
            if (WireInput.HeaderSize + first > WireInput.Capacity)
            {
                _input.Skip(WireInput.HeaderSize);
                _input.Read(buffer.Span[..first]);
                (buffer.Length, LastRowSize, rows) = (first, first, 1);
            }
            while (true)
            {
                var count = Move(buffer);
                rows += count;
                if (_input.Available is not [Data, ..] and not [] || HasNoRoom(buffer))
                    return buffer;
                if (atOnce && rows > 0)
                    return buffer;
                _input.Fill(atOnce ? default : Gathering);
            }
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>Moves the rows that are here as a whole.</summary>
    private int Move(PooledBuffer buffer)
    {
        var input = _input.Available;
        var target = buffer.Span[buffer.Length..];
        var (at, filled, rows) = (0, 0, 0);
        while (input.Length - at >= WireInput.HeaderSize && input[at] == Data)
        {
            var length = LengthOf(input.Slice(at, WireInput.HeaderSize));
            var start = at + WireInput.HeaderSize;
            if (length > input.Length - start || length > target.Length - filled)
                break;
            input.Slice(start, length).CopyTo(target[filled..]);
            at = start + length;
            filled += length;
            LastRowSize = length;
            rows++;
        }
        _input.Skip(at);
        buffer.Length += filled;
        return rows;
    }

    /// <summary>Whether the next row is for another buffer.</summary>
    private bool HasNoRoom(PooledBuffer buffer)
    {
        var input = _input.Available;
        if (input.Length < WireInput.HeaderSize)
            return false;
        var length = LengthOf(input[..WireInput.HeaderSize]);
        return length > buffer.Capacity - buffer.Length || WireInput.HeaderSize + length > WireInput.Capacity;
    }

    /// <summary>Waits for a row.</summary>
    /// <returns>Its size; -1 at the end.</returns>
    private int WaitForRow()
    {
        while (true)
        {
            _input.Require(WireInput.HeaderSize);
            if (_input.Available[0] == Data)
                return LengthOf(_input.Available[..WireInput.HeaderSize]);
            connection.TakeOne(out var type);
            if (type == WireConnection.NoType)
                continue;
            if (type != Done)
                throw _input.Unexpected(type);
            connection.WaitForEnd();
            IsEnded = true;
            return -1;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int LengthOf(ReadOnlySpan<byte> header)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(header[1..]) - sizeof(int);
        if ((uint)length > (uint)largestRow)
            ThrowTooLarge(header);
        return length;
    }

    private void ThrowTooLarge(ReadOnlySpan<byte> header)
    {
        _input.LengthOf(header, BufferPool.MaxCapacity);
        throw new DataFormatException(
            $"A row has more than the {Units.FormatSize(largestRow)} that a record may have. Leave out the large column, or raise the limit.",
            new SourceLocation(name));
    }
}

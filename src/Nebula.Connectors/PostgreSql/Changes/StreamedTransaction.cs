using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// What came of a transaction that has not ended, in a file: its messages as they would come after its commit, each behind its length. In memory is, beside one
/// block that all transactions share, where each of its subtransactions begins, which are some 40 bytes.
/// </summary>
/// <param name="spool">Makes the file.</param>
internal sealed class StreamedTransaction(TransactionSpool spool) : IDisposable
{
    private const int FrameSize = sizeof(int);
    private readonly Dictionary<uint, long> _subtransactions = [];
    private readonly List<long> _relations = [];
    private FileStream? _file;
    private long _length;
    private long _read;

    /// <summary>Bytes needed beside a message.</summary>
    public const int Overhead = FrameSize;

    /// <summary>Tells that a message of a subtransaction comes next.</summary>
    /// <param name="xid">The subtransaction.</param>
    /// <param name="buffered">Bytes that are not written yet.</param>
    public void Begin(uint xid, int buffered) => _subtransactions.TryAdd(xid, _length + buffered);

    /// <summary>Tells that a description of a table comes next: the server gives it once, also where the subtransaction is rolled back later.</summary>
    /// <param name="buffered">Bytes that are not written yet.</param>
    public void AddRelation(int buffered) => _relations.Add(_length + buffered);

    /// <summary>Writes what stands in front of a message.</summary>
    /// <param name="target">Takes it.</param>
    /// <param name="length">Length of the message.</param>
    public static void Frame(Span<byte> target, int length) => BinaryPrimitives.WriteInt32LittleEndian(target, length);

    /// <summary>Appends bytes.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="NebulaException">There is no room.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 0)
            return;
        spool.Take(bytes.Length);
        try
        {
            _file ??= spool.Open();
            RandomAccess.Write(_file.SafeFileHandle, bytes, _length);
        }
        catch (IOException e)
        {
            spool.Release(bytes.Length);
            throw spool.Failed(e);
        }
        catch
        {
            spool.Release(bytes.Length);
            throw;
        }
        _length += bytes.Length;
    }

    /// <summary>
    /// Forgets a subtransaction that was rolled back, and all that came behind its first change: that is its own, or of those within it. Everything must be
    /// written.
    /// </summary>
    /// <param name="xid">The subtransaction.</param>
    public void Abort(uint xid)
    {
        // those within it are told too, and then there is nothing left of them
        if (!_subtransactions.Remove(xid, out var start) || start >= _length)
            return;
        var kept = new Dictionary<uint, byte[]>();
        for (var i = _relations.Count - 1; i >= 0 && _relations[i] >= start; i--)
        {
            var relation = ReadAt(_relations[i]);
            // from the end on: the first is the one that counts
            kept.TryAdd(OidOf(relation), relation);
            _relations.RemoveAt(i);
        }
        _file!.SetLength(start);
        spool.Release(_length - start);
        _length = start;
        foreach (var relation in kept.Values)
        {
            AddRelation(0);
            var frame = new byte[FrameSize];
            Frame(frame, relation.Length);
            Write(frame);
            Write(relation);
        }
    }

    /// <summary>Reads on behind what was read.</summary>
    /// <param name="buffer">Takes the message; exchanged where it is too small.</param>
    /// <param name="at">Where in the buffer the next message begins.</param>
    /// <param name="end">Where in the buffer there is nothing more.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <returns>False when there is nothing more.</returns>
    public bool TryRead(ref PooledBuffer buffer, ref int at, ref int end, BufferPool pool)
    {
        var have = end - at;
        var length = have < FrameSize ? 0 : BinaryPrimitives.ReadInt32LittleEndian(buffer.Span[at..]);
        if (length < 0)
            throw Torn();
        if (have >= FrameSize && have - FrameSize >= length)
            return true;
        if (_read == _length)
            return have > 0 ? throw Torn() : false;
        if (length > buffer.Capacity - FrameSize)
        {
            var larger = pool.Rent(length + FrameSize);
            buffer.Span[at..end].CopyTo(larger.Span);
            buffer.Dispose();
            buffer = larger;
        }
        else
            buffer.Span[at..end].CopyTo(buffer.Span);
        (at, end) = (0, have);
        while (_read < _length)
        {
            var wanted = (int)Math.Min(buffer.Capacity - end, _length - _read);
            if (wanted == 0)
                break;
            var count = ReadFile(buffer.Span.Slice(end, wanted), _read);
            _read += count;
            end += count;
        }
        return TryRead(ref buffer, ref at, ref end, pool);
    }

    /// <summary>Takes a message that was read.</summary>
    /// <param name="buffer">Where it is.</param>
    /// <param name="at">Where it begins.</param>
    public static ReadOnlySpan<byte> Take(PooledBuffer buffer, ref int at)
    {
        var message = buffer.Span.Slice(at + FrameSize, BinaryPrimitives.ReadInt32LittleEndian(buffer.Span[at..]));
        at += FrameSize + message.Length;
        return message;
    }

    /// <summary>Removes the file.</summary>
    public void Dispose()
    {
        _file?.Dispose();
        spool.Release(_length);
        _length = 0;
    }

    private byte[] ReadAt(long offset)
    {
        Span<byte> frame = stackalloc byte[FrameSize];
        Fill(frame, offset);
        var message = new byte[BinaryPrimitives.ReadInt32LittleEndian(frame)];
        Fill(message, offset + FrameSize);
        return message;
    }

    private void Fill(Span<byte> target, long offset)
    {
        while (target.Length > 0)
        {
            var count = ReadFile(target, offset);
            target = target[count..];
            offset += count;
        }
    }

    private int ReadFile(Span<byte> target, long offset)
    {
        try
        {
            var count = RandomAccess.Read(_file!.SafeFileHandle, target, offset);
            return count > 0 ? count : throw Torn();
        }
        catch (IOException e)
        {
            throw spool.Failed(e);
        }
    }

    private static uint OidOf(ReadOnlySpan<byte> relation)
    {
        var reader = new PgOutputReader(relation);
        _ = reader.ReadByte();
        return reader.ReadUInt32();
    }

    private static NebulaException Torn() => new(ErrorKind.Fatal, "The file of a transaction that had not ended was shortened by somebody else. Run again.");
}

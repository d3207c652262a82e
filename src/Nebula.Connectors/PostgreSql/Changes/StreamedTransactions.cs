using System.Buffers.Binary;
using Nebula.Engine.Columns;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Gives the messages of the log in the order of commits. What the server sends of transactions that have not ended is put aside, and comes when they are
/// committed just as if it had been sent only then: behind the same begin, under the same numbers, without what was rolled back.
/// </summary>
/// <param name="spool">Where it is put.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class StreamedTransactions(TransactionSpool spool, BufferPool pool) : IDisposable
{
    private const int BlockSize = 256 << 10;
    private const int KindSize = sizeof(byte);
    private const int XidSize = sizeof(uint);
    private const int BeginSize = 21;
    private const int CommitSize = 26;
    private readonly Dictionary<uint, StreamedTransaction> _open = [];
    private readonly byte[] _control = new byte[CommitSize];
    private PooledBuffer _block = pool.Rent(0);
    private int _blockLength;
    private StreamedTransaction? _writing;
    private uint _xid;
    private StreamedTransaction? _reading;
    private int _readAt;
    private int _readEnd;
    private (ulong Commit, ulong End, ulong At) _committed;

    /// <summary>Transactions of which something was put aside.</summary>
    public int Open => _open.Count;

    /// <summary>Whether the messages come from what was put aside.</summary>
    public bool IsReplaying => _reading is not null;

    /// <summary>Takes the next message.</summary>
    /// <param name="buffer">What the server sent.</param>
    /// <param name="message">The message, good until the next call, or until more is fetched.</param>
    /// <returns>False when more has to be fetched.</returns>
    public bool TryTake(MessageBuffer buffer, out ReadOnlySpan<byte> message)
    {
        if (_reading is not null)
        {
            message = Replay();
            return true;
        }
        while (buffer.TryTake(out message))
        {
            if (message.Length == 0)
                return true;
            var reader = new PgOutputReader(message);
            switch ((PgOutputMessage)reader.ReadByte())
            {
                case PgOutputMessage.StreamStart:
                    Start(ref reader);
                    break;
                case PgOutputMessage.StreamStop:
                    Flush();
                    _writing = null;
                    break;
                case PgOutputMessage.StreamAbort:
                    Abort(ref reader);
                    break;
                case PgOutputMessage.StreamCommit:
                    Commit(ref reader);
                    message = _control.AsSpan(0, BeginSize);
                    return true;
                case PgOutputMessage.Origin when _writing is not null:
                    break;
                default:
                    if (_writing is null)
                        return true;
                    Add(ref reader, message);
                    break;
            }
        }
        return false;
    }

    /// <summary>Forgets everything.</summary>
    public void Dispose()
    {
        foreach (var transaction in _open.Values)
            transaction.Dispose();
        _open.Clear();
        _reading?.Dispose();
        _reading = null;
        _block.Dispose();
    }

    private void Start(ref PgOutputReader reader)
    {
        _xid = reader.ReadUInt32();
        if (_writing is not null)
            throw reader.Broken();
        if (!_open.TryGetValue(_xid, out _writing))
            _open.Add(_xid, _writing = new StreamedTransaction(spool));
        Lend();
        _blockLength = 0;
    }

    private void Add(ref PgOutputReader reader, ReadOnlySpan<byte> message)
    {
        var xid = reader.ReadUInt32();
        var length = message.Length - XidSize;
        if (_block.Capacity - _blockLength < StreamedTransaction.Overhead + length)
            Flush();
        if (xid != _xid)
            _writing!.Begin(xid, _blockLength);
        if (message[0] == (byte)PgOutputMessage.Relation)
            _writing!.AddRelation(_blockLength);
        StreamedTransaction.Frame(_block.Span[_blockLength..], length);
        _block.Span[_blockLength + StreamedTransaction.Overhead] = message[0];
        _blockLength += StreamedTransaction.Overhead + KindSize;
        var content = message[(KindSize + XidSize)..];
        if (content.Length > _block.Capacity - _blockLength)
        {
            Flush();
            _writing!.Write(content);
            return;
        }
        content.CopyTo(_block.Span[_blockLength..]);
        _blockLength += content.Length;
    }

    private void Flush()
    {
        _writing?.Write(_block.Span[.._blockLength]);
        _blockLength = 0;
    }

    // version 4 can tell where and when, which nothing depends on
    private void Abort(ref PgOutputReader reader)
    {
        var (xid, aborted) = (reader.ReadUInt32(), reader.ReadUInt32());
        if (!_open.TryGetValue(xid, out var transaction))
            return;
        if (xid != aborted)
        {
            transaction.Abort(aborted);
            return;
        }
        _open.Remove(xid);
        transaction.Dispose();
    }

    private void Commit(ref PgOutputReader reader)
    {
        var xid = reader.ReadUInt32();
        _ = reader.ReadByte();
        _committed = (reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64());
        if (!_open.Remove(xid, out _reading))
            _reading = new StreamedTransaction(spool);
        Lend();
        (_readAt, _readEnd) = (0, 0);
        var begin = _control.AsSpan();
        begin[0] = (byte)PgOutputMessage.Begin;
        BinaryPrimitives.WriteUInt64BigEndian(begin[1..], _committed.Commit);
        BinaryPrimitives.WriteUInt64BigEndian(begin[9..], _committed.At);
        BinaryPrimitives.WriteUInt32BigEndian(begin[17..], xid);
    }

    private ReadOnlySpan<byte> Replay()
    {
        if (_reading!.TryRead(ref _block, ref _readAt, ref _readEnd, pool))
            return StreamedTransaction.Take(_block, ref _readAt);
        _reading.Dispose();
        _reading = null;
        var commit = _control.AsSpan();
        (commit[0], commit[1]) = ((byte)PgOutputMessage.Commit, 0);
        BinaryPrimitives.WriteUInt64BigEndian(commit[2..], _committed.Commit);
        BinaryPrimitives.WriteUInt64BigEndian(commit[10..], _committed.End);
        BinaryPrimitives.WriteUInt64BigEndian(commit[18..], _committed.At);
        return commit;
    }

    // a log without large transactions needs none; one is never read while another is written
    private void Lend()
    {
        if (_block.Capacity >= BlockSize)
            return;
        _block.Dispose();
        _block = pool.Rent(BlockSize);
    }
}

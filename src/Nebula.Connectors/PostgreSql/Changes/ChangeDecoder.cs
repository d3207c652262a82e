using System.Buffers.Text;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Turns messages of pgoutput into changes of streams, and keeps account of the place in the log. Holds no connection and never waits.</summary>
/// <param name="streams">The streams.</param>
/// <param name="place">Where the log is read from: what is in front of it is left out.</param>
/// <param name="passed">The last transaction that was passed.</param>
/// <param name="isSentAgain">Whether the server has to send that again.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class ChangeDecoder(
    IReadOnlyList<ChangedRows> streams, LogPlace place, PassedTransaction passed, bool isSentAgain, BufferPool pool) : IDisposable
{
    // of each change its number counts twice: a change of a key is a delete and an insert
    private const int NumbersPerChange = 2;
    private const int LsnDigits = 16;
    private readonly Dictionary<uint, RelationMap?> _maps = [];
    private readonly uint[] _skipped = new uint[streams.Count];
    private readonly byte[] _position = new byte[LogPlace.TextLength + BufferPool.Padding];
    private PooledBuffer _places = pool.Rent(0);
    private readonly ulong _known = passed.Commit;
    private PassedTransaction? _expected = isSentAgain ? passed : null;
    private ChangedRows? _marked;
    private uint _lastOid;
    private RelationMap? _lastMap;
    private ulong _commit;
    private uint _done;
    private uint _skippedByAll;
    private long _committedAt;

    /// <summary>Up to where the log was read.</summary>
    public LogPlace Place { get; private set; } = place;

    /// <summary>The last transaction of captured tables that was passed.</summary>
    public PassedTransaction Passed { get; private set; } = passed;

    /// <summary>Whether the log turned out to be another than the one that was read before.</summary>
    public bool IsOverwritten { get; private set; }

    /// <summary>Whether a transaction has begun and not ended.</summary>
    public bool IsInTransaction { get; private set; }

    /// <summary>Number of changes since the last window.</summary>
    public int Changes { get; private set; }

    /// <summary>Bytes on loan for changes.</summary>
    public long BufferBytes
    {
        get
        {
            var bytes = 0L;
            foreach (var stream in streams)
                bytes += stream.BufferBytes;
            return bytes;
        }
    }

    /// <summary>Reads a message other than one that describes a table.</summary>
    /// <param name="message">The message, in a buffer of a pool.</param>
    /// <exception cref="DataFormatException">It is broken, or a column cannot hold a value.</exception>
    public void Decode(ReadOnlySpan<byte> message)
    {
        var reader = new PgOutputReader(message);
        switch ((PgOutputMessage)reader.ReadByte())
        {
            case PgOutputMessage.Begin:
                Begin(ref reader);
                break;
            case PgOutputMessage.Commit:
                _ = reader.ReadByte();
                _ = reader.ReadUInt64();
                Place = Max(Place, new LogPlace(reader.ReadUInt64()));
                IsInTransaction = false;
                break;
            case PgOutputMessage.Insert:
                if (MapOf(ref reader) is { } inserted)
                    Insert(ref reader, inserted, message);
                Done();
                break;
            case PgOutputMessage.Update:
                if (MapOf(ref reader) is { } updated)
                    Update(ref reader, updated, message);
                Done();
                break;
            case PgOutputMessage.Delete:
                if (MapOf(ref reader) is { } deleted)
                    Delete(ref reader, deleted, message);
                Done();
                break;
            case PgOutputMessage.Truncate:
                Truncate(ref reader);
                Done();
                break;
            case PgOutputMessage.Relation or PgOutputMessage.Type or PgOutputMessage.Origin or PgOutputMessage.Message:
                break;
            default:
                throw reader.Broken();
        }
        // it was read to its end, and stays whatever comes of the next
        _marked = null;
    }

    /// <summary>Sets how rows of a table are read from here on.</summary>
    /// <param name="relation">Number of the table.</param>
    /// <param name="map">How; null when no stream has them.</param>
    public void Map(uint relation, RelationMap? map)
    {
        _maps[relation] = map;
        _lastMap = null;
    }

    /// <summary>Goes on to a place up to which there is nothing more.</summary>
    /// <param name="lsn">The place.</param>
    public void Advance(ulong lsn)
    {
        if (_expected is { } expected && lsn > expected.Commit)
            throw Overwritten(expected);
        Place = Max(Place, new LogPlace(lsn));
    }

    /// <summary>Takes back what came of a message that could not be read to its end.</summary>
    public void Rewind() => _marked?.Rewind();

    /// <summary>Starts the next window.</summary>
    public void StartWindow() => Changes = 0;

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    private void Begin(ref PgOutputReader reader)
    {
        _commit = reader.ReadUInt64();
        _committedAt = (long)reader.ReadUInt64() + Epoch.MicrosecondsTo2000;
        var xid = reader.ReadUInt32();
        if (_expected is { } expected && _commit >= expected.Commit)
        {
            if (expected != new PassedTransaction(_commit, _committedAt))
                throw Overwritten(expected);
            _expected = null;
        }
        _done = 0;
        IsInTransaction = true;
        _ = Utf8Formatter.TryFormat(_commit, _position, out _, new System.Buffers.StandardFormat('X', LsnDigits));
        _position[LsnDigits] = (byte)'-';
        _skippedByAll = SkippedBefore(Place, null, xid);
        for (var i = 0; i < _skipped.Length; i++)
            _skipped[i] = Math.Max(_skippedByAll, SkippedBefore(streams[i].Start.Place, streams[i].Start.Seen, xid));
        if (_skippedByAll == 0)
            Place = Max(Place, new LogPlace(_commit));
    }

    /// <summary>How many changes of the transaction are known already.</summary>
    private uint SkippedBefore(LogPlace start, SeenTransactions? seen, uint xid) =>
        start.Lsn > _commit || seen?.Has(xid) == true ? uint.MaxValue : start.Lsn == _commit ? start.Done : 0;

    private RelationMap? MapOf(ref PgOutputReader reader)
    {
        var oid = reader.ReadUInt32();
        if (oid != _lastOid || _lastMap is null)
            (_lastOid, _lastMap) = (oid, _maps.GetValueOrDefault(oid));
        if (_lastMap is not { } map)
            return null;
        if (_commit > Passed.Commit)
            Passed = new PassedTransaction(_commit, _committedAt);
        if (_done < _skipped[map.Rows.Index])
        {
            // what lies in front of the place and was not passed was not there before
            if (_commit > _known && map.Rows.Start.Place.Lsn > _commit)
                throw Overwritten(Passed);
            return null;
        }
        if (map.IsFormer)
            throw ChangesLost.Recreated(map.Rows.Plan.Stream.Name);
        _marked = map.Rows;
        _marked.Mark();
        return map;
    }

    private NebulaException Overwritten(PassedTransaction transaction)
    {
        IsOverwritten = true;
        return ChangesLost.Overwritten(transaction);
    }

    private void Done()
    {
        if (++_done > uint.MaxValue / NumbersPerChange - 1)
            throw new NebulaException(ErrorKind.Limit, "A transaction has more than two thousand million changes. Read the streams anew behind it.");
        if (_done > _skippedByAll)
            Place = Max(Place, new LogPlace(_commit, _done));
    }

    private void Insert(ref PgOutputReader reader, RelationMap map, ReadOnlySpan<byte> message)
    {
        if (reader.ReadByte() != 'N')
            throw reader.Broken();
        var places = Places(map, 1);
        reader.ReadRow(places, FormOf(map));
        Append(map, (byte)'i', 0, message, places, default);
    }

    private void Update(ref PgOutputReader reader, RelationMap map, ReadOnlySpan<byte> message)
    {
        var places = Places(map, 2);
        var after = places[..(places.Length / 2)];
        var before = places[(places.Length / 2)..];
        var kind = reader.ReadByte();
        if (kind is (byte)'K' or (byte)'O')
        {
            reader.ReadRow(before, FormOf(map));
            if (reader.ReadByte() != 'N')
                throw reader.Broken();
        }
        else if (kind != 'N')
            throw reader.Broken();
        reader.ReadRow(after, FormOf(map));
        var known = kind == 'O' ? before : default;
        if (kind == 'N' || !IsOtherKey(map, message, before, after))
        {
            Append(map, (byte)'u', 0, message, after, known);
            return;
        }
        Append(map, (byte)'d', 0, message, before, default);
        Append(map, (byte)'i', 1, message, after, known);
    }

    private void Delete(ref PgOutputReader reader, RelationMap map, ReadOnlySpan<byte> message)
    {
        if (reader.ReadByte() is not ((byte)'K' or (byte)'O'))
            throw reader.Broken();
        var places = Places(map, 1);
        reader.ReadRow(places, FormOf(map));
        Append(map, (byte)'d', 0, message, places, default);
    }

    private void Truncate(ref PgOutputReader reader)
    {
        var count = reader.ReadUInt32();
        _ = reader.ReadByte();
        for (var i = 0u; i < count; i++)
            if (MapOf(ref reader) is { } map)
            {
                map.Rows.AppendTruncate(Stamp(0));
                Changes++;
            }
    }

    private static byte FormOf(RelationMap map) => map.Binary is null ? PgOutputReader.Text : PgOutputReader.Binary;

    private static bool IsOtherKey(RelationMap map, ReadOnlySpan<byte> message, ReadOnlySpan<int> before, ReadOnlySpan<int> after)
    {
        foreach (var column in map.Key)
        {
            var (oldLength, newLength) = (before[2 * column + 1], after[2 * column + 1]);
            if (newLength == PgOutputReader.Unchanged)
                continue;
            if (oldLength != newLength || newLength > 0
                && !message.Slice(before[2 * column], newLength).SequenceEqual(message.Slice(after[2 * column], newLength)))
                return true;
        }
        return false;
    }

    private void Append(RelationMap map, byte operation, uint number, ReadOnlySpan<byte> message, ReadOnlySpan<int> places, ReadOnlySpan<int> before)
    {
        fixed (byte* p = message)
            map.Rows.Append(map, operation, Stamp(number), p, places, before);
        Changes++;
    }

    // the first change has number 1, so that it stands behind the place of its transaction
    private ChangeStamp Stamp(uint number)
    {
        var rest = _done * NumbersPerChange + number + 1;
        var digits = _position.AsSpan((LsnDigits + 1)..LogPlace.TextLength);
        for (var i = digits.Length - 1; i >= 0; i--, rest >>= 4)
            digits[i] = "0123456789ABCDEF"u8[(int)(rest & 0xF)];
        return new ChangeStamp(_position.AsSpan(0, LogPlace.TextLength), _committedAt);
    }

    private Span<int> Places(RelationMap map, int rows)
    {
        var needed = 2 * map.Relation.Columns.Length * rows;
        if (_places.Capacity < needed * sizeof(int))
        {
            _places.Dispose();
            _places = pool.Rent(needed * sizeof(int));
        }
        return _places.As<int>()[..needed];
    }

    private static LogPlace Max(LogPlace a, LogPlace b) => a > b ? a : b;
}

using System.Collections.Immutable;
using System.Text;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>The changes of one stream in the window that is being read.</summary>
internal sealed unsafe class ChangedRows : IDisposable
{
    private const int SampleSize = 4096;
    private readonly RecordBatchBuilder _builder;
    private readonly TextForm[] _forms;
    private readonly ColumnBuilder _operation;
    private readonly ColumnBuilder _position;
    private readonly ColumnBuilder _committedAt;
    private readonly ColumnBuilder? _unchanged;
    private readonly bool[] _isKey;
    private readonly List<MissingValues> _missing = [];
    private readonly byte[] _unchangedBits;
    private readonly long _mostBytes;
    private int _marked;
    private int _lastLength;
    private PendingRows? _pending;
    private RelationMap? _pendingMap;

    /// <param name="index">Position of the stream among those of the log.</param>
    /// <param name="plan">The stream.</param>
    /// <param name="start">Where its changes start.</param>
    /// <param name="table">Its table.</param>
    /// <param name="context">Size of windows, and where buffers come from.</param>
    public ChangedRows(int index, StreamPlan plan, StreamStart start, CapturedTable table, ChangeContext context)
    {
        Index = index;
        Plan = plan;
        Start = start;
        Table = table;
        Columns = [.. TableDetails.Columns(plan)];
        _forms = [.. Columns.Select(static column => TextForms.Of(column.Wire, column.Field.Type))];
        // arrays and composites stand there as text until the window ends
        Schema = new Schema([
            .. Columns.Select((column, i) => _forms[i] == TextForm.Structured ? new Field(column.Field.Name, DataType.String) : column.Field),
                .. ChangeColumns.Of(plan),
        ]);
        _builder = new RecordBatchBuilder(context.Pool, Schema);
        var builders = _builder.Columns;
        (_operation, _position, _committedAt) = (builders[Columns.Length], builders[Columns.Length + 1], builders[Columns.Length + 2]);
        _unchanged = builders.Length > Columns.Length + ChangeColumns.Written.Count ? builders[^1] : null;
        _mostBytes = context.MaxBytes;
        _unchangedBits = new byte[(Columns.Length + 7) / 8];
        _isKey = [.. plan.Columns.Select(column => plan.PrimaryKey.Contains(column.Field.Name))];
    }

    /// <summary>Position of the stream among those of the log.</summary>
    public int Index { get; }

    /// <summary>The stream.</summary>
    public StreamPlan Plan { get; }

    /// <summary>Where its changes start.</summary>
    public StreamStart Start { get; }

    /// <summary>Its table as it was when it was last looked up.</summary>
    public CapturedTable Table { get; set; }

    /// <summary>How its columns are read.</summary>
    public ImmutableArray<ReadColumn> Columns { get; }

    /// <summary>The columns of the batches as they are built, those that tell the changes included.</summary>
    public Schema Schema { get; }

    /// <summary>Number of changes.</summary>
    public int Length => _builder.Length;

    /// <summary>Bytes on loan.</summary>
    public long BufferBytes => _builder.BufferBytes;

    /// <summary>Values that have to be read from the table, in the order of the rows.</summary>
    public IReadOnlyList<MissingValues> Missing => _missing;

    /// <summary>The form of a column.</summary>
    /// <param name="column">Its position.</param>
    public TextForm FormOf(int column) => _forms[column];

    /// <summary>Appends a row.</summary>
    /// <param name="map">Where the values stand.</param>
    /// <param name="operation">What happened to it.</param>
    /// <param name="stamp">Where and when.</param>
    /// <param name="message">The message, with a pool's padding behind it.</param>
    /// <param name="places">Where its values are.</param>
    /// <param name="before">Where the values are that it had before; empty when the log does not tell all of them.</param>
    /// <exception cref="DataFormatException">A column cannot hold a value.</exception>
    public void Append(RelationMap map, byte operation, in ChangeStamp stamp, byte* message, ReadOnlySpan<int> places, ReadOnlySpan<int> before)
    {
        var pending = map.Binary is null ? null : _pending ??= new PendingRows(Columns.Length);
        List<int>? missing = null;
        var hasUnchanged = false;
        // nearly all rows of a binary log have values and nulls alone, in the order of the columns
        if (pending is null || !map.IsInOrder || !pending.TrySet(message, places))
            missing = AppendEach(map, operation, message, places, before, out hasUnchanged);
        if (missing is not null && map.Finder.Length > 0)
            _missing.Add(new MissingValues(_builder.Length, missing, KeyOf(map, message, places, before)));
        AppendStamp(operation, stamp);
        if (hasUnchanged)
        {
            _unchanged!.AppendBytes(_unchangedBits);
            Array.Clear(_unchangedBits);
        }
        else
            _unchanged?.AppendNull();
        _builder.Length++;
        if (pending is not null)
        {
            _pendingMap = map;
            pending.Add();
            if (pending.IsFull)
                Flush();
        }
        if (_builder.Length == SampleSize && _lastLength > SampleSize)
            Prepare();
    }

    /// <summary>Reads what was appended of a binary log, before its messages are gone.</summary>
    /// <exception cref="TextNeededException">A value cannot be read so. What was appended since the last window is of no use then.</exception>
    public void Flush()
    {
        if (_pending is not { Length: > 0 })
            return;
        var map = _pendingMap!;
        for (var i = 0; i < map.Sources.Length; i++)
        {
            // of what the table does not have there are only nulls
            var wire = map.Sources[i] is >= 0 and var source ? map.Binary![source]!.Wire : PostgreSqlWire.Cast;
            if (!BinaryValues.TryAppend(_builder.Columns[i], wire, _pending.At(i), _pending.Lengths(i)))
                throw new TextNeededException();
        }
        _pending.Clear();
    }

    /// <summary>Appends that all rows went.</summary>
    /// <param name="stamp">Where and when.</param>
    public void AppendTruncate(in ChangeStamp stamp)
    {
        Flush();
        for (var i = 0; i < _forms.Length; i++)
            _builder.Columns[i].AppendNull();
        AppendStamp((byte)'t', stamp);
        _unchanged?.AppendNull();
        _builder.Length++;
    }

    /// <summary>Remembers the number of changes, for <see cref="Rewind"/>.</summary>
    public void Mark() => _marked = _builder.Length;

    /// <summary>Takes back what was appended since the mark, also half a row.</summary>
    public void Rewind()
    {
        var longest = 0;
        foreach (var column in _builder.Columns)
            longest = Math.Max(longest, column.Length);
        if (longest == _marked)
            return;
        foreach (var column in _builder.Columns)
            while (column.Length < longest)
                column.AppendNull();
        _builder.Length = longest;
        using var all = _builder.Build();
        _builder.AppendRange(all, 0, _marked);
        _missing.RemoveAll(values => values.Row >= _marked);
    }

    /// <summary>Makes a batch of the changes and starts anew.</summary>
    public RecordBatch Build()
    {
        Flush();
        _missing.Clear();
        (_marked, _lastLength) = (0, _builder.Length);
        return _builder.Build();
    }

    /// <inheritdoc/>
    public void Dispose() => _builder.Dispose();

    /// <summary>Appends the values of a row one by one; see <see cref="Append"/>.</summary>
    /// <returns>Positions of the columns whose values have to be read; null for none.</returns>
    private List<int>? AppendEach(
        RelationMap map, byte operation, byte* message, ReadOnlySpan<int> places, ReadOnlySpan<int> before, out bool hasUnchanged)
    {
        var builders = _builder.Columns.AsSpan();
        var sources = map.Sources;
        var pending = map.Binary is null ? null : _pending;
        List<int>? missing = null;
        hasUnchanged = false;
        for (var i = 0; i < sources.Length; i++)
        {
            var source = sources[i];
            var length = PgOutputReader.Unchanged;
            var at = 0;
            if (source >= 0)
            {
                (at, length) = (places[2 * source], places[2 * source + 1]);
                if (length == PgOutputReader.Unchanged && before.Length > 0)
                    (at, length) = (before[2 * source], before[2 * source + 1]);
            }
            pending?.Set(i, message + at, length);
            if (length >= 0)
            {
                if (pending is null && !TextValues.TryAppend(builders[i], _forms[i], message + at, length))
                    throw Fault(i, new ReadOnlySpan<byte>(message + at, length));
                continue;
            }
            if (length == PgOutputReader.OtherForm)
                throw new TextNeededException();
            if (pending is null)
                builders[i].AppendNull();
            if (length == PgOutputReader.Null || operation == (byte)'d')
                continue;
            // of a row that stays the destination has the value
            if (source >= 0 && _unchanged is not null && operation == (byte)'u' && !_isKey[i])
            {
                _unchangedBits[i >> 3] |= (byte)(1 << (i & 7));
                hasUnchanged = true;
            }
            else
                (missing ??= []).Add(i);
        }
        return missing;
    }

    /// <summary>Makes room for as many rows as the last window had, so that buffers need not grow step by step; for so many that it does not fill the window.</summary>
    private void Prepare()
    {
        var most = _mostBytes / 2 * SampleSize / Math.Max(_builder.BufferBytes, 1);
        foreach (var column in _builder.Columns)
            column.Prepare((int)Math.Min(_lastLength, most));
    }

    private void AppendStamp(byte operation, in ChangeStamp stamp)
    {
        _operation.AppendBytes(new ReadOnlySpan<byte>(in operation));
        fixed (byte* position = stamp.Position)
            _position.AppendPadded(position, stamp.Position.Length);
        _committedAt.Append(stamp.CommittedAt);
    }

    private static string?[] KeyOf(RelationMap map, byte* message, ReadOnlySpan<int> places, ReadOnlySpan<int> before)
    {
        var key = new string?[map.Finder.Length];
        for (var i = 0; i < key.Length; i++)
        {
            var (at, length) = (places[2 * map.Finder[i]], places[2 * map.Finder[i] + 1]);
            if (length == PgOutputReader.Unchanged && before.Length > 0)
                (at, length) = (before[2 * map.Finder[i]], before[2 * map.Finder[i] + 1]);
            key[i] = length switch
            {
                PgOutputReader.OtherForm => throw new TextNeededException(),
                < 0 => null,
                _ when map.Binary is null => Encoding.UTF8.GetString(message + at, length),
                _ => (map.Binary[map.Finder[i]] is { } type ? BinaryValues.TextOf(type.Wire, type.Type, new ReadOnlySpan<byte>(message + at, length)) : null)
                    ?? throw new TextNeededException(),
            };
        }
        return key;
    }

    private DataFormatException Fault(int column, ReadOnlySpan<byte> text) => new(
        TextValues.Fault(Columns[column].Field.Type, text), new SourceLocation(Plan.Stream.Name, Column: Plan.Columns[column].SourceName));
}

/// <summary>Values of a row that the log does not tell.</summary>
/// <param name="Row">Position of the row.</param>
/// <param name="Columns">Positions of the columns, ascending.</param>
/// <param name="Key">What the row is found by, as text.</param>
internal sealed record MissingValues(int Row, List<int> Columns, string?[] Key);

/// <summary>Where in the log a change stands, and when it was committed.</summary>
/// <param name="position">The place as text, with a pool's padding behind it.</param>
/// <param name="committedAt">Microseconds since 1970-01-01, UTC.</param>
internal readonly ref struct ChangeStamp(ReadOnlySpan<byte> position, long committedAt)
{
    /// <summary>The place as text.</summary>
    public ReadOnlySpan<byte> Position { get; } = position;

    /// <summary>Microseconds since 1970-01-01, UTC.</summary>
    public long CommittedAt { get; } = committedAt;
}

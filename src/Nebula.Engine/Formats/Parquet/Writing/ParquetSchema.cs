using System.Collections.Immutable;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>
/// How a schema is written: the elements of the footer, and the tree that rows are taken apart by (LogicalTypes.md, lists and maps in three levels).
/// </summary>
internal sealed class ParquetSchema
{
    // Levels are kept in bytes.
    private const int MaxLevel = byte.MaxValue;
    private readonly ImmutableArray<SchemaElement>.Builder _elements = ImmutableArray.CreateBuilder<SchemaElement>();
    private readonly ImmutableArray<LeafField>.Builder _leaves = ImmutableArray.CreateBuilder<LeafField>();

    /// <summary>Maps a schema.</summary>
    /// <param name="schema">The columns.</param>
    /// <exception cref="NebulaException">A column cannot be stored: it has a struct without fields, or is nested too deep.</exception>
    public ParquetSchema(Schema schema)
    {
        _elements.Add(new SchemaElement("schema") { ChildCount = schema.Fields.Length });
        Roots = [.. schema.Fields.Select(field => Add(field.Name, field.Type, field.Nullable, new Levels([], 0, 0)))];
        Elements = _elements.DrainToImmutable();
        Leaves = _leaves.DrainToImmutable();
    }

    /// <summary>The schema as the footer lists it.</summary>
    public ImmutableArray<SchemaElement> Elements { get; }

    /// <summary>One node per column.</summary>
    public ImmutableArray<WriteNode> Roots { get; }

    /// <summary>The leaves in the order of the file.</summary>
    public ImmutableArray<LeafField> Leaves { get; }

    private WriteNode Add(string name, DataType type, bool isNullable, Levels parent)
    {
        var levels = parent.Enter(name, isNullable, isRepeated: false);
        if (levels.Definition >= MaxLevel - 1)
            throw new NebulaException(ErrorKind.Schema, $"The column \"{parent.Path.FirstOrDefault(name)}\" is nested more than {MaxLevel / 2} levels deep, "
                + "which cannot be written as Parquet. Leave it out, or give it the type json.");
        var repetition = isNullable ? Repetition.Optional : Repetition.Required;
        return type.Kind switch
        {
            TypeKind.Struct => AddStruct(name, type, isNullable, repetition, levels),
            TypeKind.List => AddList(name, type, isNullable, repetition, levels),
            TypeKind.Map => AddMap(name, type, isNullable, repetition, levels),
            _ => AddLeaf(name, type, isNullable, repetition, levels),
        };
    }

    private WriteNode AddStruct(string name, DataType type, bool isNullable, Repetition repetition, Levels levels)
    {
        if (type.Fields.IsEmpty)
            throw new NebulaException(ErrorKind.Schema, $"The column \"{string.Join('.', levels.Path)}\" is a struct without fields, "
                + "which Parquet cannot store. Leave it out, or give it the type json.");
        _elements.Add(new SchemaElement(name) { Repetition = repetition, ChildCount = type.Fields.Length });
        return new WriteNode(type, isNullable, [.. type.Fields.Select(field => Add(field.Name, field.Type, field.Nullable, levels))], null);
    }

    private WriteNode AddList(string name, DataType type, bool isNullable, Repetition repetition, Levels levels)
    {
        _elements.Add(new SchemaElement(name)
        {
            Repetition = repetition,
            ChildCount = 1,
            ConvertedType = ConvertedType.List,
            LogicalType = new LogicalType(LogicalTypeKind.List),
        });
        _elements.Add(new SchemaElement("list") { Repetition = Repetition.Repeated, ChildCount = 1 });
        var element = type.Fields[0];
        var repeated = levels.Enter("list", isNullable: false, isRepeated: true);
        return new WriteNode(type, isNullable, [Add("element", element.Type, element.Nullable, repeated)], null);
    }

    private WriteNode AddMap(string name, DataType type, bool isNullable, Repetition repetition, Levels levels)
    {
        _elements.Add(new SchemaElement(name)
        {
            Repetition = repetition,
            ChildCount = 1,
            ConvertedType = ConvertedType.Map,
            LogicalType = new LogicalType(LogicalTypeKind.Map),
        });
        _elements.Add(new SchemaElement("key_value") { Repetition = Repetition.Repeated, ChildCount = 2 });
        var entry = levels.Enter("key_value", isNullable: false, isRepeated: true);
        var (key, value) = (type.Fields[0], type.Fields[1]);
        return new WriteNode(type, isNullable, [Add("key", key.Type, isNullable: false, entry), Add("value", value.Type, value.Nullable, entry)], null);
    }

    private WriteNode AddLeaf(string name, DataType type, bool isNullable, Repetition repetition, Levels levels)
    {
        var element = ParquetTypes.Describe(name, type) with { Repetition = repetition };
        _elements.Add(element);
        var leaf = new LeafField(type, levels.Path)
        {
            Index = _leaves.Count,
            PhysicalType = element.Type!.Value,
            TypeLength = element.TypeLength ?? 0,
            MaxDefinitionLevel = levels.Definition,
            MaxRepetitionLevel = levels.Repetition,
            IsNullable = isNullable,
        };
        _leaves.Add(leaf);
        return new WriteNode(type, isNullable, [], leaf);
    }

    /// <summary>Where in the tree a node is.</summary>
    private readonly record struct Levels(ImmutableArray<string> Path, int Definition, int Repetition)
    {
        public Levels Enter(string name, bool isNullable, bool isRepeated) =>
            new(Path.Add(name), Definition + (isNullable || isRepeated ? 1 : 0), Repetition + (isRepeated ? 1 : 0));
    }
}

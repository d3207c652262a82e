using System.Collections.Immutable;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Turns the flat list of schema elements into columns, by the rules for nested types and their historical forms (LogicalTypes.md, "Nested
/// Types").</summary>
internal sealed class SchemaTree
{
    // a list takes two levels, so this is more than a hundred lists within lists of structs
    private const int MaxDepth = 512;
    private readonly ImmutableArray<SchemaElement> _elements;
    private readonly ParquetReadOptions _options;
    private readonly ImmutableArray<SchemaLeaf>.Builder _leaves = ImmutableArray.CreateBuilder<SchemaLeaf>();
    private readonly List<string> _path = [];
    private int _next;

    private SchemaTree(ImmutableArray<SchemaElement> elements, ParquetReadOptions options) => (_elements, _options) = (elements, options);

    /// <summary>Builds the columns of a file.</summary>
    /// <param name="elements">Its schema elements, depth first.</param>
    /// <param name="options">What the user wants.</param>
    /// <param name="leaves">All leaves in order.</param>
    /// <returns>The columns. Groups without any leaf are left out: the file has no data for them.</returns>
    /// <exception cref="ParquetFault">The elements are no tree, or lie too deep.</exception>
    public static ImmutableArray<SchemaNode> Build(ImmutableArray<SchemaElement> elements, ParquetReadOptions options, out ImmutableArray<SchemaLeaf> leaves)
    {
        var tree = new SchemaTree(elements, options);
        var root = tree.Parse(0);
        if (tree._next != elements.Length)
            throw new ParquetFault($"the schema has {elements.Length - tree._next} elements that belong to no group");
        var nodes = tree.Fields(root, new Levels(0, 0, 0));
        leaves = tree._leaves.DrainToImmutable();
        return nodes;
    }

    private Raw Parse(int depth)
    {
        if (depth > MaxDepth)
            throw new ParquetFault($"the schema is nested more than {MaxDepth} groups deep", -1, "Write the file with a flatter schema.");
        if (_next >= _elements.Length)
            throw new ParquetFault("the schema has fewer elements than its groups announce");
        var element = _elements[_next++];
        if (element.ChildCount is < 0 || element.ChildCount > _elements.Length - _next)
            throw new ParquetFault($"the group \"{element.Name}\" announces {element.ChildCount} children where {_elements.Length - _next} elements are left");
        if (element.Type is not null && element.ChildCount is > 0)
            throw new ParquetFault($"the field \"{element.Name}\" is both a group and a value");
        if (element.Type is null && element.ChildCount is null)
            throw new ParquetFault($"the field \"{element.Name}\" is neither a group nor a value");
        var children = new Raw[element.ChildCount ?? 0];
        for (var i = 0; i < children.Length; i++)
            children[i] = Parse(depth + 1);
        return new Raw(element, children);
    }

    private ImmutableArray<SchemaNode> Fields(Raw group, Levels levels)
    {
        var fields = ImmutableArray.CreateBuilder<SchemaNode>(group.Children.Length);
        foreach (var child in group.Children)
            if (child.HasLeaf)
                fields.Add(Field(child, levels));
        return fields.DrainToImmutable();
    }

    /// <summary>A field of a group, as its repetition says.</summary>
    private SchemaNode Field(Raw raw, Levels levels)
    {
        _path.Add(raw.Element.Name);
        var node = raw.Element.Repetition switch
        {
            Repetition.Repeated => ListOf(raw.Element.Name, false, levels, inner => Body(raw, inner, isNullable: false)),
            Repetition.Optional => Body(raw, levels with { Definition = levels.Definition + 1 }, isNullable: true),
            _ => Body(raw, levels, isNullable: false),
        };
        _path.RemoveAt(_path.Count - 1);
        return node;
    }

    /// <summary>A field whose own repetition is already in its levels.</summary>
    private SchemaNode Body(Raw raw, Levels levels, bool isNullable)
    {
        if (raw.Element.Type is not null)
            return Leaf(raw.Element, levels, isNullable);
        if (IsList(raw.Element) && raw.Children is [{ IsRepeated: true } repeated])
            return ListOf(raw.Element.Name, isNullable, levels, inner => Element(raw, repeated, inner));
        if (IsMap(raw.Element) && raw.Children is [{ IsRepeated: true, Element.Type: null } entries])
            switch (entries.Children)
            {
                case [{ IsRepeated: false, HasLeaf: true }, { IsRepeated: false, HasLeaf: true }]:
                    return MapOf(raw, entries, levels, isNullable);
                case [{ IsRepeated: false }]:
                    return ListOf(raw.Element.Name, isNullable, levels, inner => Within(entries, () => Field(entries.Children[0], inner)));
            }
        return StructOf(raw, levels, isNullable);
    }

    /// <summary>The element of a list, by the backward-compatibility rules.</summary>
    private SchemaNode Element(Raw list, Raw repeated, Levels levels)
    {
        // rules 1 to 4: the repeated field is the element itself
        var isElement = repeated.Element.Type is not null || repeated.Children.Length != 1 || repeated.Children[0].IsRepeated
            || repeated.Element.Name == "array" || repeated.Element.Name == list.Element.Name + "_tuple" || IsList(repeated.Element) || IsMap(repeated.Element);
        return Within(repeated, () => isElement ? Body(repeated, levels, isNullable: false) : Field(repeated.Children[0], levels));
    }

    private SchemaNode Within(Raw group, Func<SchemaNode> make)
    {
        _path.Add(group.Element.Name);
        var node = make();
        _path.RemoveAt(_path.Count - 1);
        return node;
    }

    private static SchemaNode ListOf(string name, bool isNullable, Levels levels, Func<Levels, SchemaNode> makeElement)
    {
        var elementLevel = levels.Definition + 1;
        var element = makeElement(new Levels(elementLevel, levels.Repetition + 1, elementLevel));
        return new SchemaNode
        {
            Name = name,
            Kind = SchemaNodeKind.List,
            Type = DataType.List(element.Type),
            IsNullable = isNullable,
            SlotLevel = levels.Slot,
            DefinitionLevel = levels.Definition,
            RepetitionLevel = levels.Repetition + 1,
            ElementLevel = elementLevel,
            Children = [element],
            FirstLeaf = element.FirstLeaf,
            LeafCount = element.LeafCount,
        };
    }

    private SchemaNode MapOf(Raw map, Raw entries, Levels levels, bool isNullable)
    {
        var elementLevel = levels.Definition + 1;
        var inner = new Levels(elementLevel, levels.Repetition + 1, elementLevel);
        _path.Add(entries.Element.Name);
        var key = Field(entries.Children[0], inner);
        var value = Field(entries.Children[1], inner);
        _path.RemoveAt(_path.Count - 1);
        return new SchemaNode
        {
            Name = map.Element.Name,
            Kind = SchemaNodeKind.Map,
            Type = DataType.Map(key.Type, value.Type),
            IsNullable = isNullable,
            SlotLevel = levels.Slot,
            DefinitionLevel = levels.Definition,
            RepetitionLevel = levels.Repetition + 1,
            ElementLevel = elementLevel,
            Children = [key, value],
            FirstLeaf = key.FirstLeaf,
            LeafCount = key.LeafCount + value.LeafCount,
        };
    }

    private SchemaNode StructOf(Raw group, Levels levels, bool isNullable)
    {
        var first = _leaves.Count;
        var children = Fields(group, levels);
        return new SchemaNode
        {
            Name = group.Element.Name,
            Kind = SchemaNodeKind.Struct,
            Type = DataType.Struct([.. children.Select(static child => child.ToField())]),
            IsNullable = isNullable,
            SlotLevel = levels.Slot,
            DefinitionLevel = levels.Definition,
            RepetitionLevel = levels.Repetition,
            Children = children,
            FirstLeaf = first,
            LeafCount = _leaves.Count - first,
        };
    }

    private SchemaNode Leaf(SchemaElement element, Levels levels, bool isNullable)
    {
        var type = LeafType.Of(element, _options);
        var leaf = new SchemaLeaf(_leaves.Count, string.Join('.', _path), element, type, levels.Definition, levels.Repetition);
        _leaves.Add(leaf);
        return new SchemaNode
        {
            Name = element.Name,
            Kind = SchemaNodeKind.Leaf,
            Type = type.Type,
            IsNullable = isNullable,
            SlotLevel = levels.Slot,
            DefinitionLevel = levels.Definition,
            RepetitionLevel = levels.Repetition,
            Leaf = leaf,
            FirstLeaf = leaf.Index,
            LeafCount = 1,
        };
    }

    private static bool IsList(SchemaElement element) => element.LogicalType?.Kind == LogicalTypeKind.List || element.ConvertedType == ConvertedType.List;

    // some old writers put MAP_KEY_VALUE on the map itself
    private static bool IsMap(SchemaElement element) =>
        element.LogicalType?.Kind == LogicalTypeKind.Map || element.ConvertedType is ConvertedType.Map or ConvertedType.MapKeyValue;

    /// <summary>Where a field lies.</summary>
    /// <param name="Definition">Definition level at which it is there.</param>
    /// <param name="Repetition">Repetition level of the lists around it.</param>
    /// <param name="Slot">Definition level at which the lists around it have an element.</param>
    private readonly record struct Levels(int Definition, int Repetition, int Slot);

    private sealed record Raw(SchemaElement Element, Raw[] Children)
    {
        public bool IsRepeated => Element.Repetition == Repetition.Repeated;

        public bool HasLeaf { get; } = Element.Type is not null || Array.Exists(Children, static child => child.HasLeaf);
    }
}

using System.Collections.Immutable;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>What a node of the schema becomes.</summary>
internal enum SchemaNodeKind
{
    /// <summary>A column of values.</summary>
    Leaf,

    /// <summary>A struct.</summary>
    Struct,

    /// <summary>A list.</summary>
    List,

    /// <summary>A map.</summary>
    Map,
}

/// <summary>A node of the schema as columns see it: repeated groups are gone, lists and maps have their elements as children.</summary>
/// <remarks>Levels are those of README.md, "Nested Encoding", of the format: how many optional and repeated fields on the path are there.</remarks>
internal sealed class SchemaNode
{
    /// <summary>Name of the field.</summary>
    public required string Name { get; init; }

    /// <summary>What it becomes.</summary>
    public required SchemaNodeKind Kind { get; init; }

    /// <summary>Type of the column.</summary>
    public required DataType Type { get; init; }

    /// <summary>Whether values may be null.</summary>
    public required bool IsNullable { get; init; }

    /// <summary>Definition level from which on there is a slot: the elements of the lists around it exist.</summary>
    public required int SlotLevel { get; init; }

    /// <summary>Definition level from which on the slot is not null.</summary>
    public required int DefinitionLevel { get; init; }

    /// <summary>Repetition level of the elements of a list or map, elsewhere of the lists around it.</summary>
    public required int RepetitionLevel { get; init; }

    /// <summary>Definition level from which on a list or map has an element.</summary>
    public int ElementLevel { get; init; }

    /// <summary>Fields of a struct, the element of a list, key and value of a map.</summary>
    public ImmutableArray<SchemaNode> Children { get; init; } = [];

    /// <summary>The leaf of a column of values; null elsewhere.</summary>
    public SchemaLeaf? Leaf { get; init; }

    /// <summary>Position of the first leaf at or below the node among all leaves of the file.</summary>
    public required int FirstLeaf { get; init; }

    /// <summary>Number of leaves at or below the node.</summary>
    public required int LeafCount { get; init; }

    /// <summary>The field of a schema that the node is.</summary>
    public Field ToField() => new(Name, Type, IsNullable);
}

/// <summary>A leaf of the schema: what column chunks hold.</summary>
/// <param name="Index">Position among all leaves.</param>
/// <param name="Path">Names from below the root, joined by dots.</param>
/// <param name="Element">What the footer says of it.</param>
/// <param name="Type">What its values become.</param>
/// <param name="MaxDefinitionLevel">Greatest definition level.</param>
/// <param name="MaxRepetitionLevel">Greatest repetition level.</param>
internal sealed record SchemaLeaf(int Index, string Path, SchemaElement Element, LeafType Type, int MaxDefinitionLevel, int MaxRepetitionLevel);

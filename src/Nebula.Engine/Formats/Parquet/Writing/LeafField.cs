using System.Collections.Immutable;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>A leaf of the schema: what has pages.</summary>
/// <param name="Type">Type of the values.</param>
/// <param name="Path">Names from below the root to the leaf, as the file has them.</param>
internal sealed record LeafField(DataType Type, ImmutableArray<string> Path)
{
    /// <summary>Position among the leaves.</summary>
    public required int Index { get; init; }

    /// <summary>How values are stored.</summary>
    public required PhysicalType PhysicalType { get; init; }

    /// <summary>Bytes of a value of <see cref="PhysicalType.FixedLenByteArray"/>; 0 elsewhere.</summary>
    public required int TypeLength { get; init; }

    /// <summary>Definition level of a value that is there.</summary>
    public required int MaxDefinitionLevel { get; init; }

    /// <summary>Number of lists around the leaf.</summary>
    public required int MaxRepetitionLevel { get; init; }

    /// <summary>Whether a value may be null where its parent is not.</summary>
    public required bool IsNullable { get; init; }

    /// <summary>The leaf for messages.</summary>
    public string Name => string.Join('.', Path);
}

/// <summary>A node of the schema tree as it is written.</summary>
/// <param name="Type">Its type.</param>
/// <param name="IsNullable">Whether it may be null where its parent is not.</param>
/// <param name="Children">Fields of a struct, the element of a list, key and value of a map; none for a leaf.</param>
/// <param name="Leaf">What it is when it has no children.</param>
internal sealed record WriteNode(DataType Type, bool IsNullable, ImmutableArray<WriteNode> Children, LeafField? Leaf);

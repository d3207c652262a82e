using System.Collections.Immutable;
using System.Text;

namespace Nebula.Engine.Formats.Orc.Metadata;

/// <summary>Kinds of types, numbered as in files (ORC v1, "Type Information").</summary>
internal enum OrcTypeKind : byte
{
    Boolean = 0,
    Byte = 1,
    Short = 2,
    Int = 3,
    Long = 4,
    Float = 5,
    Double = 6,
    String = 7,
    Binary = 8,
    Timestamp = 9,
    List = 10,
    Map = 11,
    Struct = 12,
    Union = 13,
    Decimal = 14,
    Date = 15,
    Varchar = 16,
    Char = 17,
    TimestampInstant = 18,
    Geometry = 19,
    Geography = 20,
}

/// <summary>A node of the type tree.</summary>
/// <param name="Kind">Its kind.</param>
/// <param name="Id">Its number in the file, by which streams refer to it.</param>
internal sealed record OrcType(OrcTypeKind Kind, int Id)
{
    /// <summary>Types of the fields, elements, key and value, or variants.</summary>
    public ImmutableArray<OrcType> Children { get; init; } = [];

    /// <summary>Names of the fields of a struct.</summary>
    public ImmutableArray<string> FieldNames { get; init; } = [];

    /// <summary>Characters that a char or varchar can hold.</summary>
    public uint MaximumLength { get; init; }

    /// <summary>Digits of a decimal; 0 in files of Hive 0.11, whose decimals have any number.</summary>
    public uint Precision { get; init; }

    /// <summary>Digits of a decimal behind the point.</summary>
    public uint Scale { get; init; }

    /// <summary>Whether it has children.</summary>
    public bool IsNested => !Children.IsEmpty;

    /// <summary>Greatest number of a node below this one, or its own.</summary>
    public int LastId => Children.IsEmpty ? Id : Children.Max(static child => child.LastId);

    /// <summary>Renders the type as Hive declares it.</summary>
    public override string ToString() => Kind switch
    {
        OrcTypeKind.Byte => "tinyint",
        OrcTypeKind.Short => "smallint",
        OrcTypeKind.Long => "bigint",
        OrcTypeKind.TimestampInstant => "timestamp with local time zone",
        OrcTypeKind.Char or OrcTypeKind.Varchar => $"{Kind.ToString().ToLowerInvariant()}({MaximumLength})",
        OrcTypeKind.Decimal => $"decimal({Precision},{Scale})",
        OrcTypeKind.List => $"array<{string.Join(',', Children)}>",
        OrcTypeKind.Map => $"map<{string.Join(',', Children)}>",
        OrcTypeKind.Union => $"uniontype<{string.Join(',', Children)}>",
        OrcTypeKind.Struct => Fields(),
        _ => Kind.ToString().ToLowerInvariant(),
    };

    private string Fields()
    {
        var text = new StringBuilder("struct<");
        for (var i = 0; i < Children.Length; i++)
            text.Append(i > 0 ? "," : "").Append(FieldNames[i]).Append(':').Append(Children[i]);
        return text.Append('>').ToString();
    }
}

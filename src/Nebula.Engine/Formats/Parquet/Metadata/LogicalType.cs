namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>What values of a field mean (<c>LogicalType</c>, described in LogicalTypes.md). Parts that the kind does not have are at their defaults.</summary>
/// <param name="Kind">Which member of the union is set.</param>
internal sealed record LogicalType(LogicalTypeKind Kind)
{
    /// <summary>Digits of a decimal.</summary>
    public int Precision { get; init; }

    /// <summary>Digits behind the point of a decimal.</summary>
    public int Scale { get; init; }

    /// <summary>Unit of a time or timestamp.</summary>
    public LogicalTimeUnit Unit { get; init; }

    /// <summary>Whether a time or timestamp is UTC; else it is local to nowhere.</summary>
    public bool IsAdjustedToUtc { get; init; }

    /// <summary>Bits of an integer: 8, 16, 32 or 64.</summary>
    public int BitWidth { get; init; }

    /// <summary>Whether an integer has a sign.</summary>
    public bool IsSigned { get; init; }

    /// <summary>Coordinate reference system of a geometry or geography; null where the default holds.</summary>
    public string? Crs { get; init; }

    /// <summary>Number of the algorithm that joins points of a geography (<c>EdgeInterpolationAlgorithm</c>); null where the default holds.</summary>
    public int? EdgeAlgorithm { get; init; }

    /// <summary>Version of the specification that a variant follows; null when it is not said.</summary>
    public int? VariantVersion { get; init; }
}

/// <summary>The members of the union <c>LogicalType</c>, by field id.</summary>
internal enum LogicalTypeKind
{
    /// <summary>Text.</summary>
    String = 1,

    /// <summary>Map.</summary>
    Map = 2,

    /// <summary>List.</summary>
    List = 3,

    /// <summary>Text that is one of a few names.</summary>
    Enum = 4,

    /// <summary>Decimal.</summary>
    Decimal = 5,

    /// <summary>Date.</summary>
    Date = 6,

    /// <summary>Time of day.</summary>
    Time = 7,

    /// <summary>Timestamp.</summary>
    Timestamp = 8,

    /// <summary>Integer of a width, with or without sign.</summary>
    Integer = 10,

    /// <summary>Always null.</summary>
    Unknown = 11,

    /// <summary>JSON text.</summary>
    Json = 12,

    /// <summary>BSON document.</summary>
    Bson = 13,

    /// <summary>UUID.</summary>
    Uuid = 14,

    /// <summary>Half precision.</summary>
    Float16 = 15,

    /// <summary>Variant.</summary>
    Variant = 16,

    /// <summary>Geometry as WKB.</summary>
    Geometry = 17,

    /// <summary>Geography as WKB.</summary>
    Geography = 18,

    /// <summary>Reference to a file.</summary>
    File = 19,
}

/// <summary>Unit of times and timestamps, by field id of the union <c>TimeUnit</c>.</summary>
internal enum LogicalTimeUnit
{
    /// <summary>Not said.</summary>
    None = 0,

    /// <summary>10^-3 seconds.</summary>
    Millis = 1,

    /// <summary>10^-6 seconds.</summary>
    Micros = 2,

    /// <summary>10^-9 seconds.</summary>
    Nanos = 3,
}

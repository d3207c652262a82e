using System.Collections.Immutable;
using System.Globalization;

namespace Nebula.Engine.Formats.Arrow.Metadata;

/// <summary>The union <c>Type</c> of Schema.fbs.</summary>
internal enum ArrowTypeId : byte
{
    None, Null, Int, FloatingPoint, Binary, Utf8, Bool, Decimal, Date, Time, Timestamp, Interval, List, Struct, Union, FixedSizeBinary, FixedSizeList, Map,
    Duration,
    LargeBinary, LargeUtf8, LargeList, RunEndEncoded, BinaryView, Utf8View, ListView, LargeListView,
}

/// <summary><c>TimeUnit</c> of Schema.fbs.</summary>
internal enum ArrowTimeUnit : short { Second, Millisecond, Microsecond, Nanosecond }

/// <summary><c>DateUnit</c> of Schema.fbs.</summary>
internal enum ArrowDateUnit : short { Day, Millisecond }

/// <summary><c>IntervalUnit</c> of Schema.fbs.</summary>
internal enum ArrowIntervalUnit : short { YearMonth, DayTime, MonthDayNano }

/// <summary><c>Precision</c> of Schema.fbs.</summary>
internal enum ArrowPrecision : short { Half, Single, Double }

/// <summary><c>UnionMode</c> of Schema.fbs.</summary>
internal enum ArrowUnionMode : short { Sparse, Dense }

/// <summary>A type as a file declares it. Only what its <see cref="Id"/> needs is set.</summary>
/// <param name="Id">Which type.</param>
internal sealed record ArrowType(ArrowTypeId Id)
{
    /// <summary>Bits of an integer or decimal, or of a time of day.</summary>
    public int BitWidth { get; init; }

    /// <summary>Whether an integer has a sign.</summary>
    public bool IsSigned { get; init; }

    /// <summary>Unit of a date (<see cref="ArrowDateUnit"/>), time, timestamp or duration (<see cref="ArrowTimeUnit"/>), or interval
    /// (<see cref="ArrowIntervalUnit"/>);
    /// precision of a floating point number (<see cref="ArrowPrecision"/>); mode of a union (<see cref="ArrowUnionMode"/>).</summary>
    public short Unit { get; init; }

    /// <summary>Zone of a timestamp; null when it has none.</summary>
    public string? Zone { get; init; }

    /// <summary>Digits of a decimal.</summary>
    public int Precision { get; init; }

    /// <summary>Digits of a decimal behind the point; may be negative.</summary>
    public int Scale { get; init; }

    /// <summary>Bytes of a fixed-size binary value, elements of a fixed-size list.</summary>
    public int Size { get; init; }

    /// <summary>The number that stands for each child of a union; empty when it is the child's position.</summary>
    public ImmutableArray<int> TypeIds { get; init; } = [];

    /// <summary>Renders the type as the Arrow libraries do: <c>timestamp[ms, tz=UTC]</c>.</summary>
    public override string ToString() => Id switch
    {
        ArrowTypeId.Int => string.Create(CultureInfo.InvariantCulture, $"{(IsSigned ? "" : "u")}int{BitWidth}"),
        ArrowTypeId.FloatingPoint => (ArrowPrecision)Unit switch { ArrowPrecision.Half => "halffloat", ArrowPrecision.Single => "float", _ => "double" },
        ArrowTypeId.Utf8 => "utf8",
        ArrowTypeId.Decimal => string.Create(CultureInfo.InvariantCulture, $"decimal{BitWidth}({Precision}, {Scale})"),
        ArrowTypeId.Date => (ArrowDateUnit)Unit == ArrowDateUnit.Day ? "date32[day]" : "date64[ms]",
        ArrowTypeId.Time => string.Create(CultureInfo.InvariantCulture, $"time{BitWidth}[{UnitName}]"),
        ArrowTypeId.Timestamp => Zone is null ? $"timestamp[{UnitName}]" : $"timestamp[{UnitName}, tz={Zone}]",
        ArrowTypeId.Duration => $"duration[{UnitName}]",
        ArrowTypeId.Interval => (ArrowIntervalUnit)Unit switch
        {
            ArrowIntervalUnit.YearMonth => "month_interval",
            ArrowIntervalUnit.DayTime => "day_time_interval",
            _ => "month_day_nano_interval",
        },
        ArrowTypeId.FixedSizeBinary => string.Create(CultureInfo.InvariantCulture, $"fixed_size_binary[{Size}]"),
        ArrowTypeId.FixedSizeList => string.Create(CultureInfo.InvariantCulture, $"fixed_size_list[{Size}]"),
        ArrowTypeId.Union => (ArrowUnionMode)Unit == ArrowUnionMode.Dense ? "dense_union" : "sparse_union",
        ArrowTypeId.LargeBinary => "large_binary",
        ArrowTypeId.LargeUtf8 => "large_utf8",
        ArrowTypeId.LargeList => "large_list",
        ArrowTypeId.RunEndEncoded => "run_end_encoded",
        ArrowTypeId.BinaryView => "binary_view",
        ArrowTypeId.Utf8View => "utf8_view",
        ArrowTypeId.ListView => "list_view",
        ArrowTypeId.LargeListView => "large_list_view",
        _ => Id.ToString().ToLowerInvariant(),
    };

    private string UnitName => (ArrowTimeUnit)Unit switch
    {
        ArrowTimeUnit.Second => "s",
        ArrowTimeUnit.Millisecond => "ms",
        ArrowTimeUnit.Microsecond => "us",
        _ => "ns",
    };
}

/// <summary>How a field is dictionary-encoded (<c>DictionaryEncoding</c> of Schema.fbs).</summary>
/// <param name="Id">Which dictionary; several fields may share one.</param>
/// <param name="IndexType">Type of the positions in it: an integer.</param>
internal sealed record ArrowDictionaryEncoding(long Id, ArrowType IndexType);

/// <summary>A field as a file declares it (<c>Field</c> of Schema.fbs).</summary>
/// <param name="Name">Its name; may be empty.</param>
/// <param name="Type">Its type; of a dictionary-encoded field that of the dictionary's values.</param>
/// <param name="Nullable">Whether it may be null.</param>
/// <param name="Children">Fields of nested types.</param>
internal sealed record ArrowField(string Name, ArrowType Type, bool Nullable, ImmutableArray<ArrowField> Children)
{
    /// <summary>The dictionary; null when values stand in the batches themselves.</summary>
    public ArrowDictionaryEncoding? Dictionary { get; init; }

    /// <summary>Name of the extension type (<c>ARROW:extension:name</c>); null when it is none.</summary>
    public string? Extension { get; init; }
}

/// <summary>A schema as a file declares it (<c>Schema</c> of Schema.fbs).</summary>
/// <param name="Fields">The columns.</param>
/// <param name="IsBigEndian">Whether values in bodies have their most significant byte first.</param>
/// <param name="Metadata">Keys and values that the writer added.</param>
internal sealed record ArrowSchema(ImmutableArray<ArrowField> Fields, bool IsBigEndian, ImmutableArray<KeyValuePair<string, string>> Metadata);

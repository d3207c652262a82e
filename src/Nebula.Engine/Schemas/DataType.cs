using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Nebula.Engine.Schemas;

/// <summary>
/// The type of a column: a kind and what it needs to be complete (precision and scale, unit and zone, child fields). Immutable, compared by value.
/// </summary>
public sealed class DataType : IEquatable<DataType>
{
    /// <summary>Most digits a decimal can have.</summary>
    public const int MaxDecimalPrecision = 38;

    /// <summary>Most digits of a decimal that is stored in 8 bytes.</summary>
    public const int MaxDecimal64Precision = 18;

    private DataType(TypeKind kind) => Kind = kind;

    /// <summary>The kind of value.</summary>
    public TypeKind Kind { get; }

    /// <summary>Number of significant digits of a decimal, 1 to 38; 0 for other kinds.</summary>
    public int Precision { get; private init; }

    /// <summary>Number of digits behind the point of a decimal, 0 to <see cref="Precision"/>; 0 for other kinds.</summary>
    public int Scale { get; private init; }

    /// <summary>Resolution of a timestamp.</summary>
    public TimeUnit Unit { get; private init; }

    /// <summary>The zone of a timestamp whose values are UTC (an IANA name, or "UTC"); null for a timestamp without zone.</summary>
    public string? Zone { get; private init; }

    /// <summary>The fields of a struct; the one element field of a list; the key and value fields of a map; empty for other kinds.</summary>
    public ImmutableArray<Field> Fields { get; private init; } = [];

    /// <summary>True or false.</summary>
    public static DataType Bool { get; } = new(TypeKind.Bool);

    /// <summary>Signed 8-bit integer.</summary>
    public static DataType Int8 { get; } = new(TypeKind.Int8);

    /// <summary>Signed 16-bit integer.</summary>
    public static DataType Int16 { get; } = new(TypeKind.Int16);

    /// <summary>Signed 32-bit integer.</summary>
    public static DataType Int32 { get; } = new(TypeKind.Int32);

    /// <summary>Signed 64-bit integer.</summary>
    public static DataType Int64 { get; } = new(TypeKind.Int64);

    /// <summary>Unsigned 8-bit integer.</summary>
    public static DataType UInt8 { get; } = new(TypeKind.UInt8);

    /// <summary>Unsigned 16-bit integer.</summary>
    public static DataType UInt16 { get; } = new(TypeKind.UInt16);

    /// <summary>Unsigned 32-bit integer.</summary>
    public static DataType UInt32 { get; } = new(TypeKind.UInt32);

    /// <summary>Unsigned 64-bit integer.</summary>
    public static DataType UInt64 { get; } = new(TypeKind.UInt64);

    /// <summary>Single precision.</summary>
    public static DataType Float32 { get; } = new(TypeKind.Float32);

    /// <summary>Double precision.</summary>
    public static DataType Float64 { get; } = new(TypeKind.Float64);

    /// <summary>Calendar date.</summary>
    public static DataType Date { get; } = new(TypeKind.Date);

    /// <summary>Time of day in microseconds.</summary>
    public static DataType Time { get; } = new(TypeKind.Time);

    /// <summary>Time of day in nanoseconds.</summary>
    public static DataType TimeNanoseconds { get; } = new(TypeKind.Time) { Unit = TimeUnit.Nanosecond };

    /// <summary>UTF-8 text.</summary>
    public static DataType String { get; } = new(TypeKind.String);

    /// <summary>Bytes.</summary>
    public static DataType Binary { get; } = new(TypeKind.Binary);

    /// <summary>UUID.</summary>
    public static DataType Uuid { get; } = new(TypeKind.Uuid);

    /// <summary>JSON text.</summary>
    public static DataType Json { get; } = new(TypeKind.Json);

    /// <summary>Makes a decimal type.</summary>
    /// <param name="precision">Significant digits, 1 to 38.</param>
    /// <param name="scale">Digits behind the point, 0 to <paramref name="precision"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its range.</exception>
    public static DataType Decimal(int precision, int scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(precision, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(precision, MaxDecimalPrecision);
        ArgumentOutOfRangeException.ThrowIfNegative(scale);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scale, precision);
        return new DataType(TypeKind.Decimal) { Precision = precision, Scale = scale };
    }

    /// <summary>Makes a timestamp type.</summary>
    /// <param name="unit">Resolution.</param>
    /// <param name="zone">Zone of values that are UTC; null for values without zone.</param>
    public static DataType Timestamp(TimeUnit unit = TimeUnit.Microsecond, string? zone = null) => new(TypeKind.Timestamp) { Unit = unit, Zone = zone };

    /// <summary>Makes a list type.</summary>
    /// <param name="element">Type of the elements, which may be null.</param>
    public static DataType List(DataType element) => new(TypeKind.List) { Fields = [new Field("item", element)] };

    /// <summary>Makes a struct type.</summary>
    /// <param name="fields">Its fields in order.</param>
    public static DataType Struct(params ImmutableArray<Field> fields) => new(TypeKind.Struct) { Fields = fields };

    /// <summary>Makes a map type.</summary>
    /// <param name="key">Type of the keys.</param>
    /// <param name="value">Type of the values, which may be null.</param>
    public static DataType Map(DataType key, DataType value) =>
        new(TypeKind.Map) { Fields = [new Field("key", key, nullable: false), new Field("value", value)] };

    /// <summary>Makes a nested type of its children, whichever of them may be null.</summary>
    /// <param name="kind">List, struct or map.</param>
    /// <param name="children">What <see cref="Fields"/> is to be.</param>
    /// <exception cref="ArgumentException">The kind has no children, or not so many.</exception>
    public static DataType Nested(TypeKind kind, ImmutableArray<Field> children) => (kind, children.Length) switch
    {
        (TypeKind.List, 1) or (TypeKind.Map, 2) or (TypeKind.Struct, _) => new DataType(kind) { Fields = children },
        _ => throw new ArgumentException($"A {kind} has not {children.Length} children.", nameof(children)),
    };

    /// <summary>Whether values are stored as offsets into a buffer of bytes: string, binary, json.</summary>
    public bool IsVariableBinary => Kind is TypeKind.String or TypeKind.Binary or TypeKind.Json;

    /// <summary>Whether the type has child columns: list, struct, map.</summary>
    public bool IsNested => Kind is TypeKind.List or TypeKind.Struct or TypeKind.Map;

    /// <summary>Whether values are integers of any width.</summary>
    public bool IsInteger => Kind is >= TypeKind.Int8 and <= TypeKind.UInt64;

    /// <summary>Bytes of one value in the values buffer: 1 to 16; 0 where values are bits, offsets or children.</summary>
    public int ByteWidth => Kind switch
    {
        TypeKind.Int8 or TypeKind.UInt8 => 1,
        TypeKind.Int16 or TypeKind.UInt16 => 2,
        TypeKind.Int32 or TypeKind.UInt32 or TypeKind.Float32 or TypeKind.Date => 4,
        TypeKind.Int64 or TypeKind.UInt64 or TypeKind.Float64 or TypeKind.Time or TypeKind.Timestamp => 8,
        TypeKind.Decimal => Precision <= MaxDecimal64Precision ? 8 : 16,
        TypeKind.Uuid => 16,
        _ => 0,
    };

    /// <summary>
    /// Reads the text form that <see cref="ToString"/> writes and pipeline files use: <c>decimal(38,9)</c>, <c>timestamp(ns, UTC)</c>,
    /// <c>list&lt;int64&gt;</c>.
    /// </summary>
    /// <param name="text">The text; case does not matter.</param>
    /// <returns>The type, or null when the text names none.</returns>
    public static DataType? Parse(string text) => new DataTypeParser(text).Parse();

    /// <inheritdoc/>
    public bool Equals(DataType? other) =>
        other is not null && Kind == other.Kind && Precision == other.Precision && Scale == other.Scale && Unit == other.Unit && Zone == other.Zone
        && Fields.AsSpan().SequenceEqual(other.Fields.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as DataType);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = HashCode.Combine(Kind, Precision, Scale, Unit, Zone);
        foreach (var field in Fields)
            hash = HashCode.Combine(hash, field);
        return hash;
    }

    /// <summary>Renders the type as pipeline files write it.</summary>
    public override string ToString() => Kind switch
    {
        TypeKind.Decimal => string.Create(CultureInfo.InvariantCulture, $"decimal({Precision},{Scale})"),
        TypeKind.Timestamp => (Unit, Zone) switch
        {
            (TimeUnit.Microsecond, null) => "timestamp",
            (TimeUnit.Nanosecond, null) => "timestamp(ns)",
            (TimeUnit.Microsecond, _) => $"timestamp({Zone})",
            _ => $"timestamp(ns, {Zone})",
        },
        TypeKind.Time => Unit == TimeUnit.Nanosecond ? "time(ns)" : "time",
        TypeKind.List => $"list<{Fields[0].Type}>",
        TypeKind.Map => $"map<{Fields[0].Type}, {Fields[1].Type}>",
        TypeKind.Struct => Fields.Aggregate(new StringBuilder("struct<"),
            (s, f) => s.Append(s.Length > 7 ? ", " : "").Append(f.Name).Append(": ").Append(f.Type)).Append('>').ToString(),
        TypeKind.Bool => "bool",
        TypeKind.Int8 => "int8",
        TypeKind.Int16 => "int16",
        TypeKind.Int32 => "int32",
        TypeKind.Int64 => "int64",
        TypeKind.UInt8 => "uint8",
        TypeKind.UInt16 => "uint16",
        TypeKind.UInt32 => "uint32",
        TypeKind.UInt64 => "uint64",
        TypeKind.Float32 => "float32",
        TypeKind.Float64 => "float64",
        TypeKind.Date => "date",
        TypeKind.String => "string",
        TypeKind.Binary => "binary",
        TypeKind.Uuid => "uuid",
        TypeKind.Json => "json",
        _ => throw new UnreachableException(),
    };
}

using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>How types are stored (LogicalTypes.md).</summary>
internal static class ParquetTypes
{
    /// <summary>Most digits of a decimal that is stored in 4 bytes.</summary>
    public const int MaxInt32Precision = 9;

    /// <summary>How a type is stored, for people.</summary>
    /// <param name="type">The type.</param>
    public static TypeMapping Map(DataType type) => type.Kind switch
    {
        TypeKind.Bool => new("BOOLEAN"),
        TypeKind.Int8 => new("INT32 INTEGER(8, signed)"),
        TypeKind.Int16 => new("INT32 INTEGER(16, signed)"),
        TypeKind.Int32 => new("INT32"),
        TypeKind.Int64 => new("INT64"),
        TypeKind.UInt8 => new("INT32 INTEGER(8, unsigned)"),
        TypeKind.UInt16 => new("INT32 INTEGER(16, unsigned)"),
        TypeKind.UInt32 => new("INT32 INTEGER(32, unsigned)"),
        TypeKind.UInt64 => new("INT64 INTEGER(64, unsigned)"),
        TypeKind.Float32 => new("FLOAT"),
        TypeKind.Float64 => new("DOUBLE"),
        TypeKind.Decimal => new(type.Precision switch
        {
            <= MaxInt32Precision => "INT32 DECIMAL",
            <= DataType.MaxDecimal64Precision => "INT64 DECIMAL",
            _ => $"FIXED_LEN_BYTE_ARRAY({DecimalBytes(type.Precision)}) DECIMAL",
        }),
        TypeKind.Date => new("INT32 DATE"),
        TypeKind.Time => new($"INT64 TIME({UnitName(type)}, local)"),
        TypeKind.Timestamp when type.Zone is null => new($"INT64 TIMESTAMP({UnitName(type)}, local)"),
        TypeKind.Timestamp when type.Zone == "UTC" => new($"INT64 TIMESTAMP({UnitName(type)}, UTC)"),
        TypeKind.Timestamp => new($"INT64 TIMESTAMP({UnitName(type)}, UTC)", Fidelity.Widened, "the instant is kept, the name of its zone is not"),
        TypeKind.String => new("BYTE_ARRAY STRING"),
        TypeKind.Binary => new("BYTE_ARRAY"),
        TypeKind.Uuid => new("FIXED_LEN_BYTE_ARRAY(16) UUID"),
        TypeKind.Json => new("BYTE_ARRAY JSON"),
        TypeKind.List => new("group LIST"),
        TypeKind.Map => new("group MAP"),
        TypeKind.Struct when type.Fields.IsEmpty => new("group", Fidelity.Impossible, "a group must have a field"),
        TypeKind.Struct => new("group"),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No such type."),
    };

    /// <summary>The schema element of a leaf, without its repetition. Meanings are given in the old way too where it has them.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Its type, not nested.</param>
    public static SchemaElement Describe(string name, DataType type)
    {
        var element = new SchemaElement(name);
        return type.Kind switch
        {
            TypeKind.Bool => element with { Type = PhysicalType.Boolean },
            TypeKind.Int8 => Integer(element, 8, isSigned: true, ConvertedType.Int8),
            TypeKind.Int16 => Integer(element, 16, isSigned: true, ConvertedType.Int16),
            TypeKind.Int32 => element with { Type = PhysicalType.Int32 },
            TypeKind.Int64 => element with { Type = PhysicalType.Int64 },
            TypeKind.UInt8 => Integer(element, 8, isSigned: false, ConvertedType.UInt8),
            TypeKind.UInt16 => Integer(element, 16, isSigned: false, ConvertedType.UInt16),
            TypeKind.UInt32 => Integer(element, 32, isSigned: false, ConvertedType.UInt32),
            TypeKind.UInt64 => Integer(element, 64, isSigned: false, ConvertedType.UInt64),
            TypeKind.Float32 => element with { Type = PhysicalType.Float },
            TypeKind.Float64 => element with { Type = PhysicalType.Double },
            TypeKind.Decimal => Decimal(element, type),
            TypeKind.Date => Meaning(element, PhysicalType.Int32, ConvertedType.Date, LogicalTypeKind.Date),
            TypeKind.Time => Time(element, type),
            TypeKind.Timestamp => Timestamp(element, type),
            TypeKind.String => Meaning(element, PhysicalType.ByteArray, ConvertedType.Utf8, LogicalTypeKind.String),
            TypeKind.Binary => element with { Type = PhysicalType.ByteArray },
            TypeKind.Uuid => element with { Type = PhysicalType.FixedLenByteArray, TypeLength = 16, LogicalType = new LogicalType(LogicalTypeKind.Uuid) },
            TypeKind.Json => Meaning(element, PhysicalType.ByteArray, ConvertedType.Json, LogicalTypeKind.Json),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Nested types have no element of their own here."),
        };
    }

    /// <summary>Bytes that hold every decimal of so many digits.</summary>
    /// <param name="precision">Number of digits, 1 to 38.</param>
    public static int DecimalBytes(int precision)
    {
        var largest = Int128.One;
        for (var i = 0; i < precision; i++)
            largest *= 10;
        var bits = 1;
        for (; largest > 0; largest >>= 1)
            bits++;
        return (bits + 7) / 8;
    }

    private static SchemaElement Meaning(SchemaElement element, PhysicalType type, ConvertedType converted, LogicalTypeKind logical) =>
        element with { Type = type, ConvertedType = converted, LogicalType = new LogicalType(logical) };

    private static SchemaElement Integer(SchemaElement element, int bits, bool isSigned, ConvertedType converted) => element with
    {
        Type = bits == 64 ? PhysicalType.Int64 : PhysicalType.Int32,
        ConvertedType = converted,
        LogicalType = new LogicalType(LogicalTypeKind.Integer) { BitWidth = bits, IsSigned = isSigned },
    };

    private static SchemaElement Decimal(SchemaElement element, DataType type) => element with
    {
        Type = type.Precision switch
        {
            <= MaxInt32Precision => PhysicalType.Int32,
            <= DataType.MaxDecimal64Precision => PhysicalType.Int64,
            _ => PhysicalType.FixedLenByteArray,
        },
        TypeLength = type.Precision > DataType.MaxDecimal64Precision ? DecimalBytes(type.Precision) : null,
        ConvertedType = ConvertedType.Decimal,
        Precision = type.Precision,
        Scale = type.Scale,
        LogicalType = new LogicalType(LogicalTypeKind.Decimal) { Precision = type.Precision, Scale = type.Scale },
    };

    // The old meanings say nothing about zones, and readers take them for UTC: they are given where that is so.
    private static SchemaElement Time(SchemaElement element, DataType type) => element with
    {
        Type = PhysicalType.Int64,
        LogicalType = new LogicalType(LogicalTypeKind.Time) { Unit = UnitOf(type) },
    };

    private static SchemaElement Timestamp(SchemaElement element, DataType type) => element with
    {
        Type = PhysicalType.Int64,
        ConvertedType = type.Zone is not null && type.Unit == TimeUnit.Microsecond ? ConvertedType.TimestampMicros : null,
        LogicalType = new LogicalType(LogicalTypeKind.Timestamp) { Unit = UnitOf(type), IsAdjustedToUtc = type.Zone is not null },
    };

    private static LogicalTimeUnit UnitOf(DataType type) => type.Unit == TimeUnit.Nanosecond ? LogicalTimeUnit.Nanos : LogicalTimeUnit.Micros;

    private static string UnitName(DataType type) => type.Unit == TimeUnit.Nanosecond ? "NANOS" : "MICROS";
}

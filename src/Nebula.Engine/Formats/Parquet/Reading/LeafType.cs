using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>What the stored values of a leaf become (LogicalTypes.md).</summary>
/// <param name="Type">Type of the column.</param>
/// <param name="Conversion">Turns stored values of fixed width into those of the column; null where they are the same, or byte arrays.</param>
/// <param name="Refusal">Why the leaf cannot be read; null when it can.</param>
internal sealed record LeafType(DataType Type, ValueConversion? Conversion = null, string? Refusal = null)
{
    private static readonly DataType Interval = DataType.Struct(
        new Field("months", DataType.UInt32, nullable: false), new Field("days", DataType.UInt32, nullable: false),
        new Field("millis", DataType.UInt32, nullable: false));

    /// <summary>Whether values are months, days and milliseconds in 12 bytes, which become a struct.</summary>
    public bool IsInterval => ReferenceEquals(Type, Interval);

    /// <summary>Finds what the values of a leaf become.</summary>
    /// <param name="element">What the footer says of it.</param>
    /// <param name="options">What the user wants.</param>
    public static LeafType Of(SchemaElement element, ParquetReadOptions options)
    {
        if (element is { Type: PhysicalType.FixedLenByteArray, TypeLength: not > 0 })
            return Refused(element, $"has values of a fixed length of {element.TypeLength ?? 0} bytes");
        return element.LogicalType is { } logical ? OfLogical(element, logical, options)
            : element.ConvertedType is { } converted ? OfConverted(element, converted, options)
            : OfPhysical(element, options);
    }

    private static LeafType OfLogical(SchemaElement element, LogicalType logical, ParquetReadOptions options) => (logical.Kind, element.Type) switch
    {
        (LogicalTypeKind.String or LogicalTypeKind.Enum, PhysicalType.ByteArray) => new(DataType.String),
        (LogicalTypeKind.Json, PhysicalType.ByteArray) => new(DataType.Json),
        (LogicalTypeKind.Bson or LogicalTypeKind.Geometry or LogicalTypeKind.Geography, PhysicalType.ByteArray) => new(DataType.Binary),
        (LogicalTypeKind.Uuid, PhysicalType.FixedLenByteArray) when element.TypeLength == 16 => new(DataType.Uuid),
        (LogicalTypeKind.Float16, PhysicalType.FixedLenByteArray) when element.TypeLength == 2 => new(DataType.Float32, new Float16ToFloat32()),
        (LogicalTypeKind.Decimal, _) => OfDecimal(element, logical.Precision, logical.Scale),
        (LogicalTypeKind.Date, PhysicalType.Int32) => new(DataType.Date),
        (LogicalTypeKind.Integer, PhysicalType.Int32 or PhysicalType.Int64) => OfInteger(element, logical.BitWidth, logical.IsSigned),
        (LogicalTypeKind.Time, _) => OfTime(element, logical.Unit),
        (LogicalTypeKind.Timestamp, PhysicalType.Int64) => OfTimestamp(element, logical.Unit, logical.IsAdjustedToUtc),
        (LogicalTypeKind.Unknown or LogicalTypeKind.List or LogicalTypeKind.Map or LogicalTypeKind.Variant or LogicalTypeKind.File, _) =>
            OfPhysical(element, options),
        _ => Contradiction(element, logical.Kind.ToString()),
    };

    private static LeafType OfConverted(SchemaElement element, ConvertedType converted, ParquetReadOptions options) => (converted, element.Type) switch
    {
        (ConvertedType.Utf8 or ConvertedType.Enum, PhysicalType.ByteArray) => new(DataType.String),
        (ConvertedType.Json, PhysicalType.ByteArray) => new(DataType.Json),
        (ConvertedType.Bson, PhysicalType.ByteArray) => new(DataType.Binary),
        (ConvertedType.Utf8 or ConvertedType.Enum or ConvertedType.Bson, PhysicalType.FixedLenByteArray) => OfPhysical(element, options),
        (ConvertedType.Decimal, _) => OfDecimal(element, element.Precision ?? 0, element.Scale ?? -1),
        (ConvertedType.Date, PhysicalType.Int32) => new(DataType.Date),
        (ConvertedType.TimeMillis, PhysicalType.Int32) => OfTime(element, LogicalTimeUnit.Millis),
        (ConvertedType.TimeMicros, PhysicalType.Int64) => OfTime(element, LogicalTimeUnit.Micros),
        (ConvertedType.TimestampMillis, PhysicalType.Int64) => OfTimestamp(element, LogicalTimeUnit.Millis, isUtc: true),
        (ConvertedType.TimestampMicros, PhysicalType.Int64) => OfTimestamp(element, LogicalTimeUnit.Micros, isUtc: true),
        (ConvertedType.UInt8, PhysicalType.Int32) => OfInteger(element, 8, isSigned: false),
        (ConvertedType.UInt16, PhysicalType.Int32) => OfInteger(element, 16, isSigned: false),
        (ConvertedType.UInt32, PhysicalType.Int32) => OfInteger(element, 32, isSigned: false),
        (ConvertedType.UInt64, PhysicalType.Int64) => OfInteger(element, 64, isSigned: false),
        (ConvertedType.Int8, PhysicalType.Int32) => OfInteger(element, 8, isSigned: true),
        (ConvertedType.Int16, PhysicalType.Int32) => OfInteger(element, 16, isSigned: true),
        (ConvertedType.Int32, PhysicalType.Int32) => new(DataType.Int32),
        (ConvertedType.Int64, PhysicalType.Int64) => new(DataType.Int64),
        (ConvertedType.Interval, PhysicalType.FixedLenByteArray) when element.TypeLength == 12 => new(Interval),
        (ConvertedType.List or ConvertedType.Map or ConvertedType.MapKeyValue, _) => OfPhysical(element, options),
        _ => Contradiction(element, converted.ToString()),
    };

    private static LeafType OfPhysical(SchemaElement element, ParquetReadOptions options) => element.Type switch
    {
        PhysicalType.Boolean => new(DataType.Bool),
        PhysicalType.Int32 => new(DataType.Int32),
        PhysicalType.Int64 => new(DataType.Int64),
        PhysicalType.Float => new(DataType.Float32),
        PhysicalType.Double => new(DataType.Float64),
        PhysicalType.Int96 => new(DataType.Timestamp(options.Int96Unit), new Int96ToTimestamp(options.Int96Unit == TimeUnit.Microsecond)),
        PhysicalType.ByteArray when options.BinaryAsString => new(DataType.String),
        _ => new(DataType.Binary),
    };

    private static LeafType OfInteger(SchemaElement element, int bits, bool isSigned) => (element.Type, bits, isSigned) switch
    {
        (PhysicalType.Int32, 8, true) => new(DataType.Int8, new NarrowInt32(1, isSigned: true)),
        (PhysicalType.Int32, 16, true) => new(DataType.Int16, new NarrowInt32(2, isSigned: true)),
        (PhysicalType.Int32, 32, true) => new(DataType.Int32),
        (PhysicalType.Int64, 64, true) => new(DataType.Int64),
        (PhysicalType.Int32, 8, false) => new(DataType.UInt8, new NarrowInt32(1, isSigned: false)),
        (PhysicalType.Int32, 16, false) => new(DataType.UInt16, new NarrowInt32(2, isSigned: false)),
        (PhysicalType.Int32, 32, false) => new(DataType.UInt32),
        (PhysicalType.Int64, 64, false) => new(DataType.UInt64),
        _ => Contradiction(element, $"integer of {bits} bits"),
    };

    private static LeafType OfTime(SchemaElement element, LogicalTimeUnit unit) => (element.Type, unit) switch
    {
        (PhysicalType.Int32, LogicalTimeUnit.Millis) => new(DataType.Time, new WidenInt32(1000)),
        (PhysicalType.Int64, LogicalTimeUnit.Micros) => new(DataType.Time),
        (PhysicalType.Int64, LogicalTimeUnit.Nanos) => new(DataType.TimeNanoseconds),
        _ => Contradiction(element, $"time of unit {unit}"),
    };

    private static LeafType OfTimestamp(SchemaElement element, LogicalTimeUnit unit, bool isUtc)
    {
        var zone = isUtc ? "UTC" : null;
        return unit switch
        {
            LogicalTimeUnit.Millis => new(DataType.Timestamp(TimeUnit.Microsecond, zone), new MillisecondsToMicroseconds()),
            LogicalTimeUnit.Micros => new(DataType.Timestamp(TimeUnit.Microsecond, zone)),
            LogicalTimeUnit.Nanos => new(DataType.Timestamp(TimeUnit.Nanosecond, zone)),
            _ => Contradiction(element, "timestamp of an unknown unit"),
        };
    }

    private static LeafType OfDecimal(SchemaElement element, int precision, int scale)
    {
        if (precision < 1 || scale < 0 || scale > precision)
            return Refused(element, $"is a decimal of {precision} digits with {(scale < 0 ? "no number of digits" : $"{scale}")} behind the point");
        if (scale > DataType.MaxDecimalPrecision)
            return Refused(element, $"is a decimal with {scale} digits behind the point, more than the {DataType.MaxDecimalPrecision} that are supported");
        // what has more digits is read as long as each value fits
        var type = DataType.Decimal(Math.Min(precision, DataType.MaxDecimalPrecision), scale);
        var wide = type.ByteWidth == 16;
        return element.Type switch
        {
            PhysicalType.Int32 => new(type, wide ? new WidenToInt128(sizeof(int)) : new WidenInt32(1)),
            PhysicalType.Int64 => new(type, wide ? new WidenToInt128(sizeof(long)) : null),
            PhysicalType.FixedLenByteArray => new(type, new BigEndianDecimal(element.TypeLength ?? 0, type.ByteWidth)),
            PhysicalType.ByteArray => new(type),
            _ => Contradiction(element, "decimal"),
        };
    }

    private static LeafType Contradiction(SchemaElement element, string meaning) => Refused(element, $"is declared as {meaning} and stored as {element.Type}");

    private static LeafType Refused(SchemaElement element, string reason) => new(
        element.Type == PhysicalType.Boolean ? DataType.Bool : DataType.Binary, null,
            $"the column {reason}, which the format does not allow or Nebula cannot represent");
}

using System.Collections.Immutable;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Formats.Arrow.Reading;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow;

/// <summary>How types of files become types of columns, and the other way round.</summary>
internal static class ArrowTypeMapping
{
    // Digits of decimal256.
    private const int LargestPrecision = 76;

    /// <summary>The column type of a field; of a dictionary-encoded one that of its values.</summary>
    /// <param name="field">The field.</param>
    /// <param name="children">The plans of its children.</param>
    /// <param name="refusal">Why its values cannot be read; null when they can. The type is then a stand-in.</param>
    public static DataType ToDataType(ArrowField field, ImmutableArray<ColumnPlan> children, out string? refusal)
    {
        refusal = null;
        var type = field.Type;
        switch (type.Id)
        {
            case ArrowTypeId.Bool:
                return DataType.Bool;
            case ArrowTypeId.Int:
                return IntegerType(type);
            case ArrowTypeId.FloatingPoint:
                return (ArrowPrecision)type.Unit == ArrowPrecision.Double ? DataType.Float64 : DataType.Float32;
            case ArrowTypeId.Decimal:
                return DecimalType(type, out refusal);
            case ArrowTypeId.Date:
                return (ArrowDateUnit)type.Unit == ArrowDateUnit.Day ? DataType.Date : DataType.Timestamp();
            case ArrowTypeId.Time:
                return (ArrowTimeUnit)type.Unit == ArrowTimeUnit.Nanosecond ? DataType.TimeNanoseconds : DataType.Time;
            case ArrowTypeId.Timestamp:
                return DataType.Timestamp((ArrowTimeUnit)type.Unit == ArrowTimeUnit.Nanosecond ? TimeUnit.Nanosecond : TimeUnit.Microsecond, type.Zone);
            case ArrowTypeId.Interval:
                return IntervalType((ArrowIntervalUnit)type.Unit);
            case ArrowTypeId.Duration:
                return DataType.Int64;
            case ArrowTypeId.Utf8 or ArrowTypeId.LargeUtf8 or ArrowTypeId.Utf8View:
                return field.Extension == JsonExtension ? DataType.Json : DataType.String;
            case ArrowTypeId.FixedSizeBinary when type.Size == 16 && field.Extension == UuidExtension:
                return DataType.Uuid;
            case ArrowTypeId.Binary or ArrowTypeId.LargeBinary or ArrowTypeId.BinaryView or ArrowTypeId.FixedSizeBinary:
                return DataType.Binary;
            case ArrowTypeId.List or ArrowTypeId.LargeList or ArrowTypeId.ListView or ArrowTypeId.LargeListView or ArrowTypeId.FixedSizeList:
                return DataType.List(children[0].Type);
            case ArrowTypeId.Map:
                return DataType.Map(children[0].Children[0].Type, children[0].Children[1].Type);
            case ArrowTypeId.Struct:
                return DataType.Struct([.. children.Select(AsField)]);
            case ArrowTypeId.Union:
                var members = UnionMembers(children);
                return members.Length == 1 ? members[0].Type : DataType.Struct([.. members.Select(AsField)]);
            case ArrowTypeId.RunEndEncoded:
                return children[1].Type;
            default:
                return DataType.Json;
        }
    }

    /// <summary>How a type is written. Everything is kept; it is read back as the same type.</summary>
    public static TypeMapping Describe(DataType type)
    {
        var field = ToField(new Field("", type));
        return new TypeMapping(field.Extension is null ? field.Type.ToString() : $"{field.Type} ({field.Extension})");
    }

    /// <summary>The field that a column is written as.</summary>
    /// <param name="column">Its name and type.</param>
    public static ArrowField ToField(Field column)
    {
        var type = column.Type;
        ImmutableArray<ArrowField> children = type.Kind switch
        {
            TypeKind.List or TypeKind.Struct => [.. type.Fields.Select(ToField)],
            TypeKind.Map => [new ArrowField("entries", new ArrowType(ArrowTypeId.Struct), false, [.. type.Fields.Select(ToField)])],
            _ => [],
        };
        return new ArrowField(column.Name, ToArrowType(type), column.Nullable, children)
        {
            Extension = type.Kind switch { TypeKind.Uuid => UuidExtension, TypeKind.Json => JsonExtension, _ => null },
        };
    }

    private static ArrowType ToArrowType(DataType type) => type.Kind switch
    {
        TypeKind.Bool => new ArrowType(ArrowTypeId.Bool),
        TypeKind.Float32 => new ArrowType(ArrowTypeId.FloatingPoint) { Unit = (short)ArrowPrecision.Single },
        TypeKind.Float64 => new ArrowType(ArrowTypeId.FloatingPoint) { Unit = (short)ArrowPrecision.Double },
        TypeKind.Decimal => new ArrowType(ArrowTypeId.Decimal) { Precision = type.Precision, Scale = type.Scale, BitWidth = 128 },
        TypeKind.Date => new ArrowType(ArrowTypeId.Date) { Unit = (short)ArrowDateUnit.Day },
        TypeKind.Time => new ArrowType(ArrowTypeId.Time) { Unit = UnitOf(type), BitWidth = 64 },
        TypeKind.Timestamp => new ArrowType(ArrowTypeId.Timestamp) { Unit = UnitOf(type), Zone = type.Zone },
        TypeKind.String or TypeKind.Json => new ArrowType(ArrowTypeId.Utf8),
        TypeKind.Binary => new ArrowType(ArrowTypeId.Binary),
        TypeKind.Uuid => new ArrowType(ArrowTypeId.FixedSizeBinary) { Size = 16 },
        TypeKind.List => new ArrowType(ArrowTypeId.List),
        TypeKind.Struct => new ArrowType(ArrowTypeId.Struct),
        TypeKind.Map => new ArrowType(ArrowTypeId.Map),
        _ => new ArrowType(ArrowTypeId.Int)
        {
            BitWidth = 8 * type.ByteWidth,
            IsSigned = type.Kind is TypeKind.Int8 or TypeKind.Int16 or TypeKind.Int32 or TypeKind.Int64,
        },
    };

    private static short UnitOf(DataType type) => (short)(type.Unit == TimeUnit.Nanosecond ? ArrowTimeUnit.Nanosecond : ArrowTimeUnit.Microsecond);

    /// <summary>Name of the extension type for UUIDs (Arrow, "Canonical Extension Types").</summary>
    public const string UuidExtension = "arrow.uuid";

    /// <summary>Name of the extension type for JSON.</summary>
    public const string JsonExtension = "arrow.json";

    /// <summary>The children of a union that can hold a value.</summary>
    public static ImmutableArray<ColumnPlan> UnionMembers(ImmutableArray<ColumnPlan> children) =>
        [.. children.Where(static child => child.Field.Dictionary is not null || child.Declared.Id != ArrowTypeId.Null)];

    // A child may be null wherever what it lies in is, whatever its own field says.
    private static Field AsField(ColumnPlan child) => new(child.Field.Name, child.Type);

    private static DataType IntegerType(ArrowType type) => (type.BitWidth, type.IsSigned) switch
    {
        (8, true) => DataType.Int8,
        (8, false) => DataType.UInt8,
        (16, true) => DataType.Int16,
        (16, false) => DataType.UInt16,
        (32, true) => DataType.Int32,
        (32, false) => DataType.UInt32,
        (_, true) => DataType.Int64,
        _ => DataType.UInt64,
    };

    private static DataType DecimalType(ArrowType type, out string? refusal)
    {
        refusal = null;
        if (type.Precision is < 1 or > LargestPrecision || type.Scale is < -LargestPrecision or > LargestPrecision)
        {
            refusal = $"a {type} is not defined";
            return DataType.Decimal(DataType.MaxDecimalPrecision, 0);
        }
        // A negative scale stands for zeros in front of the point, one above the precision for zeros behind it.
        var precision = Math.Max(type.Scale < 0 ? type.Precision - type.Scale : type.Precision, type.Scale);
        var scale = Math.Max(type.Scale, 0);
        if (scale <= DataType.MaxDecimalPrecision && (precision <= DataType.MaxDecimalPrecision || type.Scale >= 0))
            return DataType.Decimal(Math.Min(precision, DataType.MaxDecimalPrecision), scale);
        refusal = $"a {type} has more than {DataType.MaxDecimalPrecision} digits on one side of the point";
        return DataType.Decimal(DataType.MaxDecimalPrecision, 0);
    }

    private static DataType IntervalType(ArrowIntervalUnit unit) => unit switch
    {
        ArrowIntervalUnit.YearMonth => DataType.Struct(new Field("months", DataType.Int32)),
        ArrowIntervalUnit.DayTime => DataType.Struct(new Field("days", DataType.Int32), new Field("millis", DataType.Int32)),
        _ => DataType.Struct(new Field("months", DataType.Int32), new Field("days", DataType.Int32), new Field("nanos", DataType.Int64)),
    };
}

using System.Collections.Immutable;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>The types of a file as Nebula's.</summary>
internal static class OrcSchema
{
    /// <summary>Name of the only column of a file whose rows are not structs.</summary>
    public const string RootColumn = "_col0";

    /// <summary>Name of the field of a union that says which variant a value is.</summary>
    public const string UnionTag = "tag";

    // Decimals of Hive 0.11 say neither precision nor scale. This is what later versions of Hive take them for.
    private const int UnboundedPrecision = 38;
    private const int UnboundedScale = 18;

    /// <summary>The columns of a file.</summary>
    /// <param name="root">The root of its types.</param>
    /// <param name="unitOf">The unit in which the timestamps of a column are read.</param>
    public static Schema Of(OrcType root, Func<OrcType, TimeUnit> unitOf)
    {
        if (root.Kind != OrcTypeKind.Struct)
            return new Schema([new Field(RootColumn, Convert(root, unitOf))]);
        return new Schema(FieldsOf(root, unitOf));
    }

    /// <summary>The types of the columns of a file.</summary>
    public static ImmutableArray<OrcType> ColumnsOf(OrcType root) => root.Kind == OrcTypeKind.Struct ? root.Children : [root];

    /// <summary>Name of the field that holds a variant of a union.</summary>
    public static string UnionField(int variant) => $"field{variant}";

    private static DataType Convert(OrcType type, Func<OrcType, TimeUnit> unitOf) => type.Kind switch
    {
        OrcTypeKind.Boolean => DataType.Bool,
        OrcTypeKind.Byte => DataType.Int8,
        OrcTypeKind.Short => DataType.Int16,
        OrcTypeKind.Int => DataType.Int32,
        OrcTypeKind.Long => DataType.Int64,
        OrcTypeKind.Float => DataType.Float32,
        OrcTypeKind.Double => DataType.Float64,
        OrcTypeKind.String or OrcTypeKind.Char or OrcTypeKind.Varchar => DataType.String,
        OrcTypeKind.Binary or OrcTypeKind.Geometry or OrcTypeKind.Geography => DataType.Binary,
        OrcTypeKind.Timestamp => DataType.Timestamp(unitOf(type)),
        OrcTypeKind.TimestampInstant => DataType.Timestamp(unitOf(type), "UTC"),
        OrcTypeKind.Date => DataType.Date,
        OrcTypeKind.Decimal => type.Precision == 0 ? DataType.Decimal(UnboundedPrecision, UnboundedScale)
            : DataType.Decimal((int)type.Precision, (int)type.Scale),
        OrcTypeKind.List => DataType.List(Convert(type.Children[0], unitOf)),
        OrcTypeKind.Map => DataType.Map(Convert(type.Children[0], unitOf), Convert(type.Children[1], unitOf)),
        OrcTypeKind.Struct => DataType.Struct(FieldsOf(type, unitOf)),
        _ => DataType.Struct([new Field(UnionTag, DataType.UInt8, nullable: false),
            .. type.Children.Select((child, i) => new Field(UnionField(i), Convert(child, unitOf)))]),
    };

    private static ImmutableArray<Field> FieldsOf(OrcType type, Func<OrcType, TimeUnit> unitOf) =>
        [.. type.Children.Select((child, i) => new Field(type.FieldNames[i], Convert(child, unitOf)))];
}

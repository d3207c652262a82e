using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Nebula's types as ORC's.</summary>
internal static class OrcTypes
{
    private const int UInt64Digits = 20;

    /// <summary>How a type is stored; of nested types the nesting alone.</summary>
    public static TypeMapping Map(DataType type) => type.Kind switch
    {
        TypeKind.Bool => new("boolean"),
        TypeKind.Int8 => new("tinyint"),
        TypeKind.Int16 => new("smallint"),
        TypeKind.Int32 => new("int"),
        TypeKind.Int64 => new("bigint"),
        TypeKind.UInt8 => new("smallint", Fidelity.Widened),
        TypeKind.UInt16 => new("int", Fidelity.Widened),
        TypeKind.UInt32 => new("bigint", Fidelity.Widened),
        TypeKind.UInt64 => new($"decimal({UInt64Digits},0)", Fidelity.Widened),
        TypeKind.Float32 => new("float"),
        TypeKind.Float64 => new("double"),
        TypeKind.Decimal => new($"decimal({type.Precision},{type.Scale})"),
        TypeKind.Date => new("date"),
        TypeKind.Time => new("string", Fidelity.Widened, "ORC has no time of day: text such as 12:34:56.789"),
        TypeKind.Timestamp => MapTimestamp(type),
        TypeKind.String => new("string"),
        TypeKind.Binary => new("binary"),
        TypeKind.Uuid => new("string", Fidelity.Widened, "ORC has no UUID: its text"),
        TypeKind.Json => new("string", Fidelity.Widened, "ORC has no JSON: its text"),
        TypeKind.List => new("array"),
        TypeKind.Struct => new("struct"),
        _ => new("map"),
    };

    /// <summary>Makes the type tree of a schema.</summary>
    /// <param name="schema">The columns.</param>
    public static OrcType TreeOf(Schema schema)
    {
        var next = 0;
        return Struct(schema.Fields, ref next);
    }

    private static TypeMapping MapTimestamp(DataType type)
    {
        var stored = type.Zone is null ? "timestamp" : "timestamp with local time zone";
        return type switch
        {
            { Zone: not (null or "UTC") } => new(stored, Fidelity.Widened, "the name of the zone is not kept, the point in time is"),
            { Unit: TimeUnit.Microsecond } => new(stored, Fidelity.Widened, "ORC counts nanoseconds"),
            _ => new(stored),
        };
    }

    private static OrcType Struct(IReadOnlyList<Field> fields, ref int next)
    {
        var id = next++;
        var children = new OrcType[fields.Count];
        for (var i = 0; i < children.Length; i++)
            children[i] = Convert(fields[i].Type, ref next);
        return new OrcType(OrcTypeKind.Struct, id) { Children = [.. children], FieldNames = [.. fields.Select(static field => field.Name)] };
    }

    private static OrcType Convert(DataType type, ref int next)
    {
        if (type.Kind == TypeKind.Struct)
            return Struct(type.Fields, ref next);
        var id = next++;
        switch (type.Kind)
        {
            case TypeKind.List:
                return new OrcType(OrcTypeKind.List, id) { Children = [Convert(type.Fields[0].Type, ref next)] };
            case TypeKind.Map:
                var key = Convert(type.Fields[0].Type, ref next);
                return new OrcType(OrcTypeKind.Map, id) { Children = [key, Convert(type.Fields[1].Type, ref next)] };
            case TypeKind.Decimal:
                return new OrcType(OrcTypeKind.Decimal, id) { Precision = (uint)type.Precision, Scale = (uint)type.Scale };
            case TypeKind.UInt64:
                return new OrcType(OrcTypeKind.Decimal, id) { Precision = UInt64Digits };
            default:
                return new OrcType(KindOf(type), id);
        }
    }

    private static OrcTypeKind KindOf(DataType type) => type.Kind switch
    {
        TypeKind.Bool => OrcTypeKind.Boolean,
        TypeKind.Int8 => OrcTypeKind.Byte,
        TypeKind.Int16 or TypeKind.UInt8 => OrcTypeKind.Short,
        TypeKind.Int32 or TypeKind.UInt16 => OrcTypeKind.Int,
        TypeKind.Int64 or TypeKind.UInt32 => OrcTypeKind.Long,
        TypeKind.Float32 => OrcTypeKind.Float,
        TypeKind.Float64 => OrcTypeKind.Double,
        TypeKind.Date => OrcTypeKind.Date,
        TypeKind.Timestamp => type.Zone is null ? OrcTypeKind.Timestamp : OrcTypeKind.TimestampInstant,
        TypeKind.Binary => OrcTypeKind.Binary,
        _ => OrcTypeKind.String,
    };
}

using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Types;

/// <summary>How columns are stored: <see cref="PostgreSqlType.BuiltIn"/> read the other way round.</summary>
/// <param name="Type">The type of the server.</param>
/// <param name="Wire">The form in which values are sent.</param>
internal sealed record StoredType(SqlType Type, PostgreSqlWire Wire)
{
    private const int UInt64Digits = 20;

    // the type that stands for a kind; where the server has several, the one without limits
    private static readonly Dictionary<TypeKind, (uint Oid, string Base, string Receive)> Preferred = new()
    {
        [TypeKind.Bool] = (16, "bool", "boolrecv"),
        [TypeKind.Binary] = (17, "bytea", "bytearecv"),
        [TypeKind.Int64] = (20, "int8", "int8recv"),
        [TypeKind.Int16] = (21, "int2", "int2recv"),
        [TypeKind.Int32] = (23, "int4", "int4recv"),
        [TypeKind.String] = (25, "text", "textrecv"),
        [TypeKind.Json] = (114, "json", "json_recv"),
        [TypeKind.Float32] = (700, "float4", "float4recv"),
        [TypeKind.Float64] = (701, "float8", "float8recv"),
        [TypeKind.Date] = (1082, "date", "date_recv"),
        [TypeKind.Time] = (1083, "time", "time_recv"),
        [TypeKind.Uuid] = (2950, "uuid", "uuid_recv"),
    };

    private static readonly (uint Oid, string Base, string Receive) Local = (1114, "timestamp", "timestamp_recv"),
        Zoned = (1184, "timestamptz", "timestamptz_recv");

    // they take text as it is, as the text type does
    private static readonly string[] TakeText = ["textrecv", "varcharrecv", "bpcharrecv", "namerecv", "enum_recv"];

    /// <summary>How a type is stored.</summary>
    /// <param name="type">The type.</param>
    public static TypeMapping Map(DataType type) => type.Kind switch
    {
        TypeKind.Int8 or TypeKind.UInt8 => Widened(DataType.Int16),
        TypeKind.UInt16 => Widened(DataType.Int32),
        TypeKind.UInt32 => Widened(DataType.Int64),
        TypeKind.UInt64 => Widened(DataType.Decimal(UInt64Digits, 0)),
        TypeKind.Time when type.Unit == TimeUnit.Nanosecond =>
            new(Of(DataType.Time).Type.Text, Fidelity.Lossy, "nanoseconds are cut off") { WrittenAs = DataType.Time },
        TypeKind.Timestamp when type.Unit == TimeUnit.Nanosecond =>
            new(Of(type).Type.Text, Fidelity.Lossy, "nanoseconds are cut off") { WrittenAs = DataType.Timestamp(zone: type.Zone) },
        TypeKind.Timestamp when type.Zone is not (null or "UTC") =>
            new(Of(type).Type.Text, Fidelity.Widened, "the name of the zone is not kept, the point in time is"),
        TypeKind.List or TypeKind.Struct or TypeKind.Map => new("json", Fidelity.Widened, "JSON") { WrittenAs = DataType.Json },
        _ => new(Of(type).Type.Text),
    };

    /// <summary>The type that columns of a type are stored as, when nothing else is declared.</summary>
    /// <param name="type">A type that is written as it is.</param>
    public static StoredType Of(DataType type)
    {
        if (type.Kind == TypeKind.Decimal)
            return new StoredType(new SqlType(SqlType.Numeric(type), "numeric", "numeric_recv", SqlType.ModifierOf(type)), PostgreSqlWire.Numeric);
        var (oid, name, receive) = type.Kind == TypeKind.Timestamp ? type.Zone is null ? Local : Zoned : Preferred[type.Kind];
        var known = PostgreSqlType.BuiltIn[oid];
        return new StoredType(new SqlType(Formatted(known.Name), name, receive), known.Type.Wire);
    }

    /// <summary>Finds the form in which values can be sent to a column of another type without a cast.</summary>
    /// <param name="type">The other type.</param>
    /// <returns>Null when there is none.</returns>
    public PostgreSqlWire? WireTo(SqlType type)
    {
        if (type.Receive == Type.Receive)
            return Wire;
        return Type.Base switch
        {
            "text" when TakeText.Contains(type.Receive) => Wire,
            "json" when type.Receive is "textrecv" => Wire,
            "json" when type.Receive is "jsonb_recv" => PostgreSqlWire.Jsonb,
            _ => null,
        };
    }

    // as format_type writes it
    private static string Formatted(string name) => name is "time" or "timestamp" ? name + " without time zone" : name;

    private static TypeMapping Widened(DataType type) => new(Of(type).Type.Text, Fidelity.Widened) { WrittenAs = type };
}

using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Types;

/// <summary>What the catalog says about the type of a column, domains resolved.</summary>
/// <param name="Oid">The type.</param>
/// <param name="Modifier">Its modifier (precision and scale of a numeric, for example); -1 for none.</param>
/// <param name="Kind"><c>pg_type.typtype</c>: b for base types, c for composite ones, e for enums, r and m for ranges.</param>
/// <param name="IsArray">Whether it is an array.</param>
internal readonly record struct CatalogType(uint Oid, int Modifier, char Kind, bool IsArray);

/// <summary>How values of a type of PostgreSQL are read.</summary>
/// <param name="Type">The column that they become.</param>
/// <param name="Wire">In which form they are asked of the server.</param>
/// <param name="Note">What cannot be read, or changes; null for nothing.</param>
internal sealed record PostgreSqlType(DataType Type, PostgreSqlWire Wire, string? Note = null)
{
    // the numbers of built-in types are part of PostgreSQL's protocol: src/include/catalog/pg_type.dat
    private const uint BoolOid = 16, CharOid = 18, NumericOid = 1700, XmlOid = 142, CidrOid = 650, InetOid = 869, BpcharOid = 1042;
    private const uint FirstUserOid = 16384;
    private const int ModifierHeader = 4;
    private const string Infinite = "infinity is a bad row";

    private static readonly PostgreSqlType AsPrinted = new(DataType.String, PostgreSqlWire.Printed);
    private static readonly PostgreSqlType AsCast = new(DataType.String, PostgreSqlWire.Cast);
    private static readonly PostgreSqlType AsBytes = new(DataType.String, PostgreSqlWire.Bytes);

    /// <summary>The types that have one of their own here, by number. All others are read as text.</summary>
    public static IReadOnlyDictionary<uint, (string Name, PostgreSqlType Type)> BuiltIn { get; } = new Dictionary<uint, (string, PostgreSqlType)>
    {
        [BoolOid] = ("boolean", new(DataType.Bool, PostgreSqlWire.Bool)),
        [17] = ("bytea", new(DataType.Binary, PostgreSqlWire.Bytes)),
        [19] = ("name", AsBytes),
        [20] = ("bigint", new(DataType.Int64, PostgreSqlWire.Int8)),
        [21] = ("smallint", new(DataType.Int16, PostgreSqlWire.Int2)),
        [23] = ("integer", new(DataType.Int32, PostgreSqlWire.Int4)),
        [25] = ("text", AsBytes),
        [26] = ("oid", new(DataType.UInt32, PostgreSqlWire.Oid)),
        [114] = ("json", new(DataType.Json, PostgreSqlWire.Bytes)),
        [700] = ("real", new(DataType.Float32, PostgreSqlWire.Float4)),
        [701] = ("double precision", new(DataType.Float64, PostgreSqlWire.Float8)),
        [BpcharOid] = ("character", AsBytes with { Note = "padded as it is stored" }),
        [1043] = ("character varying", AsBytes),
        [1082] = ("date", new(DataType.Date, PostgreSqlWire.Date, Infinite)),
        [1083] = ("time", new(DataType.Time, PostgreSqlWire.Time, "24:00:00 is a bad row")),
        [1114] = ("timestamp", new(DataType.Timestamp(), PostgreSqlWire.Timestamp, Infinite)),
        [1184] = ("timestamp with time zone", new(DataType.Timestamp(zone: "UTC"), PostgreSqlWire.Timestamp, Infinite)),
        [2950] = ("uuid", new(DataType.Uuid, PostgreSqlWire.Uuid)),
        [3802] = ("jsonb", new(DataType.Json, PostgreSqlWire.Jsonb)),
    };

    /// <summary>Finds how a type is read.</summary>
    /// <param name="type">The type.</param>
    /// <param name="asText">Whether everything is wanted as PostgreSQL prints it.</param>
    public static PostgreSqlType Of(CatalogType type, bool asText)
    {
        if (asText)
            return OfText(type);
        if (type.IsArray || type.Kind == 'c')
            return new PostgreSqlType(DataType.Json, PostgreSqlWire.ToJson, type.IsArray ? "lower bounds are lost; NaN and infinity are strings" : null);
        if (type.Kind == 'e')
            return AsBytes;
        if (type.Oid == NumericOid)
            return OfNumeric(type.Modifier);
        return BuiltIn.TryGetValue(type.Oid, out var known) ? known.Type : OfText(type);
    }

    /// <summary>
    /// The modifier that counts for a column of a statement: that of numbers. The length of a text is the business of the table that it comes from.
    /// </summary>
    /// <param name="oid">The type of the column.</param>
    /// <param name="modifier">Its modifier.</param>
    public static int ModifierOf(uint oid, int modifier) => oid == NumericOid ? modifier : -1;

    private static PostgreSqlType OfText(CatalogType type)
    {
        if (type.Kind == 'e' || BuiltIn.TryGetValue(type.Oid, out var known) && known.Type is { Type.Kind: TypeKind.String or TypeKind.Json } text
            && text.Wire == PostgreSqlWire.Bytes)
            return AsBytes;
        return type.Oid is BoolOid or CharOid or XmlOid or CidrOid or InetOid or BpcharOid or >= FirstUserOid ? AsPrinted : AsCast;
    }

    /// <summary>Numbers of a declared size are decimals where they fit; the others may have 131,072 digits, and only text holds them all.</summary>
    private static PostgreSqlType OfNumeric(int modifier)
    {
        if (modifier < ModifierHeader)
            return AsCast with { Note = "of any size and precision" };
        var packed = modifier - ModifierHeader;
        var precision = packed >> 16 & 0xFFFF;
        // eleven bits with a sign: negative scales round before the point
        var scale = ((packed & 0x7FF) ^ 0x400) - 0x400;
        var digits = Math.Max(precision - Math.Min(scale, 0), Math.Max(scale, 1));
        return digits <= DataType.MaxDecimalPrecision
            ? new PostgreSqlType(DataType.Decimal(digits, Math.Max(scale, 0)), PostgreSqlWire.Numeric, "NaN is a bad row")
            : AsCast with { Note = "more than 38 digits" };
    }
}

using System.Globalization;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Types;

/// <summary>A type as a table of the server declares it.</summary>
/// <param name="Text">As SQL writes it.</param>
/// <param name="Base">Name in the catalog, of a domain that of the type below it.</param>
/// <param name="Receive">The function that takes its binary form.</param>
/// <param name="Modifier">Its modifier; -1 for none.</param>
internal sealed record SqlType(string Text, string Base, string Receive, int Modifier = -1)
{
    private const int ModifierHeader = 4;
    private const int MostFractionDigits = 6;

    // a type that is not among these is not known here: what it takes is for the server to say
    private static readonly Dictionary<string, string[]> Wider = new(StringComparer.Ordinal)
    {
        ["bool"] = [],
        ["int2"] = ["int4", "int8", "numeric", "float4", "float8"],
        ["int4"] = ["int8", "numeric", "float8"],
        ["int8"] = ["numeric"],
        ["float4"] = ["float8"],
        ["float8"] = [],
        ["numeric"] = [],
        ["date"] = ["timestamp", "timestamptz"],
        ["time"] = [],
        ["timestamp"] = ["timestamptz"],
        ["timestamptz"] = [],
        ["text"] = ["varchar"],
        ["varchar"] = [],
        ["bpchar"] = ["varchar"],
        ["bytea"] = [],
        ["uuid"] = [],
        ["json"] = ["jsonb"],
        ["jsonb"] = ["json"],
    };

    /// <summary><c>pg_type.typcategory</c>: A for arrays, C for composite types.</summary>
    public char Category { get; init; }

    /// <summary>Whether a table can be made with it and read back by name alone.</summary>
    public bool IsMadeOfJson => Category is 'A' or 'C';

    /// <summary>Whether every value of another type can be stored in this one.</summary>
    /// <param name="from">The other type.</param>
    public bool Holds(SqlType from)
    {
        if (Text == from.Text || Base == "text")
            return true;
        if (Base == from.Base)
            return HoldsModifier(from);
        if (from.Base == "text" && !Wider.ContainsKey(Base))
            return true;
        if (!Wider.TryGetValue(from.Base, out var wider) || !wider.Contains(Base))
            return false;
        return Base switch
        {
            "numeric" => Modifier < 0 || Digits(Modifier) is var (precision, scale) && precision - Math.Max(scale, 0) >= IntegerDigits(from.Base) && scale >= 0,
            "varchar" => Modifier < 0 || from.Base == "bpchar" && from.Modifier >= 0 && Modifier >= from.Modifier,
            "timestamp" or "timestamptz" => FractionDigits(Modifier) == MostFractionDigits,
            _ => true,
        };
    }

    private bool HoldsModifier(SqlType from) => Base switch
    {
        "numeric" when Modifier < 0 => true,
        "numeric" => from.Modifier >= 0 && Digits(Modifier) is var (precision, scale) && Digits(from.Modifier) is var (fromPrecision, fromScale)
            && scale >= fromScale && precision - scale >= fromPrecision - fromScale,
        "varchar" => Modifier < 0 || from.Modifier >= 0 && Modifier >= from.Modifier,
        // a longer one would be padded, and so be another value
        "bpchar" or "bit" => Modifier == from.Modifier,
        "time" or "timetz" or "timestamp" or "timestamptz" => FractionDigits(Modifier) >= FractionDigits(from.Modifier),
        _ => Modifier < 0 || Modifier == from.Modifier,
    };

    private static int FractionDigits(int modifier) => modifier < 0 ? MostFractionDigits : modifier;

    private static (int Precision, int Scale) Digits(int modifier)
    {
        var packed = modifier - ModifierHeader;
        // eleven bits with a sign
        return (packed >> 16 & 0xFFFF, ((packed & 0x7FF) ^ 0x400) - 0x400);
    }

    private static int IntegerDigits(string integer) => integer switch { "int2" => 5, "int4" => 10, _ => 19 };

    /// <summary>The modifier of a numeric.</summary>
    /// <param name="type">The decimal that it is for.</param>
    public static int ModifierOf(DataType type) => (type.Precision << 16 | type.Scale) + ModifierHeader;

    /// <summary>The modifier of a type as <c>format_type</c> writes it: of numerics, texts and times.</summary>
    /// <param name="text">The text.</param>
    /// <returns>-1 when it has none that matters here.</returns>
    public static int ModifierOf(string text)
    {
        var (open, close) = (text.IndexOf('(', StringComparison.Ordinal), text.IndexOf(')', StringComparison.Ordinal));
        if (open < 0 || close < open || text.EndsWith(']'))
            return -1;
        var numbers = text[(open + 1)..close].Split(',');
        if (!int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first))
            return -1;
        if (text.StartsWith("numeric", StringComparison.Ordinal))
            return (first << 16 | (
                numbers.Length > 1 && int.TryParse(numbers[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var scale) ? scale & 0x7FF : 0))
                + ModifierHeader;
        return text.StartsWith("character", StringComparison.Ordinal) ? first + ModifierHeader : first;
    }

    /// <summary>Declares a numeric.</summary>
    /// <param name="type">The decimal that it is for.</param>
    public static string Numeric(DataType type) => string.Create(CultureInfo.InvariantCulture, $"numeric({type.Precision},{type.Scale})");
}

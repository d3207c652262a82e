using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;

namespace Nebula.Engine.Schemas;

/// <summary>Reads the text form of a type. Aliases of SQL and of other tools are accepted.</summary>
internal ref struct DataTypeParser(string text)
{
    private const int MaxDepth = 64;
    private static readonly SearchValues<char> Punctuation = SearchValues.Create("(),<>:");
    private ReadOnlySpan<char> _rest = text;

    public DataType? Parse()
    {
        var type = ParseType(0);
        return type is not null && _rest.Trim().IsEmpty ? type : null;
    }

    private DataType? ParseType(int depth)
    {
        if (depth > MaxDepth)
            return null;
        var name = Word().ToString().ToLowerInvariant();
        switch (name)
        {
            case "decimal" or "numeric":
                return ParseDecimal();
            case "timestamp" or "datetime":
                return ParseTimestamp();
            case "time":
                return !Take('(') ? DataType.Time : Word() switch
                {
                    "us" => Take(')') ? DataType.Time : null,
                    "ns" => Take(')') ? DataType.TimeNanoseconds : null,
                    _ => null,
                };
            case "timestamptz":
                return DataType.Timestamp(zone: "UTC");
            case "list" or "array":
                return Take('<') && ParseType(depth + 1) is { } element && Take('>') ? DataType.List(element) : null;
            case "map":
                return Take('<') && ParseType(depth + 1) is { } key && Take(',') && ParseType(depth + 1) is { } value && Take('>')
                    ? DataType.Map(key, value) : null;
            case "struct":
                return ParseStruct(depth);
            default:
                return name switch
                {
                    "bool" or "boolean" => DataType.Bool,
                    "int8" or "tinyint" => DataType.Int8,
                    "int16" or "smallint" => DataType.Int16,
                    "int32" or "int" or "integer" => DataType.Int32,
                    "int64" or "bigint" or "long" => DataType.Int64,
                    "uint8" => DataType.UInt8,
                    "uint16" => DataType.UInt16,
                    "uint32" => DataType.UInt32,
                    "uint64" => DataType.UInt64,
                    "float32" or "float" or "real" => DataType.Float32,
                    "float64" or "double" => DataType.Float64,
                    "date" => DataType.Date,
                    "string" or "text" or "varchar" => DataType.String,
                    "binary" or "bytes" => DataType.Binary,
                    "uuid" => DataType.Uuid,
                    "json" => DataType.Json,
                    _ => null,
                };
        }
    }

    private DataType? ParseDecimal()
    {
        if (!Take('('))
            return DataType.Decimal(DataType.MaxDecimalPrecision, 9);
        if (!int.TryParse(Word(), NumberStyles.None, CultureInfo.InvariantCulture, out var precision))
            return null;
        var scale = 0;
        if (Take(',') && !int.TryParse(Word(), NumberStyles.None, CultureInfo.InvariantCulture, out scale))
            return null;
        return Take(')') && precision is >= 1 and <= DataType.MaxDecimalPrecision && scale <= precision ? DataType.Decimal(precision, scale) : null;
    }

    private DataType? ParseTimestamp()
    {
        if (!Take('('))
            return DataType.Timestamp();
        var unit = TimeUnit.Microsecond;
        var word = Word().ToString();
        string? zone = null;
        switch (word)
        {
            case "us":
                break;
            case "ns":
                unit = TimeUnit.Nanosecond;
                break;
            case "":
                return null;
            default:
                zone = word;
                break;
        }
        if (zone is null && Take(','))
            zone = Word().ToString();
        return Take(')') && zone != "" ? DataType.Timestamp(unit, zone) : null;
    }

    private DataType? ParseStruct(int depth)
    {
        if (!Take('<'))
            return null;
        var fields = ImmutableArray.CreateBuilder<Field>();
        do
        {
            var name = Word().ToString();
            if (name.Length == 0 || !Take(':') || ParseType(depth + 1) is not { } type)
                return null;
            fields.Add(new Field(name, type));
        }
        while (Take(','));
        return Take('>') ? DataType.Struct(fields.ToImmutable()) : null;
    }

    private ReadOnlySpan<char> Word()
    {
        _rest = _rest.TrimStart();
        var end = _rest.IndexOfAny(Punctuation);
        var word = end < 0 ? _rest : _rest[..end];
        _rest = _rest[word.Length..];
        return word.TrimEnd();
    }

    private bool Take(char c)
    {
        _rest = _rest.TrimStart();
        if (_rest.IsEmpty || _rest[0] != c)
            return false;
        _rest = _rest[1..];
        return true;
    }
}

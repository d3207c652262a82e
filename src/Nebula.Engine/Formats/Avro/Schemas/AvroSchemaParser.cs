using System.Collections.Immutable;
using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Avro.Schemas;

/// <summary>Reads schemas (Avro specification, "Schema Declaration" and "Names").</summary>
internal sealed class AvroSchemaParser
{
    /// <summary>Most levels of types in each other.</summary>
    public const int MaxDepth = 128;

    /// <summary>The attribute that keeps the name of a field that Avro does not allow; Apache Iceberg writes it too.</summary>
    public const string OriginalNameKey = "iceberg-field-name";

    // far beyond what is accepted, so that schemas that are too deep are refused as such and not as wrong JSON
    private const int MaxJsonDepth = 1 << 20;
    private readonly Dictionary<string, AvroSchema> _named = new(StringComparer.Ordinal);
    private readonly string _origin;
    private readonly bool _isStrict;

    private AvroSchemaParser(string origin, bool isStrict)
    {
        _origin = origin;
        _isStrict = isStrict;
    }

    /// <summary>Reads a schema.</summary>
    /// <param name="json">The schema as JSON text in UTF-8.</param>
    /// <param name="origin">Where it comes from, for messages.</param>
    /// <param name="isStrict">Whether names must have the form that the specification asks for. Files of other programs are read whatever they call
    /// things.</param>
    /// <exception cref="DataFormatException">The text is no valid schema.</exception>
    public static AvroSchema Parse(ReadOnlyMemory<byte> json, string origin, bool isStrict)
    {
        if (Utf8Validator.FindInvalid(json.Span) is >= 0 and var at)
            throw new DataFormatException($"The Avro schema is not UTF-8 (byte {at + 1} of it). Correct it, or have the file written again.",
                new SourceLocation(origin));
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxJsonDepth });
            return new AvroSchemaParser(origin, isStrict).Parse(document.RootElement.Clone(), null, 0);
        }
        catch (JsonException e)
        {
            throw new DataFormatException($"The Avro schema is not valid JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}). Correct it, or have "
                + "the file written again.",
                new SourceLocation(origin), e);
        }
        catch (InvalidOperationException e)
        {
            // how the JSON reader reports half of a surrogate pair
            throw new DataFormatException("The Avro schema holds an escape that is half of a character. Correct it, or have the file written again.",
                new SourceLocation(origin), e);
        }
    }

    private AvroSchema Parse(JsonElement json, string? space, int depth)
    {
        if (depth > MaxDepth)
            throw Wrong($"its types are nested more than {MaxDepth} levels deep, which is not supported");
        return json.ValueKind switch
        {
            JsonValueKind.String => Find(Text(json, "type"), space),
            JsonValueKind.Array => ParseUnion(json, space, depth),
            JsonValueKind.Object => ParseObject(json, space, depth),
            _ => throw Wrong($"a type must be a name, an object or a list, not {Show(json)}"),
        };
    }

    private AvroSchema Find(string name, string? space)
    {
        if (PrimitiveOf(name) is { } primitive)
            return new AvroSchema(primitive);
        if (_named.TryGetValue(Qualify(name, space), out var named) || !_isStrict && _named.TryGetValue(name, out named))
            return named;
        throw Wrong($"the type '{name}' is not "
            + $"defined{Suggestion.For(name, _named.Keys.Concat(["boolean", "int", "long", "float", "double", "bytes", "string", "null"]))}");
    }

    private AvroSchema ParseUnion(JsonElement json, string? space, int depth)
    {
        var branches = ImmutableArray.CreateBuilder<AvroSchema>(json.GetArrayLength());
        var kinds = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in json.EnumerateArray())
        {
            var branch = Parse(item, space, depth + 1);
            if (branch.Type == AvroType.Union)
                throw Wrong("a union holds another union directly");
            if (!kinds.Add(branch.FullName ?? $" {branch.Type}"))
                throw Wrong($"a union holds {branch} twice");
            branches.Add(branch);
        }
        return new AvroSchema(AvroType.Union) { Branches = branches.MoveToImmutable() };
    }

    private AvroSchema ParseObject(JsonElement json, string? space, int depth)
    {
        if (!json.TryGetProperty("type", out var type))
            throw Wrong($"there is no \"type\" in {Show(json)}");
        if (type.ValueKind != JsonValueKind.String)
            return Parse(type, space, depth + 1);
        switch (Text(type, "type"))
        {
            case "record" or "error":
                return ParseRecord(json, space, depth);
            case "enum":
                return ParseEnum(json, space);
            case "fixed":
                return ParseFixed(json, space);
            case "array":
                var items = Parse(Required(json, "items", "an array"), space, depth + 1);
                return new AvroSchema(AvroType.Array) { Items = items, Logical = AvroLogicalTypes.OfArray(json, items) };
            case "map":
                return new AvroSchema(AvroType.Map) { Items = Parse(Required(json, "values", "a map"), space, depth + 1) };
            case var name when PrimitiveOf(name) is { } primitive:
                var logical = AvroLogicalTypes.Of(json, primitive, 0, out var precision, out var scale);
                return new AvroSchema(primitive) { Logical = logical, Precision = precision, Scale = scale };
            case var name:
                return Find(name, space);
        }
    }

    private AvroSchema ParseRecord(JsonElement json, string? space, int depth)
    {
        var name = ReadName(json, space, out var ownSpace);
        var record = new AvroSchema(AvroType.Record) { FullName = name, Aliases = ReadAliases(json, ownSpace) };
        Define(record);
        var list = Required(json, "fields", $"record {name}");
        if (list.ValueKind != JsonValueKind.Array)
            throw Wrong($"\"fields\" of record {name} must be a list, not {Show(list)}");
        var fields = ImmutableArray.CreateBuilder<AvroField>(list.GetArrayLength());
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.Object)
                throw Wrong($"a field of record {name} must be an object, not {Show(item)}");
            var field = Text(Required(item, "name", $"a field of record {name}"), "name");
            if (_isStrict)
                CheckName(field);
            if (!names.Add(field))
                throw Wrong($"record {name} has two fields called '{field}'");
            var schema = Parse(Required(item, "type", $"field '{field}' of record {name}"), ownSpace, depth + 1);
            fields.Add(new AvroField(field, schema, item.TryGetProperty("default", out var value) ? value : null, ReadTexts(item, "aliases"),
                item.TryGetProperty(OriginalNameKey, out var original) && original.ValueKind == JsonValueKind.String ? Text(original, OriginalNameKey) : null));
        }
        record.SetFields(fields.MoveToImmutable());
        return record;
    }

    private AvroSchema ParseEnum(JsonElement json, string? space)
    {
        var name = ReadName(json, space, out var ownSpace);
        if (Required(json, "symbols", $"enum {name}").ValueKind != JsonValueKind.Array)
            throw Wrong($"\"symbols\" of enum {name} must be a list");
        var symbols = ReadTexts(json, "symbols");
        if (symbols.Distinct(StringComparer.Ordinal).Count() != symbols.Length)
            throw Wrong($"enum {name} has a symbol twice");
        if (_isStrict)
            foreach (var symbol in symbols)
                CheckName(symbol);
        var fallback = json.TryGetProperty("default", out var value) ? Text(value, "default") : null;
        if (fallback is not null && !symbols.Contains(fallback, StringComparer.Ordinal))
            throw Wrong($"the default '{fallback}' of enum {name} is none of its symbols");
        return Define(new AvroSchema(AvroType.Enum) { FullName = name, Aliases = ReadAliases(json, ownSpace), Symbols = symbols, DefaultSymbol = fallback });
    }

    private AvroSchema ParseFixed(JsonElement json, string? space)
    {
        var name = ReadName(json, space, out var ownSpace);
        var size = Required(json, "size", $"fixed {name}");
        if (size.ValueKind != JsonValueKind.Number || !size.TryGetInt32(out var bytes) || bytes < 0)
            throw Wrong($"\"size\" of fixed {name} must be a whole number of bytes below 2^31, not {Show(size)}");
        var logical = AvroLogicalTypes.Of(json, AvroType.Fixed, bytes, out var precision, out var scale);
        return Define(new AvroSchema(AvroType.Fixed)
        {
            FullName = name,
            Aliases = ReadAliases(json, ownSpace),
            Size = bytes,
            Logical = logical,
            Precision = precision,
            Scale = scale,
        });
    }

    private AvroSchema Define(AvroSchema schema) =>
        _named.TryAdd(schema.FullName!, schema) ? schema : throw Wrong($"the name '{schema.FullName}' is defined twice");

    /// <summary>The full name of a type, and the namespace that holds inside it.</summary>
    private string ReadName(JsonElement json, string? space, out string? ownSpace)
    {
        var name = Text(Required(json, "name", "a named type"), "name");
        if (_isStrict)
            foreach (var part in name.Split('.'))
                CheckName(part);
        if (json.TryGetProperty("namespace", out var given) && given.ValueKind == JsonValueKind.String)
            space = Text(given, "namespace");
        var dot = name.LastIndexOf('.');
        ownSpace = dot >= 0 ? name[..dot] : space;
        return Qualify(name, space);
    }

    private ImmutableArray<string> ReadAliases(JsonElement json, string? space) => [.. ReadTexts(json, "aliases").Select(alias => Qualify(alias, space))];

    private ImmutableArray<string> ReadTexts(JsonElement json, string key) =>
        json.TryGetProperty(key, out var list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(item => Text(item, key))] : [];

    private JsonElement Required(JsonElement json, string key, string owner) =>
        json.TryGetProperty(key, out var value) ? value : throw Wrong($"{owner} has no \"{key}\"");

    private string Text(JsonElement json, string key)
    {
        if (json.ValueKind != JsonValueKind.String)
            throw Wrong($"\"{key}\" must be a text, not {Show(json)}");
        return json.GetString()!;
    }

    private void CheckName(string name)
    {
        var isValid = name.Length > 0 && !char.IsAsciiDigit(name[0]);
        foreach (var c in name)
            isValid &= char.IsAsciiLetterOrDigit(c) || c == '_';
        if (!isValid)
            throw Wrong($"'{name}' is no name: letters, digits and underscores, no digit first");
    }

    private DataFormatException Wrong(string what) => new($"The Avro schema is not valid: {what}. Correct the schema, or have the file written again.",
        new SourceLocation(_origin));

    private static string Qualify(string name, string? space) => string.IsNullOrEmpty(space) || name.Contains('.', StringComparison.Ordinal)
        ? name : $"{space}.{name}";

    private static string Show(JsonElement json) => DataFormatException.Show(System.Text.Encoding.UTF8.GetBytes(json.GetRawText()));

    private static AvroType? PrimitiveOf(string name) => name switch
    {
        "null" => AvroType.Null,
        "boolean" => AvroType.Boolean,
        "int" => AvroType.Int,
        "long" => AvroType.Long,
        "float" => AvroType.Float,
        "double" => AvroType.Double,
        "bytes" => AvroType.Bytes,
        "string" => AvroType.String,
        _ => null,
    };
}

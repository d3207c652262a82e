using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Tests.Configuration;

public sealed class ConfigSchemaTests
{
    private static readonly ConnectorDescriptor[] Connectors =
    [
        new("csv", "Comma-separated values")
        {
            Aliases = ["tsv"],
            SourceOptions = [new("path", OptionKind.Text, "Files."), new("header", OptionKind.Flag, "Header."), new("skip", OptionKind.Integer, "Lines."),
                new("block", OptionKind.Size, "Block.", "1MB")],
            DestinationOptions = [new("path", OptionKind.Text, "File."), new("null", OptionKind.TextList, "Nulls.")],
        },
        new("lake", "A lake")
        {
            DestinationOptions = [new("catalog.uri", OptionKind.Text, "URI."), RateLimit.Option, new("codec", OptionKind.Choice, "Codec.") { Choices = ["zstd", "lz4"] }],
        },
    ];

    private static readonly JsonElement Schema = MakeSchema();

    public static TheoryData<string> GoodFiles =>
    [
        "source: { type: csv, path: a }\ntarget: { type: csv, path: b }",
        "version: 1\nname: x\nconnections: { a: { type: tsv, header: true, skip: 2, block: 2MiB }, l: { type: lake, catalog: { uri: u }, codec: lz4, limits: { max_bytes_per_second: 1MB } }"
            + " }\nsource: a\ndestination: l",
        """
        source: { type: csv, path: "${P}", header: "${H:-true}" }
        target: { type: lake, codec: "${C:-zstd}" }
        defaults: { mode: replace, enabled: true, single: null }
        performance: { batch_size: 10, workers: "${W:-2}", flush_interval: 1.5s }
        storage: { mode: hybrid }
        timeouts: { run: none }
        limits: { memory: 1GiB, max_duration: 2h }
        run: { parallel_streams: 2 }
        observability: { logging_level: warning }
        streams:
          "*":
          a: { object: "x{part}", select: ["*", -a], columns: { a: int64, b: { type: date, name: c }, c: null }, limit: none,
            source_options: { x: [1, 2] }, target_options: {} }
          b: { on_error: { bad_rows: quarantine, max_bad_rows: 5, quarantine_path: q }, select: a, performance: { max_concurrency: 3 } }
        """,
    ];

    public static TheoryData<string> BadFiles =>
    [
        "source: { type: csv }",
        "source: { type: csv }\ntarget: { type: csv }\nhooks: {}",
        "source: { path: csv }\ntarget: { type: csv }",
        "source: [a]\ntarget: { type: csv }",
        "source: a\ntarget: b\nversion: 2",
        "source: a\ntarget: b\ndefaults: { mode: backfill }",
        "source: a\ntarget: b\nstreams: { a: { primary_key: [{ id: 1 }] } }",
        "source: a\ntarget: b\nstreams: { a: { columns: { a: [int64] } } }",
        "source: a\ntarget: b\nstreams: [a]",
        "source: a\ntarget: b\nperformance: { flush_interval: 10 }",
        "source: a\ntarget: b\nperformance: { batch_size: 0 }",
        "source: a\ntarget: b\nlimits: { memory: 10 }",
    ];

    public static TheoryData<string> FilesThatOnlyConnectorsRefuse =>
    [
        "source: { type: lake }\ntarget: b",
        "source: { type: csv, pth: x }\ntarget: b",
        "source: { type: csv, header: 3 }\ntarget: b",
        "source: a\ntarget: { type: lake, codec: zip }",
        "source: a\ntarget: { type: lake, limits: { max_bytes_per_second: 200 } }",
        "source: a\ntarget: { type: lake, limits: { max_rows: 2 } }",
        "connections: { a: { type: csv, block: 3 } }\nsource: a\ntarget: b",
    ];

    [Theory, MemberData(nameof(GoodFiles))]
    public void Schema_GoodFile_Accepts(string yaml)
    {
        Assert.Null(Refusal(yaml));
        using var folder = new PipelineFolder();
        folder.Process["P"] = "p";
        _ = folder.Load(yaml);
    }

    [Theory, MemberData(nameof(BadFiles))]
    public void Schema_BadFile_RefusesAsTheReaderDoes(string yaml)
    {
        Assert.NotNull(Refusal(yaml));
        using var folder = new PipelineFolder();
        folder.Process["NEBULA_CONN_A"] = folder.Process["NEBULA_CONN_B"] = "csv://x";
        Assert.NotEmpty(folder.Problems(yaml));
    }

    [Theory, MemberData(nameof(FilesThatOnlyConnectorsRefuse))]
    public void Schema_WrongOptionOfConnector_Refuses(string yaml) => Assert.NotNull(Refusal(yaml));

    [Fact]
    public void Schema_EveryKeyOfTheTable_IsThereUnlessItIsNotSupported()
    {
        var properties = Schema.GetProperty("properties").EnumerateObject().Select(property => property.Name);
        Assert.Equal(
            ConfigKeys.Pipeline.Keys.Where(key => key.IsSupported).SelectMany(key => key.Aliases.Prepend(key.Name)).Order(StringComparer.Ordinal),
                properties.Order(StringComparer.Ordinal));
        Assert.Equal("https://json-schema.org/draft/2020-12/schema", Schema.GetProperty("$schema").GetString());
    }

    private static JsonElement MakeSchema()
    {
        using var stream = new MemoryStream();
        ConfigSchema.WriteJsonSchema(stream, Connectors);
        return JsonDocument.Parse(stream.ToArray()).RootElement;
    }

    private static string? Refusal(string yaml) => Refusal(ConfigTreeReader.Read(yaml, "f"), Schema);

    /// <summary>Judges a tree as a validator of JSON Schema would, as far as the keywords go that are used. Gives the first keyword that refuses.</summary>
    private static string? Refusal(ConfigNode node, JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.True)
            return null;
        var text = node is ConfigScalar { IsNull: false } scalar && TypeOf(node) == "string" ? scalar.Text : null;
        foreach (var keyword in schema.EnumerateObject())
        {
            var refusal = keyword.Name switch
            {
                "type" => (keyword.Value.ValueKind == JsonValueKind.Array ? keyword.Value.EnumerateArray() : new[] { keyword.Value }.AsEnumerable())
                    .Any(type => type.GetString() == TypeOf(node) || (type.GetString() == "number" && TypeOf(node) == "integer")) ? null : "type",
                "enum" => node is ConfigScalar value && keyword.Value.EnumerateArray().Any(choice => choice.GetString() == value.Text) ? null : "enum",
                "pattern" when text is not null => Regex.IsMatch(text, keyword.Value.GetString()!) ? null : "pattern",
                "minimum" when TypeOf(node) == "integer" => Number(node) >= keyword.Value.GetInt64() ? null : "minimum",
                "maximum" when TypeOf(node) == "integer" => Number(node) <= keyword.Value.GetInt64() ? null : "maximum",
                "properties" when node is ConfigMap map => map.Entries
                    .Select(entry => keyword.Value.TryGetProperty(entry.Key, out var property) ? Refusal(entry.Value, property) is { } why
                        ? $"{entry.Key}.{why}" : null : null)
                    .FirstOrDefault(why => why is not null),
                "additionalProperties" when node is ConfigMap map => map.Entries
                    .Where(entry => !(schema.TryGetProperty("properties", out var known) && known.TryGetProperty(entry.Key, out _)))
                    .Select(entry => keyword.Value.ValueKind == JsonValueKind.False ? entry.Key : Refusal(entry.Value, keyword.Value))
                    .FirstOrDefault(why => why is not null),
                "required" when node is ConfigMap map => keyword.Value.EnumerateArray().All(name => map.TryGet(name.GetString()!, out _)) ? null : "required",
                "items" when node is ConfigList list => list.Items.Select(item => Refusal(item, keyword.Value)).FirstOrDefault(why => why is not null),
                "allOf" => keyword.Value.EnumerateArray().Select(part => Refusal(node, part)).FirstOrDefault(why => why is not null),
                "anyOf" => keyword.Value.EnumerateArray().Any(part => Refusal(node, part) is null) ? null : "anyOf",
                "if" => Refusal(node, keyword.Value) is null ? Refusal(node, schema.GetProperty("then")) : null,
                "$ref" => Refusal(node, Schema.GetProperty("$defs").GetProperty(keyword.Value.GetString()!["#/$defs/".Length..])),
                "pattern" or "minimum" or "maximum" or "properties" or "additionalProperties" or "required" or "items" => null,
                "then" or "$schema" or "$defs" or "title" or "description" or "default" => null,
                _ => throw new InvalidOperationException($"The schema uses a keyword that this test does not know: {keyword.Name}"),
            };
            if (refusal is not null)
                return refusal;
        }
        return null;
    }

    private static string TypeOf(ConfigNode node) => node switch
    {
        { IsNull: true } => "null",
        ConfigMap => "object",
        ConfigList => "array",
        ConfigScalar { IsPlain: true, Text: "true" or "false" } => "boolean",
        ConfigScalar { IsPlain: true } scalar when long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) => "integer",
        _ => "string",
    };

    private static long Number(ConfigNode node) => long.Parse(((ConfigScalar)node).Text, CultureInfo.InvariantCulture);
}

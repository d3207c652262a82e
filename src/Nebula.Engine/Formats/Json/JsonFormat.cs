using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Json.Reading;
using Nebula.Engine.Formats.Json.Writing;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Json;

/// <summary>JSON (RFC 8259): a document a line, one array, or documents one behind the other.</summary>
/// <param name="level">The kernels used.</param>
internal sealed class JsonFormat(SimdLevel level) : ITextFormat
{
    /// <summary>Makes the format with the best kernels of this machine.</summary>
    public JsonFormat()
        : this(Simd.Level)
    {
    }

    /// <inheritdoc/>
    public string Name => "json";

    /// <inheritdoc/>
    public string Summary => "JSON Lines, JSON arrays, and JSON documents one behind the other";

    /// <inheritdoc/>
    public IReadOnlyList<string> Extensions { get; } = [".jsonl", ".json", ".ndjson", ".geojsonl"];

    /// <inheritdoc/>
    public IReadOnlyList<OptionDescriptor> ReadOptions { get; } =
    [
        new(JsonDialect.LayoutKey, OptionKind.Choice,
            "How records are laid out: a document a line, the elements of one array, or documents over any number of lines. Detected when not set.")
        {
            Choices = ["lines", "array", "documents"],
        },
        new(JsonDialect.RecordsKey, OptionKind.Choice,
            "Whether the keys of each record are the columns (objects), or each record is one value of the column 'value' (values). "
            + "Detected by the first record when not set.")
        {
            Choices = ["objects", "values"],
        },
        new(JsonDialect.PathKey, OptionKind.Text, "Keys joined by points that lead to the array of records inside one document: 'data.items'."),
        new(JsonDialect.EncodingKey, OptionKind.Text,
            "The encoding of the file. UTF-16 and UTF-32 are detected by their byte order mark; everything else is utf-8 when not set."),
        new(JsonDialect.TimestampsKey, OptionKind.Choice,
            "Whether columns whose strings are all ISO 8601 dates or timestamps become dates and timestamps (infer) or stay strings (text).", "infer")
        {
            Choices = ["infer", "text"],
        },
    ];

    /// <inheritdoc/>
    public IReadOnlyList<OptionDescriptor> WriteOptions { get; } =
    [
        new("format", OptionKind.Choice, "Whether rows are written as lines or as the elements of one array.", "lines") { Choices = ["lines", "array"] },
        new("nulls", OptionKind.Choice, "Whether keys whose value is null are written (include) or left out (omit).", "include")
        {
            Choices = ["include", "omit"],
        },
    ];

    /// <inheritdoc/>
    public IReadOnlyList<string>? OwnCodecs => null;

    /// <inheritdoc/>
    public bool AllowsNoColumns => true;

    public bool KeepsTypes => true;

    /// <inheritdoc/>
    public bool CanContinue(OptionValues options) => options.Text("format") != "array";

    /// <inheritdoc/>
    public int FindRecordStart(IReadOnlyDictionary<string, string> dialect, ReadOnlySpan<byte> window) =>
        JsonDialect.Parse(dialect).Layout == JsonLayout.Lines && window.IndexOf((byte)'\n') is >= 0 and var end && end + 1 < window.Length ? end + 1 : -1;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> DetectDialect(ReadOnlySpan<byte> sample, bool isWhole, OptionValues options) =>
        JsonDialectDetector.Detect(sample, isWhole, options).ToDictionary();

    /// <inheritdoc/>
    public System.Text.Encoding? EncodingOf(IReadOnlyDictionary<string, string> dialect) =>
        JsonEncodings.Find(JsonDialect.Parse(dialect).Encoding, options: null);

    /// <inheritdoc/>
    public IRecordSplitter CreateSplitter(IReadOnlyDictionary<string, string> dialect, string name, bool inside = false)
    {
        var parsed = JsonDialect.Parse(dialect);
        return parsed.Layout switch
        {
            JsonLayout.Lines => new JsonLineSplitter(inside),
            JsonLayout.Documents => new JsonDocumentSplitter(level),
            _ => new JsonArraySplitter(name, parsed.Path, level),
        };
    }

    /// <inheritdoc/>
    public ISchemaInferrer CreateInferrer(IReadOnlyDictionary<string, string> dialect, DiscoverRequest request, string name)
    {
        var parsed = JsonDialect.Parse(dialect);
        return level switch
        {
            SimdLevel.Vector512 => new JsonInferrer<StringKernel512>(parsed, request, name, level),
            SimdLevel.Vector256 => new JsonInferrer<StringKernel256>(parsed, request, name, level),
            SimdLevel.Vector128 => new JsonInferrer<StringKernel128>(parsed, request, name, level),
            _ => new JsonInferrer<ScalarStringKernel>(parsed, request, name, level),
        };
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> DescribeWritten(Schema schema, OptionValues options) =>
        new JsonDialect { Layout = options.Text("format") == "array" ? JsonLayout.Array : JsonLayout.Lines }.ToDictionary();

    /// <inheritdoc/>
    public IBlockDecoder CreateDecoder(StreamPlan plan, BufferPool pool) => new JsonDecoder(plan, JsonDialect.Parse(plan.Stream.Details), pool, level);

    /// <inheritdoc/>
    public TypeMapping Map(DataType type) => type.Kind switch
    {
        TypeKind.Bool => new("true, false"),
        TypeKind.Int64 or TypeKind.Float64 => new("number"),
        TypeKind.Json => new("value"),
        TypeKind.String => new("string"),
        TypeKind.Struct or TypeKind.Map => new("object"),
        TypeKind.List => new("array"),
        TypeKind.Float32 or TypeKind.Decimal => new("number", Fidelity.Widened),
        TypeKind.Binary => new("string", Fidelity.Widened, "base64"),
        _ when type.IsInteger => new("number", Fidelity.Widened),
        _ => new("string", Fidelity.Widened, "inferred again when read"),
    };

    /// <inheritdoc/>
    public IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool) =>
        new JsonEncoder(schema, options.Text("format") == "array", options.Text("nulls") == "omit", pool, level);
}

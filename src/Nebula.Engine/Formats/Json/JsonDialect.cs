using System.Collections.Immutable;

namespace Nebula.Engine.Formats.Json;

/// <summary>How the records of a file are laid out.</summary>
internal enum JsonLayout
{
    /// <summary>A document a line (JSON Lines).</summary>
    Lines,

    /// <summary>The elements of one array.</summary>
    Array,

    /// <summary>Documents one behind the other, over any number of lines.</summary>
    Documents,
}

/// <summary>What is known about how a file is written; travels as keys and values in <see cref="Connectors.CatalogStream.Details"/>.</summary>
internal sealed record JsonDialect
{
    /// <summary>Key of the layout: <c>lines</c>, <c>array</c> or <c>documents</c>.</summary>
    public const string LayoutKey = "layout";

    /// <summary>Key of the encoding.</summary>
    public const string EncodingKey = "encoding";

    /// <summary>
    /// Key of what records are: <c>objects</c>, whose keys are the columns, or <c>values</c> of any kind, which are the one column <see cref="ValueColumn"/>.
    /// </summary>
    public const string RecordsKey = "records";

    /// <summary>Key of the path of keys, joined by points, that leads to the array of records.</summary>
    public const string PathKey = "records_path";

    /// <summary>Key of whether strings become dates and timestamps: <c>infer</c> or <c>text</c>.</summary>
    public const string TimestampsKey = "timestamps";

    /// <summary>
    /// Key of whether values keep their types: <c>inferred</c> or, for a destination of plain text, <c>text</c>. Set by whoever runs the stream.
    /// </summary>
    public const string TypesKey = "types";

    /// <summary>Name of the column that records which are no objects become.</summary>
    public const string ValueColumn = "value";

    /// <summary>The layout.</summary>
    public JsonLayout Layout { get; init; }

    /// <summary>The encoding's name.</summary>
    public string Encoding { get; init; } = "utf-8";

    /// <summary>Whether records are values of any kind instead of objects.</summary>
    public bool IsValues { get; init; }

    /// <summary>The keys that lead to the array of records.</summary>
    public ImmutableArray<string> Path { get; init; } = [];

    /// <summary>Whether strings become dates and timestamps where all of a column are.</summary>
    public bool InfersTimestamps { get; init; } = true;

    /// <summary>Whether every value is wanted as the source's own text.</summary>
    public bool IsText { get; init; }

    /// <summary>Reads the keys and values.</summary>
    public static JsonDialect Parse(IReadOnlyDictionary<string, string> values) => new()
    {
        Layout = values.GetValueOrDefault(LayoutKey) switch { "array" => JsonLayout.Array, "documents" => JsonLayout.Documents, _ => JsonLayout.Lines },
        Encoding = values.GetValueOrDefault(EncodingKey) ?? "utf-8",
        IsValues = values.GetValueOrDefault(RecordsKey) == "values",
        Path = values.GetValueOrDefault(PathKey) is { Length: > 0 } path ? [.. path.Split('.')] : [],
        InfersTimestamps = values.GetValueOrDefault(TimestampsKey) != "text",
        IsText = values.GetValueOrDefault(TypesKey) == "text",
    };

    /// <summary>Writes the keys and values.</summary>
    public IReadOnlyDictionary<string, string> ToDictionary()
    {
        var values = new Dictionary<string, string>
        {
            [LayoutKey] = Layout.ToString().ToLowerInvariant(),
            [EncodingKey] = Encoding,
            [RecordsKey] = IsValues ? "values" : "objects",
            [TimestampsKey] = InfersTimestamps ? "infer" : "text",
        };
        if (Path.Length > 0)
            values[PathKey] = string.Join('.', Path);
        return values;
    }
}

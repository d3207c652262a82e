using System.Text;
using System.Text.Json;

namespace Nebula.Conformance.Tests.Csv;

/// <summary>One file of the CSV suite with what it holds.</summary>
/// <param name="Path">The file.</param>
/// <param name="Name">Its path in the suite.</param>
/// <param name="Expectation">The line of its <c>.schema.json</c>.</param>
internal sealed record CsvUnit(string Path, string Name, JsonElement Expectation)
{
    public int Rows => Expectation.GetProperty("rows").GetInt32();

    public IReadOnlyList<string> Columns => [.. Expectation.GetProperty("columns").EnumerateArray().Select(static c => c.ValueKind == JsonValueKind.Array
        ? c[0].GetString()! : c.GetString()!)];

    public string Dialect(string key) => Expectation.GetProperty("dialect").GetProperty(key).ToString();

    /// <summary>The dialect as options of the reader.</summary>
    public Dictionary<string, string> Settings => new()
    {
        ["delimiter"] = Dialect("delimiter") == "\t" ? "\\t" : Dialect("delimiter"),
        ["quote"] = OrNone(Dialect("quote")),
        ["escape"] = OrNone(Dialect("escape")),
        ["comment"] = OrNone(Dialect("comment")),
        ["header"] = Expectation.GetProperty("dialect").GetProperty("header").GetBoolean() ? "true" : "false",
        ["skip_rows"] = Dialect("skip_rows"),
        ["encoding"] = Dialect("encoding"),
        ["null_markers"] = "",
    };

    /// <summary>The first rows, cell by cell; a cell that is null is null.</summary>
    public List<string?[]> Expected()
    {
        var rows = new List<string?[]>();
        foreach (var line in File.ReadLines(Path + ".expected.jsonl"))
        {
            var cells = new List<string?>();
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(line));
            while (reader.Read())
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.Null)
                    cells.Add(reader.TokenType == JsonTokenType.Null ? null : reader.GetString());
            rows.Add([.. cells]);
        }
        return rows;
    }

    public static IEnumerable<CsvUnit> All(string folder) =>
        Directory.EnumerateFiles(folder, "*.schema.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => new CsvUnit(path[..^".schema.json".Length],
                System.IO.Path.GetRelativePath(folder, path[..^".schema.json".Length]).Replace('\\', '/'),
                JsonDocument.Parse(File.ReadAllBytes(path)).RootElement));

    /// <summary>Says how rows differ from what is expected; null when they do not.</summary>
    public string? Compare(TextFiles.Content content)
    {
        if (content.Rejected.Count > 0)
            return $"{content.Rejected.Count} rejected, the first: {content.Rejected[0].Location}: {content.Rejected[0].Reason}";
        if (content.Rows.Count != Rows)
            return $"{content.Rows.Count} rows instead of {Rows}";
        var expected = Expected();
        for (var i = 0; i < expected.Count; i++)
        {
            var found = content.Rows[i].Select(static cell => cell is null ? null : Encoding.UTF8.GetString(cell)).ToArray();
            if (!found.SequenceEqual(expected[i]))
                return $"row {i} is {Show(found)} instead of {Show(expected[i])}";
        }
        return null;
    }

    private static string Show(string?[] cells)
    {
        var text = string.Join('|', cells.Select(static cell => cell ?? "∅"));
        return text.Length > 150 ? text[..150] + "…" : text;
    }

    private static string OrNone(string text) => text.Length == 0 ? "none" : text;
}

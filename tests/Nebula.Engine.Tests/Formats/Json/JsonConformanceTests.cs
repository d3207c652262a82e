using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Tests.Formats.Json;

public sealed class JsonConformanceTests
{
    /// <summary>Refused as one document, but as files of records they are good: no records, or two of them.</summary>
    private static readonly HashSet<string> AcceptedAsRecords =
    [
        "n_single_space.json", "n_structure_no_data.json", "n_structure_UTF8_BOM_no_data.json", "n_structure_double_array.json",
    ];

    /// <summary>Files that other readers refuse; this one finds some records and refuses the rest one by one.</summary>
    private static readonly HashSet<string> Malformed =
    [
        "11152.json", "fuzzer_hang.json", "array_comma_malformed.json", "trailing_content.ndjson", "unterminated_quotes.ndjson",
    ];

    [FixtureFact]
    public void ParsingSuite_EveryFile_IsAcceptedOrRefusedAsItsNameSays()
    {
        var wrong = new List<string>();
        foreach (var path in Directory.EnumerateFiles(Fixtures.PathOf("json/JSONTestSuite/test_parsing"), "*.json").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileName(path);
            var accepted = IsAccepted(File.ReadAllBytes(path), out var reason);
            if (name[0] == 'y' && !accepted)
                wrong.Add($"{name} was refused: {reason}");
            else if (name[0] == 'n' && accepted != AcceptedAsRecords.Contains(name))
                wrong.Add($"{name} was {(accepted ? "accepted" : "refused")}");
        }
        Assert.Empty(wrong);
    }

    [FixtureFact]
    public void TransformSuite_EveryFile_EndsInRowsOrAClearError()
    {
        foreach (var path in Directory.EnumerateFiles(Fixtures.PathOf("json/JSONTestSuite/test_transform"), "*.json"))
            IsAccepted(File.ReadAllBytes(path), out _);
    }

    [FixtureFact]
    public void JsonLines_EveryFile_GivesTheExpectedRows()
    {
        var wrong = new List<string>();
        var count = 0;
        foreach (var path in Directory.EnumerateFiles(Fixtures.PathOf("jsonl"), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            if (new[] { ".expected.jsonl", ".schema.json", ".tsv" }.Any(ending => path.EndsWith(ending, StringComparison.Ordinal)))
                continue;
            count++;
            var content = path.EndsWith(".gz", StringComparison.Ordinal) ? Decompress(path) : File.ReadAllBytes(path);
            foreach (var timestamps in (string[])["infer", "text"])
                foreach (var step in (int[])[1 << 20, 50])
                    if (Compare(path, content, timestamps, step) is { } difference)
                        wrong.Add($"{Path.GetFileName(path)} (timestamps: {timestamps}, step {step}): {difference}");
        }
        Assert.Empty(wrong);
        Assert.True(count > 50, "the files were not found");
    }

    private static string? Compare(string path, byte[] content, string timestamps, int step)
    {
        var file = new JsonFile { Options = { ["timestamps"] = timestamps }, Step = step };
        try
        {
            file.Run(content);
        }
        catch (DataFormatException e)
        {
            return Malformed.Contains(Path.GetFileName(path)) ? null : e.Message;
        }
        if (!File.Exists(path + ".expected.jsonl"))
            return file.Rejected.Count > 0 ? null : "nothing was refused";
        if (file.Rejected.Count > 0)
            return file.Rejected[0].Reason;
        var expected = File.ReadAllLines(path + ".expected.jsonl");
        var actual = file.Lines.ToString().Split('\n')[..^1];
        if (expected.Length != actual.Length)
            return $"{expected.Length} rows expected, {actual.Length} found";
        for (var i = 0; i < expected.Length; i++)
        {
            using var a = JsonDocument.Parse(file.Dialect["records"] == "values" ? $"{{\"value\":{expected[i]}}}" : expected[i]);
            using var b = JsonDocument.Parse(actual[i]);
            if (!JsonValues.Same(a.RootElement, b.RootElement))
                return $"row {i}: expected {expected[i]} but found {actual[i]}";
        }
        return null;
    }

    private static bool IsAccepted(byte[] content, out string reason)
    {
        try
        {
            var file = new JsonFile().Run(content);
            reason = file.Rejected.FirstOrDefault()?.Reason ?? "";
            return file.Rejected.Count == 0;
        }
        catch (DataFormatException e)
        {
            reason = e.Message;
            return false;
        }
    }

    private static byte[] Decompress(string path)
    {
        using var input = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var output = new MemoryStream();
        input.CopyTo(output);
        return output.ToArray();
    }
}

/// <summary>
/// Compares documents as a table sees them: a key that is null is a key that is not there, the last of equal keys counts, numbers and instants go by value.
/// </summary>
internal static class JsonValues
{
    public static bool Same(JsonElement a, JsonElement b)
    {
        if (a.ValueKind == JsonValueKind.Object && b.ValueKind == JsonValueKind.Object)
        {
            var (left, right) = (Fields(a), Fields(b));
            return left.Count == right.Count && left.All(field => right.TryGetValue(field.Key, out var other) && Same(field.Value, other));
        }
        if (a.ValueKind != b.ValueKind)
            return false;
        return a.ValueKind switch
        {
            JsonValueKind.Array =>
                a.GetArrayLength() == b.GetArrayLength() && a.EnumerateArray().Zip(b.EnumerateArray()).All(static pair => Same(pair.First, pair.Second)),
            JsonValueKind.Number => a.GetRawText() == b.GetRawText() || a.GetDouble().Equals(b.GetDouble()),
            JsonValueKind.String => a.GetString() == b.GetString() || (IsInstant(a.GetString()!, out var x) && IsInstant(b.GetString()!, out var y) && x == y),
            _ => true,
        };
    }

    private static Dictionary<string, JsonElement> Fields(JsonElement value)
    {
        var fields = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var property in value.EnumerateObject())
            fields[property.Name] = property.Value;
        foreach (var (key, field) in fields)
            if (field.ValueKind == JsonValueKind.Null)
                fields.Remove(key);
        return fields;
    }

    private static bool IsInstant(string text, out DateTimeOffset instant) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out instant) && text.Length >= 19;
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Csv;

/// <summary>
/// Files with rows that cannot be read: the same lines are rejected as by DuckDB with <c>store_rejects</c>, and the rows that are left are the same.
/// </summary>
public sealed class CsvRejectsTests(ITestOutputHelper output)
{
    /// <summary>
    /// Every column is read as text here, since DuckDB passes over blanks in front of numbers and dates; and lines may be as long as they like.
    /// </summary>
    private static readonly string[] NotLookedAt = ["CAST", "LINE SIZE OVER MAXIMUM"];

    [Fact]
    public async Task Read_RejectsTheSameLines_AndKeepsTheOtherRows()
    {
        if (!SharedFixtures.TryFind("csv-rejects", output, out var folder))
            return;
        var wrong = new List<string>();
        foreach (var unit in CsvUnit.All(folder))
        {
            var content = await TextFiles.ReadAsync("csv", unit.Path, Settings(unit));
            var rejectedLines = content.Rejected.Select(static row => row.Location.Line).ToHashSet();
            var expectedLines = Expected(unit).Where(static e => !NotLookedAt.Contains(e.Kind)).Select(static e => e.Line).ToHashSet();
            if (!rejectedLines.SetEquals(expectedLines))
                wrong.Add($"{unit.Name}: rejected lines {Show(rejectedLines)} instead of {Show(expectedLines)}");
            var onlyElsewhere = Expected(unit).Select(static e => e.Line).ToHashSet();
            onlyElsewhere.ExceptWith(expectedLines);
            if (content.Rows.Count != unit.Rows + onlyElsewhere.Count)
                wrong.Add($"{unit.Name}: {content.Rows.Count} rows instead of {unit.Rows} and {onlyElsewhere.Count} that have wrong values");
            else if (onlyElsewhere.Count == 0 && CompareTrimmed(unit, content) is { } difference)
                wrong.Add($"{unit.Name}: {difference}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static Dictionary<string, string> Settings(CsvUnit unit)
    {
        var settings = new Dictionary<string, string> { ["null_markers"] = "", ["header"] = "true", ["delimiter"] = "," };
        if (unit.Expectation.TryGetProperty("scan", out var scan))
            settings["quote"] = scan.GetProperty("quote").GetString() == "(empty)" ? "none" : scan.GetProperty("quote").GetString()!;
        return settings;
    }

    private static IEnumerable<(long Line, string Kind)> Expected(CsvUnit unit) => File.ReadLines(unit.Path + ".rejects.jsonl")
        .Select(static line => JsonDocument.Parse(line).RootElement).Select(static e =>
            (e.GetProperty("line").GetInt64(), e.GetProperty("error_type").GetString()!));

    private static string? CompareTrimmed(CsvUnit unit, TextFiles.Content content)
    {
        var row = 0;
        foreach (var line in File.ReadLines(unit.Path + ".expected.jsonl"))
        {
            var expected = JsonDocument.Parse(line).RootElement.EnumerateObject().Select(static p => p.Value.ToString()).ToArray();
            var found = content.Rows[row++].Select(static cell => Encoding.UTF8.GetString(cell!)).ToArray();
            for (var i = 0; i < expected.Length; i++)
                if (found[i] != expected[i] && found[i].Trim() != expected[i])
                    return string.Create(CultureInfo.InvariantCulture, $"row {row} has '{found[i]}' instead of '{expected[i]}'");
        }
        return null;
    }

    private static string Show(IEnumerable<long> lines) => string.Join(' ', lines.Order());
}

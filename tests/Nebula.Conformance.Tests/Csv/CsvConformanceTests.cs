using Nebula.Engine.Diagnostics;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Csv;

/// <summary>CSV files that nobody here wrote, read as DuckDB and Python's csv module read them.</summary>
public sealed class CsvConformanceTests(ITestOutputHelper output)
{
    /// <summary>Units that give other rows than expected under their dialect, with the reason; the same list is in the format's README.</summary>
    private static readonly HashSet<string> KnownDifferences =
    [
        // an empty file has no columns; DuckDB makes one up
        "duckdb/add_escaped_rfc.csv", "duckdb/empty.csv", "duckdb/test/empty.csv",
        // a comment starts at the start of a line only, as in Python
        "duckdb/comments/empty_space.csv", "duckdb/comments/invalid_rows.csv", "duckdb/comments/mid_line_header.csv", "duckdb/comments/mid_line_null.csv",
        "duckdb/comments/mid_line_quote.csv", "duckdb/comments/midline_empty_space.csv",
        // blanks belong to the field (RFC 4180 section 2.4), as in Python
        "duckdb/empty_space_start_value.csv", "duckdb/validator/quoted_new_value.csv",
        // skip_rows counts lines, not records
        "duckdb/csv_quoted_newline_odd.csv",
        // a quote that is never closed is an error
        "duckdb/multidelimiter/unterminated_escape.csv",
        // a delimiter at the end of a record is followed by one more field
        "duckdb/test_apple_financial.csv.gz",
        // names of folders are no columns
        "duckdb/union-by-name/part=a/test.csv", "duckdb/union-by-name/part=b/test.csv",
    ];

    // must only ever grow
    private const int DetectedAtLeast = 241;

    [Fact]
    public async Task Read_UnderTheDialectOfTheUnit_GivesTheExpectedRows()
    {
        if (!SharedFixtures.TryFind("csv", output, out var folder))
            return;
        var wrong = new List<string>();
        var read = 0;
        foreach (var unit in CsvUnit.All(folder))
        {
            read++;
            string? difference;
            try
            {
                difference = unit.Compare(await TextFiles.ReadAsync("csv", unit.Path, unit.Settings));
            }
            catch (NebulaException e)
            {
                difference = e.Message;
            }
            if (difference is null == KnownDifferences.Contains(unit.Name))
                wrong.Add($"{unit.Name}: {difference ?? "is as expected now: take it off the list"}");
        }
        output.WriteLine($"{read} units, {KnownDifferences.Count} known differences");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {read}:\n" + string.Join('\n', wrong));
    }

    [Fact]
    public async Task Read_WithEverythingDetected_EqualsInAsManyUnitsAsBefore()
    {
        if (!SharedFixtures.TryFind("csv", output, out var folder))
            return;
        int same = 0, read = 0;
        foreach (var unit in CsvUnit.All(folder))
        {
            read++;
            string? difference;
            try
            {
                var content = await TextFiles.ReadAsync("csv", unit.Path, new Dictionary<string, string> { ["null_markers"] = "" });
                difference = unit.Compare(content) ?? (content.Columns.SequenceEqual(unit.Columns)
                    ? null : $"columns {string.Join(',', content.Columns)} instead of {string.Join(',', unit.Columns)}");
            }
            catch (NebulaException e)
            {
                difference = e.Message;
            }
            if (difference is null)
                same++;
            else
                output.WriteLine($"{unit.Name}: {difference}");
        }
        output.WriteLine($"detected as expected: {same} of {read}");
        Assert.True(same >= DetectedAtLeast, $"{same} of {read} units are detected as expected; it were {DetectedAtLeast}.");
    }
}

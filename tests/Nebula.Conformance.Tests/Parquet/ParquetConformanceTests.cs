using System.Text.RegularExpressions;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Parquet;

/// <summary>Parquet files that nobody here wrote, read as DuckDB and arrow-rs read them.</summary>
public sealed partial class ParquetConformanceTests(ITestOutputHelper output)
{
    /// <summary>Units whose rows are refused or differ, with the reason; the same list is in the format's README.</summary>
    private static readonly HashSet<string> KnownDifferences =
    [
        // INT96 beyond the years that nanoseconds can tell: refused unless read in microseconds, see below; one value of the first is beyond those too
        "parquet/apache/int96_from_spark.parquet", "parquet/cudf/spark_timestamp.snappy.parquet", "parquet/duckdb/bug4903.parquet",
        "parquet/impala/out_of_range_timestamp.parquet", "parquet/impala/out_of_range_timestamp_hive_211.parquet",
        // INT96 in nanoseconds, where the only reader shows microseconds
        "parquet/impala/alltypes_empty_pages.parquet",
        // the greatest timestamp in nanoseconds, which DuckDB takes for infinity
        "parquet/impala/int64_timestamps_nano.parquet",
        // a decimal of 77 digits, shown as a floating-point number; values that do not fit 38 digits are refused
        "parquet/duckdb/bigdecimal.parquet",
        // times before midnight, which DuckDB turns into the day before; they stay negative
        "parquet/duckdb/negative-timetz.parquet",
        // text by its logical type alone, which DuckDB does not look at there
        "parquet/hyparquet/strings.parquet",
        // a zone that only Arrow's own copy of the schema knows
        "parquet/parquet-dotnet/table.parquet", "parquet/parquet-dotnet/table.v2.parquet",
        // a UUID, shown as its bytes
        "parquet-variant/duckdb/variant_shredded_uuid.parquet",
    ];

    private readonly ParquetFormat _format = new();

    [Theory]
    [InlineData("parquet", 256 << 10)]
    [InlineData("parquet", 64)]
    [InlineData("parquet-variant", 256 << 10)]
    public void Read_FilesOfOthers_GivesTheExpectedRows(string suite, int blockSize)
    {
        if (!SharedFixtures.TryFind(suite, output, out _))
            return;
        var wrong = new List<string>();
        var read = 0;
        foreach (var unit in ContainerFixtures.Units(suite).Where(static unit => unit.HasExpectation))
        {
            read++;
            string? difference;
            try
            {
                difference = ContainerFixtures.Compare(unit, ContainerFixtures.Read(_format, unit.Path, blockSize));
            }
            catch (Exception e)
            {
                difference = e is NebulaException ? e.Message : e.ToString();
            }
            if (difference is null == KnownDifferences.Contains(unit.Name))
                wrong.Add($"{unit.Name}: {difference ?? "is as expected now: take it off the list"}");
        }
        output.WriteLine($"{read} units, {KnownDifferences.Count} known differences");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {read}:\n" + string.Join('\n', wrong));
    }

    [Theory]
    [InlineData("parquet/cudf/spark_timestamp.snappy.parquet")]
    [InlineData("parquet/duckdb/bug4903.parquet")]
    [InlineData("parquet/impala/out_of_range_timestamp.parquet")]
    [InlineData("parquet/impala/out_of_range_timestamp_hive_211.parquet")]
    [InlineData("parquet/impala/alltypes_empty_pages.parquet")]
    public void Read_Int96InMicroseconds_ReachesAnyYear(string name)
    {
        if (!SharedFixtures.TryFind("parquet", output, out _))
            return;
        var unit = ContainerFixtures.Units("parquet").Single(unit => unit.Name == name);
        var options = new OptionValues("parquet", _format.ReadOptions, [new("int96", new OptionValue(["us"], new SourceLocation("test")))]);
        var lines = ContainerFixtures.Read(_format, File.ReadAllBytes(unit.Path), name, options: options).Lines;
        var expected = File.ReadLines(unit.Path + ".expected.jsonl").Select(static line => NanosecondDigits().Replace(line, "")).ToList();
        Assert.Equal(expected, lines.Take(expected.Count).Select(static line => NanosecondDigits().Replace(line, "")));
    }

    [Fact]
    public void Read_BadFiles_RefusesOrReadsThemAsTheirVerdictSays()
    {
        if (!SharedFixtures.TryFind("parquet-bad", output, out _))
            return;
        var wrong = new List<string>();
        foreach (var unit in ContainerFixtures.Units("parquet-bad"))
        {
            try
            {
                var refusal = ContainerFixtures.Refusal(() => ContainerFixtures.Read(_format, unit.Path));
                output.WriteLine($"{unit.Name} ({unit.Verdict}): {refusal?.Message ?? "read"}");
                if (unit.Verdict == "reject" && refusal is null)
                    wrong.Add($"{unit.Name} was read");
                if (unit.Verdict == "read" && refusal is not null)
                    wrong.Add($"{unit.Name}: {refusal.Message}");
            }
            catch (Exception e)
            {
                wrong.Add($"{unit.Name}: {e}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [GeneratedRegex("""(?<=\d\d:\d\d:\d\d\.\d{6})\d{3}(?=")""")]
    private static partial Regex NanosecondDigits();

    [Fact]
    public void Read_ListsAndMapsNestedAHundredDeep_ReadsOrRefuses()
    {
        if (!SharedFixtures.TryFind("max-nesting-depth", output, out _))
            return;
        foreach (var unit in ContainerFixtures.Units("max-nesting-depth").Where(static unit => unit.Name.Contains("/parquet/", StringComparison.Ordinal)))
            output.WriteLine($"{unit.Name}: {ContainerFixtures.Refusal(() => ContainerFixtures.Read(_format, unit.Path))?.Message ?? "read"}");
    }
}

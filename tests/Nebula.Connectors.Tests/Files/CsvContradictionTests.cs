using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;

namespace Nebula.Connectors.Tests.Files;

/// <summary>What comes behind the sample may not fit the types found in it. The outcome is that of reading every value first.</summary>
public sealed class CsvContradictionTests
{
    public static TheoryData<string, string, string> Contradictions => new()
    {
        { "1", "007", "string" },
        { "1", "12345678901234567890", "decimal(38,0)" },
        { "1", "2.5", "float64" },
        { "1", "1E5", "string" },
        { "1.5", "1E5", "string" },
        { "1.50", "2.125", "float64" },
        { "1.50", "-0.00", "float64" },
        { "2020-01-01", "soon", "string" },
        { "2020-01-01", "2020-01-01T00:00:00", "string" },
        { "2020-01-01T00:00:00", "2020-01-01T00:00:00.123456789", "timestamp(ns)" },
        { "2020-01-01T00:00:00", "2020-01-01T00:00:00Z", "string" },
        { "true", "maybe", "string" },
        { "true", "\"yes\"", "string" },
        { "10:00:00", "25:00:00", "string" },
        { "1", "nan", "float64" },
        { "1.50", "-inf", "float64" },
        { "9007199254740993", "NaN", "string" },
    };

    [Theory, MemberData(nameof(Contradictions))]
    public async Task Run_ValueBehindTheSample_GivesWhatAFullReadGives(string usual, string odd, string type)
    {
        var text = Input(usual, odd);
        var sampled = CsvRun.Of(text, ("sample_size", "4KiB"));
        var result = await sampled.RunAsync();
        Assert.Equal(1, result.Restarts);
        Assert.Single(sampled.Restarts);
        Assert.Equal(type, result.Plan.Schema.Fields[1].Type.ToString());
        var full = CsvRun.Of(text, ("infer", "all"));
        var expected = await full.RunAsync();
        Assert.Equal(0, expected.Restarts);
        Assert.Equal(expected.Plan.Schema, result.Plan.Schema);
        Assert.Equal(full.Destination.Rows, sampled.Destination.Rows);
        Assert.Equal((1, sampled.Destination.Rows.Count), (sampled.Destination.Commits, (int)sampled.Metrics!.RowsWritten));
    }

    [Theory, MemberData(nameof(Contradictions))]
    public async Task Run_StandardInput_IsRefusedWithThePlace(string usual, string odd, string type)
    {
        var run = new CsvRun
        {
            Store = new MemoryStore().Add("-", Encoding.UTF8.GetBytes(Input(usual, odd))),
            Path = "-",
            Settings = { ["sample_size"] = ["4KiB"] },
        };
        var e = await Assert.ThrowsAsync<SchemaContradictionException>(() => run.RunAsync());
        Assert.Equal((20_002L, "value"), (e.Location!.Value.Line, e.Location.Value.Column));
        Assert.Contains($"'{odd}'", e.Message, StringComparison.Ordinal);
        Assert.Equal((0, 1), (run.Destination.Commits, run.Destination.Aborts));
        Assert.NotEmpty(type);
    }

    [Fact]
    public async Task Run_DecimalsOfFewerPlaces_KeepTheirValue()
    {
        var run = CsvRun.Of(Input("1.50", "2.5"), ("sample_size", "4KiB"));
        var result = await run.RunAsync();
        Assert.Equal(0, result.Restarts);
        Assert.Contains("20000|250e-2", run.Destination.Rows);
    }

    [Fact]
    public async Task Run_FixedType_WrongValueIsABadRowAndNoRestart()
    {
        var run = CsvRun.Of(Input("1", "x"), ("sample_size", "4KiB"));
        var skipping = new CsvRun
        {
            Store = run.Store,
            Settings = run.Settings,
            Request = new StreamRequest { Types = new Dictionary<string, Engine.Schemas.DataType> { ["value"] = Engine.Schemas.DataType.Int64 } },
            Options = run.Options with { BadRows = new BadRowOptions { Policy = BadRowPolicy.Skip } },
        };
        var result = await skipping.RunAsync();
        Assert.Equal((0, 1L, 20_004L), (result.Restarts, skipping.Metrics!.RowsSkipped, skipping.Metrics.RowsWritten));
    }

    /// <summary>A header, 20,000 usual rows, the odd one, and some more: far behind the sample, in a later block.</summary>
    private static string Input(string usual, string odd)
    {
        var text = new StringBuilder("id,value\n");
        for (var i = 0; i < 20_000; i++)
            text.Append(i).Append(',').Append(usual).Append('\n');
        text.Append("20000,").Append(odd).Append('\n');
        for (var i = 20_001; i < 20_005; i++)
            text.Append(i).Append(',').Append(usual).Append('\n');
        return text.ToString();
    }
}

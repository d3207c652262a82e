using System.Globalization;
using System.Text;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests.Files;

/// <summary>Runs over files whose values have forms that the user describes.</summary>
public sealed class CsvValueFormsRunTests
{
    private static readonly (string, string)[] Forms =
        [("trim", "true"), ("decimal", ","), ("thousands", "."), ("date_format", "%d.%m.%Y"), ("timestamp_format", "%d.%m.%Y %H:%M"), ("sample_size", "4KiB")];

    [Fact]
    public async Task Run_EveryFormAtOnce_GivesTheValues()
    {
        var run = CsvRun.Of("city ; 2023;when;seen\r\n Bonn ; 1.234,5;31.12.2023 ;01.02.2024 07:05\r\n\"Halle; Saale\";12,25;;\r\n", Forms);
        var result = await run.RunAsync();
        Assert.Equal("city: string, 2023: float64, when: date, seen: timestamp", result.Plan.Schema.ToString());
        Assert.Equal(["Bonn|1234.5|2023-12-31|1706771100000000", "Halle; Saale|12.25|∅|∅"], run.Destination.Rows);
    }

    [Fact]
    public async Task Run_ValueOfAnotherFormBehindTheSample_StartsAgain()
    {
        var run = CsvRun.Of(Input("2.5"), Forms);
        var result = await run.RunAsync();
        Assert.Equal((1, "string"), (result.Restarts, result.Plan.Schema.Fields[1].Type.ToString()));
    }

    [Fact]
    public async Task Run_ValueOfAnotherFormInANamedType_IsABadRowWithItsBlanks()
    {
        var run = CsvRun.Of(Input(" 2.5 "), Forms);
        var bad = new CsvRun
        {
            Store = run.Store,
            Settings = run.Settings,
            Request = new StreamRequest { Types = new Dictionary<string, DataType> { ["value"] = DataType.Decimal(10, 2) } },
            Options = run.Options with { BadRows = new BadRowOptions { Policy = Engine.Connectors.BadRowPolicy.Quarantine } },
        };
        await bad.RunAsync();
        var row = Assert.Single(bad.Quarantined);
        Assert.Equal((20_002L, "20001; 2.5 "), (row.Location.Line, Encoding.UTF8.GetString(row.Raw.Span)));
        Assert.Equal("the value '2.5' is not a decimal(10,2)", row.Reason);
        Assert.Equal(20_000, bad.Destination.Rows.Count);
    }

    private static string Input(string odd)
    {
        var text = new StringBuilder("id;value\n");
        for (var i = 1; i <= 20_000; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i};1,25\n");
        return text.Append(CultureInfo.InvariantCulture, $"20001;{odd}\n").ToString();
    }
}

using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;

namespace Nebula.Connectors.Tests.Files;

/// <summary>Inputs of unusual proportions, and runs that end in the middle: memory stays bounded, every buffer comes back, the message says where.</summary>
public sealed class CsvHostileInputTests
{
    [Fact]
    public async Task Run_OneValueOf64MB_ArrivesWhole()
    {
        var value = new string('v', 64 << 20);
        var run = CsvRun.Of($"id,text\n1,short\n2,\"{value}\"\n3,\"end\"\n");
        var rows = await new CsvRun { Store = run.Store, Options = new PipelineOptions { Workers = 2 } }.RowsAsync();
        Assert.Equal(["1|short", "3|end"], [rows[0], rows[2]]);
        Assert.True(rows[1] == "2|" + value);
    }

    [Fact]
    public async Task Run_RecordLargerThanAllowed_SaysWhereItStarts()
    {
        var text = new StringBuilder("id,text\n");
        for (var i = 0; i < 1_000; i++)
            text.Append(i).Append(",\"a\nb\"\n");
        text.Append("1000,\"never closed\n");
        for (var i = 0; i < 400_000; i++)
            text.Append(i).Append(",abcdef\n");
        var e = await Assert.ThrowsAsync<DataFormatException>(() => CsvRun.Of(text.ToString(), ("sample_size", "4KiB")).RunAsync());
        Assert.Equal(2_002, e.Location!.Value.Line);
        Assert.Contains("a quote or bracket in it is probably not closed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_QuoteNeverClosedInTheFirstRecord_IsRefusedBeforeAnythingIsWritten()
    {
        var run = CsvRun.Of("id,\"text\n" + string.Concat(Enumerable.Repeat("1,abcdefgh\n", 200_000)), ("quote", "\""), ("delimiter", ","));
        var e = await Assert.ThrowsAsync<DataFormatException>(() => run.RunAsync());
        Assert.StartsWith("in.csv, line 1, column 2: the quote that opens here", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, run.Destination.Commits);
    }

    [Fact]
    public async Task Run_5000Columns_AreRead()
    {
        var text = new StringBuilder().AppendJoin(',', Enumerable.Range(0, 5_000).Select(static i => $"c{i}")).Append('\n');
        for (var row = 0; row < 50; row++)
            text.AppendJoin(',', Enumerable.Range(0, 5_000).Select(i => i * row)).Append('\n');
        var run = CsvRun.Of(text.ToString());
        var rows = await run.RowsAsync();
        Assert.Equal(50, rows.Count);
        Assert.Equal(string.Join('|', Enumerable.Range(0, 5_000).Select(static i => i * 49)), rows[49]);
    }

    [Fact]
    public async Task Run_TooManyColumns_AreRefused()
    {
        var e = await Assert.ThrowsAsync<DataFormatException>(() => CsvRun.Of(new string(',', 70_000) + "\n1\n").RunAsync());
        Assert.Contains("the first record has 70,001 fields; 65,536 columns are the most", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_OneNameInEveryColumn_IsNumberedInTime()
    {
        var run = CsvRun.Of(
            string.Join(',', Enumerable.Repeat("a", 20_000)) + "\n" + string.Join(',', Enumerable.Repeat("1", 20_000)) + "\n",
            ("header", "true"));
        var result = await run.RunAsync();
        Assert.Equal(["a", "a_1", "a_19999"], new[] { 0, 1, 19_999 }.Select(i => result.Plan.Schema.Fields[i].Name));
    }

    [Fact]
    public async Task Run_ShortRecordsOfManyColumnsCompleted_IsBoundedByAnError()
    {
        var text = string.Join(',', Enumerable.Range(0, 20_000).Select(static i => $"c{i}")) + "\n" + string.Concat(Enumerable.Repeat("a\n", 200_000));
        var e = await Assert.ThrowsAsync<DataFormatException>(
            () => CsvRun.Of(text, ("null_padding", "true"), ("header", "true"), ("infer", "none")).RunAsync());
        Assert.Contains("null_padding", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_RecordOfMillionsOfFields_IsABadRow()
    {
        var run = new CsvRun
        {
            Store = new MemoryStore().Add("in.csv", Encoding.ASCII.GetBytes("a,b\n1,2\n" + new string(',', 3_000_000) + "\n3,4\n")),
            Options = new PipelineOptions { Workers = 2, BadRows = new BadRowOptions { Policy = BadRowPolicy.Quarantine } },
        };
        Assert.Equal(["1|2", "3|4"], await run.RowsAsync());
        Assert.StartsWith("the record has 3000001 fields where 2 are expected", Assert.Single(run.Quarantined).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n\r\n")]
    [InlineData("\uFEFF")]
    public async Task Run_NothingInTheFile_SaysSo(string text)
    {
        var e = await Assert.ThrowsAsync<NebulaException>(() => CsvRun.Of(text).RunAsync());
        Assert.Equal("in.csv has no columns: it is empty, and there is neither a header nor a record to take them from.", e.Message);
    }

    [Fact]
    public async Task Run_HeaderOnly_GivesNoRows()
    {
        var run = CsvRun.Of("id,name");
        await run.RunAsync();
        Assert.Equal((0, 1), (run.Destination.Rows.Count, run.Destination.Commits));
    }

    [Fact]
    public async Task Run_CancelledWhileReading_ReturnsEveryBuffer()
    {
        for (var after = 1; after < 12; after++)
        {
            using var stop = new CancellationTokenSource();
            var reads = 0;
            var run = CsvRun.Of(string.Concat(Enumerable.Repeat("1,abc\n", 200_000)), ("sample_size", "4KiB"));
            run.Store.Portion = 50_000;
            run.Store.Reading = () =>
            {
                if (++reads == after)
                    stop.Cancel();
            };
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.RunAsync(stop.Token));
            Assert.Equal(0, run.Destination.Commits);
        }
    }

    [Fact]
    public async Task Run_DestinationFails_ReturnsEveryBuffer()
    {
        var writes = 0;
        var run = CsvRun.Of(string.Concat(Enumerable.Repeat("1,abc\n", 200_000)));
        run.Destination.Writing = () =>
        {
            if (++writes == 3)
                throw new NebulaException(ErrorKind.Transient, "the disk is full");
        };
        Assert.Equal("the disk is full", (await Assert.ThrowsAsync<NebulaException>(() => run.RunAsync())).Message);
        Assert.Equal((0, 1), (run.Destination.Commits, run.Destination.Aborts));
    }

    [Fact]
    public async Task Run_ReadingFails_ReturnsEveryBuffer()
    {
        var reads = 0;
        var run = CsvRun.Of(string.Concat(Enumerable.Repeat("1,abc\n", 200_000)));
        run.Store.Portion = 60_000;
        run.Store.Reading = () =>
        {
            if (++reads == 30)
                throw new IOException("the disk is gone");
        };
        await Assert.ThrowsAsync<IOException>(() => run.RunAsync());
        Assert.Equal(0, run.Destination.Commits);
    }

    [Fact]
    public async Task Run_RowLimit_WritesThatMany()
    {
        var run = CsvRun.Of(string.Concat(Enumerable.Range(0, 50_000).Select(static i => $"{i},a\n")));
        var limited = new CsvRun { Store = run.Store, Options = new PipelineOptions { Workers = 2, MemoryLimit = 1, RowLimit = 12_345 } };
        var rows = await limited.RowsAsync();
        Assert.Equal((12_345, "12344|a"), (rows.Count, rows[^1]));
    }

    [Fact]
    public async Task Run_LatencyBeforeSize_GivesTheSameRows()
    {
        var run = CsvRun.Of("\n# c\nid,name\n1,\"a\nb\"\n2,é\n", ("comment", "#"));
        for (var portion = 1; portion < 12; portion++)
        {
            run.Store.Portion = portion;
            var fast = new CsvRun { Store = run.Store, Settings = run.Settings, Options = new PipelineOptions { Workers = 2, PreferLatency = true } };
            Assert.Equal(["1|a\nb", "2|é"], await fast.RowsAsync());
        }
    }

    [Theory]
    [InlineData("delimiter", "none", "delimiter")]
    [InlineData("delimiter", "ab", "delimiter")]
    [InlineData("delimiter", "\"", "quote")]
    [InlineData("quote", "7", "quote")]
    [InlineData("quote", "\n", "quote")]
    [InlineData("comment", ",", "comment")]
    [InlineData("escape", "é", "escape")]
    public async Task Run_CharacterThatCannotDoItsWork_IsRefused(string option, string value, string named)
    {
        var run = CsvRun.Of("a,b\n1,2\n", (option, value));
        if (option != "quote")
            run.Settings["quote"] = ["\""];
        if (option != "delimiter")
            run.Settings["delimiter"] = [","];
        var e = await Assert.ThrowsAsync<NebulaException>(() => run.RunAsync());
        Assert.Equal(ErrorKind.Configuration, e.Kind);
        Assert.Contains($"'{named}'", e.Message, StringComparison.Ordinal);
    }
}

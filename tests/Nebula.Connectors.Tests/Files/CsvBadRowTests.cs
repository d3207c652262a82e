using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests.Files;

/// <summary>What becomes of rows that cannot be read: every row is written, skipped or in quarantine, and its place is right whatever the blocks.</summary>
public sealed class CsvBadRowTests
{
    private static readonly Dictionary<string, DataType> Types = new() { ["id"] = DataType.Int64 };

    [Theory]
    [InlineData("\n", 1)]
    [InlineData("\r\n", 2)]
    [InlineData("\r", 2)]
    public async Task Run_Quarantine_EveryRowIsSomewhere(string newLine, int workers)
    {
        var (bytes, bad) = Input(newLine, rows: 30_000);
        var run = Run(bytes, new BadRowOptions { Policy = BadRowPolicy.Quarantine }, workers);
        await run.RunAsync();
        Assert.Equal(bad, run.Quarantined.Select(static row => row.Location.Line));
        Assert.Equal(30_000, run.Metrics!.RowsRead);
        Assert.Equal((30_000 - bad.Count, (long)bad.Count, 0L), (run.Destination.Rows.Count, run.Metrics.RowsQuarantined, run.Metrics.RowsSkipped));
        Assert.Equal(run.Destination.Rows, run.Destination.Rows.OrderBy(static row => long.Parse(row.Split('|')[0])));
        foreach (var row in run.Quarantined)
        {
            // the raw bytes are those of the file at the place that is told
            Assert.Equal(bytes[(int)row.Location.ByteOffset..((int)row.Location.ByteOffset + row.Raw.Length)], row.Raw.ToArray());
            Assert.False(string.IsNullOrEmpty(row.Reason));
        }
    }

    [Fact]
    public async Task Run_Skip_CountsThem()
    {
        var (bytes, bad) = Input("\n", rows: 5_000);
        var run = Run(bytes, new BadRowOptions { Policy = BadRowPolicy.Skip });
        await run.RunAsync();
        Assert.Equal((5_000L, (long)bad.Count), (run.Metrics!.RowsRead, run.Metrics.RowsSkipped));
    }

    [Fact]
    public async Task Run_Fail_NamesTheFirst()
    {
        var (bytes, bad) = Input("\n", rows: 30_000);
        var run = Run(bytes, new BadRowOptions());
        var e = await Assert.ThrowsAsync<DataFormatException>(() => run.RunAsync());
        Assert.Equal(bad[0], e.Location!.Value.Line);
        Assert.StartsWith($"in.csv, line {bad[0]}", e.Message, StringComparison.Ordinal);
        Assert.Equal((0, 1), (run.Destination.Commits, run.Destination.Aborts));
    }

    [Fact]
    public async Task Run_MoreThanAllowed_EndsAtTheFirstTooMany()
    {
        var (bytes, bad) = Input("\n", rows: 30_000);
        var run = Run(bytes, new BadRowOptions { Policy = BadRowPolicy.Quarantine, Max = 3 });
        var e = await Assert.ThrowsAsync<DataFormatException>(() => run.RunAsync());
        Assert.Equal(bad[3], e.Location!.Value.Line);
        Assert.Contains("bad row number 4; 3 are allowed", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, run.Destination.Commits);
        await Run(bytes, new BadRowOptions { Policy = BadRowPolicy.Quarantine, Max = bad.Count }).RunAsync();
    }

    [Fact]
    public async Task Run_SeveralFiles_LinesStartAgainInEach()
    {
        var run = new CsvRun
        {
            Store = new MemoryStore()
                .Add("a.csv", "id,x\n1,a\n2\n"u8.ToArray())
                .Add("b.csv", ""u8.ToArray())
                .Add("c.csv", "id,x\n3,c\n4,d\n5,e,f\n"u8.ToArray()),
            Path = "*.csv",
            Request = new StreamRequest { AsOneStream = true },
            Options = new PipelineOptions { BadRows = new BadRowOptions { Policy = BadRowPolicy.Quarantine } },
        };
        Assert.Equal(["1|a", "3|c", "4|d"], await run.RowsAsync());
        Assert.Equal(["a.csv, line 3", "c.csv, line 4"], run.Quarantined.Select(static row => row.Location.ToString()));
    }

    [Fact]
    public async Task Run_EmptyFileFirst_TheNextGivesTheColumns()
    {
        var run = new CsvRun
        {
            Store = new MemoryStore().Add("a.csv", []).Add("b.csv", "id,x\n1,a\n"u8.ToArray()),
            Path = "*.csv",
            Request = new StreamRequest { AsOneStream = true },
        };
        Assert.Equal(["1|a"], await run.RowsAsync());
    }

    [Fact]
    public async Task Run_SecondFileWithOtherColumns_IsRefusedWithItsName()
    {
        var run = new CsvRun
        {
            Store = new MemoryStore().Add("a.csv", "id,name,mail\n1,a,b\n"u8.ToArray()).Add("b.csv", "\nid,mail,name\n2,c,d\n"u8.ToArray()),
            Path = "*.csv",
            Request = new StreamRequest { AsOneStream = true },
        };
        var e = await Assert.ThrowsAsync<DataFormatException>(() => run.RunAsync());
        Assert.StartsWith(
            "b.csv, line 2: the header is not that of the stream's first file: column 2 is \"mail\" where \"name\" is expected",
            e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_QuoteNeverClosedInSecondFile_NamesItsLine()
    {
        var run = new CsvRun
        {
            Store = new MemoryStore().Add("a.csv", "id,x\n1,\"a\"\n"u8.ToArray()).Add("b.csv", "id,x\n2,b\n3,\"c\n4,d\n"u8.ToArray()),
            Path = "*.csv",
            Request = new StreamRequest { AsOneStream = true },
        };
        var e = await Assert.ThrowsAsync<DataFormatException>(() => run.RunAsync());
        Assert.StartsWith("b.csv, line 3, column 2: the quote that opens here", e.Message, StringComparison.Ordinal);
    }

    private static CsvRun Run(byte[] bytes, BadRowOptions badRows, int workers = 2) => new()
    {
        Store = new MemoryStore().Add("in.csv", bytes),
        Settings = { ["quote"] = ["\""] },
        Request = new StreamRequest { Types = Types },
        Options = new PipelineOptions { Workers = workers, MemoryLimit = 1, BadRows = badRows },
    };

    /// <summary>
    /// Rows of which every so often one has a wrong value, too few or too many fields, wrong quotes or broken UTF-8; with the lines of those.
    /// </summary>
    private static (byte[] Bytes, List<long> Bad) Input(string newLine, int rows)
    {
        const int seed = 77;
        var random = new Random(seed);
        var bytes = new List<byte>();
        var bad = new List<long>();
        Append("id,text,more" + newLine);
        var line = 2L;
        for (var i = 0; i < rows; i++)
        {
            if (i > 1_000 && random.Next(400) == 0)
            {
                bad.Add(line);
                Append(random.Next(5) switch { 0 => $"x{i},a,b", 1 => $"{i},a", 2 => $"{i},a,b,c", 3 => $"{i},\"a\"b,c", _ => $"{i},a," });
                if (bytes[^1] == ',')
                    bytes.AddRange([0xFF, 0xFE]);
            }
            else if (random.Next(50) == 0)
            {
                Append($"{i},\"a{newLine}b\",c");
                line++;
            }
            else
                Append($"{i},é{new string('y', random.Next(20))},\"q\"\"{random.Next(100)}\"");
            Append(newLine);
            line++;
            if (random.Next(100) == 0)
            {
                Append(newLine);
                line++;
            }
        }
        return ([.. bytes], bad);

        void Append(string text) => bytes.AddRange(Encoding.UTF8.GetBytes(text));
    }
}

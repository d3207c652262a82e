using System.Globalization;
using System.Text;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;

namespace Nebula.Connectors.Tests.Files;

/// <summary>Destinations that want many rows at once are given groups of exactly that size, in order, whatever the blocks of the source are.</summary>
public class GatheringTests
{
    private const int Rows = 50_000;
    private static readonly string Input = CreateInput();

    [Theory]
    [InlineData(777)]
    [InlineData(20_000)]
    [InlineData(Rows)]
    [InlineData(Rows * 2)]
    public async Task Run_WithTarget_WritesGroupsOfThatManyRowsInOrder(int target)
    {
        var run = Of(new RowTarget(target, long.MaxValue));
        AssertRows(await run.RowsAsync(), Rows);
        Assert.All(run.Destination.Blocks.SkipLast(1), rows => Assert.Equal(target, rows));
        Assert.Equal((Rows - 1) % target + 1, run.Destination.Blocks[^1]);
    }

    [Fact]
    public async Task Run_WithTargetInBytes_BoundsGroups()
    {
        var run = Of(new RowTarget(Rows, 100_000));
        AssertRows(await run.RowsAsync(), Rows);
        Assert.InRange(run.Destination.Blocks.Max(), 1000, 20_000);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(1, null)]
    [InlineData(12_345, null)]
    [InlineData(12_345, 1000)]
    [InlineData(12_000, 1000)]
    [InlineData(Rows + 1, 20_000)]
    public async Task Run_WithRowLimit_WritesThatManyRows(int limit, int? target)
    {
        var run = new CsvRun
        {
            Store = new MemoryStore().Add("in.csv", Encoding.UTF8.GetBytes(Input)),
            Destination = new MemoryDestination { Target = target is { } rows ? new RowTarget(rows, long.MaxValue) : null },
            Options = new PipelineOptions { Workers = 2, MemoryLimit = 1, RowLimit = limit },
        };
        AssertRows(await run.RowsAsync(), Math.Min(limit, Rows));
        Assert.Equal(Math.Min(limit, Rows), run.Metrics!.RowsWritten);
    }

    [Fact]
    public async Task Run_EncodingFailsInAGroup_ReportsItAndReturnsEveryBuffer()
    {
        var run = Of(new RowTarget(5000, long.MaxValue));
        var groups = 0;
        run.Destination.Encoding = _ =>
        {
            if (Interlocked.Increment(ref groups) == 3)
                throw NebulaException.Configuration("no third group");
        };
        var error = await Assert.ThrowsAsync<NebulaException>(() => run.RunAsync());
        Assert.Contains("no third group", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, run.Destination.Aborts);
        Assert.Equal(0, run.Destination.Commits);
    }

    [Fact]
    public async Task Run_BadRowBehindGroups_ReportsItsLine()
    {
        var run = CsvRun.Of(Input + "1,2,3\n");
        run = new CsvRun { Store = run.Store, Destination = new MemoryDestination { Target = new RowTarget(1000, long.MaxValue) } };
        var error = await Assert.ThrowsAsync<DataFormatException>(() => run.RunAsync());
        Assert.Equal(Rows + 2, error.Location!.Value.Line);
    }

    [Fact]
    public async Task Run_CancelledWhileWritingGroups_ReturnsEveryBuffer()
    {
        using var cancellation = new CancellationTokenSource();
        var run = Of(new RowTarget(1000, long.MaxValue));
        run.Destination.Writing = cancellation.Cancel;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run.RunAsync(cancellation.Token));
        Assert.Equal(0, run.Destination.Commits);
    }

    private static CsvRun Of(RowTarget target) => new()
    {
        Store = new MemoryStore().Add("in.csv", Encoding.UTF8.GetBytes(Input)),
        Destination = new MemoryDestination { Target = target },
        Options = new PipelineOptions { Workers = 2, BatchSize = 500 },
    };

    private static void AssertRows(IReadOnlyList<string> rows, int count)
    {
        Assert.Equal(count, rows.Count);
        for (var i = 0; i < count; i++)
            Assert.Equal(Row(i).Replace(',', '|'), rows[i].Replace("∅", "", StringComparison.Ordinal));
    }

    private static string CreateInput()
    {
        var text = new StringBuilder("id,name\n");
        for (var i = 0; i < Rows; i++)
            text.Append(Row(i)).Append('\n');
        return text.ToString();
    }

    private static string Row(int i) => string.Create(CultureInfo.InvariantCulture, $"{i},{(i % 7 == 0 ? "" : "name " + i)}");
}

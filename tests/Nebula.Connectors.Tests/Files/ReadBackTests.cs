using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Verification;

namespace Nebula.Connectors.Tests.Files;

/// <summary>What is done to committed files is found, and said to be where it is: the chunk, and the columns.</summary>
public sealed class ReadBackTests : IDisposable
{
    private const int Rows = 4000;
    private static readonly string[] Damages = ["value", "columns", "rows", "lost", "doubled", "replaced", "cut", "missing"];

    private readonly FileRun _files = new() { Options = new PipelineOptions { Workers = 2, MemoryLimit = 1, Verify = VerifyMode.Chunk } };

    /// <summary>Target, options, and what is done to it.</summary>
    public static TheoryData<string, string, string> Layouts
    {
        get
        {
            var layouts = new TheoryData<string, string, string>();
            foreach (var damage in Damages)
                foreach (var (target, options) in ((string, string)[])
                [
                    ("out.csv", ""), ("out.jsonl", ""), ("out.csv.gz", ""), ("out.csv.br", ""),
                    ("out.parquet", ""), ("out.orc", ""), ("parts/p-{part:05}.csv", ""),
                    ("parts/p-{part:05}.jsonl.gz", ""), ("parts/p-{part:05}.parquet", ""),
                    ("parts/p.parquet", "partition_by=kind"), ("parts/p.csv.zst", "partition_by=kind,file_size=2KB"),
                ])
                    layouts.Add(target, options, damage);
            return layouts;
        }
    }

    public void Dispose() => _files.Dispose();

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Compare_FileDamaged_SaysWhichChunkAndColumns(string target, string options, string damage)
    {
        _files.Write("in.csv", Table());
        var settings = options.Split(',', StringSplitOptions.RemoveEmptyEntries)
            .Select(static option => option.Split('='))
            .Select(static pair => (pair[0], pair[1]))
            .ToArray();
        var isChunked = target.StartsWith("parts", StringComparison.Ordinal) || target is "out.csv" or "out.jsonl" or "out.csv.gz";
        var (written, parts) = await _files.RunChunksAsync("in.csv", target, isChunked ? 40_000 : long.MaxValue, settings);
        Assert.Equal(isChunked ? 4 : 1, parts.Count);
        Assert.Equal(Rows, parts.Sum(static part => part.Rows));
        Assert.All(
            await _files.CompareAsync(written, parts, target, settings),
            static comparison => Assert.True(comparison is { Matches: true, HasValues: true }));

        // something in the middle of the third chunk
        var damaged = isChunked ? 2 : 0;
        var first = (int)parts.Take(damaged).Sum(static part => part.Rows);
        var file = await DamageAsync(target, parts[damaged], first, damage);
        var found = await _files.CompareAsync(written, parts, target, settings);
        var comparison = found[damaged];
        Assert.False(comparison.Matches, $"{damage} in {file} is not found");
        // where several chunks are in a file that cannot be read to its end, nothing can be said of those behind
        if (target.StartsWith("parts", StringComparison.Ordinal) || damage is not ("cut" or "missing"))
            Assert.All(
                found.Where(other => other != comparison),
                other => Assert.True(other.Matches, $"{damage} in {file}: chunk {other.Chunk} is whole, but {other}"));
        switch (damage)
        {
            case "value":
                Assert.Equal(["amount"], comparison.Columns);
                break;
            case "columns":
                Assert.Equal(["name", "note"], comparison.Columns);
                break;
            case "rows":
                Assert.Empty(comparison.Columns);
                Assert.True(comparison.AreRowsMixed);
                break;
            case "lost":
                Assert.Equal(comparison.RowsExpected - 1, comparison.RowsFound);
                break;
            case "doubled":
                Assert.Equal(comparison.RowsExpected + 1, comparison.RowsFound);
                break;
            case "replaced":
                Assert.Contains("id", comparison.Columns);
                Assert.Equal(comparison.RowsExpected, comparison.RowsFound);
                break;
            case "missing":
                Assert.Contains(Path.GetFileName(file), found.First(static other => !other.Matches).Problem, StringComparison.Ordinal);
                break;
        }
    }

    [Fact]
    public async Task Compare_CountsOnly_FindsRowsLost_NotValuesChanged()
    {
        _files.Options = _files.Options with { Verify = VerifyMode.Count };
        _files.Write("in.csv", Table());
        var (written, parts) = await _files.RunChunksAsync("in.csv", "out.csv", 40_000);
        Assert.All(parts, static part => Assert.Null(part.Hash));
        Assert.All(await _files.CompareAsync(written, parts, "out.csv"), static comparison => Assert.True(comparison is { Matches: true, HasValues: false }));
        _files.Write("out.csv", _files.Read("out.csv").Replace(",name 7,", ",name x,", StringComparison.Ordinal));
        Assert.All(await _files.CompareAsync(written, parts, "out.csv"), static comparison => Assert.True(comparison.Matches));
        var lines = _files.Read("out.csv").Split('\n').ToList();
        lines.RemoveAt(100);
        _files.Write("out.csv", string.Join('\n', lines));
        var found = await _files.CompareAsync(written, parts, "out.csv");
        Assert.Equal(Rows - 1, found.Sum(static comparison => comparison.RowsFound));
        Assert.Contains(found, static comparison => !comparison.Matches);
    }

    [Fact]
    public async Task Compare_RowThatCannotBeRead_IsToldWithItsPlace()
    {
        _files.Write("in.csv", Table());
        var (written, parts) = await _files.RunChunksAsync("in.csv", "out.csv", 40_000);
        var lines = _files.Read("out.csv").Split('\n');
        lines[1500] += ",one too many";
        _files.Write("out.csv", string.Join('\n', lines));
        var comparison = Assert.Single(await _files.CompareAsync(written, parts, "out.csv"), static comparison => !comparison.Matches);
        Assert.Equal(1, comparison.Chunk);
        Assert.Contains("a row cannot be read: out.csv, line 1501", comparison.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Limited_HashesTheRowsThatAreWritten()
    {
        _files.Write("in.csv", Table());
        _files.Options = _files.Options with { RowLimit = 1234 };
        var result = await _files.RunAsync("in.csv", "out.parquet");
        Assert.Equal(1234, Assert.Single(result.Parts).Rows);
        Assert.True(Assert.Single(await _files.CompareAsync(result.Plan, result.Parts, "out.parquet")) is { Matches: true, HasValues: true });
    }

    [Fact]
    public async Task Run_EmptySource_IsCompared()
    {
        _files.Write("in.csv", "a,b\n");
        var result = await _files.RunAsync("in.csv", "out.jsonl");
        Assert.True(Assert.Single(await _files.CompareAsync(result.Plan, result.Parts, "out.jsonl")) is { Matches: true, RowsFound: 0 });
        _files.Write("out.jsonl", "{\"a\":1,\"b\":2}\n");
        Assert.Equal(1, Assert.Single(await _files.CompareAsync(result.Plan, result.Parts, "out.jsonl")).RowsFound);
    }

    [Fact]
    public async Task Run_DestinationThatLosesRows_FailsBeforeTheCommit()
    {
        _files.Write("in.csv", Table());
        var destination = new LosingDestination(_files.Destination("out.csv"));
        var error = await Assert.ThrowsAsync<NebulaException>(() => _files.RunAsync("in.csv", destination));
        Assert.Equal(ErrorKind.Verification, error.Kind);
        Assert.Contains("4,000 rows of chunk 0 were encoded, but 3,999 are in what was written", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_files.PathOf("out.csv")));

        _files.Options = _files.Options with { Verify = VerifyMode.Off };
        await _files.RunAsync("in.csv", new LosingDestination(_files.Destination("out.csv")));
        Assert.True(File.Exists(_files.PathOf("out.csv")));
    }

    private static string Table()
    {
        string[] kinds = ["red", "green", "blue"];
        return "id,kind,name,amount,note\n" + string.Concat(Enumerable.Range(0, Rows).Select(i => string.Create(
            CultureInfo.InvariantCulture, $"{i},{kinds[i % 3]},name {i},{(i * 7919 % 100_003) / 100.0:0.00},{(i % 11 == 0 ? "" : $"note {i % 97}")}\n")));
    }

    /// <summary>Damages the file, or one of those, that a part is in.</summary>
    /// <returns>The file.</returns>
    private async Task<string> DamageAsync(string target, StagedPart part, int first, string damage)
    {
        var isParts = target.StartsWith("parts", StringComparison.Ordinal);
        var files = isParts
            ? _files.Files("parts").Where(static name => !name.Contains(".nebula", StringComparison.Ordinal)).Select(static name => "parts/" + name).ToArray()
            : [target];
        foreach (var file in files)
        {
            await _files.RunAsync(file, "rows.csv", null, ("source.hive_partitioning", "false"));
            var lines = _files.Read("rows.csv").Split('\n', StringSplitOptions.RemoveEmptyEntries).ToList();
            // the rows of the part, in the middle of it
            var at = lines.FindIndex(1, line => int.Parse(line.Split(',')[0], CultureInfo.InvariantCulture) > first + (part.Rows / 3));
            if (at < 0 || at + 3 >= lines.Count || int.Parse(lines[at + 3].Split(',')[0], CultureInfo.InvariantCulture) >= first + part.Rows)
                continue;
            if (damage == "missing")
            {
                File.Delete(_files.PathOf(file));
                return file;
            }
            if (damage == "cut")
            {
                using var stored = File.Open(_files.PathOf(file), FileMode.Open);
                stored.SetLength(stored.Length * (isParts ? 1 : 5) / (isParts ? 2 : 9));
                return file;
            }
            Change(lines, at, damage);
            _files.Write("rows.csv", string.Join('\n', lines) + "\n");
            _files.Options = _files.Options with { Verify = VerifyMode.Off };
            await _files.RunAsync("rows.csv", file);
            _files.Options = _files.Options with { Verify = VerifyMode.Chunk };
            return file;
        }
        throw new InvalidOperationException("No file has rows of the part.");
    }

    private static void Change(List<string> lines, int at, string damage)
    {
        var cells = lines[at].Split(',');
        var next = lines[at + 1].Split(',');
        var (name, amount, note) = (cells.Length - 3, cells.Length - 2, cells.Length - 1);
        switch (damage)
        {
            case "value":
                cells[amount] = "0.25";
                break;
            case "columns":
                (cells[name], cells[note]) = (cells[note].Length == 0 ? "x" : cells[note], cells[name]);
                break;
            case "rows":
                (cells[name], next[name]) = (next[name], cells[name]);
                break;
            case "lost":
                lines.RemoveAt(at);
                return;
            case "doubled":
                lines.Insert(at, lines[at]);
                return;
            default:
                lines[at + 1] = lines[at];
                return;
        }
        (lines[at], lines[at + 1]) = (string.Join(',', cells), string.Join(',', next));
    }

    /// <summary>Says of each part that it has a row less than it was given.</summary>
    private sealed class LosingDestination(IDestination inner) : IDestination
    {
        public DestinationCapabilities Capabilities => inner.Capabilities;

        public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) => inner.CheckAsync(cancellationToken);

        public Engine.Schemas.TypeMapping Map(string objectName, Engine.Schemas.DataType type) => inner.Map(objectName, type);

        public Task<Checkpoint?> PrepareAsync(StreamPlan plan, CancellationToken cancellationToken) => inner.PrepareAsync(plan, cancellationToken);

        public async Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken) =>
            new Writer(await inner.OpenAsync(plan, chunk, context, cancellationToken));

        public Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken) => inner.CommitAsync(request, cancellationToken);

        public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken) =>
            inner.AbortAsync(plan, parts, cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();

        private sealed class Writer(IDestinationWriter inner) : IDestinationWriter
        {
            public EncodedBlock Encode(Engine.Columns.RecordBatch batch) => inner.Encode(batch);

            public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken) => inner.WriteAsync(block, cancellationToken);

            public ValueTask FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

            public async Task<StagedPart> CompleteAsync(CancellationToken cancellationToken) =>
                await inner.CompleteAsync(cancellationToken) is var part ? part with { Rows = part.Rows - 1 } : null!;

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }
}

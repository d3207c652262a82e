using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;

namespace Nebula.Cli.Tests;

/// <summary>Runs of several chunks: they are ended in the middle, and the same command goes on.</summary>
public sealed partial class DurableRunTests : IDisposable
{
    private const int Rows = 400_000;
    private const int Terminate = 15;
    private static readonly int Stop = OperatingSystem.IsMacOS() ? 17 : 19;
    private static readonly int Continue = OperatingSystem.IsMacOS() ? 19 : 18;
    private readonly NebulaProcess _nebula = new();

    public static TheoryData<string, string> Targets => new()
    {
        { "{ type: json, path: out.jsonl }", "out.jsonl" },
        { "{ type: csv, path: out.csv.gz }", "out.csv.gz" },
        { "{ type: parquet, path: out/, file_size: 1GB }", "out/" },
    };

    [Theory, MemberData(nameof(Targets))]
    public async Task Killed_GoesOn_AndIsTheSameAsWithoutInterruption(string target, string path)
    {
        byte[] whole = [];
        var rows = await RepeatAsync(async rows =>
        {
            Prepare(target, rows);
            whole = RunAndTake(path, "--set", "state=elsewhere");
            for (var kills = 0; kills < 3; kills++)
            {
                if (!await KillInTheMiddleAsync())
                    return false;
                Assert.False(Exists(path), "nothing may be visible before the commit");
            }
            return true;
        });
        Assert.Contains("interrupted; the next run goes on", _nebula.Run("runs").Output, StringComparison.Ordinal);
        var outcome = _nebula.Run("run", "p.yaml");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Contains("it goes on behind the last chunk that was moved", outcome.Errors, StringComparison.Ordinal);
        Assert.Matches(string.Create(CultureInfo.InvariantCulture, $"    {rows:N0} rows, [1-9][0-9,]* of them before the interruption, in "), outcome.Errors);
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"written {rows:N0}"), outcome.Errors, StringComparison.Ordinal);
        Assert.Equal(whole, Take(path));
        Assert.Empty(_nebula.TemporaryFiles());
        Assert.Contains("completed", _nebula.Run("runs", "p.yaml").Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupted_SaysThatItGoesOn_AndDoes()
    {
        if (OperatingSystem.IsWindows())
            return;
        var rows = await RepeatAsync(async rows =>
        {
            Prepare(Json, rows);
            using var process = _nebula.Start("run", "p.yaml");
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await NebulaProcess.UntilAsync(() => process.HasExited || Parts().Count() > 3);
            Signal(process, Terminate);
            var outcome = await NebulaProcess.FinishAsync(process, output, errors);
            if (!IsInTheMiddle())
                return false;
            Assert.Equal(130, outcome.ExitCode);
            Assert.Contains("the same command goes on where this one stopped", outcome.Errors, StringComparison.Ordinal);
            return true;
        });
        Assert.False(_nebula.Exists("out.jsonl"));
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        Assert.Equal(rows, File.ReadLines(_nebula.PathOf("out.jsonl")).Count());
    }

    [Fact]
    public async Task Interrupted_ThenChangedPipeline_BeginsAnew()
    {
        await PrepareInterruptedAsync();
        var outcome = _nebula.Run("run", "p.yaml", "--select", "id");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Contains("the pipeline was changed since: it begins anew", outcome.Errors, StringComparison.Ordinal);
        Assert.StartsWith("{\"id\":0}", _nebula.Read("out.jsonl"), StringComparison.Ordinal);
        Assert.Empty(_nebula.TemporaryFiles());
    }

    [Fact]
    public async Task Interrupted_ThenChangedSource_IsRefused_AndTheNextRunIsWhole()
    {
        var rows = await PrepareInterruptedAsync();
        File.AppendAllText(_nebula.PathOf("in.csv"), "1,again,1.5\n");
        var outcome = _nebula.Run("run", "p.yaml");
        Assert.Equal(5, outcome.ExitCode);
        Assert.Contains("'in.csv' was changed since it was looked at", outcome.Errors, StringComparison.Ordinal);
        Assert.False(_nebula.Exists("out.jsonl"));
        Assert.Empty(_nebula.TemporaryFiles());
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        Assert.Equal(rows + 1, File.ReadLines(_nebula.PathOf("out.jsonl")).Count());
    }

    [Fact]
    public async Task TwoAtOnce_TheSecondIsCode9()
    {
        if (OperatingSystem.IsWindows())
            return;
        var rows = await RepeatAsync(async rows =>
        {
            Prepare(Json, rows);
            using var process = _nebula.Start("run", "p.yaml", "-q");
            await NebulaProcess.UntilAsync(() => process.HasExited || Parts().Any());
            Signal(process, Stop);
            // what stands still cannot come to its end meanwhile
            var isHeld = !process.HasExited && IsInTheMiddle();
            var second = isHeld ? _nebula.Run("run", "p.yaml") : null;
            Signal(process, Continue);
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
            if (second is not null)
                Assert.Equal(9, second.ExitCode);
            return isHeld;
        });
        Assert.Equal(rows, File.ReadLines(_nebula.PathOf("out.jsonl")).Count());
    }

    [Fact]
    public void BadRow_FarBehind_HasItsLine_AndLeavesTheOldTarget()
    {
        Prepare(Json);
        _nebula.Write("out.jsonl", "the old target");
        File.AppendAllText(_nebula.PathOf("in.csv"), "1,x\n");
        var outcome = _nebula.Run("run", "p.yaml");
        Assert.Equal(5, outcome.ExitCode);
        Assert.Contains($"line {Rows + 2}", outcome.Errors, StringComparison.Ordinal);
        Assert.Equal("the old target", _nebula.Read("out.jsonl"));
        Assert.Empty(_nebula.TemporaryFiles());
        Assert.Contains("failed", _nebula.Run("runs").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void TextThatLooksLikeRecords_IsNotSplit_AndNothingIsLost()
    {
        // from inside of the quotes, every line looks like a record of three fields
        var text = new StringBuilder("id,note,rest\n");
        for (var row = 0; row < 20; row++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{row},\"");
            for (var line = 0; line < 5_000; line++)
                text.Append("a,b,c\n");
            text.Append("\",x\n");
        }
        _nebula.Write("in.csv", text.ToString());
        Write(Json);
        var outcome = _nebula.Run("run", "p.yaml", "--output", "json");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Contains("stream_restarted", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(20, File.ReadLines(_nebula.PathOf("out.jsonl")).Count());
    }

    [Fact]
    public void Parquet_IsSplitBetweenRowGroups()
    {
        Prepare("{ type: parquet, path: in.parquet, row_group_rows: 20000 }");
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        var direct = _nebula.Run("pipeline", "in.parquet", "direct.csv", "-q");
        Assert.True(direct.ExitCode == 0, direct.Errors);
        Write("{ type: csv, path: out.csv }", "{ type: parquet, path: in.parquet }");
        var outcome = _nebula.Run("run", "p.yaml", "--set", "chunking.target_size=4KB");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.True(ManifestParts() > 3);
        Assert.Equal(_nebula.Read("direct.csv"), _nebula.Read("out.csv"));
    }

    [Fact]
    public void Incremental_LoadsWhatIsNewOrChanged()
    {
        _nebula.Write("in/a.csv", "id\n1\n2\n");
        _nebula.Write("in/b.csv", "id\n3\n");
        _nebula.Write("p.yaml", """
            version: 1
            source: { type: csv, path: in/*.csv }
            target: { type: csv, path: out/ }
            streams:
              "*": { single: true, mode: incremental, object: "rows-{part:05}.csv" }
            """);
        Assert.Contains("written 3", _nebula.Run("run", "p.yaml").Errors, StringComparison.Ordinal);
        Assert.Contains("nothing new", _nebula.Run("run", "p.yaml").Errors, StringComparison.Ordinal);
        _nebula.Write("in/c.csv", "id\n4\n");
        Assert.Contains("written 1", _nebula.Run("run", "p.yaml").Errors, StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3", "4"], CommittedIds());

        // the files themselves say what was committed, even where nothing else does any more
        Directory.Delete(_nebula.PathOf(".nebula"), recursive: true);
        Assert.Contains("nothing new", _nebula.Run("run", "p.yaml").Errors, StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3", "4"], CommittedIds());

        // a name without a part gets one, so that what comes can be beside what is there
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "--set", "object=one.csv", "-q").ExitCode);
        Assert.Single(_nebula.Files(), static file => file.StartsWith("out/one-", StringComparison.Ordinal) && file.EndsWith("-00000.csv", StringComparison.Ordinal));

        _nebula.Write("p.yaml", """
            version: 1
            source: { type: csv, path: in/*.csv }
            target: { type: csv, path: one.csv }
            streams: { "*": { single: true, mode: incremental } }
            """);
        var refused = _nebula.Run("run", "p.yaml");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("put {part:05} into the name", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void State_IsShown_Exported_Reset()
    {
        _nebula.Write("in.csv", "id\n1\n");
        Write("{ type: csv, path: out.csv }");
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        Assert.Contains("in.csv", _nebula.Run("state", "show").Output, StringComparison.Ordinal);
        Assert.Contains("\"sequence\": 1", _nebula.Run("state", "export", "p.yaml").Output, StringComparison.Ordinal);
        Assert.Contains("Did you mean 'in.csv'?", _nebula.Run("state", "reset", "p.yaml", "--stream", "im.csv").Errors, StringComparison.Ordinal);
        Assert.Equal(0, _nebula.Run("state", "set", "p.yaml", "--stream", "in.csv", "--position", "here").ExitCode);
        Assert.Contains("here", _nebula.Run("state", "show", "p.yaml").Output, StringComparison.Ordinal);
        Assert.Equal(_nebula.Run("state", "export", "p.yaml").Output, _nebula.Run("state", "show", "p.yaml", "--output", "json").Output);
        Assert.Equal("error: --output is for 'nebula state show'; 'nebula state reset' has one form.",
            _nebula.Run("state", "reset", "p.yaml", "--output", "json").ErrorLines);
        Assert.Equal(0, _nebula.Run("state", "reset", "p.yaml").ExitCode);
        Assert.Contains("Nothing was committed yet", _nebula.Run("state", "show", "p.yaml").Output, StringComparison.Ordinal);
        Assert.Equal(2, _nebula.Run("state", "forget").ExitCode);
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q", "--set", "state=none").ExitCode);
    }

    public void Dispose() => _nebula.Dispose();

    private const string Json = "{ type: json, path: out.jsonl }";

    private void Prepare(string target, int rows = Rows)
    {
        using (var writer = new StreamWriter(_nebula.PathOf("in.csv")))
        {
            writer.Write("id,name,score\n");
            for (var i = 0; i < rows; i++)
                writer.Write(string.Create(CultureInfo.InvariantCulture, $"{i},\"name, {i % 1000}\",{i % 97}.5\n"));
        }
        Write(target);
    }

    private void Write(string target, string source = "{ type: csv, path: in.csv }") => _nebula.Write("p.yaml", $$"""
        version: 1
        source: {{source}}
        target: {{target}}
        defaults: { chunking: { target_size: 24KB } }
        """);

    /// <summary>Prepares a run that was ended while there were chunks to be moved.</summary>
    /// <returns>The rows of the source.</returns>
    private async Task<int> PrepareInterruptedAsync()
    {
        var rows = await RepeatAsync(rows =>
        {
            Prepare(Json, rows);
            return KillInTheMiddleAsync();
        });
        Assert.False(_nebula.Exists("out.jsonl"));
        return rows;
    }

    /// <summary>
    /// Does something that must come while a run is under way. How soon a run is at its end, and how late a test gets to look, is the machine's: what came
    /// too late is done again with more rows.
    /// </summary>
    /// <returns>The rows with which it came in time.</returns>
    private async Task<int> RepeatAsync(Func<int, Task<bool>> isInTime)
    {
        for (var rows = Rows; ; rows *= 3)
        {
            if (await isInTime(rows))
                return rows;
            Assert.True(rows < 60 * Rows, "the runs come to their ends before this test gets to look");
            foreach (var file in _nebula.Files().ToList())
                File.Delete(_nebula.PathOf(file));
        }
    }

    /// <summary>Ends a run as soon as a few more chunks were moved.</summary>
    /// <returns>Whether others were not.</returns>
    private async Task<bool> KillInTheMiddleAsync()
    {
        using var process = _nebula.Start("run", "p.yaml", "-q");
        var before = Parts().ToHashSet();
        await NebulaProcess.UntilAsync(() => process.HasExited || Parts().Except(before).Count() > 2);
        process.Kill();
        await process.WaitForExitAsync();
        return IsInTheMiddle();
    }

    /// <summary>Whether a run that stands still has moved chunks and has others to move, so that its commit cannot have begun.</summary>
    private bool IsInTheMiddle()
    {
        var moved = Parts().Select(static file => int.Parse(Path.GetFileNameWithoutExtension(file), CultureInfo.InvariantCulture)).ToHashSet();
        return moved.Count > 0 && _nebula.Files().Where(static file => file.Contains("/chunks/", StringComparison.Ordinal)
                && file.EndsWith(".json", StringComparison.Ordinal))
            // the list of a page whose manifest is there is about to go
            .Where(file => !_nebula.Exists(file.Replace("/chunks/", "/manifest/", StringComparison.Ordinal)))
            .SelectMany(file => JsonNode.Parse(_nebula.Read(file))!.AsArray()).Any(chunk => !moved.Contains((int)chunk!["index"]!));
    }

    /// <summary>The records of chunks that were moved.</summary>
    private IEnumerable<string> Parts() => _nebula.Files().Where(static file => file.StartsWith(".nebula/state/runs/", StringComparison.Ordinal)
        && file.Contains("/parts/", StringComparison.Ordinal) && file.EndsWith(".json", StringComparison.Ordinal));

    private int ManifestParts() => _nebula.Files().Where(static file => file.Contains("/manifest/", StringComparison.Ordinal))
        .Max(file => _nebula.Read(file).Split("\"chunk\":").Length - 1);

    private IEnumerable<string> CommittedIds() => Directory.EnumerateFiles(_nebula.PathOf("out"), "rows-*.csv")
        .SelectMany(static file => File.ReadAllLines(file).Skip(1)).Order(StringComparer.Ordinal);

    private byte[] RunAndTake(string path, params string[] flags)
    {
        var outcome = _nebula.Run(["run", "p.yaml", "-q", .. flags]);
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        var content = Take(path);
        foreach (var file in Found(path))
            File.Delete(file);
        return content;
    }

    private bool Exists(string path) => Found(path).Count > 0;

    private byte[] Take(string path) => [.. Found(path).SelectMany(File.ReadAllBytes)];

    private List<string> Found(string path) => !path.EndsWith('/') ? _nebula.Exists(path) ? [_nebula.PathOf(path)] : []
        : !Directory.Exists(_nebula.PathOf(path)) ? []
        : [.. Directory.EnumerateFiles(_nebula.PathOf(path), "part*").Order(StringComparer.Ordinal)];

    private static void Signal(Process process, int signal) => Assert.True(process.HasExited || kill(process.Id, signal) == 0 || process.HasExited);

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}

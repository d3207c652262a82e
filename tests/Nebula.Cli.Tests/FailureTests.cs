using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Nebula.Cli.Tests;

/// <summary>Bad input, and runs that end before their time: exit codes, messages, and what is left in the folder.</summary>
public sealed partial class FailureTests : IDisposable
{
    private readonly NebulaProcess _nebula = new();

    public static TheoryData<string, int, string> BadInputs => new()
    {
        { "id,name\n1,x\n2\n", 5, "line 3" },
        { "id,name\n1,x\n2,y,z\n", 5, "line 3" },
        { "id,name\n1,\"x\n2,y\n", 5, "line 2" },
    };

    [Theory, MemberData(nameof(BadInputs))]
    public void BadRow_Fails_WithItsPlace_AndLeavesTheOldTarget(string content, int code, string place)
    {
        _nebula.Write("in.csv", content);
        _nebula.Write("out.csv", "the old target");
        var outcome = _nebula.Run("pipeline", "in.csv", "out.csv", "--set", "source.delimiter=,", "--set", "source.quote=\"");
        Assert.Equal(code, outcome.ExitCode);
        Assert.Contains("error:", outcome.Errors, StringComparison.Ordinal);
        Assert.Contains(place, outcome.Errors, StringComparison.Ordinal);
        Assert.Equal("the old target", _nebula.Read("out.csv"));
        Assert.Contains("    nothing was published: the target is as it was before\n", outcome.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("written", outcome.Errors, StringComparison.Ordinal);
        Assert.Equal(["in.csv", "out.csv"], _nebula.Files());
    }

    [LinuxTheory]
    [InlineData("version")]
    [InlineData("pipeline in.csv out.json --output json")]
    public async Task StandardOutput_Full_IsAnErrorWithItsOwnCode(string command)
    {
        _nebula.Write("in.csv", "a\n1\n");
        var outcome = await _nebula.ShellAsync($"\"$NEBULA\" {command} >/dev/full");
        Assert.Equal(3, outcome.ExitCode);
        Assert.Equal("error: Standard output cannot be written: No space left on device", outcome.ErrorLines);
    }

    [LinuxFact]
    public async Task StandardError_Full_ChangesNothing()
    {
        _nebula.Write("in.csv", "a\n1\n");
        Assert.Equal(0, (await _nebula.ShellAsync("\"$NEBULA\" pipeline in.csv out.jsonl 2>/dev/full")).ExitCode);
        Assert.Equal("{\"a\":1}\n", _nebula.Read("out.jsonl"));
    }

    [Fact]
    public void MissingFile_IsCode3_AndNamesTheNearest()
    {
        _nebula.Write("users.csv", "id\n1\n");
        var outcome = _nebula.Run("pipeline", "userz.csv", "out.csv");
        Assert.Equal(3, outcome.ExitCode);
        Assert.Equal("error: The file 'userz.csv' does not exist. Did you mean 'users.csv'?", outcome.ErrorLines);
    }

    [Fact]
    public void MissingPipelineFile_IsCode2_AndNamesTheNearest()
    {
        _nebula.Write("pipeline.yaml", "source: { type: csv, path: in.csv }\n");
        var outcome = _nebula.Run("run", "pipeline.yml");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Equal("error: The file does not exist. Did you mean 'pipeline.yaml'?\n  at pipeline.yml", outcome.ErrorLines);
    }

    [Fact]
    public void TooManyFields_NamesTheColumnsAndTheLikelyCause()
    {
        _nebula.Write("in.csv", "id,city\n1,Bonn\n2,Halle, Saale\n");
        var errors = _nebula.Run("pipeline", "in.csv", "out.csv", "--set", "source.delimiter=,").Errors;
        Assert.Contains("in.csv, line 3", errors, StringComparison.Ordinal);
        Assert.Contains("the record has 3 fields where 2 are expected (id, city). Most likely a text in it has a ',' and is not quoted: put it in \".",
            errors, StringComparison.Ordinal);
    }

    [Fact]
    public void BadRow_IntoStandardOutput_SaysThatAPartHasGoneOut()
    {
        _nebula.Write("in.csv", "id,name\n1,x\n2\n");
        var outcome = _nebula.Run("pipeline", "in.csv", "-", "--set", "source.delimiter=,");
        Assert.Contains("    what was written has gone out: it is a part of the rows only\n", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void BadRows_Skipped_AreCounted()
    {
        _nebula.Write("in.csv", "id,name\n1,x\n2\n3,z\n");
        var outcome = _nebula.Run("pipeline", "in.csv", "out.csv", "--bad-rows", "skip");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal("id,name\n1,x\n3,z\n", _nebula.Read("out.csv"));
        Assert.Contains("read 3 = written 2 + skipped 1 + quarantined 0", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void BadRows_Quarantined_AreKeptWithPlaceAndReason()
    {
        _nebula.Write("in.csv", "id,name\n1,x\n2\n3,z\n4,y,\"é\"\n");
        var outcome = _nebula.Run("pipeline", "in.csv", "out.csv", "--bad-rows", "quarantine");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("read 4 = written 2 + skipped 0 + quarantined 2", outcome.Errors, StringComparison.Ordinal);
        var rows = _nebula.Read("out.csv.quarantine.jsonl").Split('\n',
            StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal((3, "2"), (rows[0].GetProperty("line").GetInt32(), rows[0].GetProperty("raw").GetString()));
        Assert.Equal((5, "4,y,\"é\""), (rows[1].GetProperty("line").GetInt32(), rows[1].GetProperty("raw").GetString()));
        Assert.All(rows, static row => Assert.Equal("in.csv", row.GetProperty("file").GetString()));
        Assert.All(rows, static row => Assert.NotEmpty(row.GetProperty("reason").GetString()!));
        Assert.Equal(["in.csv", "out.csv", "out.csv.quarantine.jsonl"], _nebula.Files());
    }

    [Fact]
    public void BadRows_MoreThanAllowed_FailButTheQuarantineIsKept()
    {
        _nebula.Write("in.csv", "id,name\n1,x\n2\n3\n4\n");
        var outcome = _nebula.Run("pipeline", "in.csv", "out.csv", "--bad-rows", "quarantine", "--max-bad-rows", "2");
        Assert.Equal(5, outcome.ExitCode);
        Assert.Equal(2, _nebula.Read("out.csv.quarantine.jsonl").AsSpan().Count('\n'));
        Assert.Equal(["in.csv", "out.csv.quarantine.jsonl"], _nebula.Files());
    }

    [Fact]
    public void BadRows_QuarantineBesideStandardOutput_IsRefused()
    {
        _nebula.Write("in.csv", "id\n1\n");
        var outcome = _nebula.Run("pipeline", "csv", "csv", "--source-path", "in.csv", "--dest-path", "-", "--bad-rows", "quarantine");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Empty(outcome.Output);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    public async Task Signal_StopsCleanly(int signal)
    {
        // whoever starts the tests in the background has them, and what they start, ignore interrupts
        if (OperatingSystem.IsWindows() || IsIgnored(signal))
            return;
        _nebula.Write("out.csv", "the old target");
        using var process = await StartAndFeedAsync();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        Assert.Equal(0, kill(process.Id, signal));
        // the input stays open: the program must not wait for it
        var outcome = await NebulaProcess.FinishAsync(process, output, errors);
        Assert.Equal(130, outcome.ExitCode);
        Assert.Contains("interrupted", outcome.Errors, StringComparison.Ordinal);
        Assert.Equal("the old target", _nebula.Read("out.csv"));
        Assert.Equal(["out.csv"], _nebula.Files());
    }

    [Fact]
    public async Task Interrupted_WhileNobodyWritesToAPipe_EndsAtOnce()
    {
        if (!OperatingSystem.IsLinux())
            return;
        await _nebula.ShellAsync("mkfifo rows");
        using var process = _nebula.Start("pipeline", "csv", "csv", "--source-path", "rows", "--dest-path", "out.csv", "--log-level", "debug");
        // it has taken over the signal when its handler thread is there and the pipe is open
        await NebulaProcess.UntilAsync(() => process.HasExited || HasOpen(process, _nebula.PathOf("rows")));
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        Assert.Equal(0, kill(process.Id, 15));
        Assert.Equal(130, (await NebulaProcess.FinishAsync(process, output, errors)).ExitCode);
    }

    [Fact]
    public void Set_UnknownKey_NamesTheNearest()
    {
        _nebula.Write("in.csv", "id\n1\n");
        var outcome = _nebula.Run("pipeline", "in.csv", "out.csv", "--set", "delimter=;");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("Did you mean 'delimiter'?", outcome.ErrorLines, StringComparison.Ordinal);
    }

    [Fact]
    public void Leftovers_OfOtherTargets_Stay()
    {
        _nebula.Write("in.csv", "id\n1\n");
        _nebula.Write(".out.20240101T000000-abcdef.nebula-tmp", "of out");
        _nebula.Write(".out.csv.20240101T000000-abcdef.nebula-tmp", "of out.csv");
        Assert.Equal(0, _nebula.Run("pipeline", "csv", "csv", "--source-path", "in.csv", "--dest-path", "out", "-q").ExitCode);
        Assert.Equal([".out.csv.20240101T000000-abcdef.nebula-tmp"], _nebula.TemporaryFiles());
        Assert.Equal(0, _nebula.Run("pipeline", "in.csv", "out.csv", "-q").ExitCode);
        Assert.Empty(_nebula.TemporaryFiles());
    }

    [Fact]
    public async Task Timeout_EndsTheRunWithCode8()
    {
        using var process = Start("--timeout", "1s");
        try
        {
            await FeedAsync(process);
        }
        catch (IOException)
        {
            // on a slow machine the time is over before everything is fed
        }
        var outcome = await NebulaProcess.FinishAsync(process, process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        Assert.Equal(8, outcome.ExitCode);
        Assert.Contains("error: The run took longer than 1.00 s", outcome.Errors, StringComparison.Ordinal);
        Assert.Empty(_nebula.Files());
    }

    [Fact]
    public async Task FullDisk_LeavesTheOldTarget_AndWorksWithRoom()
    {
        _nebula.Write("in.csv", "id\n" + string.Concat(Enumerable.Repeat("123\n", FedRows)));
        // a file system of its own, which only root may make
        if ((await _nebula.ShellAsync("mkdir small && mount -t tmpfs -o size=2m tmpfs small")).ExitCode != 0)
            return;
        try
        {
            _nebula.Write("small/out.csv", "the old target");
            var outcome = _nebula.Run("pipeline", "in.csv", "small/out.csv");
            Assert.Equal(3, outcome.ExitCode);
            Assert.Contains("No space left", outcome.ErrorLines, StringComparison.Ordinal);
            Assert.Equal("the old target", _nebula.Read("small/out.csv"));
            Assert.Empty(_nebula.TemporaryFiles());
            await _nebula.ShellAsync("mount -o remount,size=64m small");
            Assert.Equal(0, _nebula.Run("pipeline", "in.csv", "small/out.csv", "-q").ExitCode);
            Assert.Equal(Fed, new FileInfo(_nebula.PathOf("small/out.csv")).Length);
        }
        finally
        {
            await _nebula.ShellAsync("umount small");
        }
    }

    [Fact]
    public async Task Killed_TheOldTargetStays_AndTheNextRunCleansUp()
    {
        _nebula.Write("out.csv", "the old target");
        _nebula.Write("small.csv", "id\n1\n");
        using (var process = await StartAndFeedAsync())
        {
            process.Kill();
            await process.WaitForExitAsync();
        }
        Assert.Equal("the old target", _nebula.Read("out.csv"));
        Assert.Single(_nebula.TemporaryFiles());

        Assert.Equal(0, _nebula.Run("pipeline", "small.csv", "out.csv", "-q").ExitCode);
        Assert.Equal("id\n1\n", _nebula.Read("out.csv"));
        Assert.Empty(_nebula.TemporaryFiles());
    }

    [Fact]
    public async Task TargetBeingWritten_ByAnotherRun_IsCode9()
    {
        _nebula.Write("small.csv", "id\n1\n");
        using var process = await StartAndFeedAsync();
        var second = _nebula.Run("pipeline", "small.csv", "out.csv");
        Assert.Equal(9, second.ExitCode);
        Assert.Contains("Another run is writing 'out.csv' now", second.Errors, StringComparison.Ordinal);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(Fed, new FileInfo(_nebula.PathOf("out.csv")).Length);
    }

    public void Dispose() => _nebula.Dispose();

    private const int FedRows = 1_500_000;

    private static long Fed => 3 + 4L * FedRows;

    /// <summary>Starts a run from an input that stays open, and returns when it is in the middle.</summary>
    private async Task<Process> StartAndFeedAsync()
    {
        var process = Start();
        await FeedAsync(process);
        return process;
    }

    private Process Start(params string[] flags) =>
        _nebula.Start(["pipeline", "csv", "csv", "--source-path", "-", "--dest-path", "out.csv", .. flags]);

    private async Task FeedAsync(Process process)
    {
        await process.StandardInput.WriteAsync("id\n");
        await process.StandardInput.WriteAsync(string.Concat(Enumerable.Repeat("123\n", FedRows)));
        await process.StandardInput.FlushAsync();
        await NebulaProcess.UntilAsync(() => _nebula.TemporaryFiles().Any() || process.HasExited);
    }

    private static bool HasOpen(Process process, string path)
    {
        try
        {
            return Directory.EnumerateFiles($"/proc/{process.Id}/fd").Any(file => File.ResolveLinkTarget(file, returnFinalTarget: false)?.FullName == path);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static bool IsIgnored(int signal)
    {
        if (!OperatingSystem.IsLinux())
            return false;
        var line = File.ReadLines("/proc/self/status").First(static line => line.StartsWith("SigIgn:", StringComparison.Ordinal));
        return (ulong.Parse(line.AsSpan(8), NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (signal - 1) & 1) != 0;
    }

    [LibraryImport("libc")]
    private static partial int kill(int process, int signal);
}

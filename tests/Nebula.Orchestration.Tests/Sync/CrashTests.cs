using System.Diagnostics;
using System.Globalization;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Orchestration.Tests.Sync;

/// <summary>Ends the host at every step, once each, and continues the run: what arrives is always the same.</summary>
public sealed class CrashTests
{
    private static readonly WorldStream[] Streams = [new("a", 1), new("b", 5), new("d", 2) { Changes = 10 }];
    private static readonly SyncRequest Request = new("run-1", "shop")
    {
        Settings = new SyncSettings { PageSize = 2, ParallelChunks = 2, ParallelStreams = 2, FirstDelay = 1, MaxDelay = 2 },
    };

    [Fact]
    public async Task Run_HostEndsAtAnyStep_EveryRowArrivesOnce()
    {
        var crashes = 0;
        for (var crashAt = 1; ; crashAt++)
        {
            using var folder = new TemporaryFolder();
            var steps = 0;
            var crashed = false;
            using (var stop = new CancellationTokenSource())
            {
                var killed = stop.Token;
                await RunAsync(folder.Path, name =>
                {
                    // whatever still runs when the process is dead has no effect any more
                    killed.ThrowIfCancellationRequested();
                    if (Interlocked.Increment(ref steps) != crashAt)
                        return;
                    crashed = true;
                    stop.Cancel();
                    killed.ThrowIfCancellationRequested();
                }, killed);
            }
            if (crashed)
                await RunAsync(folder.Path, static _ => { }, default);
            AssertDelivered(folder.Path, $"host ended at step {crashAt}");
            if (!crashed)
                break;
            crashes++;
        }
        Assert.InRange(crashes, 60, 1_000);
    }

    [Fact]
    public async Task Run_HostEndsAgainAndAgain_EveryRowArrivesOnce()
    {
        const int seed = 20240607;
        var random = new Random(seed);
        for (var round = 0; round < 20; round++)
        {
            using var folder = new TemporaryFolder();
            for (var attempt = 0; attempt < 200; attempt++)
            {
                var left = attempt < 199 ? random.Next(2, 40) : int.MaxValue;
                using var stop = new CancellationTokenSource();
                var killed = stop.Token;
                if (await RunAsync(folder.Path, _ =>
                    {
                        killed.ThrowIfCancellationRequested();
                        if (Interlocked.Decrement(ref left) != 0)
                            return;
                        stop.Cancel();
                        killed.ThrowIfCancellationRequested();
                    }, killed))
                    break;
            }
            AssertDelivered(folder.Path, $"seed {seed}, round {round}");
        }
    }

    [Fact]
    public async Task Run_ProcessKilledAtRandomSteps_EveryRowArrivesOnce()
    {
        const int seed = 20240607;
        var random = new Random(seed);
        for (var round = 0; round < 3; round++)
        {
            using var folder = new TemporaryFolder();
            var kills = 0;
            for (var exit = -1; exit != 0; kills++)
            {
                Assert.True(kills < 60, $"seed {seed}, round {round}: it does not end");
                exit = await RunProcessAsync(folder.Path, kills < 4 ? random.Next(1, 60) : int.MaxValue);
            }
            Assert.True(kills > 1, $"seed {seed}, round {round}: nothing was killed");
            AssertDelivered(folder.Path, $"seed {seed}, round {round}");
        }
    }

    /// <summary>The program that is killed: runs the sync, and kills itself at a step.</summary>
    internal static int RunAndKill(string folder, int killAt)
    {
        var steps = 0;
        return RunAsync(folder, _ =>
        {
            if (Interlocked.Increment(ref steps) == killAt)
                Process.GetCurrentProcess().Kill();
        }, default).GetAwaiter().GetResult() ? 0 : 1;
    }

    private static async Task<int> RunProcessAsync(string folder, int killAt)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList = { typeof(CrashTests).Assembly.Location, "sync", folder, killAt.ToString(CultureInfo.InvariantCulture) },
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode is 0 or 137, error);
        return process.ExitCode;
    }

    /// <returns>Whether the run ended; otherwise its host did.</returns>
    private static async Task<bool> RunAsync(string folder, Action<string> step, CancellationToken stop)
    {
        using var store = new LocalStateStore(Path.Combine(folder, "state"));
        var world = new FolderWorld(folder, Streams) { Step = step };
        var options = new LocalHostOptions
        {
            Directory = Path.Combine(folder, "runs"),
            MaxActivities = 3,
            JournalWriting = after => step(after ? "journal.after" : "journal.before"),
        };
        try
        {
            var host = new LocalOrchestrationHost(new TaskRegistry().AddSync(world, store), options);
            // killed after its very last write: it ended all the same, and to run it again would be another run
            if (host.Runs.Find("r") is { HasEnded: true })
                return true;
            var result = await host.RunAsync(SyncDefinitions.SyncRun, "r", Request, stop);
            Assert.Equal(Streams.Length, result.Completed);
            return true;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private static void AssertDelivered(string folder, string when)
    {
        var world = new FolderWorld(folder, Streams);
        foreach (var stream in Streams)
        {
            var expected = FolderWorld.Expected(stream).Order().ToList();
            var visible = world.Visible(stream.Name).Order().ToList();
            Assert.True(expected.SequenceEqual(visible), $"{when}: stream {stream.Name} has {string.Join(' ', visible)}");
        }
        Assert.True(world.Acknowledged("d") == 10, when);
        // a part that was staged but not recorded when its host ended is invisible, and the next run's preparation removes it
        Assert.All(world.LeftInStaging(), left => Assert.Contains(Path.Combine(folder, "staging"), left, StringComparison.Ordinal));
    }
}

using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Orchestration.Tests.Sync;

public sealed class SyncTests : IDisposable
{
    private static readonly SyncRequest Request = new("run-1", "shop")
    {
        Settings = new SyncSettings { PageSize = 2, ParallelChunks = 2, ParallelStreams = 2, FirstDelay = 1, MaxDelay = 2, MaxAttempts = 4 },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly LocalStateStore _store;

    public SyncTests() => _store = new LocalStateStore(Path.Combine(_folder.Path, "state"));

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Run_SeveralStreams_CommitsEachOnce()
    {
        WorldStream[] streams = [new("a", 1), new("b", 5), new("c", 0), new("d", 2) { Changes = 10 }];
        var world = new FolderWorld(_folder.Path, streams);
        var result = await RunAsync(world);
        Assert.Equal((4, 0, 0), (result.Completed, result.Failed, result.Cancelled));
        Assert.Equal((34, 11), (result.Rows, result.Chunks));
        AssertDelivered(world, streams);
        Assert.Equal(10, world.Acknowledged("d"));
        var state = await new SyncState(_store).FindCheckpointAsync("shop", "d", default);
        Assert.Equal(("10", 4), (state!.Checkpoint.Position, state.Checkpoint.Sequence));
    }

    [Fact]
    public async Task Run_Again_GoesOnWhereTheLastEnded()
    {
        var world = new FolderWorld(_folder.Path, new WorldStream("d", 2) { Changes = 5 });
        await RunAsync(world);
        var later = new FolderWorld(_folder.Path, new WorldStream("d", 2) { Changes = 9 });
        var result = await RunAsync(later, Request with { RunId = "run-2" });
        Assert.Equal(4, result.Rows);
        AssertDelivered(later, [new WorldStream("d", 2) { Changes = 9 }]);
        Assert.False(later.Calls.ContainsKey("split"));
    }

    [Fact]
    public async Task Run_StateStoreLost_TheDestinationsAccountCounts()
    {
        var world = new FolderWorld(_folder.Path, new WorldStream("d", 2) { Changes = 5 });
        await RunAsync(world);
        await new SyncState(_store).ResetCheckpointAsync("shop", "d", default);
        Assert.Equal(0, (await RunAsync(world, Request with { RunId = "run-2" })).Rows);
        AssertDelivered(world, [new WorldStream("d", 2) { Changes = 5 }]);
    }

    [Fact]
    public async Task Run_StreamFails_OthersCompleteAndItsStagingIsEmpty()
    {
        WorldStream[] streams = [new("a", 5), new("b", 5), new("c", 1)];
        var world = new FolderWorld(_folder.Path, streams)
        {
            Transferring = static (task, chunk, _) => task.Stream == 1 && chunk.Index == 3 ? throw new DataFormatException("row 7: no number")
                : Task.CompletedTask,
        };
        var result = await RunAsync(world);
        Assert.Equal((2, 1), (result.Completed, result.Failed));
        var failure = Assert.Single(result.Failures);
        Assert.Equal(("b", ErrorKind.Data, "row 7: no number"), (failure.Name, failure.FailureKind, failure.Failure));
        Assert.Empty(world.Visible("b"));
        Assert.Empty(world.LeftInStaging());
        Assert.Equal(1, world.Calls["abort"]);
    }

    [Theory]
    [InlineData("plan")]
    [InlineData("plan-stream")]
    [InlineData("prepare")]
    [InlineData("split")]
    [InlineData("split.after")]
    [InlineData("transfer")]
    [InlineData("transfer.after")]
    [InlineData("commit")]
    [InlineData("commit.after")]
    [InlineData("acknowledge")]
    [InlineData("acknowledge.after")]
    [InlineData("capture")]
    [InlineData("capture.after")]
    public async Task Run_StepFailsAndHeals_IsRepeatedUntilItWorks(string step)
    {
        WorldStream[] streams = [new("a", 3), new("d", 2) { Changes = 10 }];
        var failures = 3;
        var world = new FolderWorld(_folder.Path, streams)
        {
            Step = name =>
            {
                if (name == step && Interlocked.Decrement(ref failures) >= 0)
                    throw new NebulaException(ErrorKind.Transient, "connection lost");
            },
        };
        Assert.Equal(2, (await RunAsync(world)).Completed);
        foreach (var stream in streams)
            Assert.Equal(FolderWorld.Expected(stream).Order(), world.Visible(stream.Name).Order());
    }

    [Fact]
    public async Task Run_StepNeverHeals_FailsAfterTheAttemptsAllowed()
    {
        var world = new FolderWorld(_folder.Path, new WorldStream("a", 1))
        {
            Transferring = static (_, _, _) => throw new NebulaException(ErrorKind.Throttled, "slow down"),
        };
        var result = await RunAsync(world);
        Assert.Equal(ErrorKind.Throttled, Assert.Single(result.Failures).FailureKind);
        Assert.Equal(4, world.Calls["transfer"]);
    }

    [Fact]
    public async Task Run_ValueContradictsTheSample_StartsAgainOnceWithAllValues()
    {
        var world = new FolderWorld(_folder.Path, new WorldStream("a", 3))
        {
            Transferring = static (task, chunk, _) => !task.ReadEverything && chunk.Index == 2
                ? throw new SchemaContradictionException("1.5 is no integer", new SourceLocation("f", 7))
                : Task.CompletedTask,
        };
        Assert.Equal(1, (await RunAsync(world)).Completed);
        AssertDelivered(world, [new WorldStream("a", 3)]);
        Assert.Equal(2, world.Calls["plan-stream"]);
    }

    [Fact]
    public async Task Run_AnotherRunCommitsMeanwhile_PublishesNothing()
    {
        var other = new FolderWorld(_folder.Path, new WorldStream("a", 1));
        var world = new FolderWorld(_folder.Path, new WorldStream("a", 1))
        {
            Transferring = async (_, _, _) =>
            {
                using var store = new LocalStateStore(Path.Combine(_folder.Path, "state"));
                await new LocalOrchestrationHost(new TaskRegistry().AddSync(other, store),
                    new LocalHostOptions { Directory = Path.Combine(_folder.Path, "other") })
                    .RunAsync(SyncDefinitions.SyncRun, "other", Request with { RunId = "run-other" }, default);
            },
        };
        var result = await RunAsync(world);
        Assert.Equal(ErrorKind.Locked, Assert.Single(result.Failures).FailureKind);
        AssertDelivered(world, [new WorldStream("a", 1)]);
    }

    [Fact]
    public async Task Pause_ThenResume_BeginsNothingInBetween()
    {
        var time = new ManualTime();
        var begun = 0;
        var release = new SemaphoreSlim(0);
        var world = new FolderWorld(_folder.Path, new WorldStream("a", 6)) { Transferring = TransferAsync };
        var host = Host(world, time);
        var run = host.RunAsync(SyncDefinitions.SyncRun, "r", Request, default);
        await Until(() => begun == 2 || run.IsCompleted);
        Raise(host, time, SyncDefinitions.PauseEvent);
        await Until(() => host.Runs.Find("r")!.CustomStatus?.Contains("paused", StringComparison.Ordinal) == true);
        release.Release(100);
        await Until(() => !world.Calls.IsEmpty && _store.ListAsync("runs/", default).ToBlockingEnumerable().Count(key => key.Contains("/parts/",
            StringComparison.Ordinal)) == 2);
        Assert.Equal(2, begun);
        Raise(host, time, SyncDefinitions.ResumeEvent);
        Assert.Equal(1, (await run).Completed);
        AssertDelivered(world, [new WorldStream("a", 6)]);

        async Task TransferAsync(StreamTask task, Chunk chunk, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref begun);
            await release.WaitAsync(cancellationToken);
        }
    }

    [Theory]
    [InlineData(6)]
    [InlineData(1)]
    public async Task Cancel_RunUnderWay_CommitsNothingAndLeavesNothing(int chunks)
    {
        var time = new ManualTime();
        var entered = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var world = new FolderWorld(_folder.Path, new WorldStream("a", chunks), new WorldStream("b", 6), new WorldStream("c", 6))
        {
            Transferring = async (_, _, _) =>
            {
                entered.TrySetResult();
                await release.Task;
            },
        };
        var host = Host(world, time);
        var run = host.RunAsync(SyncDefinitions.SyncRun, "r", Request, default);
        await entered.Task;
        Raise(host, time, SyncDefinitions.CancelEvent);
        await Until(() => host.Runs.Find("r")!.CustomStatus?.Contains("cancelling", StringComparison.Ordinal) == true);
        release.SetResult();
        var result = await run;
        Assert.Equal((0, 3), (result.Failed, result.Cancelled + result.Completed));
        Assert.True(result.Cancelled >= 2);
        Assert.Empty(world.Visible("b"));
        Assert.Empty(world.Visible("c"));
        Assert.Empty(world.LeftInStaging());
    }

    [Fact]
    public async Task Cancel_ChangeCaptureThatRunsForEver_EndsAfterItsWindow()
    {
        var time = new ManualTime();
        var world = new FolderWorld(_folder.Path, new WorldStream("d", 1) { Changes = 6 });
        var host = Host(world, time);
        var run = host.RunAsync(SyncDefinitions.SyncRun, "r", Request with { Settings = Request.Settings with { UntilCaughtUp = false } }, default);
        await Until(() => world.Acknowledged("d") == 6);
        Raise(host, time, SyncDefinitions.CancelEvent);
        while (!run.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
        Assert.Equal(1, (await run).Cancelled);
        AssertDelivered(world, [new WorldStream("d", 1) { Changes = 6 }]);
    }

    [Fact]
    public async Task Pause_ChangeCapture_OutlivesItsGenerations()
    {
        var time = new ManualTime();
        var reached = new TaskCompletionSource();
        var release = new ManualResetEventSlim();
        var world = new FolderWorld(_folder.Path, new WorldStream("d", 1) { Changes = 20 });
        world.Step = step =>
        {
            if (step == "acknowledge.after" && world.Calls["acknowledge"] == 2)
            {
                reached.TrySetResult();
                release.Wait();
            }
        };
        var host = Host(world, time);
        var run = host.RunAsync(SyncDefinitions.SyncRun, "r", Request, default);
        await reached.Task;
        Raise(host, time, SyncDefinitions.PauseEvent);
        await Until(() => host.Runs.Find("r")!.CustomStatus?.Contains("paused", StringComparison.Ordinal) == true);
        release.Set();
        await Until(() => world.Acknowledged("d") == 4);
        Assert.Equal(1, world.Calls["capture"]);
        Raise(host, time, SyncDefinitions.ResumeEvent);
        Assert.Equal(1, (await run).Completed);
        AssertDelivered(world, [new WorldStream("d", 1) { Changes = 20 }]);
        Assert.Equal(5, world.Calls["capture"]);
    }

    [Fact]
    public async Task Run_TenThousandChunks_KeepsEveryEntryOfHistorySmall()
    {
        var streams = new WorldStream("a", 10_000) { RowsPerChunk = 1 };
        var world = new FolderWorld(_folder.Path, streams);
        var recorder = new EntryRecorder(Path.Combine(_folder.Path, "runs", "r", "journal"));
        var options = new LocalHostOptions { Directory = Path.Combine(_folder.Path, "runs"), JournalWriting = recorder.Record };
        var request = new SyncRequest("run-1", "shop");
        var result = await new LocalOrchestrationHost(new TaskRegistry().AddSync(world, _store), options).RunAsync(SyncDefinitions.SyncRun, "r",
            request, default);
        Assert.Equal((10_000, 10_000), (result.Rows, result.Chunks));
        Assert.True(recorder.Entries > 20_000);
        Assert.InRange(recorder.Largest, 100, 4_096);
        Assert.InRange(recorder.LongestHistory, 100, 1_500);
        AssertDelivered(world, [streams]);
    }

    [Fact]
    public async Task Run_ManyStreams_PagesThemByGenerations()
    {
        var streams = Enumerable.Range(0, 450).Select(i => new WorldStream(string.Create(CultureInfo.InvariantCulture, $"s{i}"),
            1)
        { RowsPerChunk = 1 }).ToArray();
        var recorder = new EntryRecorder(Path.Combine(_folder.Path, "runs", "r", "journal"));
        var world = new FolderWorld(_folder.Path, streams)
        {
            Transferring = static (task, _, _) => task.Stream % 10 == 3 ? throw new NebulaException(ErrorKind.Data, new string('x', 9_000))
                : Task.CompletedTask,
        };
        var options = new LocalHostOptions { Directory = Path.Combine(_folder.Path, "runs"), JournalWriting = recorder.Record };
        var result = await new LocalOrchestrationHost(new TaskRegistry().AddSync(world, _store), options).RunAsync(SyncDefinitions.SyncRun, "r",
            Request, default);
        Assert.Equal((405, 45, 10), (result.Completed, result.Failed, result.Failures.Count));
        Assert.InRange(recorder.Largest, 100, 16_384);
        Assert.InRange(recorder.LongestHistory, 100, 1_500);
    }

    private static void Raise(LocalOrchestrationHost host, ManualTime time, string name)
    {
        host.Runs.RaiseEvent("r", name, Payload.Nothing, Nothing.Value);
        time.Advance(TimeSpan.FromSeconds(1));
    }

    /// <summary>Waits for something that another thread does and tells nobody of.</summary>
    private static async Task Until(Func<bool> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!condition())
            await Task.Delay(5, timeout.Token);
    }

    private static void AssertDelivered(FolderWorld world, IEnumerable<WorldStream> streams)
    {
        foreach (var stream in streams)
            Assert.Equal(FolderWorld.Expected(stream).Order(), world.Visible(stream.Name).Order());
        Assert.Empty(world.LeftInStaging());
    }

    private LocalOrchestrationHost Host(FolderWorld world, TimeProvider? time = null) => new(
        new TaskRegistry().AddSync(world, _store), new LocalHostOptions
        {
            Directory = Path.Combine(_folder.Path, "runs"),
            Time = time ?? TimeProvider.System,
            MaxActivities = 4
        });

    private Task<SyncResult> RunAsync(FolderWorld world, SyncRequest? request = null) => Host(world).RunAsync(SyncDefinitions.SyncRun, "r",
        request ?? Request, default);
}

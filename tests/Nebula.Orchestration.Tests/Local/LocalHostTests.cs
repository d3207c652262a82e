using System.Collections.Concurrent;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Tests.Local;

public sealed class LocalHostTests : IDisposable
{
    private static readonly ActivityDefinition<int, int> Step = new("Step", Payload.Int32, Payload.Int32);
    private static readonly OrchestrationDefinition<int, int> Main = new("Main", Payload.Int32, Payload.Int32);
    private static readonly OrchestrationDefinition<int, int> Child = new("Child", Payload.Int32, Payload.Int32);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_ActivitiesInSequence_GivesTheResultAndKeepsTheRun()
    {
        var host = Host(async (context, input) =>
        {
            for (var i = 0; i < 3; i++)
                input = await context.CallActivityAsync(Step, input);
            context.SetCustomStatus(Payload.String, "done");
            return input;
        });
        Assert.Equal(13, await host.RunAsync(Main, "a/b".Replace('/', ':'), 10, default));
        var run = host.Runs.Find("a:b")!;
        Assert.Equal((OrchestrationStatus.Completed, "10", "13", "\"done\"", false), (run.Status, run.Input, run.Output, run.CustomStatus, run.IsActive));
        Assert.Equal("Main", Assert.Single(host.Runs.List()).Name);
        Assert.True(host.Runs.Purge("a:b"));
        Assert.Null(host.Runs.Find("a:b"));
        Assert.False(host.Runs.Purge("a:b"));
    }

    [Fact]
    public async Task Run_MoreActivitiesThanAllowed_RunsSoManyAtATime()
    {
        var running = 0;
        var most = 0;
        var full = new TaskCompletionSource();
        var host = Host(async (context, _) => (await Task.WhenAll(Enumerable.Range(0, 20).Select(i => context.CallActivityAsync(Step, i)))).Sum(),
            async (_, input) =>
        {
            lock (full)
            {
                most = Math.Max(most, ++running);
                if (running == 3)
                    full.TrySetResult();
            }
            await full.Task;
            lock (full)
                running--;
            return input;
        }, maxActivities: 3);
        Assert.Equal(190, await host.RunAsync(Main, "r", 0, default));
        Assert.Equal(3, most);
    }

    [Fact]
    public async Task Run_ActivityFails_TheRunFailsWithItsError()
    {
        var host = Host((context, input) => context.CallActivityAsync(Step, input), (_, _) => throw new DataFormatException("row 7: no number"));
        var error = await Assert.ThrowsAsync<TaskFailedException>(() => host.RunAsync(Main, "r", 0, default));
        Assert.Equal((ErrorKind.Data, "row 7: no number", "DataFormatException"), (error.Kind, error.Message, error.Failure.Name));
        Assert.Equal(OrchestrationStatus.Failed, host.Runs.Find("r")!.Status);
    }

    [Fact]
    public async Task Run_ChildrenAndGenerations_EndAsOneRun()
    {
        var registry = new TaskRegistry().AddActivity(Step, static (_, input) => Task.FromResult(input + 1))
            .AddOrchestration(Child, static async (context, input) =>
            {
                var next = await context.CallActivityAsync(Step, input);
                if (next % 10 != 0)
                    context.ContinueAsNew(Payload.Int32, next);
                return next;
            })
            .AddOrchestration(Main, static async (context, input) => (await Task.WhenAll(
                context.CallSubOrchestratorAsync(Child, input), context.CallSubOrchestratorAsync(Child, input + 10, "named"))).Sum());
        Assert.Equal(30, await new LocalOrchestrationHost(registry, Options()).RunAsync(Main, "r", 1, default));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_StoppedAtAnyWriteOfTheJournal_ContinuesToTheSameResult(bool afterWrite)
    {
        var registry = new TaskRegistry().AddOrchestration(Child, static async (context, input) => input < 3
                ? await context.CallActivityAsync(Step, input)
                : (await Task.WhenAll(Enumerable.Range(0, 4).Select(i => context.CallActivityAsync(Step, i)))).Sum())
            .AddOrchestration(Main, static async (context, input) =>
            {
                var before = await context.CallActivityAsync(Step, input);
                var guid = context.NewGuid();
                var children = await Task.WhenAll(context.CallSubOrchestratorAsync(Child, 1), context.CallSubOrchestratorAsync(Child, 5));
                await context.CreateTimer(TimeSpan.FromMilliseconds(1));
                return before + children.Sum() + (guid == Guid.Empty ? 1 : 0);
            });
        var effects = new ConcurrentDictionary<int, int>();
        registry.AddActivity(Step, (_, input) =>
        {
            effects.AddOrUpdate(input, 1, static (_, count) => count + 1);
            return Task.FromResult(input + 1);
        });
        for (var stopAt = 1; ; stopAt++)
        {
            var writes = 0;
            var stopped = false;
            var options = Options($"{afterWrite}{stopAt}") with
            {
                JournalWriting = after =>
                {
                    if (after != afterWrite || ++writes != stopAt)
                        return;
                    stopped = true;
                    throw new HostKilledException();
                },
            };
            try
            {
                Assert.Equal(13, await new LocalOrchestrationHost(registry, options).RunAsync(Main, "r", 0, default));
            }
            catch (HostKilledException)
            {
                var again = new LocalOrchestrationHost(registry, options with { JournalWriting = null });
                var begun = again.Runs.Find("r");
                Assert.True(begun is null or { IsActive: false });
                Assert.Equal(13, await again.RunAsync(Main, "r", 0, default));
            }
            if (!stopped)
                break;
        }
        Assert.NotEmpty(effects);
    }

    [Fact]
    public async Task Run_Resumed_RepeatsNoRecordedActivity()
    {
        var calls = new List<int>();
        using var stop = new CancellationTokenSource();
        var registry = new TaskRegistry()
            .AddActivity(Step, async (context, input) =>
            {
                calls.Add(input);
                if (input == 3 && !stop.IsCancellationRequested)
                {
                    await stop.CancelAsync();
                    context.CancellationToken.ThrowIfCancellationRequested();
                }
                return input + 1;
            })
            .AddOrchestration(Main, static async (context, input) =>
            {
                while (input < 6)
                    input = await context.CallActivityAsync(Step, input);
                return input;
            });
        var host = new LocalOrchestrationHost(registry, Options());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.RunAsync(Main, "r", 0, stop.Token));
        Assert.Equal((OrchestrationStatus.Running, false), (host.Runs.Find("r")!.Status, host.Runs.Find("r")!.IsActive));
        Assert.Equal(6, await host.RunAsync(Main, "r", 77, default));
        Assert.Equal([0, 1, 2, 3, 3, 4, 5], calls);
    }

    [Fact]
    public async Task Run_JournalCutOrDamagedAnywhere_ContinuesFromWhatIsGood()
    {
        const int seed = 20240607;
        var random = new Random(seed);
        var registry = Registry(static async (context, input) =>
        {
            for (var i = 0; i < 20; i++)
                input = await context.CallActivityAsync(Step, input);
            return input;
        });
        await new LocalOrchestrationHost(registry, Options()).RunAsync(Main, "r", 0, default);
        var journal = Path.Combine(_folder.Path, "r", "journal");
        var whole = await File.ReadAllBytesAsync(journal);
        for (var round = 0; round < 60; round++)
        {
            var bytes = whole[..random.Next(8, whole.Length)];
            if (bytes.Length > 8 && round % 2 == 0)
                bytes[random.Next(8, bytes.Length)] ^= (byte)random.Next(1, 256);
            await File.WriteAllBytesAsync(journal, bytes);
            Assert.True(await new LocalOrchestrationHost(registry, Options()).RunAsync(Main, "r", 0, default) == 20, $"seed {seed}, round {round}");
        }
    }

    [Fact]
    public async Task Run_FileIsNoJournal_IsRefused()
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, "r"));
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "r", "journal"), "something else");
        var host = Host(static (_, input) => Task.FromResult(input));
        Assert.Contains("no journal", (await Assert.ThrowsAsync<DataFormatException>(() => host.RunAsync(Main, "r", 0, default))).Message,
            StringComparison.Ordinal);
        Assert.Empty(host.Runs.List());
    }

    [Fact]
    public async Task Run_IdIsRunning_IsLocked()
    {
        var entered = new TaskCompletionSource();
        var leave = new TaskCompletionSource();
        var host = Host(static (context, input) => context.CallActivityAsync(Step, input), async (_, input) =>
        {
            entered.SetResult();
            await leave.Task;
            return input;
        });
        var first = host.RunAsync(Main, "r", 1, default);
        await entered.Task;
        Assert.Equal(ErrorKind.Locked, (await Assert.ThrowsAsync<NebulaException>(() => host.RunAsync(Main, "r", 2, default))).Kind);
        Assert.True(host.Runs.Find("r")!.IsActive);
        Assert.Equal(ErrorKind.Locked, Assert.Throws<NebulaException>(() => host.Runs.Purge("r")).Kind);
        leave.SetResult();
        Assert.Equal(1, await first);
    }

    [Fact]
    public async Task RaiseEvent_RunWaits_GetsItOnce()
    {
        var time = new ManualTime();
        var waiting = new TaskCompletionSource();
        var host = Host(async (context, _) =>
        {
            waiting.TrySetResult();
            return (await context.WaitForExternalEvent("go", Payload.Int32) * 10) + await context.WaitForExternalEvent("go", Payload.Int32);
        }, time: time);
        var run = host.RunAsync(Main, "r", 0, default);
        await waiting.Task;
        await Until(() => host.Runs.Find("r") is { Status: OrchestrationStatus.Running });
        host.Runs.RaiseEvent("r", "GO", Payload.Int32, 4);
        host.Runs.RaiseEvent("r", "other", Payload.Int32, 9);
        time.Advance(TimeSpan.FromSeconds(1));
        host.Runs.RaiseEvent("r", "go", Payload.Int32, 2);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(42, await run);
        Assert.Empty(Directory.GetFiles(Path.Combine(_folder.Path, "r", "inbox")));
        Assert.Throws<NebulaException>(() => host.Runs.RaiseEvent("r", "go", Payload.Int32, 1));
        Assert.Equal(ErrorKind.NotFound, Assert.Throws<NebulaException>(() => host.Runs.RaiseEvent("x", "go", Payload.Int32, 1)).Kind);
    }

    [Fact]
    public async Task Terminate_RunAndChildrenUnderWay_EndAndStopTheirActivities()
    {
        var entered = new TaskCompletionSource();
        var stopped = new TaskCompletionSource();
        var time = new ManualTime();
        var registry = new TaskRegistry()
            .AddActivity(Step, async (context, input) =>
            {
                entered.SetResult();
                await Task.Delay(Timeout.Infinite, context.CancellationToken).ContinueWith(_ => stopped.SetResult(), TaskScheduler.Default);
                context.CancellationToken.ThrowIfCancellationRequested();
                return input;
            })
            .AddOrchestration(Child, static (context, input) => context.CallActivityAsync(Step, input))
            .AddOrchestration(Main, static (context, input) => context.CallSubOrchestratorAsync(Child, input));
        var host = new LocalOrchestrationHost(registry, Options() with { Time = time });
        var run = host.RunAsync(Main, "r", 0, default);
        await entered.Task;
        host.Runs.Terminate("r", "enough");
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("enough", (await Assert.ThrowsAsync<TaskFailedException>(() => run)).Message, StringComparison.Ordinal);
        await stopped.Task;
        Assert.Equal((OrchestrationStatus.Terminated, "enough"), (host.Runs.Find("r")!.Status, host.Runs.Find("r")!.Output));
    }

    [Fact]
    public async Task Suspend_Resume_GoesOnWhereItWas()
    {
        var time = new ManualTime();
        var calls = 0;
        var first = new TaskCompletionSource();
        var host = Host(static async (context, input) =>
        {
            await context.CallActivityAsync(Step, input);
            return await context.CallActivityAsync(Step, input + 1);
        }, async (_, input) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
                await first.Task;
            return input;
        }, time: time);
        var run = host.RunAsync(Main, "r", 1, default);
        await Until(() => Volatile.Read(ref calls) == 1);
        host.Runs.Suspend("r", "lunch");
        time.Advance(TimeSpan.FromSeconds(1));
        await Until(() => host.Runs.Find("r")!.Status == OrchestrationStatus.Suspended);
        first.SetResult();
        Assert.False(run.IsCompleted);
        Assert.Equal(1, calls);
        host.Runs.Resume("r", null);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, await run);
    }

    [Fact]
    public async Task Run_TimerAcrossAStop_FiresWhenItWasDue()
    {
        var time = new ManualTime();
        var registry = Registry(static async (context, _) =>
        {
            var begin = context.CurrentUtcDateTime;
            await context.CreateTimer(TimeSpan.FromHours(30));
            return (int)(context.CurrentUtcDateTime - begin).TotalHours;
        });
        using var stop = new CancellationTokenSource();
        var host = new LocalOrchestrationHost(registry, Options() with { Time = time });
        var run = host.RunAsync(Main, "r", 0, stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
        time.Advance(TimeSpan.FromHours(40));
        Assert.Equal(40, await host.RunAsync(Main, "r", 0, default));
    }

    [Fact]
    public async Task Run_ManyGenerations_KeepsTheJournalSmall()
    {
        var registry = Registry(static async (context, input) =>
        {
            var next = await context.CallActivityAsync(Step, input);
            await context.CallActivityAsync(new ActivityDefinition<string?, int>("Length", Payload.String, Payload.Int32), new string('x', 5_000));
            if (next < 1_000)
                context.ContinueAsNew(Payload.Int32, next);
            return next;
        }).AddActivity(new ActivityDefinition<string?, int>("Length", Payload.String, Payload.Int32), static (_, text) => Task.FromResult(text!.Length));
        var most = 0L;
        var journal = Path.Combine(_folder.Path, "r", "journal");
        var options = Options() with { JournalWriting = _ => most = Math.Max(most, new FileInfo(journal).Length) };
        Assert.Equal(1_000, await new LocalOrchestrationHost(registry, options).RunAsync(Main, "r", 0, default));
        Assert.InRange(most, 1 << 20, 2 << 20);
        Assert.InRange(new FileInfo(journal).Length, 100, 1 << 16);
    }

    [Fact]
    public async Task Run_CodeChangedSinceItWasInterrupted_FailsWithTheStepThatDiffers()
    {
        using var stop = new CancellationTokenSource();
        var registry = Registry(static (context, input) => context.CallActivityAsync(Step, input), async (context, _) =>
        {
            await stop.CancelAsync();
            context.CancellationToken.ThrowIfCancellationRequested();
            return 0;
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new LocalOrchestrationHost(registry, Options()).RunAsync(Main, "r", 0, stop.Token));
        var changed = Registry(static async (context, input) =>
        {
            await context.CreateTimer(TimeSpan.FromHours(1));
            return input;
        });
        var error = await Assert.ThrowsAsync<TaskFailedException>(() => new LocalOrchestrationHost(changed, Options()).RunAsync(Main, "r", 0, default));
        Assert.Equal("NonDeterminismException", error.Failure.Name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("@x")]
    [InlineData("a/b")]
    [InlineData("a#b")]
    [InlineData("a\tb")]
    public async Task Run_IdThatSomeHostCannotKeep_IsRefused(string id)
    {
        var host = Host(static (_, input) => Task.FromResult(input));
        Assert.Equal(ErrorKind.Configuration, (await Assert.ThrowsAsync<NebulaException>(() => host.RunAsync(Main, id, 0, default))).Kind);
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".hidden")]
    [InlineData("ünï:köde %41 *")]
    public async Task Run_OddId_StaysInTheFolder(string id)
    {
        var host = Host(static (_, input) => Task.FromResult(input));
        Assert.Equal(5, await host.RunAsync(Main, id, 5, default));
        Assert.Equal(id, Assert.Single(host.Runs.List()).InstanceId);
        Assert.Single(Directory.GetDirectories(_folder.Path));
    }

    /// <summary>Waits for something that another thread does and tells nobody of.</summary>
    private static async Task Until(Func<bool> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!condition())
            await Task.Delay(5, timeout.Token);
    }

    private static TaskRegistry Registry(Func<OrchestrationContext, int, Task<int>> run, Func<ActivityContext, int, Task<int>>? step = null) =>
        new TaskRegistry().AddOrchestration(Main, run).AddActivity(Step, step ?? (static (_, input) => Task.FromResult(input + 1)));

    private LocalHostOptions Options(string folder = "") => new() { Directory = Path.Combine(_folder.Path, folder) };

    private LocalOrchestrationHost Host(
        Func<OrchestrationContext, int, Task<int>> run, Func<ActivityContext, int, Task<int>>? step = null, int maxActivities = 4, TimeProvider? time = null) =>
        new(Registry(run, step), Options() with { MaxActivities = maxActivities, Time = time ?? TimeProvider.System });
}

internal sealed class HostKilledException : Exception;

using System.Globalization;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;
using Nebula.Orchestration.Tests.Replay;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Orchestration.Tests.Backend;

/// <summary>The executor against an orchestration backend that others wrote. Nothing is checked where that is not installed (see package.json beside this
/// file).</summary>
public sealed class BackendTests
{
    private static readonly ActivityDefinition<int, int> Step = new("Step", Payload.Int32, Payload.Int32);
    private static readonly ActivityDefinition<string?, int> Fail = new("Fail", Payload.String, Payload.Int32);
    private static readonly OrchestrationDefinition<int, int> Child = new("Child", Payload.Int32, Payload.Int32);

    [BackendFact]
    public Task FanOut_TwentyActivities_AllCount() => Check("0", OrchestrationStatus.Completed, "210", static async (context, _) =>
        (await Task.WhenAll(Enumerable.Range(0, 20).Select(i => context.CallActivityAsync(Step, i)))).Sum());

    [BackendFact]
    public Task Timer_OnTheReplayClock_FiresLater() => Check("0", OrchestrationStatus.Completed, "1", static async (context, _) =>
    {
        var begin = context.CurrentUtcDateTime;
        await context.CreateTimer(TimeSpan.FromMilliseconds(200));
        return context.CurrentUtcDateTime - begin >= TimeSpan.FromMilliseconds(190) ? 1 : 0;
    });

    [BackendFact]
    public Task Child_Result_IsTheParents() => Check("20", OrchestrationStatus.Completed, "21", static (context, input) =>
        context.CallSubOrchestratorAsync(Child, input));

    [BackendFact]
    public Task Child_Fails_IsCaught() => Check("-1", OrchestrationStatus.Completed, "7", static async (context, input) =>
    {
        try
        {
            return await context.CallSubOrchestratorAsync(Child, input);
        }
        catch (TaskFailedException)
        {
            return 7;
        }
    });

    [BackendFact]
    public Task Activity_Fails_FailsTheInstanceWithItsMessage() => Check("0", OrchestrationStatus.Failed, "row 7: \"no\" number", static (context, _) =>
        context.CallActivityAsync(Fail, "row 7: \"no\" number", new RetryPolicy()));

    [BackendFact]
    public async Task Activity_AnswerLostTwice_IsRepeated()
    {
        var lost = 0;
        var checkedIt = await Check("4", OrchestrationStatus.Completed, "5", static (context, input) => context.CallActivityAsync(
            Step, input, new RetryPolicy { FirstDelay = TimeSpan.FromMilliseconds(1), Handles = static _ => true }), backend => backend.IsLost = _ =>
                lost++ < 2);
        Assert.Equal(checkedIt ? 3 : 0, lost);
    }

    [BackendFact]
    public Task ContinueAsNew_FiveGenerations_KeepEventsAndShortHistory() => Check("0", OrchestrationStatus.Completed, "15", static async (context, input) =>
    {
        if (input == 0)
            await context.WaitForExternalEvent("go", Payload.Nothing);
        var next = await context.CallActivityAsync(Step, input);
        if (next < 5)
        {
            context.ContinueAsNew(Payload.Int32, next);
            return 0;
        }
        return next + await context.WaitForExternalEvent("kept", Payload.Int32);
    }, backend =>
    {
        backend.Tell("raise", "i", "kept", "10");
        backend.Tell("raise", "i", "GO", "null");
    }, static ended => Assert.InRange(ended.Events, 5, 12));

    [BackendFact]
    public Task Events_RacingWithTurns_ArriveInOrder() => Check("0", OrchestrationStatus.Completed, "1", static async (context, _) =>
    {
        for (var expected = 0; expected < 50; expected++)
        {
            if (await context.WaitForExternalEvent("n", Payload.Int32) != expected)
                return 0;
            if (expected % 7 == 0)
                await context.CallActivityAsync(Step, expected);
        }
        return 1;
    }, static backend =>
    {
        for (var i = 0; i < 50; i++)
            backend.Tell("raise", "i", "n", i.ToString(CultureInfo.InvariantCulture));
    });

    [BackendFact]
    public Task SendEvent_ToAChild_Arrives() => Check("-2", OrchestrationStatus.Completed, "9", static async (context, input) =>
    {
        var child = context.CallSubOrchestratorAsync(Child, input, "the-child");
        await context.CallActivityAsync(Step, 1);
        context.SendEvent("the-child", "value", Payload.Int32, 9);
        return await child;
    });

    [BackendFact]
    public Task Suspend_HoldsEventsUntilResumed() => Check("0", OrchestrationStatus.Completed, "3", static (context, _) =>
        context.WaitForExternalEvent("x", Payload.Int32),
        static backend =>
        {
            backend.Tell("suspend", "i");
            backend.Tell("raise", "i", "x", "3");
            backend.Tell("resume", "i");
        });

    [BackendFact]
    public Task Terminate_EndsWithItsReason() => Check("0", OrchestrationStatus.Terminated, "enough", static (context, _) =>
        context.WaitForExternalEvent("x", Payload.Int32),
        static backend => backend.Tell("terminate", "i", null, "enough"));

    [BackendFact]
    public async Task Sync_OnThatBackend_DeliversEveryRowOnce()
    {
        using var folder = new TemporaryFolder();
        using var store = new LocalStateStore(Path.Combine(folder.Path, "state"));
        WorldStream[] streams = [new("a", 7), new("d", 2) { Changes = 10 }];
        var failures = 0;
        var world = new FolderWorld(folder.Path, streams)
        {
            Step = _ =>
            {
                if (Interlocked.Increment(ref failures) % 9 == 4)
                    throw new NebulaException(ErrorKind.Transient, "connection lost");
            },
        };
        var registry = new TaskRegistry().AddSync(world, store);
        await using var backend = DurableTaskBackend.Start(registry);
        var request = new SyncRequest("run-1", "shop")
        {
            Settings = new SyncSettings
            {
                PageSize = 2,
                ParallelChunks = 2,
                FirstDelay = 1,
                MaxDelay = 2,
                MaxAttempts = 9
            }
        };
        var ended = await backend.StartAsync("i", "SyncRun", SyncDefinitions.SyncRun.Input.ToJson(request));
        Assert.Equal((OrchestrationStatus.Completed, null), (ended.Status, ended.Failure));
        Assert.Equal(2, SyncDefinitions.SyncRun.Output.FromJson(ended.Output, "the result").Completed);
        Assert.Contains("\"done\":2", ended.CustomStatus, StringComparison.Ordinal);
        foreach (var stream in streams)
            Assert.Equal(FolderWorld.Expected(stream).Order(), world.Visible(stream.Name).Order());
        Determinism.Check(registry, backend.Turns);
    }

    private static async Task<bool> Check(
        string input, OrchestrationStatus status, string output, Func<OrchestrationContext, int, Task<int>> run, Action<DurableTaskBackend>? meanwhile = null,
        Action<Ended>? check = null)
    {
        var registry = new TaskRegistry()
            .AddActivity(Step, static (_, value) => Task.FromResult(value + 1))
            .AddActivity(Fail, static (_, message) => throw new DataFormatException(message!))
            .AddOrchestration(Child, static async (context, value) => value switch
            {
                -1 => throw new NebulaException(ErrorKind.Data, "the child's"),
                -2 => await context.WaitForExternalEvent("value", Payload.Int32),
                _ => await context.CallActivityAsync(Step, value),
            })
            .AddOrchestration(new OrchestrationDefinition<int, int>("Main", Payload.Int32, Payload.Int32), run);
        await using var backend = DurableTaskBackend.Start(registry);
        var ending = backend.StartAsync("i", "Main", input);
        meanwhile?.Invoke(backend);
        var ended = await ending;
        Assert.Equal((status, output), (ended.Status, ended.Output));
        check?.Invoke(ended);
        Determinism.Check(registry, backend.Turns);
        return true;
    }
}

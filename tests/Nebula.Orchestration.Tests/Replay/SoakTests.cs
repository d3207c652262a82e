using System.Runtime.CompilerServices;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Tests.Replay;

/// <summary>Sizes that no run should reach, and that must not break one.</summary>
public sealed class SoakTests
{
    private static readonly ActivityDefinition<int, string?> Step = new("Step", Payload.Int32, Payload.String);
    private static readonly OrchestrationDefinition<int, int> Main = new("Main", Payload.Int32, Payload.Int32);

    [Fact]
    public void Turn_HistoryOfTenThousandEvents_GivesTheResult()
    {
        const int Steps = 2_500;
        var past = new List<HistoryEvent>();
        for (var i = 0; i < Steps; i++)
            past.AddRange([.. TurnOf(i, "x"), Scheduled(i), new OrchestratorCompleted()]);
        Assert.Equal(10_000, past.Count);
        var executor = new OrchestrationExecutor(Registry(static async (context, steps) =>
        {
            var length = 0;
            for (var i = 0; i < steps; i++)
                length += (await context.CallActivityAsync(Step, i))!.Length;
            return length;
        }));
        var waits = executor.Execute(Read(past[..^4], past[^4..^2]));
        Assert.Equal(Steps - 1, Assert.IsType<ScheduleTask>(Assert.Single(waits.Actions)).Id);
        Assert.Equal($"{Steps}", Result(executor.Execute(Read(past, TurnOf(Steps, "x")))));

        // the first turn starts the instance, each later one has the result of the step before
        static HistoryEvent[] TurnOf(int step, string result) => [Begun, step == 0 ? Started(Steps) : Completed(step - 1, result)];
    }

    [Fact]
    public void Turn_RequestOfThirtyMegabytes_GivesTheResult()
    {
        const int Steps = 2_000;
        const int Size = 16_000;
        var past = new List<HistoryEvent> { Begun, Started(Steps) };
        past.AddRange(Enumerable.Range(0, Steps).Select(Scheduled));
        var message = Wire.WriteRequest("i", past, [Begun, .. Enumerable.Range(0, Steps).Select(static i => Completed(i, new string('x', Size)))]);
        Assert.InRange(message.Length, 30 << 20, int.MaxValue);
        Assert.Equal($"{Steps * Size}", Result(new OrchestrationExecutor(FanOut()).Execute(OrchestratorMessageCodec.ReadRequest(message))));
    }

    [Fact]
    public void Turn_FanOutOfFiveThousandInAnyOrder_CountsEachOnce()
    {
        const int Count = 5_000;
        const int Seed = 20261122;
        var history = new History(FanOut(), "Main", $"{Count}");
        Assert.Equal(Enumerable.Range(0, Count), history.Turn().Actions.Select(static action => action.Id));
        var ids = Enumerable.Range(0, Count).ToArray();
        new Random(Seed).Shuffle(ids);
        foreach (var some in ids[1..].Chunk(500))
            Assert.Empty(history.Add([.. some.Select(static id => Completed(id, new string('x', id % 7)))]).Turn().Actions);
        history.Add(Completed(ids[0], new string('x', ids[0] % 7))).Turn();
        Assert.True($"{Enumerable.Range(0, Count).Sum(static id => id % 7)}" == history.Completion().Result, $"seed {Seed}: {history.Completion()}");
    }

    [Fact]
    public void ContinueAsNew_ThousandTimes_KeepsNothingOfAGenerationAndGrowsByNothing()
    {
        var made = new List<WeakReference>();
        RunGenerations(made, 1_000);
        GC.Collect();
        // two turns of each generation made one each; the last may be on the stack still
        Assert.Equal(2_000, made.Count);
        Assert.InRange(made.Count(static one => one.IsAlive), 0, 2);
    }

    [Fact]
    public async Task ContinueAsNew_ThousandTimesInOneProcess_KeepsNothingOfAGeneration()
    {
        var made = new List<WeakReference>();
        using var folder = new TemporaryFolder();
        var registry = Generations(made, 1_000).AddActivity(Step, static (_, _) => Task.FromResult<string?>(""));
        Assert.Equal(1_000, await new LocalOrchestrationHost(registry, new LocalHostOptions { Directory = folder.Path }).RunAsync(Main, "r", 0, default));
        GC.Collect();
        Assert.Equal(1_001, made.Count);
        Assert.InRange(made.Count(static one => one.IsAlive), 0, 2);
    }

    private static OrchestratorStarted Begun => new() { Timestamp = History.Start };

    private static ExecutionStarted Started(int input) => new("Main") { Input = $"{input}", InstanceId = "i", ExecutionId = "e" };

    private static TaskScheduled Scheduled(int id) => new("Step") { EventId = id };

    private static TaskCompleted Completed(int id, string value) => new(id, $$"""{"ok":true,"value":"{{value}}"}""");

    private static OrchestratorRequest Read(IEnumerable<HistoryEvent> past, IEnumerable<HistoryEvent> arrived) =>
        OrchestratorMessageCodec.ReadRequest(Wire.WriteRequest("i", past, arrived));

    private static string? Result(OrchestratorResponse response)
    {
        var completion = Assert.IsType<CompleteOrchestration>(Assert.Single(response.Actions));
        Assert.Null(completion.Failure);
        return completion.Result;
    }

    private static TaskRegistry Registry(Func<OrchestrationContext, int, Task<int>> run) => new TaskRegistry().AddOrchestration(Main, run);

    private static TaskRegistry FanOut() => Registry(static async (context, count) =>
        (await Task.WhenAll(Enumerable.Range(0, count).Select(i => context.CallActivityAsync(Step, i)))).Sum(static text => text!.Length));

    /// <summary>An instance of so many generations.</summary>
    private static TaskRegistry Generations(List<WeakReference> made, int count) => Registry(async (context, generation) =>
    {
        // what the instance in memory runs its code with, and nobody else has
        made.Add(new WeakReference(SynchronizationContext.Current));
        await context.CallActivityAsync(Step, generation);
        if (generation < count)
            context.ContinueAsNew(Payload.Int32, generation + 1);
        return generation;
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunGenerations(List<WeakReference> made, int count)
    {
        var registry = Generations(made, count);
        var end = new CompleteOrchestration(0, OrchestrationStatus.ContinuedAsNew, "0") { CarryOver = [new EventRaised("kept", "1")] };
        for (var generation = 0; generation < count; generation++)
        {
            var history = new History(registry, "Main", end.Result).Add([.. end.CarryOver]);
            history.Turn();
            history.Add(Completed(0, "")).Turn();
            end = history.Completion();
            Assert.Equal((OrchestrationStatus.ContinuedAsNew, $"{generation + 1}"), (end.Status, end.Result));
            Assert.Equal(new EventRaised("kept", "1"), Assert.Single(end.CarryOver) with { Timestamp = default });
            Assert.Equal(6, history.Past.Count);
        }
    }
}

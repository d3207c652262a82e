using Nebula.Functions.Hosting;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests;

/// <summary>Handlers that die, at the worst moments.</summary>
public sealed class CrashTests
{
    private const int Terminate = 15;

    [HostFact]
    public async Task Handler_KilledInActivities_LosesNothing()
    {
        using var app = new TestApp(new WorldStream("a", 12));
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var id = await StartAsync(host);
        await host.UntilAsync(_ => host.Calls.Count(static call => call.Function == "TransferChunk") >= 2);
        host.Handlers[0].Kill();
        await host.Handlers[0].RestartedAsync(1);
        app.Release();
        await CompleteAsync(host, id);
        app.CheckDelivered();
    }

    [HostFact]
    public async Task Handler_KilledInTheTurnOfAStream_StartsTheStreamAgain()
    {
        using var app = new TestApp(new WorldStream("a", 6));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var turns = 0;
        host.LosesTurn = turn => turn.Name == "SyncStream" && Interlocked.Increment(ref turns) == 3;
        var id = await StartAsync(host);
        await CompleteAsync(host, id);
        Assert.Contains(await host.Extension.InspectAsync(), static one => one.Name == "SyncStream" && one.Status == 3);
        app.CheckDelivered();
    }

    [HostFact]
    public Task Handler_KilledInTheTurnOfARun_IsRewoundByTheReconciler() => LostRunAsync(canRewind: true);

    [HostFact]
    public Task Handler_KilledInTheTurnOfARun_StartsAgainWhereNothingCanBeRewound() => LostRunAsync(canRewind: false);

    [HostFact]
    public async Task Handler_KilledInEveryTurnOfARun_IsGivenUp()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        host.LosesTurn = static turn => turn.Name == "SyncRun";
        var id = await StartAsync(host);
        for (var i = 1; i <= 6; i++)
        {
            await host.EndOfAsync(id);
            await host.Handlers[0].RestartedAsync(i);
            await ReconcileAsync(host);
        }
        Assert.Equal(5, (int)(await app.StateAsync("slots/shop"))!["recoveries"]!);
        await host.LoggedAsync("was lost 5 times and stays failed");
        // the next run may go
        host.LosesTurn = static _ => false;
        var next = await StartAsync(host);
        Assert.NotEqual(id, next);
        await host.EndOfAsync(next);
    }

    [HostFact]
    public async Task Handler_ToldToEnd_InterruptsActivitiesAndAsksForTurnsAgain()
    {
        using var app = new TestApp(new WorldStream("a", 6));
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var id = await StartAsync(host);
        await host.UntilAsync(_ => host.Calls.Any(static call => call.Function == "TransferChunk"));
        host.Handlers[0].Signal(Terminate);
        await host.Handlers[0].RestartedAsync(1);
        Assert.Equal([FunctionsApp.Restart], host.Handlers[0].ExitCodes);
        app.Release();
        await CompleteAsync(host, id);
        app.CheckDelivered();
        await host.LoggedAsync("was interrupted because its worker stops");
        // turns that came meanwhile were asked for again
        Assert.Contains(host.Turns, static turn => Convert.FromBase64String(turn.Answer!) is [.., 0x38, 1]);
    }

    [HostFact]
    public async Task Activity_LongerThanItsDeadline_IsStoppedAndRepeated()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder, variables: new Dictionary<string, string> { ["NEBULA_ACTIVITY_TIMEOUT"] = "1s" });
        var id = await StartAsync(host);
        await host.UntilAsync(_ => host.Calls.Count(static call => call.Function == "TransferChunk") >= 2);
        app.Release();
        await host.EndOfAsync(id);
        await host.LoggedAsync("took longer than 1.00 s (NEBULA_ACTIVITY_TIMEOUT)");
        app.CheckDelivered();
    }

    [HostFact]
    public async Task Starter_DiesBetweenSlotAndStart_TheClockStartsTheRun()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        Directory.CreateDirectory(Path.Combine(app.Folder, "state", "slots"));
        await File.WriteAllTextAsync(Path.Combine(app.Folder, "state", "slots", "shop.json"),
            """{"run":{"pipeline":"shop","occasion":"http-1","at":"2026-03-01T10:00:00Z"},"since":"2026-03-01T10:00:00Z","isStarted":false,"recoveries":0,"waiting":[]}""");
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        Assert.Equal("pending", (string)(await host.RequestAsync("GET", "/api/runs/shop.http-1")).Json["status"]!);
        await host.TickAsync("StartScheduledRuns");
        await host.EndOfAsync("shop.http-1");
        app.CheckDelivered();
        await host.TickAsync("StartScheduledRuns");
        Assert.Single(await host.Extension.InspectAsync(), static one => one.Name == "SyncRun");
    }

    private static async Task CompleteAsync(FunctionsHost host, string id)
    {
        // a turn of the run itself may have been with the process that has just ended; that run is lost, and found
        for (var lost = 0; lost < 5 && (await host.EndOfAsync(id)).Status == 3; lost++)
            await ReconcileAsync(host);
        var run = await host.EndOfAsync(id);
        Assert.True(run.Status == 1 && run.Output!.Contains("\"failed\":0,\"cancelled\":0", StringComparison.Ordinal), $"{run}\n{host.Log()}");
    }

    /// <summary>The next tick comes anyway when one fails with its handler.</summary>
    private static async Task ReconcileAsync(FunctionsHost host)
    {
        try
        {
            await host.TickAsync("ReconcileRuns");
        }
        catch (HttpRequestException)
        {
            // the run goes on, and took the handler with it again
        }
    }

    private static async Task LostRunAsync(bool canRewind)
    {
        using var app = new TestApp(new WorldStream("a", 6), new WorldStream("b", 2));
        await using var host = await FunctionsHost.StartAsync(app.Folder, canRewind: canRewind);
        var turns = 0;
        host.LosesTurn = turn => turn.Name == "SyncRun" && Interlocked.Increment(ref turns) == 2;
        var id = await StartAsync(host);
        var lost = await host.EndOfAsync(id);
        Assert.Equal((3, "Function 'SyncRun' failed with an unhandled exception."), (lost.Status, lost.Failure));
        await host.Handlers[0].RestartedAsync(1);
        // until the run is taken up again, the pipeline is its own
        Assert.Equal(id, (string)(await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""")).Json["id"]!);
        await ReconcileAsync(host);
        await host.UntilAsync(all => all.Any(one => one.Id == id && one.Status == 1));
        await host.LoggedAsync(canRewind ? "was lost by its host and goes on" : "and starts again");
        app.CheckDelivered();
    }

    private static async Task<string> StartAsync(FunctionsHost host)
    {
        // the handler may die with this call in its hands, and the caller asks again
        var key = Guid.NewGuid().ToString("n");
        while (true)
        {
            var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""", header: ("Idempotency-Key", key));
            if (started.Status == 202)
                return (string)started.Json["id"]!;
            await Task.Delay(20);
        }
    }
}

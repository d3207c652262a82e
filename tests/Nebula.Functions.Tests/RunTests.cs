using Nebula.Functions.Tests.Host;
using Nebula.Orchestration;
using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;
using Nebula.Orchestration.Tests.Replay;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests;

/// <summary>Whole runs, through handlers that run and an extension that others wrote.</summary>
public sealed class RunTests
{
    [HostFact]
    public async Task Start_OverHttp_RunsAndTellsTheResult()
    {
        using var app = new TestApp(new WorldStream("a", 7), new WorldStream("d", 2) { Changes = 10 });
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""");
        Assert.Equal(202, started.Status);
        Assert.False((bool)started.Json["joined"]!);
        Assert.Equal((string)started.Json["statusUrl"]!, started.Headers["Location"]);
        var id = (string)started.Json["id"]!;
        Assert.StartsWith("shop.http-", id, StringComparison.Ordinal);
        await host.EndOfAsync(id);
        var run = await host.RequestAsync("GET", new Uri((string)started.Json["statusUrl"]!).PathAndQuery);
        Assert.Equal((200, "completed", "shop"), (run.Status, (string)run.Json["status"]!, (string)run.Json["pipeline"]!));
        Assert.Equal((2, 2), ((int)run.Json["result"]!["completed"]!, (int)run.Json["progress"]!["done"]!));
        var list = await host.RequestAsync("GET", "/api/runs?pipeline=shop");
        Assert.Equal(id, (string)Assert.Single(list.Json["runs"]!.AsArray())!["id"]!);
        var record = (await app.RecordAsync(id))!;
        Assert.Equal(("shop", "completed", (long)run.Json["result"]!["rows"]!), (record.Pipeline, record.Status, record.Rows));
        Assert.Equal(["(changes)", "a", "d"], record.Streams.Select(static stream => stream.Name).Order());
        app.CheckDelivered();
        await host.LoggedAsync("The durable extension is of version 3 or newer");
        Assert.All(host.Handlers, static handler => Assert.Empty(handler.Errors));
    }

    [HostFact]
    public async Task Start_WithoutGrpc_RunsOverTheManagementApi()
    {
        using var app = new TestApp(new WorldStream("a", 3));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        host.TellsRpcAddress = false;
        var id = await StartAsync(host);
        await host.EndOfAsync(id);
        Assert.Equal("completed", (string)(await host.RequestAsync("GET", $"/api/runs/{id}")).Json["status"]!);
        Assert.Equal(id, (string)Assert.Single((await host.RequestAsync("GET", "/api/runs?status=completed&top=5")).Json["runs"]!.AsArray())!["id"]!);
        Assert.Equal(409, (await host.RequestAsync("POST", $"/api/runs/{id}/cancel")).Status);
        Assert.Equal(404, (await host.RequestAsync("POST", "/api/runs/shop.none/cancel")).Status);
        app.CheckDelivered();
    }

    [HostFact]
    public async Task Start_ThousandChunksOnThreeHandlers_DeliversEveryRowOnce()
    {
        using var app = new TestApp(new WorldStream("a", 1_000));
        await using var host = await FunctionsHost.StartAsync(app.Folder, handlers: 3, new Dictionary<string, string>
        {
            ["NEBULA_TEST_PAGE_SIZE"] = "100",
            ["NEBULA_ACTIVITIES"] = "8",
        });
        await host.EndOfAsync(await StartAsync(host));
        app.CheckDelivered();
        Assert.All(host.Handlers, handler => Assert.Empty(handler.Errors));
        Assert.Equal(1_000, host.Calls.Count(static call => call.Function == "TransferChunk"));
        var instances = await host.Extension.InspectAsync();
        Assert.All(instances, static instance => Assert.InRange(instance.History.Length, 1, 1_500));
    }

    [HostFact]
    public async Task Activities_FailNowAndThen_AreRepeatedAndReplayTheSame()
    {
        using var app = new TestApp(new WorldStream("a", 9), new WorldStream("d", 2) { Changes = 9 });
        await using var host = await FunctionsHost.StartAsync(app.Folder, variables: new Dictionary<string, string> { ["NEBULA_TEST_FAIL_EVERY"] = "7" });
        var ended = await host.EndOfAsync(await StartAsync(host));
        Assert.Contains("\"completed\":2", ended.Output, StringComparison.Ordinal);
        app.CheckDelivered();
        await host.LoggedAsync("connection lost");
        using var store = new LocalStateStore(Path.Combine(app.Folder, "other"));
        Determinism.Check(new TaskRegistry().AddSync(new FolderWorld(app.Folder, app.Streams), store),
            host.Turns.Select(static turn => (Convert.FromBase64String(turn.Request), Convert.FromBase64String(turn.Answer!))));
    }

    [HostFact]
    public async Task PauseResume_OverHttp_HoldsAndGoesOn()
    {
        using var app = new TestApp(new WorldStream("a", 40));
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var id = await StartAsync(host);
        await host.UntilAsync(_ => host.Calls.Any(static call => call.Function == "TransferChunk"));
        Assert.Equal(202, (await host.RequestAsync("POST", $"/api/runs/{id}/pause")).Status);
        await host.UntilAsync(all => all.Any(one => one.Id == id && one.CustomStatus?.Contains("\"paused\"", StringComparison.Ordinal) == true));
        Assert.Equal("paused", (string)(await host.RequestAsync("GET", $"/api/runs/{id}")).Json["progress"]!["state"]!);
        app.Release();
        // of several pages only those that were begun go on
        await host.UntilAsync(all => all.Where(static one => one.Name == "TransferPage").All(static one =>
            one.IsEnded || one.CustomStatus is null) && all.Any(static one => one.Name == "SyncStream"));
        Assert.False((await host.Extension.InspectAsync()).First(one => one.Id == id).IsEnded);
        Assert.Equal(202, (await host.RequestAsync("POST", $"/api/runs/{id}/resume")).Status);
        await host.EndOfAsync(id);
        app.CheckDelivered();
    }

    [HostFact]
    public async Task Cancel_OverHttp_EndsInOrderAndCleansStaging()
    {
        using var app = new TestApp(new WorldStream("a", 40));
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var id = await StartAsync(host);
        await host.UntilAsync(_ => host.Calls.Any(static call => call.Function == "TransferChunk"));
        Assert.Equal(202, (await host.RequestAsync("POST", $"/api/runs/{id}/cancel")).Status);
        await host.UntilAsync(all => all.Any(one => one.Id == id && one.CustomStatus?.Contains("\"cancelling\"", StringComparison.Ordinal) == true));
        app.Release();
        await host.EndOfAsync(id);
        Assert.Equal("cancelled", (string)(await host.RequestAsync("GET", $"/api/runs/{id}")).Json["status"]!);
        Assert.Equal("cancelled", (await app.RecordAsync(id))!.Status);
        var world = new FolderWorld(Path.Combine(app.Folder, "world"), app.Streams);
        Assert.Empty(world.Visible("a"));
        Assert.Empty(world.LeftInStaging());
    }

    [HostFact]
    public async Task Terminate_OverHttp_EndsAtOnceAndFreesThePipeline()
    {
        using var app = new TestApp(new WorldStream("a", 4));
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var id = await StartAsync(host);
        await host.UntilAsync(_ => host.Calls.Any(static call => call.Function == "TransferChunk"));
        Assert.Equal(202, (await host.RequestAsync("POST", $"/api/runs/{id}/terminate")).Status);
        await host.EndOfAsync(id);
        var run = (await host.RequestAsync("GET", $"/api/runs/{id}")).Json;
        Assert.Equal(("terminated", "Terminated over the API."), ((string)run["status"]!, (string)run["error"]!));
        Assert.Equal(409, (await host.RequestAsync("POST", $"/api/runs/{id}/pause")).Status);
        // what it had started has ended too, also what nobody else stops
        await host.UntilAsync(static all => all.All(static one => one.Status == 5));
        await host.LoggedAsync("TransferChunk was stopped because its run was terminated.");
        Assert.Equal("cancelled", (await app.RecordAsync(id))!.Status);
        app.Release();
        var next = await StartAsync(host);
        Assert.NotEqual(id, next);
        await host.EndOfAsync(next);
    }

    [HostFact]
    public async Task Start_Twice_JoinsTheRunningOne()
    {
        using var app = new TestApp(new WorldStream("a", 4));
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder, handlers: 2);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""")));
        Assert.All(answers, static answer => Assert.Equal(202, answer.Status));
        var id = (string)Assert.Single(answers.Select(static answer => (string)answer.Json["id"]!).Distinct());
        Assert.Equal(7, answers.Count(static answer => (bool)answer.Json["joined"]!));
        app.Release();
        await host.EndOfAsync(id);
        Assert.Single(await host.Extension.InspectAsync(), static one => one.Name == "SyncRun");
        app.CheckDelivered();
    }

    [HostFact]
    public async Task Start_SameIdempotencyKey_RunsOnce()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var first = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""", header: ("Idempotency-Key", "order 66"));
        var id = (string)first.Json["id"]!;
        Assert.StartsWith("shop.http-order-66-", id, StringComparison.Ordinal);
        await host.EndOfAsync(id);
        var turns = host.Turns.Count;
        var again = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""", header: ("idempotency-key", "order 66"));
        Assert.Equal((202, id), (again.Status, (string)again.Json["id"]!));
        Assert.Equal(turns, host.Turns.Count);
        Assert.NotEqual(id, await StartAsync(host));
    }

    [HostFact]
    public async Task Start_WithStreamsAndVariables_HandsThemToTheRun()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop","streams":["a*"],"env":{"DAY":"2026-03-01"}}""");
        var id = (string)started.Json["id"]!;
        await host.EndOfAsync(id);
        var input = host.Turns.SelectMany(static turn => OrchestratorMessageCodec.ReadRequest(Convert.FromBase64String(turn.Request)).NewEvents)
            .OfType<ExecutionStarted>().First(static started => started.Name == "SyncRun").Input;
        var request = SyncDefinitions.SyncRun.Input.FromJson(input, "the input");
        Assert.Equal(["a*"], request.Only);
        Assert.Equal("2026-03-01", request.Variables["DAY"]);
    }

    [HostFact]
    public async Task Trace_OfTheCall_GoesWithTheRun()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        await host.EndOfAsync(await StartAsync(host));
        var trace = host.Calls.First(static call => call.Function == "StartRun").TraceParent;
        var started = host.Turns.SelectMany(static turn => OrchestratorMessageCodec.ReadRequest(Convert.FromBase64String(turn.Request)).NewEvents)
            .OfType<ExecutionStarted>().First(static started => started.Name == "SyncRun");
        Assert.Equal(trace, started.TraceParent);
        Assert.All(
            host.Handlers[0].Output,
            static line => Assert.Matches("^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z (debug|information|warning|error|critical) [A-Za-z.]+: ", line));
    }

    private static async Task<string> StartAsync(FunctionsHost host)
    {
        var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""");
        Assert.Equal(202, started.Status);
        return (string)started.Json["id"]!;
    }
}

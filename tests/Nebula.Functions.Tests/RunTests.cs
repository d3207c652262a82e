using Nebula.Functions.Tests.Host;
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
        app.CheckDelivered();
        Assert.All(host.Handlers, static handler => Assert.Empty(handler.Errors));
    }
}

using System.Text.Json.Nodes;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests.Api;

/// <summary>Callers that are wrong, and what anyone may ask.</summary>
public sealed class ApiTests
{
    [HostFact]
    public async Task Calls_ThatAreWrong_AreProblemsThatSayWhy()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        (string Method, string Path, string? Body, int Status, string Detail)[] calls =
        [
            ("POST", "/api/runs", null, 400, "drops one that is sent in chunks"),
            ("POST", "/api/runs", "{", 400, "It is no JSON object"),
            ("POST", "/api/runs", """{"pipelines":"shop"}""", 400, "Did you mean 'pipeline'?"),
            ("POST", "/api/runs", """{"pipeline":"shop","streams":[1]}""", 400, "A stream must be a text"),
            ("POST", "/api/runs", """{"pipeline":"shop2"}""", 404, "Did you mean 'shop'?"),
            ("GET", "/api/runs?top=0", null, 400, "'top' must be a whole number from 1 to 100"),
            ("GET", "/api/runs?status=done", null, 400, "'done' is no status"),
            ("GET", "/api/runs/shop.none", null, 404, "There is no run 'shop.none'"),
            ("GET", "/api/runs/%40x", null, 400, "must not begin with '@'"),
            ("GET", $"/api/runs/{new string('x', 300)}", null, 400, "1 to 256 characters"),
            ("POST", "/api/runs/shop.none/cancel", null, 404, "There is no run 'shop.none'"),
            ("POST", "/api/runs/shop.none/stop", null, 404, "A run has no operation 'stop'"),
        ];
        foreach (var call in calls)
        {
            var answer = await host.RequestAsync(call.Method, call.Path, call.Body);
            Assert.True(answer.Status == call.Status, $"{call}: {answer.Status} {answer.Body}");
            Assert.Equal("application/problem+json", answer.Headers["content-type"]);
            Assert.Equal(call.Status, (int)answer.Json["status"]!);
            Assert.Contains(call.Detail, (string)answer.Json["detail"]!, StringComparison.Ordinal);
        }
        Assert.Empty(await host.Extension.InspectAsync());
    }

    [HostFact]
    public async Task Keys_AreAskedForEverywhereButForHealth()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        foreach (var (method, path) in (ReadOnlySpan<(string, string)>)[("POST", "/api/runs"), ("GET", "/api/runs"),
            ("GET", "/api/runs/x"), ("POST", "/api/runs/x/cancel"), ("GET", "/api/openapi.json")])
            Assert.Equal(401, host.RequestAsync(method, path, key: null).GetAwaiter().GetResult().Status);
        var health = await host.RequestAsync("GET", "/api/health", key: null);
        Assert.Equal((200, "ok", true), (health.Status, (string)health.Json["status"]!, (bool)health.Json["stateReachable"]!));
        Assert.Equal(
            ["pipelines", "stateReachable", "status", "unusablePipelines", "version"],
            health.Json.AsObject().Select(static member => member.Key).Order());
        Assert.Equal("3.1.0", (string)(await host.RequestAsync("GET", "/api/openapi.json")).Json["openapi"]!);
    }

    [HostFact]
    public async Task List_InPages_GivesEachRunOnce()
    {
        using var app = new TestApp(new WorldStream("a", 1));
        app.AddPipeline("other", "");
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        var started = new List<string>();
        foreach (var pipeline in (string[])["shop", "other", "shop", "shop"])
        {
            var run = await host.RequestAsync("POST", "/api/runs", new JsonObject { ["pipeline"] = pipeline }.ToJsonString());
            started.Add((string)run.Json["id"]!);
            await host.EndOfAsync(started[^1]);
        }
        var listed = new List<string>();
        for (string? token = ""; token is not null;)
        {
            var page = (await host.RequestAsync("GET", $"/api/runs?top=1&continuationToken={token}")).Json;
            listed.AddRange(page["runs"]!.AsArray().Select(static run => (string)run!["id"]!));
            token = (string?)page["continuationToken"];
        }
        Assert.Equal(started.Order(), listed.Order());
        Assert.Equal(started.Where(static id => id.StartsWith("other.", StringComparison.Ordinal)),
            (await host.RequestAsync("GET", "/api/runs?pipeline=other&status=completed")).Json["runs"]!.AsArray().Select(static run => (string)run!["id"]!));
    }
}

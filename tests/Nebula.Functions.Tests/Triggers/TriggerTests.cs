using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Nebula.Functions.Hosting;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests.Triggers;

/// <summary>Everything but callers that starts runs, as the host delivers it.</summary>
public sealed class TriggerTests
{
    [HostFact]
    public async Task QueueMessage_PlainOrBase64_RunsOncePerMessage()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        const string Message = """{"pipeline":"shop"}""";
        Assert.Equal(new Delivery(1, false), await host.DeliverAsync(FunctionList.RunQueue, Message, "m-1"));
        await host.EndOfAsync("shop.queue-m-1");
        // delivered at least once: the same message again is nothing new
        Assert.Equal(new Delivery(1, false), await host.DeliverAsync(FunctionList.RunQueue, Message, "m-1"));
        Assert.Equal(new Delivery(1, false),
            await host.DeliverAsync(FunctionList.RunQueue, Convert.ToBase64String(Encoding.UTF8.GetBytes(Message)), "m-2"));
        await host.EndOfAsync("shop.queue-m-2");
        Assert.Equal(2, (await host.Extension.InspectAsync()).Count(static one => one.Name == "SyncRun"));
        app.CheckDelivered(runs: 2);
    }

    [HostFact]
    public async Task ServiceBusMessage_ThatAsksForARun_Runs()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        Assert.Equal(new Delivery(1, false), await host.DeliverServiceBusAsync(FunctionList.RunQueue, """{"pipeline":"shop","streams":["a"]}""", "sb/1"));
        var run = await host.UntilAsync(
            static all => all.Any(
                static one => one.Name == "SyncRun" && one.Id.StartsWith("shop.servicebus-sb-1-", StringComparison.Ordinal) && one.IsEnded));
        Assert.NotEmpty(run);
        app.CheckDelivered();
    }

    [HostFact]
    public async Task Message_ThatCannotBeUsed_IsRecordedAndNotDeliveredAgain()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        (string Text, string Reason)[] messages =
        [
            ("hello", "It is no JSON object"),
            ("[1]", "It is no JSON object"),
            ("{}", "It names no 'pipeline'"),
            ("""{"pipeline":7}""", "'pipeline' must be a text"),
            ("""{"pipeline":"shop","stream":"a"}""", "Did you mean 'streams'?"),
            ("""{"pipeline":"shop","streams":"a"}""", "'streams' must be a list"),
            ("""{"pipeline":"shop","env":{"A":1}}""", "The variable 'A' must be a text"),
            ("""{"pipeline":"shpo"}""", "There is no pipeline 'shpo' in this app. Did you mean 'shop'?"),
            ("{\"pipeline\":\"\\ud800\"}", "damaged"),
            ($$"""{"pipeline":"shop","env":{"A":"{{new string('x', 7_980)}}"} }""", "more than 8000"),
            ("""{"pipeline":"shop","Id":"m-0"}""", "It has a member 'Id'"),
        ];
        for (var i = 0; i < messages.Length; i++)
        {
            Assert.Equal(new Delivery(1, false), await host.DeliverAsync(FunctionList.RunQueue, messages[i].Text, $"bad-{i}"));
            var id = messages[i].Text.Contains("\"Id\"", StringComparison.Ordinal) ? "m-0" : $"bad-{i}";
            // a day may end here
            var rejected = await RejectedAsync(DateTime.UtcNow, id) ?? await RejectedAsync(DateTime.UtcNow.AddDays(-1), id);
            Assert.Contains(messages[i].Reason, (string)rejected!["reason"]!, StringComparison.Ordinal);
            Assert.StartsWith((string)rejected["message"]!, messages[i].Text, StringComparison.Ordinal);
        }
        Assert.Equal(
            new Delivery(1, false),
            await host.DeliverAsync(FunctionList.BlobEventQueue, """{"eventType":"Microsoft.Storage.BlobCreated"}""", "bad-blob"));
        Assert.Empty(await host.Extension.InspectAsync());

        Task<JsonNode?> RejectedAsync(DateTime day, string id) =>
            app.StateAsync($"rejected/{day.ToString("yyyyMMdd", CultureInfo.InvariantCulture)}/queue-message-{id}");
    }

    [HostFact]
    public async Task Message_WhenTheExtensionIsAway_IsDeliveredAgainAndPutAside()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        await host.Extension.DisposeAsync();
        Assert.Equal(new Delivery(5, true), await host.DeliverAsync(FunctionList.RunQueue, """{"pipeline":"shop"}"""));
        Assert.Equal(new Delivery(5, true), await host.DeliverServiceBusAsync(FunctionList.RunQueue, """{"pipeline":"shop"}""", "sb-1"));
        await host.LoggedAsync("The durable extension of the Functions host cannot be reached");
        Assert.Equal(503, (await host.RequestAsync("GET", "/api/runs")).Status);
        Assert.Equal(200, (await host.RequestAsync("GET", "/api/health", key: null)).Status);
    }

    [HostFact]
    public async Task BlobEvent_ForAPipeline_RunsOncePerVersion()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        app.AddPipeline("shop", "azure: { triggers: { blob: 'landing/{day}/*.csv.gz' } }");
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        await DeliverBlobAsync(host, "landing", "2026/orders.csv.gz", "0x8D1");
        var first = (await host.UntilAsync(static all => all.Any(static one => one.Name == "SyncRun" && one.IsEnded)))
            .First(static one => one.Name == "SyncRun");
        Assert.StartsWith("shop.blob-0x8D1-", first.Id, StringComparison.Ordinal);
        // the same event again, another blob that nobody waits for, and a blob that went away
        await DeliverBlobAsync(host, "landing", "2026/orders.csv.gz", "0x8D1");
        await DeliverBlobAsync(host, "landing", "2026/deep/orders.csv.gz", "0x8D2");
        await DeliverBlobAsync(host, "landing", "2026/orders.csv.gz", "0x8D3", "Microsoft.Storage.BlobDeleted");
        Assert.Single(await host.Extension.InspectAsync(), static one => one.Name == "SyncRun");
        // another version is another occasion
        await DeliverBlobAsync(host, "landing", "2026/orders.csv.gz", "0x8D4", isCloudEvent: true);
        await host.UntilAsync(static all => all.Count(static one => one.Name == "SyncRun" && one.IsEnded) == 2);
        app.CheckDelivered(runs: 2);
    }

    [HostFact]
    public async Task BlobEvents_WhileTheirPipelineRuns_WaitForOneMoreRun()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        app.AddPipeline("shop", "azure: { triggers: { blob: 'landing/**' } }");
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder, handlers: 2);
        await DeliverBlobAsync(host, "landing", "1.csv", "v1");
        await host.UntilAsync(_ => host.Calls.Any(static call => call.Function == "TransferChunk"));
        await Task.WhenAll(Enumerable.Range(2, 9).Select(i => DeliverBlobAsync(host, "landing", $"{i}.csv", $"v{i}")));
        await host.TickAsync("StartScheduledRuns");
        var running = Assert.Single(await host.Extension.InspectAsync(), static one => one.Name == "SyncRun");
        var waiting = Assert.Single((await app.StateAsync("slots/shop"))!["waiting"]!.AsArray())!;
        var next = $"shop.{(string)waiting["occasion"]!}";
        Assert.Equal("waiting", (string)(await host.RequestAsync("GET", $"/api/runs/{next}")).Json["status"]!);
        app.Release();
        await host.EndOfAsync(running.Id);
        await host.TickAsync("StartScheduledRuns");
        await host.EndOfAsync(next);
        // each of the ten counts as done now
        await Task.WhenAll(Enumerable.Range(1, 10).Select(i => DeliverBlobAsync(host, "landing", $"{i}.csv", $"v{i}")));
        await host.TickAsync("StartScheduledRuns");
        Assert.Equal(2, (await host.Extension.InspectAsync()).Count(static one => one.Name == "SyncRun"));
        app.CheckDelivered(runs: 2);
    }

    [HostFact]
    public async Task Run_ThatWaits_CanBeCancelled()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        app.Hold();
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        await host.DeliverAsync(FunctionList.RunQueue, """{"pipeline":"shop"}""", "m-1");
        await host.UntilAsync(_ => host.Calls.Any(static call => call.Function == "TransferChunk"));
        await host.DeliverAsync(FunctionList.RunQueue, """{"pipeline":"shop"}""", "m-2");
        Assert.Equal("waiting", (string)(await host.RequestAsync("GET", "/api/runs/shop.queue-m-2")).Json["status"]!);
        Assert.Equal(404, (await host.RequestAsync("POST", "/api/runs/shop.queue-m-2/pause")).Status);
        Assert.Equal(202, (await host.RequestAsync("POST", "/api/runs/shop.queue-m-2/cancel")).Status);
        Assert.Equal(404, (await host.RequestAsync("GET", "/api/runs/shop.queue-m-2")).Status);
        app.Release();
        await host.EndOfAsync("shop.queue-m-1");
        // told again, the message is not new
        await host.DeliverAsync(FunctionList.RunQueue, """{"pipeline":"shop"}""", "m-2");
        await host.TickAsync("StartScheduledRuns");
        Assert.Single(await host.Extension.InspectAsync(), static one => one.Name == "SyncRun");
        app.CheckDelivered();
    }

    [HostFact]
    public async Task BlobEvent_WhileAPipelineCannotBeUsed_IsKept()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        app.AddPipeline("shop", "azure: { triggers: { blob: 'landing/**' } }");
        app.AddPipeline("other", "azure: { triggers: { blob: '${NOT_SET}/**' } }");
        await using var host = await FunctionsHost.StartAsync(app.Folder);
        await DeliverBlobAsync(host, "landing", "1.csv", "v1");
        await host.LoggedAsync("It may be for 'other', which cannot be used");
        Assert.Single(Directory.GetFiles(Path.Combine(app.Folder, "state", "rejected"), "blob-message-*", SearchOption.AllDirectories));
        // whoever can run runs
        await host.UntilAsync(static all => all.Any(static one => one.Name == "SyncRun" && one.IsEnded));
        app.CheckDelivered();
    }

    [HostFact]
    public async Task Schedule_Due_StartsOneRunPerTime()
    {
        using var app = new TestApp(new WorldStream("a", 2));
        app.AddPipeline("shop", "schedule: '0 0 * * * *'");
        app.AddPipeline("idle", "schedule: '0 0 0 1 1 *'");
        await using var host = await FunctionsHost.StartAsync(app.Folder, handlers: 2);
        // a schedule that is new begins with its next time
        await host.TickAsync("StartScheduledRuns");
        Assert.Empty(await host.Extension.InspectAsync());
        var now = DateTime.UtcNow;
        var due = now.Date.AddHours(now.Hour);
        await File.WriteAllTextAsync(Path.Combine(app.Folder, "state", "schedules", "shop.json"),
            $$"""{"schedule":"0 0 * * * *","last":"{{due.AddHours(-5):s}}Z"}""");
        // two clocks at once, as after a change of the instance that has the timer
        await Task.WhenAll(host.TickAsync("StartScheduledRuns"), host.TickAsync("StartScheduledRuns"));
        var run = Assert.Single(await host.Extension.InspectAsync(), static one => one.Name == "SyncRun");
        // an hour may end here: then that is when it was due
        Assert.Contains(run.Id,
            ((int[])[0, 1]).Select(later => $"shop.timer-{due.AddHours(later).ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}"));
        await host.EndOfAsync(run.Id);
        var ended = DateTime.UtcNow;
        await host.TickAsync("StartScheduledRuns");
        if (ended.Hour == now.Hour && DateTime.UtcNow.Hour == now.Hour)
            Assert.Single(await host.Extension.InspectAsync(), static one => one.Name == "SyncRun");
        app.CheckDelivered();
    }

    private static async Task DeliverBlobAsync(
        FunctionsHost host, string container, string name, string eTag, string type = "Microsoft.Storage.BlobCreated", bool isCloudEvent = false)
    {
        var subject = $"/blobServices/default/containers/{container}/blobs/{name}";
        var data = $$"""{"api":"PutBlob","eTag":"{{eTag}}","contentType":"text/csv","contentLength":524288,"blobType":"BlockBlob","url":"https://shop.blob.core.windows.net/{{container}}/{{name}}","sequencer":"0000000000000000000000000000051E00000000008d7ac8"}""";
        var text = isCloudEvent
            ? $$"""{"specversion":"1.0","id":"{{Guid.NewGuid()}}","source":"/subscriptions/s","type":"{{type}}","subject":"{{subject}}","time":"{{DateTime.UtcNow:s}}Z","data":{{data}}}"""
            : $$"""{"topic":"/subscriptions/s","subject":"{{subject}}","eventType":"{{type}}","id":"{{Guid.NewGuid()}}","data":{{data}},"dataVersion":"","metadataVersion":"1","eventTime":"{{DateTime.UtcNow:s}}Z"}""";
        Assert.Equal(new Delivery(1, false), await host.DeliverAsync(FunctionList.BlobEventQueue, text));
    }
}

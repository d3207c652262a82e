using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests.Hosting;

/// <summary>What is exported, as a collector receives it.</summary>
public sealed class TelemetryTests
{
    [HostFact]
    public async Task Spans_OfCalls_ReachCollectorsWithinTheHostsTrace()
    {
        var received = new ConcurrentQueue<(string Path, byte[] Body)>();
        await using var collector = await CollectAsync(received);
        var address = collector.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using var app = new TestApp(new WorldStream("a", 2));
        await using var host = await FunctionsHost.StartAsync(app.Folder, variables: new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = address,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
            ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = $"InstrumentationKey=11111111-2222-3333-4444-555555555555;IngestionEndpoint={address}/",
        });
        var started = await host.RequestAsync("POST", "/api/runs", """{"pipeline":"shop"}""");
        await host.EndOfAsync((string)started.Json["id"]!);
        foreach (var function in (string[])["StartRun", "SyncRun", "TransferChunk"])
        {
            var trace = host.Calls.First(call => call.Function == function).TraceParent.Split('-');
            await UntilAsync(() => received.Any(message => message.Path == "/v1/traces" && Contains(message.Body, Convert.FromHexString(trace[1]))
                && Contains(message.Body, Convert.FromHexString(trace[2])) && Contains(message.Body, Encoding.UTF8.GetBytes(function))));
            await UntilAsync(() => received.Any(message => message.Path == "/v2/track" && Contains(message.Body, Encoding.UTF8.GetBytes(trace[1]))
                && Contains(message.Body, Encoding.UTF8.GetBytes(function))));
        }
        Assert.Empty(host.Handlers[0].Errors);

        async Task UntilAsync(Func<bool> isReached)
        {
            for (var begin = DateTime.UtcNow; !isReached(); await Task.Delay(20))
                Assert.True(
                    DateTime.UtcNow - begin < TimeSpan.FromSeconds(40),
                    $"{string.Join(' ', received.Select(static message => message.Path))}\n{host.Log()}");
        }
    }

    private static bool Contains(byte[] body, byte[] part) => body.AsSpan().IndexOf(part) >= 0;

    private static async Task<WebApplication> CollectAsync(ConcurrentQueue<(string Path, byte[] Body)> received)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            var isPacked = context.Request.Headers.ContentEncoding == "gzip";
            await using var stream = isPacked ? new GZipStream(context.Request.Body, CompressionMode.Decompress) : context.Request.Body;
            await stream.CopyToAsync(body);
            received.Enqueue((context.Request.Path, body.ToArray()));
            await context.Response.WriteAsync("");
        });
        await app.StartAsync();
        return app;
    }
}

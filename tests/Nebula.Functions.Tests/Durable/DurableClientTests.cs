using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Durable;
using Nebula.Functions.Invocation;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Tests.Durable;

/// <summary>The client of the durable extension against answers of every kind.</summary>
public sealed class DurableClientTests
{
    [Theory]
    [InlineData("3", ErrorKind.Configuration)]
    [InlineData("5", ErrorKind.NotFound)]
    [InlineData("6", ErrorKind.Locked)]
    [InlineData("7", ErrorKind.Permission)]
    [InlineData("9", ErrorKind.Locked)]
    [InlineData("12", ErrorKind.Fatal)]
    [InlineData("13", ErrorKind.Transient)]
    [InlineData("14", ErrorKind.Transient)]
    [InlineData(null, ErrorKind.Transient)]
    public async Task Grpc_Status_BecomesAnErrorOfItsKind(string? status, ErrorKind kind)
    {
        await using var server = await ServeAsync(HttpProtocols.Http2, context =>
        {
            if (status is not null)
                context.Response.Headers["grpc-status"] = status;
            context.Response.Headers["grpc-message"] = "not%20now";
            return Task.CompletedTask;
        });
        using var clients = new DurableClients();
        var error = await Assert.ThrowsAsync<NebulaException>(() => Client(clients, server, null).RaiseEventAsync("i", "n", "null", default));
        Assert.Equal(kind, error.Kind);
        Assert.Contains("not now", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0, 0, 0, 0 })]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 })]
    [InlineData(new byte[] { 0, 255, 255, 255, 255, 1 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 2, 0x12, 0x7f })]
    public async Task Grpc_DamagedAnswer_IsAnError(byte[] body)
    {
        await using var server = await ServeAsync(HttpProtocols.Http2, async context =>
        {
            await context.Response.Body.WriteAsync(body);
            context.Response.AppendTrailer("grpc-status", "0");
        });
        using var clients = new DurableClients();
        await Assert.ThrowsAnyAsync<NebulaException>(() => Client(clients, server, null).FindAsync("i", true, default));
    }

    [Theory]
    [InlineData(400, ErrorKind.Configuration)]
    [InlineData(401, ErrorKind.Permission)]
    [InlineData(404, ErrorKind.NotFound)]
    [InlineData(410, ErrorKind.Locked)]
    [InlineData(429, ErrorKind.Throttled)]
    [InlineData(500, ErrorKind.Transient)]
    [InlineData(501, ErrorKind.Fatal)]
    public async Task Http_Status_BecomesAnErrorOfItsKind(int status, ErrorKind kind)
    {
        await using var server = await ServeAsync(HttpProtocols.Http1, context =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync("not now");
        });
        using var clients = new DurableClients();
        var client = Client(clients, null, server);
        Assert.Equal(kind, (await Assert.ThrowsAsync<NebulaException>(() => client.ControlAsync(InstanceControl.Rewind, "i", "r", default))).Kind);
        Assert.Equal(kind, (await Assert.ThrowsAsync<NebulaException>(() => client.QueryAsync(new InstanceQuery(), default))).Kind);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("<html>")]
    public async Task Http_AnswerThatIsNoJson_IsAnError(string body)
    {
        await using var server = await ServeAsync(HttpProtocols.Http1, context => context.Response.WriteAsync(body));
        using var clients = new DurableClients();
        await Assert.ThrowsAnyAsync<NebulaException>(() => Client(clients, null, server).FindAsync("i", true, default));
    }

    [Fact]
    public async Task Grpc_ThatDoesNotAnswer_GivesWayToHttp()
    {
        var asked = "";
        await using var server = await ServeAsync(HttpProtocols.Http1, context =>
        {
            asked = context.Request.Path + context.Request.QueryString;
            return context.Response.WriteAsync(
                """{"name":"SyncRun","instanceId":"a b","runtimeStatus":"Failed","output":"gone","createdTime":"2026-03-01T10:00:00Z"}""");
        });
        using var clients = new DurableClients();
        var found = await Client(clients, "http://127.0.0.1:1", Address(server)).FindAsync("a b", true, default);
        Assert.Equal((OrchestrationStatus.Failed, "gone", new DateTime(2026, 3, 1, 10, 0, 0)), (found!.Status, found.Failure!.Message, found.CreatedAt));
        Assert.Equal("/durabletask/instances/a b?code=k%26&showInput=true&taskHub=Hub", asked.Replace("%20", " ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Nobody_ThatAnswers_IsTransient()
    {
        using var clients = new DurableClients();
        Assert.Equal(
            ErrorKind.Transient,
            (await Assert.ThrowsAsync<NebulaException>(() => Client(clients, "http://127.0.0.1:1", null).FindAsync("i", true, default))).Kind);
        Assert.Equal(ErrorKind.Transient,
            (await Assert.ThrowsAsync<NebulaException>(() => Client(clients, "http://127.0.0.1:1", "http://127.0.0.1:1").FindAsync("i", true, default))).Kind);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("7")]
    [InlineData("{}")]
    [InlineData("""{"rpcBaseUrl":"here","httpBaseUrl":"ftp://x"}""")]
    public void Input_WithoutAddress_IsRefused(string input) =>
        Assert.Throws<DataFormatException>(
            () => DurableClientInput.Read(new EnvelopeValue(System.Text.Encoding.UTF8.GetBytes(HostEnvelope.Text(input).ToJsonString()))));

    [Fact]
    public void Input_OfEitherVersion_TellsTheAddress()
    {
        Assert.Equal("http://a/", Read("""{"baseUrl":"http://a"}""").HttpAddress!.AbsoluteUri);
        Assert.Equal("http://b/", Read("""{"baseUrl":"http://a","httpBaseUrl":"http://b"}""").HttpAddress!.AbsoluteUri);

        static DurableClientInput Read(string input) =>
            DurableClientInput.Read(new EnvelopeValue(System.Text.Encoding.UTF8.GetBytes(HostEnvelope.Text(input).ToJsonString())));
    }

    private static IDurableClient Client(DurableClients clients, WebApplication? rpc, WebApplication? http) =>
        Client(clients, rpc is null ? null : Address(rpc), http is null ? null : Address(http));

    private static IDurableClient Client(DurableClients clients, string? rpc, string? http) =>
        clients.Of(InvocationRequest.Read(System.Text.Encoding.UTF8.GetBytes(new JsonObject
        {
            ["Data"] = new JsonObject
            {
                ["starter"] = HostEnvelope.Text(new JsonObject
                {
                    ["taskHubName"] = "Hub",
                    ["rpcBaseUrl"] = rpc,
                    ["httpBaseUrl"] = http is null ? null : http + "/durabletask/",
                    ["requiredQueryStringParameters"] = "code=k%26",
                }.ToJsonString()),
            },
        }.ToJsonString())));

    private static string Address(WebApplication server) =>
        server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    private static async Task<WebApplication> ServeAsync(HttpProtocols protocols, RequestDelegate answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return app;
    }
}

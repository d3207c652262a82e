using System.Text.Json.Nodes;
using Nebula.Functions.Durable;
using Nebula.Functions.Invocation;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Tests.Durable;

/// <summary>The durable extension with one orchestration, whose turns are answered in this process: for what clients ask of it.</summary>
public sealed class LiveExtension : IAsyncLifetime
{
    private static readonly DurableClients Clients = new();
    private readonly OrchestrationExecutor _executor = new(new TaskRegistry().AddOrchestration(
        new OrchestrationDefinition<int, int>("Wait", Payload.Int32, Payload.Int32),
        static async (context, input) =>
        {
            await context.CreateTimer(TimeSpan.FromMilliseconds(1));
            return input + await context.WaitForExternalEvent("go", Payload.Int32);
        }));
    private DurableExtension? _extension;

    public async Task InitializeAsync()
    {
        if (DurableExtension.IsInstalled)
            _extension = await DurableExtension.StartAsync(turn => Task.FromResult(new JsonObject
            {
                ["body"] = Convert.ToBase64String(OrchestratorMessageCodec.WriteResponse(
                    _executor.Execute(OrchestratorMessageCodec.ReadRequest(Convert.FromBase64String(turn.Body))))),
            }), static _ => throw new NotSupportedException(), canRewind: true);
    }

    public async Task DisposeAsync()
    {
        if (_extension is not null)
            await _extension.DisposeAsync();
    }

    /// <summary>A client of one of the ways that there are.</summary>
    internal IDurableClient Client(bool overGrpc) => Clients.Of(InvocationRequest.Read(System.Text.Encoding.UTF8.GetBytes(new JsonObject
    {
        ["Data"] = new JsonObject
        {
            ["starter"] = HostEnvelope.Text(new JsonObject
            {
                ["taskHubName"] = "NebulaHub",
                ["requiredQueryStringParameters"] = "code=system-key",
                ["rpcBaseUrl"] = overGrpc ? _extension!.RpcAddress : null,
                ["httpBaseUrl"] = overGrpc ? null : _extension!.HttpAddress,
            }.ToJsonString()),
        },
    }.ToJsonString())));

    /// <summary>Waits until an instance is as wanted.</summary>
    internal static async Task<InstanceState> UntilAsync(IDurableClient client, string id, OrchestrationStatus status)
    {
        for (var begin = DateTime.UtcNow; ; await Task.Delay(10))
        {
            var state = await client.FindAsync(id, true, default);
            if (state?.Status == status)
                return state;
            Assert.True(DateTime.UtcNow - begin < TimeSpan.FromSeconds(30), $"{status} is not reached: {state}");
        }
    }
}

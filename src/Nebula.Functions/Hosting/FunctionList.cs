using System.Text.Json.Nodes;
using Nebula.Functions.Api;
using Nebula.Functions.Durable;
using Nebula.Functions.Invocation;
using Nebula.Functions.Triggers;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Hosting;

/// <summary>The one list of the app's functions. The folders that the host reads are written from it.</summary>
internal static class FunctionList
{
    /// <summary>Queue of requests to run pipelines.</summary>
    public const string RunQueue = "nebula-runs";

    /// <summary>Queue of Event Grid's events about blobs.</summary>
    public const string BlobEventQueue = "nebula-blob-events";

    /// <summary>Name of the setting with the connection of the queues.</summary>
    public const string StorageConnection = "AzureWebJobsStorage";

    /// <summary>Name of the setting with the connection of Service Bus.</summary>
    public const string ServiceBusConnection = "ServiceBus";

    /// <summary>Name of the trigger's binding.</summary>
    public const string Trigger = "call";

    /// <summary>All functions.</summary>
    public static IReadOnlyList<FunctionDefinition> All { get; } =
    [
        .. SyncDefinitions.Orchestrations.Select(static name => new FunctionDefinition(
            name, [In("orchestrationTrigger", "context")], OrchestratorFunctions.RunAsync)
        {
            IsOrchestrator = true,
        }),
        // a binding whose name ends in Trigger is not repeated in the metadata
        .. SyncDefinitions.Activities.Select(static name => new FunctionDefinition(name, [In("activityTrigger", "inputTrigger")], ActivityFunctions.RunAsync)),
        Http("StartRun", "post", "runs", RunApi.StartAsync),
        Http("ListRuns", "get", "runs", RunApi.ListAsync),
        Http("GetRun", "get", "runs/{id}", RunApi.GetAsync),
        Http("ControlRun", "post", "runs/{id}/{operation}", RunApi.ControlAsync),
        Http("GetOpenApi", "get", "openapi.json", InfoApi.OpenApiAsync),
        Http("GetHealth", "get", "health", InfoApi.HealthAsync, "anonymous"),
        WithClient("StartScheduledRuns", Timer("0 * * * * *"), TimerTriggers.StartScheduledAsync),
        WithClient("ReconcileRuns", Timer("30 */5 * * * *"), TimerTriggers.ReconcileAsync),
        WithClient("BlobArrived", Queue(BlobEventQueue), BlobTrigger.RunAsync),
        WithClient("RunRequested", Queue(RunQueue), MessageTriggers.QueueAsync),
        WithClient("ServiceBusRunRequested", ServiceBus(RunQueue), MessageTriggers.ServiceBusAsync),
    ];

    /// <summary>Writes the function folders.</summary>
    /// <param name="directory">The folder of the app.</param>
    public static void Write(string directory)
    {
        foreach (var function in All)
            function.Write(directory);
    }

    private static FunctionDefinition Http(string name, string method, string route, FunctionRun run, string level = "function")
    {
        var trigger = In("httpTrigger", Trigger);
        trigger["authLevel"] = level;
        trigger["methods"] = new JsonArray(method);
        trigger["route"] = route;
        return WithClient(name, trigger, run, Binding("http", "out", FunctionDefinition.HttpOutput));
    }

    private static FunctionDefinition WithClient(string name, JsonObject trigger, FunctionRun run, params JsonNode[] more) =>
        new(name, [trigger, In("durableClient", FunctionDefinition.DurableClient), .. more], run);

    private static JsonObject Timer(string schedule)
    {
        var trigger = In("timerTrigger", Trigger);
        trigger["schedule"] = schedule;
        trigger["useMonitor"] = true;
        return trigger;
    }

    private static JsonObject Queue(string queue)
    {
        var trigger = In("queueTrigger", Trigger);
        trigger["queueName"] = queue;
        trigger["connection"] = StorageConnection;
        return trigger;
    }

    private static JsonObject ServiceBus(string queue)
    {
        var trigger = In("serviceBusTrigger", Trigger);
        trigger["queueName"] = queue;
        trigger["connection"] = ServiceBusConnection;
        return trigger;
    }

    private static JsonObject In(string type, string name) => Binding(type, "in", name);

    private static JsonObject Binding(string type, string direction, string name) => new() { ["type"] = type, ["direction"] = direction, ["name"] = name };
}

using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Nebula.Functions.Hosting;
using Nebula.Orchestration;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;
using Nebula.Orchestration.Tests;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests.Hosting;

/// <summary>The list of functions, the folders made of it, and the files that go with them.</summary>
public sealed class FunctionListTests
{
    private static string Root => Path.GetFullPath(Path.Combine(ThisFolder(), "..", "..", ".."));

    private static IEnumerable<JsonObject> Bindings(string type) =>
        FunctionList.All.SelectMany(static function => function.Bindings)
            .Select(static binding => binding!.AsObject())
            .Where(binding => (string)binding["type"]! == type);

    [Fact]
    public void Functions_OfTasks_AreThoseOfTheRegistry()
    {
        using var folder = new TemporaryFolder();
        using var state = new LocalStateStore(folder.Path);
        var registry = new TaskRegistry().AddSync(new FolderWorld(folder.Path), state);
        Assert.Equal(registry.Orchestrations.Order(), NamesWith("orchestrationTrigger"));
        Assert.Equal(registry.Activities.Order(), NamesWith("activityTrigger"));
        Assert.Equal(
            registry.Orchestrations.Order(),
            FunctionList.All.Where(static function => function.IsOrchestrator).Select(static function => function.Name).Order());

        static IEnumerable<string> NamesWith(string trigger) =>
            FunctionList.All.Where(function => (string)function.Bindings[0]!["type"]! == trigger).Select(static function => function.Name).Order();
    }

    [Fact]
    public void Names_AreUniqueAndAllowed()
    {
        Assert.Equal(FunctionList.All.Count, FunctionList.All.Select(static function => function.Name.ToUpperInvariant()).Distinct().Count());
        Assert.All(FunctionList.All, static function => Assert.Matches("^[A-Za-z][A-Za-z0-9]{0,126}$", function.Name));
    }

    [Fact]
    public void Bindings_FollowTheContract() => Assert.All(FunctionList.All, static function =>
    {
        var bindings = function.Bindings.Select(static binding => binding!.AsObject()).ToList();
        // an output for the return value would change it, and a second binding would add to the envelope's data
        Assert.DoesNotContain(bindings, static binding => (string)binding["name"]! == "$return");
        var type = (string)bindings[0]["type"]!;
        Assert.Equal(type is "orchestrationTrigger" or "activityTrigger", bindings.Count == 1);
        Assert.EndsWith("Trigger", type, StringComparison.Ordinal);
        Assert.Equal(type is not ("orchestrationTrigger" or "activityTrigger"), bindings.Any(static binding => (string)binding["type"]! == "durableClient"));
        Assert.Equal(type == "httpTrigger", bindings.Any(static binding => (string)binding["type"]! == "http" && (string)binding["direction"]! == "out"));
        // the host would send the blob itself with each call
        Assert.NotEqual("blobTrigger", type);
    });

    [Fact]
    public void FunctionFolders_MadeByTheBuild_AreThoseOfTheList()
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var built = Path.Combine(Root, "src", "Nebula.Functions", "bin", output.Parent!.Name, output.Name);
        Assert.Equal(FunctionList.All.Select(static function => function.Name).Order(),
            Directory.GetFiles(built, "function.json", SearchOption.AllDirectories)
                .Select(static file => Path.GetFileName(Path.GetDirectoryName(file)!))
                .Order());
        Assert.All(FunctionList.All, function => Assert.Equal(function.ToJson(), File.ReadAllText(Path.Combine(built, function.Name, "function.json"))));
        Assert.Equal(File.ReadAllText(Path.Combine(Root, "host.json")), File.ReadAllText(Path.Combine(built, "host.json")));
        Assert.True(File.Exists(Path.Combine(built, (string)Host()["customHandler"]!["description"]!["defaultExecutablePath"]!)));
    }

    [Fact]
    public void HostJson_HasWhatTheContractAsksFor()
    {
        var host = Host();
        Assert.Equal("-1", (string)host["functionTimeout"]!);
        Assert.False((bool)host["customHandler"]!["enableForwardingHttpRequest"]!);
        Assert.Equal("[4.*, 5.0.0)", (string)host["extensionBundle"]!["version"]!);
        var durable = host["extensions"]!["durableTask"]!.AsObject();
        Assert.Matches("^[A-Za-z][A-Za-z0-9]{2,44}$", (string)durable["hubName"]!);
        // newer extensions refuse to start with it
        Assert.False(durable.ContainsKey("extendedSessionsEnabled"));
        Assert.Equal("NonRunningStates", (string)durable["overridableExistingInstanceStates"]!);
        // Event Grid writes plain text into queues
        Assert.Equal("none", (string)host["extensions"]!["queues"]!["messageEncoding"]!);
        // without it, all deliveries of a message are used up within a second
        Assert.InRange(TimeSpan.Parse((string)host["extensions"]!["queues"]!["visibilityTimeout"]!, System.Globalization.CultureInfo.InvariantCulture),
            TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));
        Assert.Equal("api", (string)host["extensions"]!["http"]!["routePrefix"]!);
    }

    [Fact]
    public void LocalSettings_AreSettingsThatAreKnown()
    {
        var values = JsonNode.Parse(File.ReadAllText(Path.Combine(Root, "local.settings.sample.json")))!["Values"]!.AsObject();
        Assert.Equal("custom", (string)values["FUNCTIONS_WORKER_RUNTIME"]!);
        Assert.All(values.Select(static value => value.Key).Where(static name => name.StartsWith("NEBULA_", StringComparison.Ordinal)),
            static name => Assert.Contains(name, AppSettings.Known.Keys));
        // every connection that a binding names is a setting, or its function is switched off
        foreach (var function in FunctionList.All)
            foreach (var connection in function.Bindings.Select(static binding => (string?)binding!["connection"]).OfType<string>())
                Assert.True(values.ContainsKey(connection) || (string?)values[$"AzureWebJobs.{function.Name}.Disabled"] == "true", connection);
    }

    [Fact]
    public void OpenApi_DescribesTheHttpFunctions()
    {
        var paths = JsonNode.Parse(File.ReadAllText(Path.Combine(Root, "src", "Nebula.Functions", "Api", "openapi.json")))!["paths"]!.AsObject();
        var described = paths.SelectMany(static path =>
            path.Value!.AsObject().Select(method => (string)method.Value!["operationId"]! + " " + method.Key + " " + path.Key[1..]));
        var functions = FunctionList.All.Where(static function => (string)function.Bindings[0]!["type"]! == "httpTrigger")
            .Select(static function => $"{function.Name} {(string)function.Bindings[0]!["methods"]![0]!} {(string)function.Bindings[0]!["route"]!}");
        Assert.Equal(functions.Order(), described.Order());
        var anonymous = paths.SelectMany(static path => path.Value!.AsObject()).Where(static method => method.Value!["security"] is JsonArray { Count: 0 })
            .Select(static method => (string)method.Value!["operationId"]!);
        Assert.Equal(
            FunctionList.All.Where(static function => (string?)function.Bindings[0]!["authLevel"] == "anonymous").Select(static function => function.Name),
            anonymous);
    }

    [Fact]
    public void Schedules_OfTimers_AreSchedules() =>
        Assert.All(Bindings("timerTrigger"), static trigger => Assert.NotNull(Nebula.Engine.Configuration.CronSchedule.Parse((string)trigger["schedule"]!)));

    private static JsonNode Host() => JsonNode.Parse(File.ReadAllText(Path.Combine(Root, "host.json")))!;

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Nebula.Functions.Tests.Host;

/// <summary>A turn of an orchestration, as the extension hands it to the host: base64 of the request.</summary>
internal sealed record Turn(string Instance, string Name, string Body);

/// <summary>A call of an activity, as the extension hands it to the host.</summary>
internal sealed record ActivityCall(string Instance, string Name, string? Input);

/// <summary>An instance as the extension keeps it.</summary>
internal sealed record KeptInstance(string Id, string Name, int Status, string? Output, string? CustomStatus, string? Failure, int[] History)
{
    public bool IsEnded => Status is 1 or 3 or 4 or 5;
}

/// <summary>
/// The durable extension and its storage: Microsoft's in-memory backend, in a process of its own. It is shared with the tests of orchestrations.
/// </summary>
internal sealed class DurableExtension : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task _reading;
    private readonly Func<Turn, Task<JsonObject>> _turn;
    private readonly Func<ActivityCall, Task<JsonObject>> _activity;
    private readonly TaskCompletionSource<JsonNode> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _inspections = new();
    private readonly Lock _writing = new();
    private int _calls;
    private bool _isDisposed;

    private DurableExtension(Func<Turn, Task<JsonObject>> turn, Func<ActivityCall, Task<JsonObject>> activity, bool canRewind)
    {
        _turn = turn;
        _activity = activity;
        var start = new ProcessStartInfo("node")
        {
            ArgumentList = { Path.Combine(Folder, "backend.mjs"), Packages, "serve" },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        if (!canRewind)
            start.Environment["NEBULA_TEST_NO_REWIND"] = "1";
        _process = Process.Start(start)!;
        _reading = ReadAsync();
    }

    public static bool IsInstalled => Directory.Exists(Path.Combine(Packages, "node_modules", "@microsoft", "durabletask-js"));

    /// <summary>Where it takes gRPC.</summary>
    public string RpcAddress { get; private set; } = "";

    /// <summary>Where its management API is.</summary>
    public string HttpAddress { get; private set; } = "";

    /// <summary>How often each kind of fault was made until instances were looked at last.</summary>
    public IReadOnlyDictionary<string, int> Faults { get; private set; } = new Dictionary<string, int>();

    private static string Folder => Path.GetFullPath(Path.Combine(ThisFolder(), "..", "..", "Nebula.Orchestration.Tests", "Backend"));

    private static string Packages => Environment.GetEnvironmentVariable("NEBULA_TEST_DURABLETASK") ?? Folder;

    public static async Task<DurableExtension> StartAsync(Func<Turn, Task<JsonObject>> turn, Func<ActivityCall, Task<JsonObject>> activity, bool canRewind)
    {
        var extension = new DurableExtension(turn, activity, canRewind);
        var ready = await extension._ready.Task.WaitAsync(TimeSpan.FromMinutes(1));
        extension.RpcAddress = (string)ready["rpc"]!;
        extension.HttpAddress = (string)ready["http"]!;
        return extension;
    }

    public void Tell(string kind, string instance, string? name = null, string? input = null) =>
        Send(new JsonObject { ["kind"] = kind, ["instance"] = instance, ["name"] = name, ["input"] = input });

    /// <summary>Makes faults in half of the turns that allow it, from now on.</summary>
    /// <param name="seed">Begins the chance.</param>
    /// <param name="kinds">What goes wrong: the words of <c>faults.mjs</c>.</param>
    public void MakeFaults(int seed, params string[] kinds) =>
        Send(new JsonObject { ["kind"] = "faults", ["seed"] = seed, ["kinds"] = new JsonArray([.. kinds.Select(static kind => JsonValue.Create(kind))]) });

    /// <summary>All instances.</summary>
    public async Task<IReadOnlyList<KeptInstance>> InspectAsync()
    {
        var call = Interlocked.Increment(ref _calls);
        var answer = _inspections[call] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Send(new JsonObject { ["kind"] = "inspect", ["call"] = call });
        var inspected = await answer.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Faults = inspected["faults"]!.AsObject().ToDictionary(static fault => fault.Key, static fault => (int)fault.Value!);
        return
        [
            .. inspected["instances"]!.AsArray().Select(instance => new KeptInstance((string)instance!["instance"]!, (string)instance["name"]!, (int)instance["status"]!,
                (string?)instance["output"], (string?)instance["customStatus"], (string?)instance["failure"],
                [.. instance["history"]!.AsArray().Select(kind => (int)kind!)])),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        lock (_writing)
            _process.StandardInput.Close();
        await _reading;
        await _process.WaitForExitAsync();
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    private void Send(JsonObject message)
    {
        lock (_writing)
        {
            if (_process.HasExited)
                return;
            try
            {
                _process.StandardInput.WriteLine(message.ToJsonString());
                _process.StandardInput.Flush();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // answers that come after the end have no one to go to
            }
        }
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            var message = JsonNode.Parse(line)!;
            switch ((string)message["kind"]!)
            {
                case "ready":
                    _ready.SetResult(message);
                    break;
                case "turn":
                    _ = AnswerAsync(message, () => _turn(new Turn((string)message["instance"]!, (string)message["name"]!, (string)message["body"]!)));
                    break;
                case "activity":
                    _ = AnswerAsync(message, () => _activity(
                        new ActivityCall((string)message["instance"]!, (string)message["name"]!, (string?)message["input"])));
                    break;
                case "inspected":
                    if (_inspections.TryRemove((int)message["call"]!, out var inspection))
                        inspection.SetResult(message);
                    break;
                case "broken":
                    throw new InvalidOperationException((string)message["error"]!);
            }
        }
    }

    private async Task AnswerAsync(JsonNode message, Func<Task<JsonObject>> answer)
    {
        var sent = await answer();
        sent["kind"] = "answer";
        sent["call"] = (int)message["call"]!;
        Send(sent);
    }
}

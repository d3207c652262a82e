using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Tests.Backend;

/// <summary>How an instance ended, as the backend tells it.</summary>
internal sealed record Ended(OrchestrationStatus Status, string? Output, string? CustomStatus, string? Failure, int Events);

/// <summary>The other side of the wire, written by others: hands turns and activities to our executor as the Durable Functions extension does.</summary>
internal sealed class DurableTaskBackend : IAsyncDisposable
{
    private readonly TaskRegistry _registry;
    private readonly Process _process;
    private readonly Task _reading;
    private readonly ConcurrentDictionary<string, TaskCompletionSource<Ended>> _ends = new();
    private readonly Lock _writing = new();
    private bool _isEnding;

    private DurableTaskBackend(TaskRegistry registry, string packages)
    {
        _registry = registry;
        _process = Process.Start(new ProcessStartInfo("node")
        {
            ArgumentList = { Path.Combine(Folder(), "backend.mjs"), packages },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        _reading = ReadAsync();
    }

    /// <summary>Requests and responses of orchestrator turns, as they went over the wire.</summary>
    public ConcurrentQueue<(byte[] Request, byte[] Response)> Turns { get; } = new();

    /// <summary>Whether an activity's answer is lost, as when its worker dies.</summary>
    public Func<string, bool> IsLost { get; set; } = static _ => false;

    /// <summary>Whether the backend is installed.</summary>
    public static bool IsInstalled => Directory.Exists(Path.Combine(Packages(), "node_modules", "@microsoft", "durabletask-js"));

    /// <summary>Starts the backend, which must be installed.</summary>
    public static DurableTaskBackend Start(TaskRegistry registry) => new(registry, Packages());

    private static string Packages() => Environment.GetEnvironmentVariable("NEBULA_TEST_DURABLETASK") ?? Folder();

    public Task<Ended> StartAsync(string instance, string name, string input)
    {
        Send(new JsonObject { ["kind"] = "start", ["instance"] = instance, ["name"] = name, ["input"] = input });
        return _ends.GetOrAdd(instance, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    public void Tell(string kind, string instance, string? name = null, string? input = null) =>
        Send(new JsonObject { ["kind"] = kind, ["instance"] = instance, ["name"] = name, ["input"] = input });

    public async ValueTask DisposeAsync()
    {
        lock (_writing)
        {
            _isEnding = true;
            _process.StandardInput.Close();
        }
        await _reading;
        _process.Dispose();
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    private void Send(JsonNode message)
    {
        lock (_writing)
        {
            try
            {
                _process.StandardInput.WriteLine(message.ToJsonString());
                _process.StandardInput.Flush();
            }
            catch (Exception e) when (_isEnding && e is IOException or ObjectDisposedException)
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
                case "turn":
                    var request = Convert.FromBase64String((string)message["body"]!);
                    var response = OrchestratorMessageCodec.WriteResponse(
                        new OrchestrationExecutor(_registry).Execute(OrchestratorMessageCodec.ReadRequest(request)));
                    Turns.Enqueue((request, response));
                    Answer(message, "body", Convert.ToBase64String(response));
                    break;
                case "activity":
                    _ = Task.Run(() => RunActivityAsync(message));
                    break;
                case "ended":
                    var ended = new Ended((OrchestrationStatus)(int)message["status"]!, (string?)message["output"], (string?)message["customStatus"],
                        (string?)message["failure"], (int)message["events"]!);
                    _ends.GetOrAdd((string)message["instance"]!, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult(ended);
                    break;
                case "broken":
                    foreach (var end in _ends.Values)
                        end.TrySetException(new InvalidOperationException((string)message["error"]!));
                    break;
            }
        }
    }

    private async Task RunActivityAsync(JsonNode message)
    {
        var name = (string)message["name"]!;
        if (IsLost(name))
        {
            Answer(message, "lost", true);
            return;
        }
        var result = await _registry.RunActivityAsync(name, new ActivityContext((string)message["instance"]!, default), (string?)message["input"]);
        Answer(message, "result", result);
    }

    private void Answer(JsonNode call, string member, JsonNode value) =>
        Send(new JsonObject { ["kind"] = "answer", ["call"] = (int)call["call"]!, [member] = value });
}

using System.Text.Json;
using System.Text.Json.Nodes;

namespace Nebula.Functions.Invocation;

/// <summary>One function: its name, which is the route of its invocations and the name of its folder; its bindings; what it does.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bindings">Its bindings, as function.json has them.</param>
/// <param name="Run">What it does.</param>
internal sealed record FunctionDefinition(string Name, JsonArray Bindings, FunctionRun Run)
{
    /// <summary>Name of the output binding of HTTP functions.</summary>
    public const string HttpOutput = "res";

    /// <summary>Name of the input binding that tells where the durable extension listens.</summary>
    public const string DurableClient = "starter";

    /// <summary>Whether an answer other than 200 would end the orchestration instance.</summary>
    public bool IsOrchestrator { get; init; }

    /// <summary>Writes the function's folder.</summary>
    /// <param name="directory">The folder of the app.</param>
    public void Write(string directory)
    {
        var folder = Path.Combine(directory, Name);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "function.json"), ToJson());
    }

    /// <summary>The content of function.json.</summary>
    public string ToJson() =>
        new JsonObject { ["bindings"] = Bindings.DeepClone() }.ToJsonString(new JsonSerializerOptions { WriteIndented = true, NewLine = "\n" }) + "\n";
}

/// <summary>Runs a function.</summary>
/// <param name="handler">What the functions work with.</param>
/// <param name="call">The call.</param>
internal delegate Task<InvocationResponse> FunctionRun(Hosting.HandlerServices handler, FunctionCall call);

/// <summary>One call of a function.</summary>
/// <param name="Function">The function.</param>
/// <param name="InvocationId">The host's id of the call; empty when it gave none.</param>
/// <param name="Request">What was sent.</param>
/// <param name="CancellationToken">Done when the host gave up the call, or the handler is to end.</param>
internal sealed record FunctionCall(string Function, string InvocationId, InvocationRequest Request, CancellationToken CancellationToken);

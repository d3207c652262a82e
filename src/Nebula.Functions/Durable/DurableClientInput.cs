using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Invocation;

namespace Nebula.Functions.Durable;

/// <summary>Where the durable extension listens, as the input binding <c>durableClient</c> tells with each call. It has the system key: never log it.</summary>
/// <param name="TaskHub">The task hub; null for the app's own.</param>
/// <param name="ConnectionName">Name of the setting with the task hub's connection; null for the app's own.</param>
/// <param name="RpcAddress">Where it takes gRPC on this machine; null when the extension is too old.</param>
/// <param name="HttpAddress">Where its management API is; null when the host does not know its own address.</param>
/// <param name="RequiredQuery">What every call of the management API has to have in its query.</param>
internal sealed record DurableClientInput(string? TaskHub, string? ConnectionName, Uri? RpcAddress, Uri? HttpAddress, string RequiredQuery)
{
    /// <summary>Reads the binding's value.</summary>
    /// <exception cref="DataFormatException">It tells no address.</exception>
    public static DurableClientInput Read(EnvelopeValue value)
    {
        if (value.ToJson() is not { ValueKind: JsonValueKind.Object } input)
            throw new DataFormatException("The value of the durableClient binding is no JSON object. FUNCTIONS_WORKER_RUNTIME must be 'custom'.");
        var read = new DurableClientInput(Text(input, "taskHubName"), Text(input, "connectionName"), Address(input, "rpcBaseUrl"),
            Address(input, "httpBaseUrl") ?? Address(input, "baseUrl"), Text(input, "requiredQueryStringParameters") ?? "");
        return read.RpcAddress is not null || read.HttpAddress is not null ? read : throw new DataFormatException(
            "The durableClient binding tells no address. The extension bundle must be 4.12 or newer, and FUNCTIONS_WORKER_RUNTIME 'custom'.");
    }

    private static string? Text(JsonElement input, string name) =>
        input.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    private static Uri? Address(JsonElement input, string name) =>
        Uri.TryCreate(Text(input, name), UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address : null;
}

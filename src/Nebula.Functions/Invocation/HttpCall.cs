using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Functions.Invocation;

/// <summary>A request over HTTP as the host hands it on: the value of an <c>httpTrigger</c>.</summary>
/// <param name="Url">What was asked for, with scheme and host.</param>
/// <param name="Query">The parameters of the query.</param>
/// <param name="Parameters">The parameters of the route.</param>
/// <param name="Headers">The headers, the first value of each.</param>
/// <param name="Body">The body as text; null when there is none.</param>
internal sealed record HttpCall(
    Uri Url, IReadOnlyDictionary<string, string> Query, IReadOnlyDictionary<string, string> Parameters, IReadOnlyDictionary<string, string> Headers,
    string? Body)
{
    /// <summary>Reads the trigger's value.</summary>
    /// <exception cref="DataFormatException">It is none.</exception>
    public static HttpCall Read(EnvelopeValue value)
    {
        if (value.ToJson() is not { ValueKind: JsonValueKind.Object } call || !Uri.TryCreate(Text(call, "Url"), UriKind.Absolute, out var url))
            throw new DataFormatException($"The trigger's value is no HTTP request: {value.ToText()}.");
        return new HttpCall(url, Map(call, "Query"), Map(call, "Params"), Map(call, "Headers"), Text(call, "Body"));
    }

    private static string? Text(JsonElement call, string name) => call.TryGetProperty(name, out var value) ? value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Null => null,
        _ => value.GetRawText(),
    } : null;

    private static Dictionary<string, string> Map(JsonElement call, string name)
    {
        var map = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        if (call.TryGetProperty(name, out var values) && values.ValueKind == JsonValueKind.Object)
            foreach (var entry in values.EnumerateObject())
                map[entry.Name] = entry.Value switch
                {
                    { ValueKind: JsonValueKind.String } text => text.GetString()!,
                    { ValueKind: JsonValueKind.Array } list when list.GetArrayLength() > 0 && list[0].ValueKind == JsonValueKind.String => list[0].GetString()!,
                    var other => other.GetRawText(),
                };
        return map;
    }
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Nebula.Functions.Tests.Host;

/// <summary>Values as the Functions host puts them into envelopes, and what its JSON library makes of answers.</summary>
internal static partial class HostEnvelope
{
    /// <summary>A .NET string: quoted twice.</summary>
    public static JsonNode Text(string? value) => JsonValue.Create(JsonSerializer.Serialize(value))!;

    /// <summary>Any other value that is no object: its JSON text, in quotes.</summary>
    public static JsonNode Raw(string json) => JsonValue.Create(json)!;

    /// <summary>What the host adds to the metadata of each call. A trigger value that holds a JSON object gives its properties too.</summary>
    public static JsonObject Metadata(string function, JsonObject? own, string? triggerText)
    {
        var metadata = own ?? [];
        if (triggerText is not null && TryParse(triggerText) is JsonObject copied)
            foreach (var (name, value) in copied)
                if (value is JsonObject)
                    metadata[name] = value.DeepClone();
                else if (value is not null and not JsonArray)
                    metadata[name] = Raw(value.ToJsonString());
        metadata["sys"] = new JsonObject
        {
            ["MethodName"] = function,
            ["UtcNow"] = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            ["RandGuid"] = Guid.NewGuid().ToString(),
        };
        return metadata;
    }

    /// <summary>An untyped value after the host's JSON library has read and printed it: dates move to the host's time zone, numbers become doubles.</summary>
    public static JsonNode? Rewrite(JsonNode? value) => value switch
    {
        null => null,
        JsonObject map => new JsonObject(map.Select(entry => KeyValuePair.Create(entry.Key, Rewrite(entry.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Rewrite)]),
        _ when value.GetValueKind() == JsonValueKind.String && Date().IsMatch((string)value!)
            && DateTimeOffset.TryParse((string)value!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) =>
                JsonValue.Create(Shortest(time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.fffffff", CultureInfo.InvariantCulture))
                    + (((string)value!).EndsWith('Z') ? "Z" : "+00:00")),
        _ when value.GetValueKind() == JsonValueKind.Number && value.ToJsonString().AsSpan().IndexOfAny(".eE") >= 0 =>
            JsonNode.Parse(double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture)),
        _ => value.DeepClone(),
    };

    public static JsonNode? TryParse(string text)
    {
        try
        {
            var node = JsonNode.Parse(text);
            _ = node?.ToJsonString();
            return node;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Shortest(string time) => time.TrimEnd('0').TrimEnd('.');

    [GeneratedRegex("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)?$")]
    private static partial Regex Date();
}

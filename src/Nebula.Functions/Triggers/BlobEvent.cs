using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Functions.Triggers;

/// <summary>An event of Event Grid about a blob.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Path">Container and name of the blob, joined by a slash.</param>
/// <param name="Url">The blob.</param>
/// <param name="Version">Names this version of it: another content has another.</param>
/// <param name="At">When it happened, UTC.</param>
internal sealed record BlobEvent(string Type, string Path, string Url, string Version, DateTime At)
{
    /// <summary>Type of the events of blobs that are there in full.</summary>
    public const string Created = "Microsoft.Storage.BlobCreated";

    /// <summary>Reads the events of a message: one, or a list, in Event Grid's own schema or as cloud events.</summary>
    /// <param name="text">The text: JSON, or base64 of it.</param>
    /// <exception cref="NebulaException">It is none.</exception>
    public static IReadOnlyList<BlobEvent> Parse(string text)
    {
        try
        {
            return RunMessage.ParseJson(text) switch
            {
                { ValueKind: JsonValueKind.Object } one => [Read(one)],
                { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray().Select(Read)],
                _ => throw Wrong("it is no JSON"),
            };
        }
        catch (InvalidOperationException)
        {
            throw Wrong("a text in it is damaged, or of another kind");
        }
    }

    private static BlobEvent Read(JsonElement value)
    {
        // 'eventType' and 'eventTime' are Event Grid's names, 'type' and 'time' those of cloud events
        var type = Text(value, "eventType") ?? Text(value, "type") ?? throw Wrong("it has no 'eventType' and no 'type'");
        var at = MessageTriggers.TimeOf(Text(value, "eventTime") ?? Text(value, "time"));
        if (type != Created)
            return new BlobEvent(type, "", "", "", at);
        if (!value.TryGetProperty("data", out var data) || Text(data, "url") is not { } url || !Uri.TryCreate(url, UriKind.Absolute, out _))
            throw Wrong("it has no 'data.url'");
        var version = Text(data, "eTag") ?? Text(data, "sequencer") ?? throw Wrong("it has neither 'data.eTag' nor 'data.sequencer'");
        return new BlobEvent(type, PathOf(Text(value, "subject") ?? ""), url, version.Trim('"'), at);
    }

    /// <summary>Container and name, of a subject such as <c>/blobServices/default/containers/landing/blobs/2026/orders.csv</c>.</summary>
    private static string PathOf(string subject)
    {
        const string Containers = "/containers/", Blobs = "/blobs/";
        var container = subject.IndexOf(Containers, StringComparison.Ordinal);
        var blob = container < 0 ? -1 : subject.IndexOf(Blobs, container + Containers.Length, StringComparison.Ordinal);
        return blob < 0 ? throw Wrong("its 'subject' names no blob")
            : $"{subject[(container + Containers.Length)..blob]}/{subject[(blob + Blobs.Length)..]}";
    }

    private static string? Text(JsonElement value, string name) => value.TryGetProperty(name, out var text) ? text.GetString() : null;

    private static NebulaException Wrong(string what) => NebulaException.Configuration($"The message is no event about a blob: {what}.");
}

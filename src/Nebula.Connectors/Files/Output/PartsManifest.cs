using System.Text.Json;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.Files.Output;

/// <summary>
/// The files that the last commits of a stream made, kept beside them in a hidden file: what a commit replaces is just what commits before it made, and a
/// commit that was cut off can be repeated.
/// </summary>
/// <param name="Token">The commit.</param>
/// <param name="IsComplete">Whether it came to its end. If not, <paramref name="Files"/> are those of this commit and of the ones before.</param>
/// <param name="Files">The files, relative to the folder, with forward slashes.</param>
internal sealed record PartsManifest(string Token, bool IsComplete, IReadOnlyList<string> Files)
{
    /// <summary>Of a commit that did not come to its end: the files that it adds, of which some may be there.</summary>
    public IReadOnlyList<string> Added { get; init; } = [];

    /// <summary>How far the stream was committed before this commit or, when it is complete, with it; null when nobody counts.</summary>
    public Checkpoint? Checkpoint { get; init; }

    /// <summary>What is known before the first commit.</summary>
    public static PartsManifest None { get; } = new("", true, []);

    /// <summary>The manifest's path.</summary>
    public static string PathOf(PartsLayout layout) => layout.PathOf($".{layout.Id}{IObjectStore.ManifestSuffix}");

    /// <summary>Reads a manifest.</summary>
    /// <param name="stored">What is stored; null for nothing, which gives <see cref="None"/>.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <exception cref="NebulaException">It cannot be read.</exception>
    public static PartsManifest Read(SmallObject? stored, string path)
    {
        if (stored is null)
            return None;
        try
        {
            using var json = JsonDocument.Parse(stored.Content);
            return new PartsManifest(
                json.RootElement.GetProperty("token").GetString()!,
                json.RootElement.GetProperty("complete").GetBoolean(),
                [.. json.RootElement.GetProperty("files").EnumerateArray().Select(static file => file.GetString()!).Where(ObjectPath.StaysBelow)])
            {
                Added = !json.RootElement.TryGetProperty("added", out var added)
                    ? []
                    : [.. added.EnumerateArray().Select(static file => file.GetString()!).Where(ObjectPath.StaysBelow)],
                Checkpoint = !json.RootElement.TryGetProperty("checkpoint", out var checkpoint) ? null : new Checkpoint(
                    checkpoint.GetProperty("stream").GetString()!,
                    checkpoint.GetProperty("position").GetString()!,
                    checkpoint.GetProperty("sequence").GetInt64()),
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new NebulaException(ErrorKind.Data,
                $"'{path}', which lists the files of the last run, is damaged: {e.Message} "
                + "Remove it together with those files, or write to another folder.", inner: e);
        }
    }

    /// <summary>Renders the manifest.</summary>
    public ReadOnlyMemory<byte> Render()
    {
        var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("token", Token);
            json.WriteBoolean("complete", IsComplete);
            json.WriteStartArray("files");
            foreach (var file in Files)
                json.WriteStringValue(file);
            json.WriteEndArray();
            if (Added.Count > 0)
            {
                json.WriteStartArray("added");
                foreach (var file in Added)
                    json.WriteStringValue(file);
                json.WriteEndArray();
            }
            if (Checkpoint is { } checkpoint)
            {
                json.WriteStartObject("checkpoint");
                json.WriteString("stream", checkpoint.Stream);
                json.WriteString("position", checkpoint.Position);
                json.WriteNumber("sequence", checkpoint.Sequence);
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return bytes.GetBuffer().AsMemory(0, (int)bytes.Length);
    }
}

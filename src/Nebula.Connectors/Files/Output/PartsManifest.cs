using System.Text.Json;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.Files.Output;

/// <summary>
/// The files that the last commits of a stream made, kept beside them in a hidden file: what a commit replaces is just what commits before it made, and a commit that
/// was cut off can be repeated.
/// </summary>
/// <param name="Token">The commit.</param>
/// <param name="IsComplete">Whether it came to its end. If not, <paramref name="Files"/> are those of this commit and of the ones before.</param>
/// <param name="Files">The files, relative to the folder, with forward slashes.</param>
internal sealed record PartsManifest(string Token, bool IsComplete, IReadOnlyList<string> Files)
{
    /// <summary>What is known before the first commit.</summary>
    public static PartsManifest None { get; } = new("", true, []);

    /// <summary>The manifest's path.</summary>
    public static string PathOf(PartsLayout layout) => Path.Combine(layout.Folder, $".{layout.Id}{LocalStore.ManifestSuffix}");

    /// <summary>Reads a manifest; <see cref="None"/> when there is none.</summary>
    /// <exception cref="NebulaException">It cannot be read.</exception>
    public static PartsManifest Read(IObjectStore store, string path)
    {
        if (!store.Exists(path))
            return None;
        using var stream = store.OpenRead(path);
        try
        {
            using var json = JsonDocument.Parse(stream);
            return new PartsManifest(
                json.RootElement.GetProperty("token").GetString()!,
                json.RootElement.GetProperty("complete").GetBoolean(),
                [.. json.RootElement.GetProperty("files").EnumerateArray().Select(static file => file.GetString()!).Where(IsBelow)]);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new NebulaException(ErrorKind.Data,
                $"'{path}', which lists the files of the last run, is damaged: {e.Message} Remove it together with those files, or write to another folder.", inner: e);
        }
    }

    /// <summary>Writes the manifest in place of the one before.</summary>
    public void Write(IObjectStore store, string path, string runId)
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
            json.WriteEndObject();
        }
        using var staged = store.Stage(path, runId);
        staged.Write(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
        staged.Complete();
        store.Publish(staged.Location, path);
    }

    /// <summary>Whether a path stays in the folder: nobody must be led to delete something else.</summary>
    private static bool IsBelow(string file) => file.Length > 0 && !Path.IsPathRooted(file) && !file.Split('/', '\\').Contains("..");
}

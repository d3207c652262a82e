using System.Globalization;

namespace Nebula.Delivery.Tests;

/// <summary>A source, a pipeline, and all that runs keep.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Key">Names it in a store.</param>
internal sealed record Folder(string Path, string Key) : IDisposable
{
    /// <summary>Rows of the source.</summary>
    public const int Rows = 3_000;

    public static string TextOf(int id) => string.Create(CultureInfo.InvariantCulture, $"row {id}");

    public static Folder Create(string target, Destination destination) =>
        Create(target, destination, Directory.CreateTempSubdirectory("nebula-delivery-").FullName);

    /// <summary>Fills a folder that is there.</summary>
    public static Folder Create(string target, Destination destination, string path)
    {
        var key = System.IO.Path.GetFileName(path);
        using (var writer = new StreamWriter(System.IO.Path.Combine(path, "in.csv")))
        {
            writer.Write("id,text\n");
            for (var i = 0; i < Rows; i++)
                writer.Write(string.Create(CultureInfo.InvariantCulture, $"{i},\"{TextOf(i)}\"\n"));
        }
        target = target.Replace("KEY", key, StringComparison.Ordinal);
        if (destination is LocalWorld)
            target = target.Replace("path: ", $"path: {path}/", StringComparison.Ordinal);
        File.WriteAllText(System.IO.Path.Combine(path, SteppedRun.PipelineFile), $$"""
            version: 1
            name: delivery
            source: { type: csv, path: {{path}}/in.csv }
            target: {{target}}
            defaults: { chunking: { target_size: 6KB } }
            """);
        return new Folder(path, key);
    }

    /// <summary>Makes the next run a new one: it knows nothing of those before.</summary>
    public void Forget()
    {
        foreach (var kept in (string[])["runs", "state"])
            if (Directory.Exists(System.IO.Path.Combine(Path, kept)))
                Directory.Delete(System.IO.Path.Combine(Path, kept), recursive: true);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}

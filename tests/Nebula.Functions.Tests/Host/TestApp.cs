using System.Text.Json.Nodes;
using Nebula.Orchestration.Sync;
using Nebula.Orchestration.Tests;
using Nebula.Orchestration.Tests.Sync;

namespace Nebula.Functions.Tests.Host;

/// <summary>An app in a folder: pipelines, a source and a destination.</summary>
internal sealed class TestApp : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TestApp(params WorldStream[] streams)
    {
        Streams = streams;
        File.WriteAllLines(Path.Combine(Folder, "streams.txt"), streams.Select(stream => $"{stream.Name} {stream.Chunks} {stream.Changes}".TrimEnd()));
        Directory.CreateDirectory(Path.Combine(Folder, "world"));
        AddPipeline("shop", "");
    }

    public string Folder => _folder.Path;

    public WorldStream[] Streams { get; }

    public void AddPipeline(string name, string more)
    {
        Directory.CreateDirectory(Path.Combine(Folder, "pipelines"));
        File.WriteAllText(
            Path.Combine(Folder, "pipelines", name + ".yaml"),
            $"source: {{ type: csv, path: a.csv }}\ntarget: {{ type: csv, path: b.csv }}\n{more}\n");
    }

    /// <summary>Transfers wait from now on.</summary>
    public void Hold() => File.WriteAllText(Path.Combine(Folder, "hold"), "");

    /// <summary>Transfers go on.</summary>
    public void Release() => File.Delete(Path.Combine(Folder, "hold"));

    /// <summary>Reads a document of the state store; null when there is none.</summary>
    public async Task<JsonNode?> StateAsync(string key)
    {
        using var store = new Nebula.Orchestration.State.LocalStateStore(Path.Combine(Folder, "state"));
        return await store.GetAsync(key, default) is { } entry ? JsonNode.Parse(entry.Content.Span) : null;
    }

    /// <summary>Reads what is kept of a run that has ended.</summary>
    public async Task<RunRecord?> RecordAsync(string runId)
    {
        using var store = new Nebula.Orchestration.State.LocalStateStore(Path.Combine(Folder, "state"));
        return await new RunHistory(store).FindAsync(runId, default);
    }

    /// <summary>Checks that every row of the source is at the destination, once for each run.</summary>
    public void CheckDelivered(int runs = 1)
    {
        var world = new FolderWorld(Path.Combine(Folder, "world"), Streams);
        foreach (var stream in Streams)
            Assert.Equal(Enumerable.Repeat(FolderWorld.Expected(stream), runs).SelectMany(static rows => rows).Order(), world.Visible(stream.Name).Order());
    }

    public void Dispose() => _folder.Dispose();
}

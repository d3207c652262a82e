using System.Text.Json.Nodes;
using Nebula.Functions.Tests.Host;
using Nebula.Orchestration.Tests;

namespace Nebula.Functions.Tests;

/// <summary>Two handlers behind a host that can make faults, and a file of some twenty chunks for them to move.</summary>
public sealed class FaultyHost : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The host; only where it can be had.</summary>
    internal FunctionsHost Host { get; private set; } = null!;

    /// <summary>The file.</summary>
    internal string Source { get; } = Orders.Csv(40_000);

    public async Task InitializeAsync()
    {
        if (!DurableExtension.IsInstalled)
            return;
        Directory.CreateDirectory(Path.Combine(_folder.Path, "pipelines"));
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "orders.csv"), Source);
        await File.WriteAllTextAsync(Path.Combine(_folder.Path, "pipelines", "shop.yaml"), """
            source: { type: csv, path: "${FOLDER}/orders.csv" }
            target: { type: csv, path: "${FOLDER}/${OUT}/", file_size: 100KB }
            defaults: { chunking: { target_size: 40KB } }
            """);
        Host = await FunctionsHost.StartAsync(_folder.Path, handlers: 2, new Dictionary<string, string> { ["FOLDER"] = _folder.Path, ["OUT"] = "out" });
    }

    public async Task DisposeAsync()
    {
        if (DurableExtension.IsInstalled)
            await Host.DisposeAsync();
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Runs the pipeline while faults are made.</summary>
    /// <param name="target">The folder that it writes to.</param>
    /// <param name="seed">Begins the chance.</param>
    /// <param name="faults">The kinds of faults.</param>
    /// <returns>The run as the API tells it.</returns>
    internal async Task<JsonNode> RunAsync(string target, int seed, params string[] faults)
    {
        var random = new Random(seed);
        // what is repeated waits for a timer
        Host.LosesAnswer = _ =>
        {
            lock (random)
                return random.Next(5) == 0;
        };
        Host.Extension.MakeFaults(seed, faults);
        var started = await Host.RequestAsync("POST", "/api/runs", $$$"""{"pipeline":"shop","env":{"OUT":"{{{target}}}"}}""");
        var id = (string)started.Json["id"]!;
        await Host.EndOfAsync(id);
        return (await Host.RequestAsync("GET", $"/api/runs/{id}")).Json;
    }

    /// <summary>What a reader of the target sees: the files, one behind the other, without the headers but the first.</summary>
    internal string Read(string target)
    {
        var folder = Path.Combine(_folder.Path, target);
        if (!Directory.Exists(folder))
            return "";
        return Orders.Join(Directory.GetFiles(folder, "*.csv").Order(StringComparer.Ordinal).Select(File.ReadAllText));
    }
}

using Nebula.Connectors.Files;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Orchestration;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Delivery.Tests;

/// <summary>Runs the pipeline of a folder, as the program does, through all named steps.</summary>
internal static class SteppedRun
{
    public const string PipelineFile = "pipeline.yaml";

    public static async Task<SyncResult> RunAsync(string folder, Steps steps)
    {
        var connectors = new ConnectorRegistry().AddFiles(options => new SteppedStore(ObjectStoreCatalog.Open(options), steps));
        using var local = new LocalStateStore(Path.Combine(folder, "state"));
        var state = new SteppedState(local, steps);
        await using var worker = new SyncWorker(new Library(folder), connectors, state, new SyncWorkerOptions { ParallelChunks = 2, KeepsOpen = true });
        var host = new LocalOrchestrationHost(new TaskRegistry().AddSync(new SteppedWorker(worker, steps), state), new LocalHostOptions
        {
            Directory = Path.Combine(folder, "runs"),
            MaxActivities = 2,
            JournalWriting = isDone => steps.Reach(isDone ? "journal.write.done" : "journal.write"),
        });
        var request = new SyncRequest("run-1", "delivery") { Settings = new SyncSettings { ParallelChunks = 2, PageSize = 3, FirstDelay = 1, MaxDelay = 5 } };
        return await host.RunAsync(SyncDefinitions.SyncRun, "delivery", request, default);
    }

    private sealed class Library(string folder) : IPipelineLibrary
    {
        public PipelineConfig Load(string name, IReadOnlyDictionary<string, string> variables) =>
            Engine.Configuration.PipelineFile.Load(Path.Combine(folder, SteppedRun.PipelineFile), new ConfigEnvironment());
    }
}

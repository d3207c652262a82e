using Nebula.Connectors;
using Nebula.Connectors.Files;
using Nebula.Connectors.PostgreSql;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.Functions.Runs;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Hosting;

/// <summary>Makes the worker that moves rows.</summary>
internal static class Workers
{
    // well below the shortest time that a plan gives a function
    private static readonly TimeSpan SliceDuration = TimeSpan.FromMinutes(1);

    // what the host's calls, the traces and the libraries of the services need, whatever the activities do
    private const long Libraries = 64 << 20;

    /// <summary>Bounds the managed heap: data lives outside of it. What would need more fails with a message, where otherwise the system would kill the
    /// handler, with all turns and activities that it has in hands.</summary>
    /// <param name="settings">The app settings.</param>
    public static void LimitMemory(AppSettings settings)
    {
        AppContext.SetData("GCHeapHardLimit", (ulong)(settings.Memory / 4));
        GC.RefreshMemoryLimit();
    }

    /// <summary>Makes the worker over all connectors. Nothing stays open from step to step: the next step may run in another instance of the app.</summary>
    /// <param name="settings">The app settings.</param>
    /// <param name="pipelines">What is deployed.</param>
    /// <param name="state">Keeps what a run has planned.</param>
    public static ISyncWorker Make(AppSettings settings, DeployedPipelines pipelines, IStateStore state) =>
        new SyncWorker(pipelines, new ConnectorRegistry().AddFiles().AddPostgreSql().AddPlanned(), state, new SyncWorkerOptions
        {
            Pool = new BufferPool(settings.Memory / 4),
            ParallelChunks = settings.Activities,
            StepMemory = PipelineOptions.ShareOf(settings.Memory - Libraries, settings.Activities),
            SliceDuration = SliceDuration,
        });
}

using Nebula.Connectors.Files;
using Nebula.Connectors.PostgreSql;
using Nebula.Engine.Connectors;
using Nebula.Functions.Runs;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Hosting;

/// <summary>Makes the worker that moves rows.</summary>
internal static class Workers
{
    // well below the shortest time that a plan gives a function
    private static readonly TimeSpan SliceDuration = TimeSpan.FromMinutes(1);

    /// <summary>Makes the worker over all connectors. Nothing stays open from step to step: the next step may run in another instance of the app.</summary>
    /// <param name="settings">The app settings.</param>
    /// <param name="pipelines">What is deployed.</param>
    /// <param name="state">Keeps what a run has planned.</param>
    public static ISyncWorker Make(AppSettings settings, DeployedPipelines pipelines, IStateStore state) =>
        new SyncWorker(pipelines, new ConnectorRegistry().AddFiles().AddPostgreSql(), state, new SyncWorkerOptions
        {
            ParallelChunks = settings.Activities,
            SliceDuration = SliceDuration,
        });
}

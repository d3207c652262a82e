using Nebula.Engine.Columns;
using Nebula.Orchestration.Planning;

namespace Nebula.Orchestration.Sync;

/// <summary>How a worker uses its process.</summary>
public sealed record SyncWorkerOptions
{
    /// <summary>Where buffers come from.</summary>
    public BufferPool Pool { get; init; } = BufferPool.Shared;

    /// <summary>Most chunks of a stream that are moved at the same time in this process: they share its memory.</summary>
    /// <value>1.</value>
    public int ParallelChunks { get; init; } = 1;

    /// <summary>Most memory that one step may count on, as a limit of a process that runs only it; null for what the pipeline's own limit gives.</summary>
    public long? StepMemory { get; init; }

    /// <summary>Whether sources and destinations stay open from step to step, with the locks that they hold: where one process runs all of them.</summary>
    public bool KeepsOpen { get; init; }

    /// <summary>The plan of a run that this process has made already, so that the source is not asked for its streams once more; null for none.</summary>
    public RunPlan? Planned { get; init; }

    /// <summary>How long a slice of changes may go on before it is recorded that it ended; null for as long as there are changes.</summary>
    public TimeSpan? SliceDuration { get; init; }

    /// <summary>Is told what happens; null for nobody.</summary>
    public ISyncObserver? Observer { get; init; }
}

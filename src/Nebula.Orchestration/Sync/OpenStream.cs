using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;

namespace Nebula.Orchestration.Sync;

/// <summary>A stream's source and destination, opened, and its plan.</summary>
internal sealed class OpenStream(StreamJob job, string runId, SyncWorkerOptions options) : IAsyncDisposable
{
    private StreamPlan? _plan;
    private StreamPlan? _written;

    public StreamJob Job { get; } = job;

    public ISource Source { get; } = job.OpenSource();

    public IDestination Destination { get; } = job.OpenDestination();

    /// <summary>Held while the plan is looked for, so that of several chunks one does it.</summary>
    public SemaphoreSlim Planning { get; } = new(1, 1);

    public bool IsPlanned => Volatile.Read(ref _plan) is not null;

    /// <summary>The stream as it is read.</summary>
    public StreamPlan Plan => _plan!;

    /// <summary>The stream as it is written.</summary>
    public StreamPlan Written => _written!;

    /// <summary>How its chunks may come.</summary>
    public ChunkOrder Chunks => Destination.ChunksOf(Written.Object, Written.Write);

    /// <summary>What moving one chunk of it may count on: the lesser of the pipeline's limit and the worker's.</summary>
    public long? MemoryLimit
    {
        get
        {
            var ofRun = PipelineOptions.ShareOf(Job.Options.MemoryLimit, Job.ChunkBytes is null ? 1 : options.ParallelChunks);
            var ofStep = options.StepMemory - Source.BufferBytes - Destination.BufferBytes;
            return ofStep is { } step && ofRun is { } run ? Math.Min(step, run) : ofStep ?? ofRun;
        }
    }

    public void SetPlan(StreamPlan plan, StreamPlan written)
    {
        _written = written;
        Volatile.Write(ref _plan, plan);
    }

    /// <summary>Makes what moves one chunk of it.</summary>
    /// <param name="metrics">Takes the counts.</param>
    /// <param name="quarantine">Takes rows that cannot be read.</param>
    public StreamRun Run(PipelineMetrics? metrics = null, QuarantineFile? quarantine = null)
    {
        var settings = Job.Options with { MemoryLimit = MemoryLimit };
        if (quarantine is not null)
            settings = settings with { BadRows = settings.BadRows with { Quarantine = quarantine.Add } };
        return new StreamRun(Source, Destination, settings, options.Pool, runId, metrics);
    }

    public async ValueTask DisposeAsync()
    {
        Planning.Dispose();
        await Source.DisposeAsync().ConfigureAwait(false);
        await Destination.DisposeAsync().ConfigureAwait(false);
    }
}

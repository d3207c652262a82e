using Nebula.Engine.Connectors;

namespace Nebula.Orchestration.Sync;

/// <summary>
/// Does the work that a run orchestrates: the steps of DESIGN's delivery, with connectors. Every step may be repeated, also while an earlier attempt at it
/// is under way, on another machine: staged things of different attempts must not mix, and a commit with a token that was applied does nothing.
/// </summary>
public interface ISyncWorker
{
    /// <summary>Finds the streams of a run.</summary>
    /// <param name="request">The run.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Their number. Repeated for the same run, it is the same streams in the same order.</returns>
    Task<int> PlanAsync(SyncRequest request, CancellationToken cancellationToken);

    /// <summary>Fixes how one stream is read and written, for all later steps.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task<PlannedStream> PlanStreamAsync(StreamTask task, CancellationToken cancellationToken);

    /// <summary>Readies the destination and removes what an earlier run left in staging.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>What the destination says was committed last; null when it keeps no account.</returns>
    Task<Checkpoint?> PrepareAsync(StreamTask task, CancellationToken cancellationToken);

    /// <summary>Splits a stream into chunks.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="from">What was committed before; null when nothing was.</param>
    /// <param name="add">Takes the chunks, in order, numbered from 0.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task<SplitStream> SplitAsync(StreamTask task, Checkpoint? from, Func<Chunk, ValueTask> add, CancellationToken cancellationToken);

    /// <summary>Moves one chunk into staging.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="findPrevious">Finds what the chunk before left in staging; null when that is not recorded.</param>
    /// <param name="cancellationToken">Stops the transfer.</param>
    Task<StagedPart> TransferAsync(StreamTask task, Chunk chunk, Func<CancellationToken, Task<StagedPart?>> findPrevious, CancellationToken cancellationToken);

    /// <summary>Publishes staged parts together with the checkpoint.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="commit">What is published.</param>
    /// <param name="cancellationToken">Stops the call; it is then done or not done.</param>
    Task<CommitReceipt> CommitAsync(StreamTask task, SyncCommit commit, CancellationToken cancellationToken);

    /// <summary>Tells the source what is committed.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="checkpoint">What is committed.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task AcknowledgeAsync(StreamTask task, Checkpoint checkpoint, CancellationToken cancellationToken);

    /// <summary>Removes what was staged and will not be committed.</summary>
    /// <param name="task">The stream.</param>
    /// <param name="parts">The parts that are known; there may be others.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task AbortAsync(StreamTask task, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken);

    /// <summary>
    /// Commits and acknowledges changes of all captured streams of a run, behind what is committed of them: until there are no more, or up to a bound of
    /// time that is the worker's.
    /// </summary>
    /// <param name="task">The run.</param>
    /// <param name="findCommitted">Finds what is known to be committed of a stream, by its name, where its destination keeps no account; null for
    /// nothing.</param>
    /// <param name="committed">Takes what is committed, not with every window.</param>
    /// <param name="cancellationToken">Stops the call; what is committed stays.</param>
    Task<CapturedSlice> CaptureAsync(
        CaptureTask task, Func<string, Task<Checkpoint?>> findCommitted, Func<CommittedState, Task> committed, CancellationToken cancellationToken);
}

/// <summary>What is published in one step.</summary>
/// <param name="Parts">The parts, in the order of their chunks.</param>
/// <param name="Checkpoint">How far the stream is committed after this.</param>
/// <param name="ExpectedSequence">The sequence that the destination must be at: one that is further has seen a newer run.</param>
/// <param name="Token">Identity of the commit (pipeline, run, sequence): the same token is never applied twice.</param>
public sealed record SyncCommit(IReadOnlyList<StagedPart> Parts, Checkpoint Checkpoint, long ExpectedSequence, string Token);

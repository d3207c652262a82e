using Nebula.Engine.Columns;

namespace Nebula.Engine.Connectors;

/// <summary>
/// A destination that takes a window of changes of many streams in one step. One that does not is given each stream's changes as a part that is staged and
/// committed, one stream after the other.
/// </summary>
public interface IChangeDestination : IDestination
{
    /// <summary>
    /// Applies changes and their checkpoints atomically: to all streams or to none. Where the sequence of a stream is further than expected, or its token was
    /// applied before, it is as with <see cref="IDestination.CommitAsync"/>.
    /// </summary>
    /// <param name="changes">The changes of each stream, also of streams that only come further in the log.</param>
    /// <param name="cancellationToken">Stops the call; it is then done or not done.</param>
    Task ApplyAsync(IReadOnlyList<ChangeCommit> changes, CancellationToken cancellationToken);
}

/// <summary>Changes of one stream that are committed.</summary>
/// <param name="Plan">The stream as it is written: its columns, then <see cref="ChangeColumns.Written"/>.</param>
/// <param name="Batches">The changes, in order; none when only the checkpoint moves. Their columns are those of the plan, and
/// <see cref="ChangeColumns.Unchanged"/> behind them where rows are merged. They stay the caller's.</param>
/// <param name="Checkpoint">How far the stream is committed after this.</param>
/// <param name="Token">Identity of the commit: the same token is never applied twice.</param>
public sealed record ChangeCommit(StreamPlan Plan, IReadOnlyList<RecordBatch> Batches, Checkpoint Checkpoint, string Token)
{
    /// <summary>The sequence that the destination must be at: one that is further has seen a newer run.</summary>
    public required long ExpectedSequence { get; init; }
}

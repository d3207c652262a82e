using Nebula.Engine.Connectors;
using Nebula.Orchestration.Sync;

namespace Nebula.Delivery.Tests;

/// <summary>The steps of a sync.</summary>
internal sealed class SteppedWorker(ISyncWorker inner, Steps steps) : ISyncWorker
{
    public Task<int> PlanAsync(SyncRequest request, CancellationToken cancellationToken) =>
        steps.AroundAsync("plan", () => inner.PlanAsync(request, cancellationToken));

    public Task<PlannedStream> PlanStreamAsync(StreamTask task, CancellationToken cancellationToken) =>
        steps.AroundAsync("plan-stream", () => inner.PlanStreamAsync(task, cancellationToken));

    public Task<Checkpoint?> PrepareAsync(StreamTask task, CancellationToken cancellationToken) =>
        steps.AroundAsync("prepare", () => inner.PrepareAsync(task, cancellationToken));

    public Task<SplitStream> SplitAsync(StreamTask task, Checkpoint? from, Func<Chunk, ValueTask> add, CancellationToken cancellationToken) =>
        steps.AroundAsync("split", () => inner.SplitAsync(task, from, add, cancellationToken));

    public Task<StagedPart> TransferAsync(
        StreamTask task, Chunk chunk, Func<CancellationToken, Task<StagedPart?>> findPrevious, CancellationToken cancellationToken) =>
        steps.AroundAsync("transfer", () => inner.TransferAsync(task, chunk, findPrevious, cancellationToken));

    public Task<CommitReceipt> CommitAsync(StreamTask task, SyncCommit commit, CancellationToken cancellationToken) =>
        steps.AroundAsync("commit", () => inner.CommitAsync(task, commit, cancellationToken));

    public Task AcknowledgeAsync(StreamTask task, Checkpoint checkpoint, CancellationToken cancellationToken) => steps.AroundAsync("acknowledge", async () =>
    {
        await inner.AcknowledgeAsync(task, checkpoint, cancellationToken).ConfigureAwait(false);
        return true;
    });

    public Task AbortAsync(StreamTask task, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken) =>
        inner.AbortAsync(task, parts, cancellationToken);

    public Task<CapturedSlice> CaptureAsync(
        CaptureTask task, Func<string, Task<Checkpoint?>> findCommitted, Func<CommittedState, Task> committed, CancellationToken cancellationToken) =>
        inner.CaptureAsync(task, findCommitted, committed, cancellationToken);
}

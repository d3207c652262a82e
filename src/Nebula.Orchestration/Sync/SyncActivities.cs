using System.Collections.Concurrent;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Sync;

/// <summary>The activities of a sync: the worker's steps, with what is too large for a history kept in the state store, and with fencing.</summary>
internal sealed class SyncActivities(ISyncWorker worker, State.IStateStore store)
{
    private const int MaxPageSize = 500;
    private const int MaxPagesInMemory = 16;
    private readonly SyncState _state = new(store);
    private readonly ConcurrentDictionary<(string RunId, int Stream, string Attempt, int Page), IReadOnlyList<Chunk>> _pages = new();

    public static int PageSizeOf(SyncSettings settings) => Math.Clamp(settings.PageSize, 1, MaxPageSize);

    public async Task<CommittedState> PrepareAsync(ActivityContext context, StreamRequest request)
    {
        var task = request.Task;
        var destination = await worker.PrepareAsync(task, context.CancellationToken).ConfigureAwait(false);
        var known = await _state.FindCheckpointAsync(task.Pipeline, request.Name, context.CancellationToken).ConfigureAwait(false);
        // the destination wins: what it has committed is committed, whatever we remember
        if (destination is not null && (known is null || destination.Sequence > known.Checkpoint.Sequence || destination.Sequence == 0))
        {
            known = new CommittedState(destination, "");
            await _state.SetCheckpointAsync(task.Pipeline, known, context.CancellationToken).ConfigureAwait(false);
        }
        known ??= new CommittedState(new Checkpoint(request.Name, "", 0), "");
        return Shown(known);
    }

    public async Task<ChunkList> SplitAsync(ActivityContext context, StreamRequest request)
    {
        var size = PageSizeOf(request.Settings);
        // an attempt that is repeated may find other chunks: its pages must not mix with those of the first
        var attempt = Guid.NewGuid().ToString("n")[..8];
        var page = new List<Chunk>(size);
        var chunks = 0;
        var known = await _state.FindCheckpointAsync(request.Task.Pipeline, request.Name, context.CancellationToken).ConfigureAwait(false);
        var from = known?.Checkpoint is { Sequence: > 0 } committed ? committed : null;
        var split = await worker.SplitAsync(request.Task, from, AddAsync, context.CancellationToken).ConfigureAwait(false);
        var position = split.Position;
        if (page.Count > 0)
            await StoreAsync().ConfigureAwait(false);
        if (SyncState.InHistory(position) != position)
            await _state.PutPositionAsync(request.Task, attempt, position, context.CancellationToken).ConfigureAwait(false);
        return new ChunkList(attempt, chunks, SyncState.InHistory(position)) { Compared = split.Compared };

        async ValueTask AddAsync(Chunk chunk)
        {
            if (chunk.Index != chunks)
                throw new NebulaException(ErrorKind.Fatal, $"The source numbers chunk {chunks} as {chunk.Index}; chunks are numbered from 0 in order.");
            chunks++;
            page.Add(chunk);
            if (page.Count == size)
                await StoreAsync().ConfigureAwait(false);
        }

        async Task StoreAsync()
        {
            await _state.PutChunksAsync(new PageTask(request.Task, attempt, (chunks - 1) / size, 0, 0), page, context.CancellationToken).ConfigureAwait(false);
            page.Clear();
        }
    }

    public async Task<Staged> TransferChunkAsync(ActivityContext context, ChunkTask task)
    {
        var page = task.Page;
        // done already, by an attempt whose answer was lost
        if (await _state.FindPartAsync(page, task.Chunk, context.CancellationToken).ConfigureAwait(false) is { } earlier)
            return new Staged(earlier.Rows, earlier.Bytes, 1);
        var chunk = (await ChunksAsync(page, context.CancellationToken).ConfigureAwait(false))[task.Chunk - page.First];
        var staged = await worker.TransferAsync(page.Task, chunk, FindPreviousAsync, context.CancellationToken).ConfigureAwait(false);
        var part = await _state.RecordPartAsync(page, staged, context.CancellationToken).ConfigureAwait(false);
        return new Staged(part.Rows, part.Bytes, 1);

        async Task<StagedPart?> FindPreviousAsync(CancellationToken cancellationToken) => task.Chunk > page.First
            ? await _state.FindPartAsync(page, task.Chunk - 1, cancellationToken).ConfigureAwait(false)
            : page.Page == 0 ? null
            : (await _state.FindManifestAsync(page with { Page = page.Page - 1 }, cancellationToken).ConfigureAwait(false))?[^1];
    }

    public async Task<Staged> SealPageAsync(ActivityContext context, PageTask page)
    {
        var parts = await _state.FindManifestAsync(page, context.CancellationToken).ConfigureAwait(false)
            ?? await GatherAsync(page, context.CancellationToken).ConfigureAwait(false);
        for (var chunk = page.First; chunk < page.First + page.Count; chunk++)
            await _state.RemovePartAsync(page, chunk, context.CancellationToken).ConfigureAwait(false);
        _pages.TryRemove(KeyOf(page), out _);
        return new Staged(parts.Sum(static part => part.Rows), parts.Sum(static part => part.Bytes), parts.Count);
    }

    public async Task<CommittedState> CommitAsync(ActivityContext context, CommitTask commit)
    {
        var token = TokenOf(commit);
        var (known, entry) = await _state.GetCheckpointAsync(commit.Task.Pipeline, commit.Stream, context.CancellationToken).ConfigureAwait(false);
        if (known?.Token == token)
            return Shown(known);
        if (known is not null && known.Checkpoint.Sequence >= commit.Sequence)
            throw Overtaken(commit, known.Checkpoint.Sequence);
        var position = await _state.FindPositionAsync(commit.Task, commit.Attempt, context.CancellationToken).ConfigureAwait(false) ?? commit.Position;
        var committed = new CommittedState(new Checkpoint(commit.Stream, position, commit.Sequence), token);
        var parts = await _state.ReadManifestsAsync(commit, context.CancellationToken).ConfigureAwait(false);
        await worker.CommitAsync(commit.Task, new SyncCommit(parts, committed.Checkpoint, commit.Sequence - 1, token),
            context.CancellationToken).ConfigureAwait(false);
        try
        {
            await _state.AdvanceCheckpointAsync(commit.Task.Pipeline, committed, entry, context.CancellationToken).ConfigureAwait(false);
        }
        catch (State.StateConflictException)
        {
            // an earlier attempt at this commit may have been slower in dying than this one in starting
            var now = await _state.FindCheckpointAsync(commit.Task.Pipeline, commit.Stream, context.CancellationToken).ConfigureAwait(false);
            if (now?.Token != token)
                throw Overtaken(commit, now?.Checkpoint.Sequence ?? 0);
        }
        return Shown(committed);
    }

    public async Task<Nothing> AcknowledgeAsync(ActivityContext context, CommitTask commit)
    {
        var position = await _state.FindPositionAsync(commit.Task, commit.Attempt, context.CancellationToken).ConfigureAwait(false) ?? commit.Position;
        await worker.AcknowledgeAsync(commit.Task, new Checkpoint(commit.Stream, position, commit.Sequence),
            context.CancellationToken).ConfigureAwait(false);
        return Nothing.Value;
    }

    public async Task<Nothing> AbortAsync(ActivityContext context, CommitTask commit)
    {
        // windows that were committed are no longer in staging, and must not be removed
        var known = await _state.FindCheckpointAsync(commit.Task.Pipeline, commit.Stream, context.CancellationToken).ConfigureAwait(false);
        if (known?.Token == TokenOf(commit))
            return Nothing.Value;
        var parts = await _state.ReadAllPartsAsync(commit.Task, context.CancellationToken).ConfigureAwait(false);
        await worker.AbortAsync(commit.Task, parts, context.CancellationToken).ConfigureAwait(false);
        await _state.RemoveAsync(commit.Task, context.CancellationToken).ConfigureAwait(false);
        return Nothing.Value;
    }

    public Task<CapturedSlice> CaptureSliceAsync(ActivityContext context, CaptureTask task) => worker.CaptureAsync(
        task,
        async stream => (await _state.FindCheckpointAsync(task.Pipeline, stream, context.CancellationToken).ConfigureAwait(false))?.Checkpoint,
        // also when the call was just stopped: it is what the destination has
        committed => _state.SetCheckpointAsync(task.Pipeline, committed, CancellationToken.None),
        context.CancellationToken);

    private static CommittedState Shown(CommittedState state) =>
        state with { Checkpoint = state.Checkpoint with { Position = SyncState.InHistory(state.Checkpoint.Position) } };

    /// <summary>The token of a commit: pipeline, run, stream and sequence. A run that is continued has the same.</summary>
    public static string TokenOf(string pipeline, string runId, Checkpoint checkpoint) => $"{pipeline}/{runId}/{checkpoint.Stream}/{checkpoint.Sequence}";

    private static string TokenOf(CommitTask commit) => TokenOf(commit.Task.Pipeline, commit.Task.RunId, new Checkpoint(commit.Stream, "", commit.Sequence));

    private static NebulaException Overtaken(CommitTask commit, long sequence) => new(ErrorKind.Locked,
        $"Stream '{commit.Stream}' is at commit {sequence} already; this run expected {commit.Sequence - 1}. "
        + "Another run committed meanwhile: nothing of this one was published.");

    private static (string RunId, int Stream, string Attempt, int Page) KeyOf(PageTask page) => (page.Task.RunId, page.Task.Stream, page.Attempt, page.Page);

    /// <summary>Seals a page with what is recorded of its chunks.</summary>
    private async Task<IReadOnlyList<StagedPart>> GatherAsync(PageTask page, CancellationToken cancellationToken)
    {
        var parts = new List<StagedPart>(page.Count);
        for (var chunk = page.First; chunk < page.First + page.Count; chunk++)
        {
            if (await _state.FindPartAsync(page, chunk, cancellationToken).ConfigureAwait(false) is not { } part)
                // another attempt at this, at the same time, has sealed the page and removes the records
                return await _state.FindManifestAsync(page, cancellationToken).ConfigureAwait(false)
                    ?? throw new NebulaException(ErrorKind.Fatal, $"Chunk {chunk} was moved, but its record is gone. Start the run again.");
            parts.Add(part);
        }
        return await _state.SealAsync(page, parts, cancellationToken).ConfigureAwait(false);
    }

    private async Task<IReadOnlyList<Chunk>> ChunksAsync(PageTask page, CancellationToken cancellationToken)
    {
        if (_pages.TryGetValue(KeyOf(page), out var chunks))
            return chunks;
        chunks = await _state.GetChunksAsync(page, cancellationToken).ConfigureAwait(false);
        if (_pages.Count >= MaxPagesInMemory)
            _pages.Clear();
        return _pages[KeyOf(page)] = chunks;
    }
}

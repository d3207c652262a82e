using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Sync;

/// <summary>How far a stream is committed, and by which commit.</summary>
/// <param name="Checkpoint">How far; sequence 0 when nothing was ever committed.</param>
/// <param name="Token">The last commit's token.</param>
public sealed record CommittedState(Checkpoint Checkpoint, string Token);

/// <summary>
/// What syncs keep in a state store. Under <c>checkpoints/</c>, a document per pipeline and stream: how far it is committed. Under <c>runs/</c>, per run,
/// stream and way to split: pages of chunks, a document per staged part until its page is sealed, and pages of parts, which stay: they are the account of
/// what a run committed.
/// </summary>
/// <param name="store">The store.</param>
public sealed class SyncState(IStateStore store)
{
    private static readonly Payload<IReadOnlyList<Chunk>> Chunks = SyncPayloads.ListOf(StagingPayloads.Chunk);
    private static readonly Payload<IReadOnlyList<StagedPart>> Parts = SyncPayloads.ListOf(StagingPayloads.Part);

    /// <summary>Tells how far a stream is committed.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Null when nothing was committed.</returns>
    public async Task<CommittedState?> FindCheckpointAsync(string pipeline, string stream, CancellationToken cancellationToken) =>
        (await GetCheckpointAsync(pipeline, stream, cancellationToken).ConfigureAwait(false)).State;

    /// <summary>Lists the streams of a pipeline that something was committed of.</summary>
    /// <param name="pipeline">The pipeline; empty for all.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    public async IAsyncEnumerable<(string Pipeline, CommittedState State)> ListCheckpointsAsync(
        string pipeline, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var key in store.ListAsync(CheckpointsOf(pipeline), cancellationToken).ConfigureAwait(false))
            if (await store.GetAsync(key, cancellationToken).ConfigureAwait(false) is { } entry)
                yield return (Uri.UnescapeDataString(key.Split('/')[1]), StagingPayloads.Committed.FromUtf8(entry.Content.Span, $"The state '{key}'"));
    }

    /// <summary>Lists the streams of a pipeline that something was committed of, without a look at how far: also where that is damaged.</summary>
    /// <param name="pipeline">The pipeline; empty for all.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    public async IAsyncEnumerable<(string Pipeline, string Stream)> ListStreamsAsync(
        string pipeline, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var key in store.ListAsync(CheckpointsOf(pipeline), cancellationToken).ConfigureAwait(false))
            if (key.Split('/') is [_, var owner, var stream])
                yield return (Uri.UnescapeDataString(owner), Uri.UnescapeDataString(stream));
    }

    /// <summary>Sets how far a stream is committed, whatever was there. The next run goes on from there.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="state">How far.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public Task SetCheckpointAsync(string pipeline, CommittedState state, CancellationToken cancellationToken) => store.PutAsync(
        CheckpointKey(pipeline, state.Checkpoint.Stream), StagingPayloads.Committed.ToUtf8(state), StateCondition.None, cancellationToken);

    /// <summary>Forgets what was committed of a stream: the next run begins anew, unless the destination keeps account itself.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Whether there was something to forget.</returns>
    public Task<bool> ResetCheckpointAsync(string pipeline, string stream, CancellationToken cancellationToken) =>
        store.DeleteAsync(CheckpointKey(pipeline, stream), cancellationToken);

    internal async Task<(CommittedState? State, StateEntry? Entry)> GetCheckpointAsync(string pipeline, string stream, CancellationToken cancellationToken)
    {
        var key = CheckpointKey(pipeline, stream);
        var entry = await store.GetAsync(key, cancellationToken).ConfigureAwait(false);
        return (entry is null ? null : StagingPayloads.Committed.FromUtf8(entry.Content.Span, $"The state '{key}'"), entry);
    }

    internal Task<StateEntry?> GetCheckpointEntryAsync(string pipeline, string stream, CancellationToken cancellationToken) =>
        store.GetAsync(CheckpointKey(pipeline, stream), cancellationToken);

    /// <summary>The sequence of a stream's last commit, 0 when there is none. The runtime's reader of JSON takes longer to start than all else that a small run
    /// remembers: a number is found without it.</summary>
    internal static long SequenceOf(StateEntry? checkpoint)
    {
        if (checkpoint is null)
            return 0;
        // within a text, its quotes would be escaped
        var name = "\"sequence\":"u8;
        var content = checkpoint.Content.Span;
        return content.IndexOf(name) is >= 0 and var at && Utf8Parser.TryParse(content[(at + name.Length)..], out long sequence, out _)
            ? sequence : StagingPayloads.Committed.FromUtf8(content, "The last commit").Checkpoint.Sequence;
    }

    internal Task AdvanceCheckpointAsync(string pipeline, CommittedState state, StateEntry? before, CancellationToken cancellationToken) => store.PutAsync(
        CheckpointKey(pipeline, state.Checkpoint.Stream), StagingPayloads.Committed.ToUtf8(state), StateCondition.IfUnchanged(before), cancellationToken);

    /// <summary>A position as histories have it: one that is long, such as a list of files, is in the state store alone.</summary>
    internal static string InHistory(string position)
    {
        const int Longest = 1_000;
        return position.Length <= Longest ? position : "";
    }

    internal Task PutPositionAsync(StreamTask task, string attempt, string position, CancellationToken cancellationToken) =>
        store.PutAsync($"{Prefix(task)}{attempt}/position/0", Payload.String.ToUtf8(position), StateCondition.None, cancellationToken);

    internal async Task<string?> FindPositionAsync(StreamTask task, string attempt, CancellationToken cancellationToken)
    {
        var key = $"{Prefix(task)}{attempt}/position/0";
        return attempt.Length > 0 && await store.GetAsync(key, cancellationToken).ConfigureAwait(false) is { } entry
            ? Payload.String.FromUtf8(entry.Content.Span, $"The state '{key}'") : null;
    }

    /// <summary>Remembers what a comparison of the stream found.</summary>
    internal Task PutComparisonAsync(StreamTask task, ComparisonProgress comparison, CancellationToken cancellationToken) =>
        store.PutAsync(ComparisonKey(task), StagingPayloads.Comparison.ToUtf8(comparison), StateCondition.None, cancellationToken);

    internal Task<ComparisonProgress?> FindComparisonAsync(StreamTask task, CancellationToken cancellationToken) =>
        GetAsync(ComparisonKey(task), StagingPayloads.Comparison, cancellationToken);

    internal Task PutChunksAsync(PageTask page, IReadOnlyList<Chunk> chunks, CancellationToken cancellationToken) =>
        store.PutAsync(Key(page, "chunks", page.Page), Chunks.ToUtf8(chunks), StateCondition.None, cancellationToken);

    internal async Task<IReadOnlyList<Chunk>> GetChunksAsync(PageTask page, CancellationToken cancellationToken) =>
        await GetAsync(Key(page, "chunks", page.Page), Chunks, cancellationToken).ConfigureAwait(false) ?? throw Missing(Key(page, "chunks", page.Page));

    /// <summary>Records a staged part. Of several attempts at a chunk the first that was recorded counts.</summary>
    /// <returns>The part that counts.</returns>
    internal async Task<StagedPart> RecordPartAsync(PageTask page, StagedPart part, CancellationToken cancellationToken)
    {
        try
        {
            await store.PutAsync(Key(page, "parts", part.ChunkIndex), StagingPayloads.Part.ToUtf8(part), StateCondition.IfAbsent,
                cancellationToken).ConfigureAwait(false);
            return part;
        }
        catch (StateConflictException)
        {
            return await FindPartAsync(page, part.ChunkIndex, cancellationToken).ConfigureAwait(false) ?? throw Missing(Key(page, "parts", part.ChunkIndex));
        }
    }

    internal Task<StagedPart?> FindPartAsync(PageTask page, int chunk, CancellationToken cancellationToken) =>
        GetAsync(Key(page, "parts", chunk), StagingPayloads.Part, cancellationToken);

    internal Task RemovePartAsync(PageTask page, int chunk, CancellationToken cancellationToken) =>
        store.DeleteAsync(Key(page, "parts", chunk), cancellationToken);

    /// <summary>Seals a page. Of several attempts the first counts.</summary>
    /// <returns>The parts that count.</returns>
    internal async Task<IReadOnlyList<StagedPart>> SealAsync(PageTask page, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        var key = Key(page, "manifest", page.Page);
        try
        {
            await store.PutAsync(key, Parts.ToUtf8(parts), StateCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        }
        catch (StateConflictException)
        {
            parts = await FindManifestAsync(page, cancellationToken).ConfigureAwait(false) ?? throw Missing(key);
        }
        await store.DeleteAsync(Key(page, "chunks", page.Page), cancellationToken).ConfigureAwait(false);
        return parts;
    }

    internal Task<IReadOnlyList<StagedPart>?> FindManifestAsync(PageTask page, CancellationToken cancellationToken) =>
        GetAsync(Key(page, "manifest", page.Page), Parts, cancellationToken);

    /// <summary>The parts of sealed pages, in order.</summary>
    internal async Task<List<StagedPart>> ReadManifestsAsync(CommitTask commit, CancellationToken cancellationToken)
    {
        var parts = new List<StagedPart>();
        for (var i = 0; i < commit.Pages; i++)
        {
            var page = new PageTask(commit.Task, commit.Attempt, i, 0, 0);
            parts.AddRange(await FindManifestAsync(page, cancellationToken).ConfigureAwait(false) ?? throw Missing(Key(page, "manifest", i)));
        }
        return parts;
    }

    /// <summary>Everything that is recorded as staged for a stream of a run, sealed or not.</summary>
    internal async Task<List<StagedPart>> ReadAllPartsAsync(StreamTask task, CancellationToken cancellationToken)
    {
        var parts = new List<StagedPart>();
        await foreach (var key in store.ListAsync(Prefix(task), cancellationToken).ConfigureAwait(false))
            switch (key.Split('/')[^2])
            {
                case "parts" when await GetAsync(key, StagingPayloads.Part, cancellationToken).ConfigureAwait(false) is { } part:
                    parts.Add(part);
                    break;
                case "manifest" when await GetAsync(key, Parts, cancellationToken).ConfigureAwait(false) is { } page:
                    parts.AddRange(page);
                    break;
            }
        return parts;
    }

    /// <summary>The parts that a run committed of a stream, in the order of their chunks.</summary>
    /// <returns>Empty when nothing is known of it.</returns>
    internal async Task<IReadOnlyList<StagedPart>> ReadCommittedAsync(StreamTask task, CancellationToken cancellationToken)
    {
        var parts = new List<StagedPart>();
        await foreach (var key in store.ListAsync(Prefix(task), cancellationToken).ConfigureAwait(false))
            if (key.Split('/')[^2] == "manifest" && await GetAsync(key, Parts, cancellationToken).ConfigureAwait(false) is { } page)
                parts.AddRange(page);
        return [.. parts.OrderBy(static part => part.ChunkIndex)];
    }

    /// <summary>Sums up what is staged for a stream of a run.</summary>
    /// <returns>Rows, bytes as stored at the destination, and bytes of the source where they are known.</returns>
    internal async Task<(long Rows, long Bytes, long BytesRead)> ReadStagedAsync(StreamTask task, CancellationToken cancellationToken)
    {
        var parts = await ReadAllPartsAsync(task, cancellationToken).ConfigureAwait(false);
        var staged = parts.Select(static part => part.ChunkIndex).ToHashSet();
        var read = 0L;
        await foreach (var key in store.ListAsync(Prefix(task), cancellationToken).ConfigureAwait(false))
            if (key.Split('/')[^2] == "chunks" && await GetAsync(key, Chunks, cancellationToken).ConfigureAwait(false) is { } page)
                read += page.Where(chunk => staged.Contains(chunk.Index)).Sum(static chunk => chunk.Bytes ?? 0);
        return (parts.Sum(static part => part.Rows), parts.Sum(static part => part.Bytes), read);
    }

    /// <summary>Forgets all that is recorded for a stream of a run.</summary>
    internal async Task RemoveAsync(StreamTask task, CancellationToken cancellationToken)
    {
        await foreach (var key in store.ListAsync(Prefix(task), cancellationToken).ConfigureAwait(false))
            await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
    }

    private static string CheckpointsOf(string pipeline) => pipeline.Length == 0 ? "checkpoints/" : $"checkpoints/{StateKeys.Segment(pipeline)}/";

    private static string CheckpointKey(string pipeline, string stream) => $"checkpoints/{StateKeys.Segment(pipeline)}/{StateKeys.Segment(stream)}";

    private static string Prefix(StreamTask task) => string.Create(CultureInfo.InvariantCulture, $"runs/{StateKeys.Segment(task.RunId)}/{task.Stream}/");

    private static string ComparisonKey(StreamTask task) => $"{Prefix(task)}comparison/0";

    private static string Key(PageTask page, string kind, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix(page.Task)}{page.Attempt}{(page.Attempt.Length == 0 ? "" : "/")}{kind}/{number:d6}");

    private static NebulaException Missing(string key) => new(ErrorKind.Fatal,
        $"The state '{key}' is gone. Someone removed it while its run was under way: start the run again.");

    private async Task<T?> GetAsync<T>(string key, Payload<T> payload, CancellationToken cancellationToken) where T : class =>
        await store.GetAsync(key, cancellationToken).ConfigureAwait(false) is { } entry ? payload.FromUtf8(entry.Content.Span, $"The state '{key}'") : null;
}

using System.Runtime.CompilerServices;
using System.Text;
using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Sync;

/// <summary>What became of a run, kept after it has ended.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Pipeline">Its pipeline.</param>
/// <param name="StartedAt">When it started, UTC.</param>
/// <param name="EndedAt">When it ended, UTC.</param>
/// <param name="Streams">Its streams.</param>
public sealed record RunRecord(string RunId, string Pipeline, DateTime StartedAt, DateTime EndedAt, IReadOnlyList<StreamResult> Streams)
{
    /// <summary>Rows committed.</summary>
    public long Rows => Streams.Sum(static stream => stream.Rows);

    /// <summary>Bytes committed, as stored.</summary>
    public long Bytes => Streams.Sum(static stream => stream.Bytes);

    /// <summary>How it ended: <c>completed</c>, <c>partial</c>, <c>failed</c>, <c>cancelled</c>.</summary>
    public string Status => Streams.All(static stream => stream.Outcome == SyncOutcome.Completed) ? "completed"
        : Streams.Any(static stream => stream.Outcome == SyncOutcome.Completed) ? "partial"
        : Streams.Any(static stream => stream.Outcome == SyncOutcome.Failed) ? "failed"
        : "cancelled";
}

/// <summary>The records of runs in a state store, the newest of each pipeline.</summary>
/// <param name="store">The store.</param>
public sealed class RunHistory(IStateStore store)
{
    private const int Kept = 100;
    private const int RunsBetweenCleanings = 16;
    private const string Folder = "history/";

    private static Payload<RunRecord> Record => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("run"u8, value.RunId);
        writer.WriteString("pipeline"u8, value.Pipeline);
        writer.WriteString("startedAt"u8, value.StartedAt);
        writer.WriteString("endedAt"u8, value.EndedAt);
        writer.WritePropertyName("streams"u8);
        SyncPayloads.ListOf(SyncPayloads.StreamResult).Write(writer, value.Streams);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new RunRecord("", "", default, default, []);
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "run":
                    value = value with { RunId = reader.GetString() ?? "" };
                    break;
                case "pipeline":
                    value = value with { Pipeline = reader.GetString() ?? "" };
                    break;
                case "startedAt":
                    value = value with { StartedAt = reader.GetDateTime() };
                    break;
                case "endedAt":
                    value = value with { EndedAt = reader.GetDateTime() };
                    break;
                case "streams":
                    value = value with { Streams = SyncPayloads.ListOf(SyncPayloads.StreamResult).Read(ref reader) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    /// <summary>Keeps a record; now and then the oldest of its pipeline, and all that is remembered of those runs, make room.</summary>
    /// <param name="record">The record.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task AddAsync(RunRecord record, CancellationToken cancellationToken)
    {
        await store.PutAsync(Key(record.Pipeline, record.RunId), Record.ToUtf8(record), StateCondition.None, cancellationToken).ConfigureAwait(false);
        // to look at all records takes longer than a small run
        if (Hash128.Of(Encoding.UTF8.GetBytes(record.RunId)).Lower % RunsBetweenCleanings != 0)
            return;
        var keys = new List<string>();
        await foreach (var key in store.ListAsync(Key(record.Pipeline, ""), cancellationToken).ConfigureAwait(false))
            keys.Add(key);
        // identities of runs begin with their time
        foreach (var old in keys.SkipLast(Kept))
        {
            await foreach (var key in store.ListAsync($"runs/{old[(old.LastIndexOf('/') + 1)..]}/", cancellationToken).ConfigureAwait(false))
                await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
            await store.DeleteAsync(old, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Finds a run.</summary>
    /// <param name="runId">Its identity.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when it is not known, or has not ended.</returns>
    public async Task<RunRecord?> FindAsync(string runId, CancellationToken cancellationToken)
    {
        var end = "/" + StateKeys.Segment(runId);
        await foreach (var key in store.ListAsync(Folder, cancellationToken).ConfigureAwait(false))
            if (key.EndsWith(end, StringComparison.Ordinal))
                return await ReadAsync(key, cancellationToken).ConfigureAwait(false);
        return null;
    }

    /// <summary>Lists runs, those of a pipeline from the oldest to the newest.</summary>
    /// <param name="pipeline">The pipeline; empty for all.</param>
    /// <param name="cancellationToken">Stops the listing.</param>
    public async IAsyncEnumerable<RunRecord> ListAsync(string pipeline, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var key in store.ListAsync(pipeline.Length == 0 ? Folder : Key(pipeline, ""), cancellationToken).ConfigureAwait(false))
            if (await ReadAsync(key, cancellationToken).ConfigureAwait(false) is { } record)
                yield return record;
    }

    private static string Key(string pipeline, string runId) => $"{Folder}{StateKeys.Segment(pipeline)}/{(runId.Length == 0 ? "" : StateKeys.Segment(runId))}";

    private async Task<RunRecord?> ReadAsync(string key, CancellationToken cancellationToken) =>
        await store.GetAsync(key, cancellationToken).ConfigureAwait(false) is { } entry ? Record.FromUtf8(entry.Content.Span, $"The state '{key}'") : null;
}

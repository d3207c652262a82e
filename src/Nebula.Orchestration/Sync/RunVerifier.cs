using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Sync;

/// <summary>Proves that what runs committed lies at the destination: reads it again, and compares it with the account of the run.</summary>
/// <param name="pipeline">The pipeline.</param>
/// <param name="connectors">The connectors that are there.</param>
/// <param name="store">The state store.</param>
/// <param name="pool">Where buffers come from.</param>
public sealed class RunVerifier(PipelineConfig pipeline, ConnectorRegistry connectors, IStateStore store, BufferPool pool)
{
    private readonly RunPlans _plans = new(store);
    private readonly SyncState _state = new(store);

    /// <summary>Tells whether the pipeline was changed since a run: what is compared then may not be what the run wrote.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task<bool> IsChangedSinceAsync(string runId, CancellationToken cancellationToken) =>
        await PlanAsync(runId, cancellationToken).ConfigureAwait(false) is { } plan
        && plan.Fingerprint.Value != (await _plans.FindAsync(runId, cancellationToken).ConfigureAwait(false))!.Fingerprint;

    /// <summary>Verifies the streams of a run, one after the other.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cancellationToken">Stops the verification.</param>
    /// <exception cref="NebulaException">A destination cannot be reached.</exception>
    public async IAsyncEnumerable<StreamVerification> VerifyAsync(RunRecord run, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var plan = await PlanAsync(run.RunId, cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < run.Streams.Count; i++)
            yield return await VerifyAsync(run, i, plan, cancellationToken).ConfigureAwait(false);
    }

    private async Task<StreamVerification> VerifyAsync(RunRecord run, int index, RunPlan? plan, CancellationToken cancellationToken)
    {
        var name = run.Streams[index].Name;
        if (run.Streams[index].Outcome != SyncOutcome.Completed)
            return new StreamVerification(name, VerificationOutcome.NotCommitted) { Reason = "the run committed nothing of it" };
        var task = new StreamTask(run.RunId, run.Pipeline, index);
        if (plan is null || await _plans.FindAsync(task, cancellationToken).ConfigureAwait(false) is not { } read)
            return new StreamVerification(name, VerificationOutcome.NotComparable) { Reason = "what the run committed is no longer remembered" };
        if (plan.Jobs.FirstOrDefault(job => job.Name == name) is not { } job)
            return new StreamVerification(name, VerificationOutcome.NotComparable) { Reason = "the pipeline does not have it any more" };
        var stream = new OpenStream(job, run.RunId, new SyncWorkerOptions { Pool = pool });
        await using (stream.ConfigureAwait(false))
        {
            var written = stream.Run().PlanWritten(read);
            var verification = new StreamVerification(name, VerificationOutcome.NotComparable) { Target = stream.Destination.LocationOf(written) };
            if (await FindReplacementAsync(run, index, stream.Destination, written, cancellationToken).ConfigureAwait(false) is { } later)
                return verification with { Outcome = VerificationOutcome.Replaced, Reason = $"run {later} has {(written.Write == WriteMode.Replace ? "replaced it" : "written there since")}" };
            var parts = await _state.ReadCommittedAsync(task, cancellationToken).ConfigureAwait(false);
            if (await new ReadBack(stream.Destination, job.Options, pool).CompareAsync(written, parts, cancellationToken)
                .ConfigureAwait(false) is not { } compared)
                return verification with { Reason = "what goes there cannot be read again, or cannot be told from other rows" };
            return verification with
            {
                Outcome = compared.All(static part => part.Matches) ? VerificationOutcome.Matches : VerificationOutcome.Differs,
                Parts = compared,
                ColumnsCompared = parts.Count > 0 && parts.All(static part => part.Hash is not null) ? written.Columns.Length : 0,
            };
        }
    }

    /// <summary>
    /// Finds a later run that wrote the same stream to the same place; targets with the time or the run in their name are another place for each.
    /// </summary>
    private async Task<string?> FindReplacementAsync(
        RunRecord run, int index, IDestination destination, StreamPlan written, CancellationToken cancellationToken)
    {
        var name = run.Streams[index].Name;
        var committed = await _state.FindCheckpointAsync(run.Pipeline, name, cancellationToken).ConfigureAwait(false);
        if (committed is null || committed.Token == SyncActivities.TokenOf(run.Pipeline, run.RunId, committed.Checkpoint))
            return null;
        var later = new List<(string RunId, int Stream)>();
        await foreach (var record in new RunHistory(store).ListAsync(run.Pipeline, cancellationToken).ConfigureAwait(false))
            if (record.StartedAt > run.StartedAt
                && record.Streams.Index().FirstOrDefault(stream => stream.Item.Name == name) is { Item.Outcome: SyncOutcome.Completed } stream)
                later.Add((record.RunId, stream.Index));
        // a run that has committed the stream, but not ended, has no record yet
        if (RunOf(committed, run.Pipeline) is { } last && last != run.RunId && !later.Exists(other => other.RunId == last))
            later.Add((last, index));
        for (var i = later.Count - 1; i >= 0; i--)
            if (await _plans.FindAsync(new StreamTask(later[i].RunId, run.Pipeline, later[i].Stream), cancellationToken).ConfigureAwait(false) is not { } plan
                || destination.LocationOf(plan) == destination.LocationOf(written))
                return later[i].RunId;
        return null;
    }

    /// <summary>The run of a commit; null where the checkpoint was set by hand.</summary>
    private static string? RunOf(CommittedState committed, string pipeline)
    {
        var (before, behind) = SyncActivities.TokenOf(pipeline, "\0", committed.Checkpoint).Split('\0') is [var start, var end] ? (start, end) : ("", "");
        return committed.Token.Length > before.Length + behind.Length
            && committed.Token.StartsWith(before, StringComparison.Ordinal)
            && committed.Token.EndsWith(behind, StringComparison.Ordinal)
            ? committed.Token[before.Length..^behind.Length] : null;
    }

    private async Task<RunPlan?> PlanAsync(string runId, CancellationToken cancellationToken) =>
        await _plans.FindAsync(runId, cancellationToken).ConfigureAwait(false) is { } found
            ? await new RunPlanner(pipeline, connectors, runId, found.StartedAt).PlanAsync(found.Found, found.Only).ConfigureAwait(false)
            : null;
}

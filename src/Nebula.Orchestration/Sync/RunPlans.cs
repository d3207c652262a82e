using System.Collections.ObjectModel;
using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Sync;

/// <summary>What a run found at its start.</summary>
/// <param name="StartedAt">When that was, UTC.</param>
/// <param name="Found">The streams that the source had.</param>
/// <param name="Only">Names or wildcards of the streams that are wanted; empty for all.</param>
/// <param name="Fingerprint">Stands for its settings; see <see cref="RunPlan.Fingerprint"/>.</param>
internal sealed record PlannedSources(DateTime StartedAt, SourceStreams Found, IReadOnlyList<string> Only, string Fingerprint)
{
    /// <summary>Variables of the run.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    public static PlannedSources Of(RunPlan plan) => new(plan.StartedAt, plan.Found, plan.Only, plan.Fingerprint.Value);
}

/// <summary>The plans of runs and of their streams, in the state store.</summary>
internal sealed class RunPlans(IStateStore store)
{
    /// <summary>Remembers what a run found. Of several attempts the first counts.</summary>
    public async Task AddAsync(PlannedSources sources, string runId, CancellationToken cancellationToken)
    {
        try
        {
            await store.PutAsync(Key(runId), PlanPayloads.Sources.ToUtf8(sources), StateCondition.IfAbsent, cancellationToken).ConfigureAwait(false);
        }
        catch (StateConflictException)
        {
            // an earlier attempt at planning was recorded, and only its answer was lost
        }
    }

    public async Task<PlannedSources?> FindAsync(string runId, CancellationToken cancellationToken) =>
        await store.GetAsync(Key(runId), cancellationToken).ConfigureAwait(false) is { } entry
            ? PlanPayloads.Sources.FromUtf8(entry.Content.Span, $"The state '{Key(runId)}'") : null;

    /// <summary>Remembers how a stream is read.</summary>
    public Task PutAsync(StreamTask task, StreamPlan plan, CancellationToken cancellationToken) =>
        store.PutAsync(Key(task), PlanPayloads.Stream.ToUtf8(plan), StateCondition.None, cancellationToken);

    public async Task<StreamPlan?> FindAsync(StreamTask task, CancellationToken cancellationToken) =>
        await store.GetAsync(Key(task), cancellationToken).ConfigureAwait(false) is { } entry
            ? PlanPayloads.Stream.FromUtf8(entry.Content.Span, $"The state '{Key(task)}'") : null;

    private static string Key(string runId) => $"runs/{StateKeys.Segment(runId)}/plan";

    private static string Key(StreamTask task) => string.Create(CultureInfo.InvariantCulture, $"runs/{StateKeys.Segment(task.RunId)}/{task.Stream}/plan");
}

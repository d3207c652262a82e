using Nebula.Engine.Connectors;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Sync;

/// <summary>Keeps the same account of a run that was not orchestrated, so that the same questions can be asked about it.</summary>
/// <param name="store">The state store.</param>
public sealed class DirectAccount(IStateStore store)
{
    private readonly SyncState _state = new(store);
    private readonly RunPlans _plans = new(store);

    /// <summary>Records a stream that was committed as a whole.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="stream">Position of the stream among its jobs.</param>
    /// <param name="read">The stream as it was read.</param>
    /// <param name="parts">What was committed.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task AddAsync(RunPlan plan, int stream, StreamPlan read, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        var task = new StreamTask(plan.RunId, plan.Name, stream);
        await _plans.AddAsync(PlannedSources.Of(plan), plan.RunId, cancellationToken).ConfigureAwait(false);
        await _plans.PutAsync(task, read, cancellationToken).ConfigureAwait(false);
        await _state.SealAsync(new PageTask(task, "", 0, 0, parts.Count), parts, cancellationToken).ConfigureAwait(false);
        var name = plan.Jobs[stream].Name;
        var entry = await _state.GetCheckpointEntryAsync(plan.Name, name, cancellationToken).ConfigureAwait(false);
        var checkpoint = new Checkpoint(name, "", SyncState.SequenceOf(entry) + 1);
        await _state.AdvanceCheckpointAsync(
            plan.Name,
            new CommittedState(checkpoint, SyncActivities.TokenOf(plan.Name, plan.RunId, checkpoint)),
            entry, cancellationToken).ConfigureAwait(false);
    }
}

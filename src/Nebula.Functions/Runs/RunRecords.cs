using Microsoft.Extensions.Logging;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Runs;

/// <summary>Keeps what became of runs in the state store, as the command does, so that the same questions can be asked about them.</summary>
/// <param name="store">The state store.</param>
/// <param name="slots">Know when a run began.</param>
/// <param name="log">Takes messages.</param>
internal sealed class RunRecords(IStateStore store, SlotStore slots, ILogger log)
{
    private const string AllStreams = "*";
    private readonly RunHistory _history = new(store);

    /// <summary>Keeps a record of a run when a turn has ended it. May be repeated with the turn. Never throws: the turn's answer counts, not the
    /// record.</summary>
    /// <param name="request">The turn.</param>
    /// <param name="response">Its answer.</param>
    public async Task AddAsync(OrchestratorRequest request, OrchestratorResponse response)
    {
        if (response.Actions.OfType<CompleteOrchestration>().FirstOrDefault() is not { Status: not OrchestrationStatus.ContinuedAsNew } end)
            return;
        var history = request.PastEvents.Concat(request.NewEvents).ToList();
        if (history.OfType<ExecutionStarted>().LastOrDefault() is not { } started
            || !started.Name.Equals(SyncDefinitions.SyncRun.Name, StringComparison.OrdinalIgnoreCase))
            return;
        try
        {
            var streams = end.Status == OrchestrationStatus.Completed
                ? RunStreams.Of(history, end.Result)
                : [new StreamResult(AllStreams, end.Status == OrchestrationStatus.Failed ? SyncOutcome.Failed : SyncOutcome.Cancelled)
                    { Failure = end.Failure?.Message ?? end.Result }];
            await AddAsync(request.InstanceId, started.Timestamp, streams).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NebulaException or DataFormatException)
        {
            log.LogWarning("There is no record of run {Run}: {Problem}", request.InstanceId, e.Message);
        }
    }

    /// <summary>Keeps a record of a run that was ended from outside.</summary>
    /// <param name="run">The run as it was.</param>
    /// <param name="reason">Why it ended.</param>
    public Task AddTerminatedAsync(InstanceState run, string reason) =>
        AddAsync(run.InstanceId, run.CreatedAt, [new StreamResult(AllStreams, SyncOutcome.Cancelled) { Failure = reason }]);

    private async Task AddAsync(string runId, DateTime begun, IReadOnlyList<StreamResult> streams)
    {
        var pipeline = RunRequest.PipelineOf(runId);
        var (slot, _) = await slots.FindAsync(pipeline, CancellationToken.None).ConfigureAwait(false);
        var startedAt = slot?.Run.RunId == runId ? slot.Since : begun;
        await _history.AddAsync(new RunRecord(runId, pipeline, startedAt, DateTime.UtcNow, streams), CancellationToken.None).ConfigureAwait(false);
    }
}

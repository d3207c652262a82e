using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Durable;
using Nebula.Functions.Hosting;
using Nebula.Orchestration;
using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Runs;

/// <summary>
/// Starts runs: one at a time of each pipeline, each occasion once. A run first gets the pipeline's slot, then its orchestration starts; whoever dies in
/// between leaves a slot that <see cref="SettleAsync"/> finds. Everything may be repeated, also by several instances of the app at once.
/// </summary>
internal sealed class RunLauncher(DeployedPipelines pipelines, SlotStore slots, AppSettings settings, ILogger log)
{
    private const int MaxWaiting = 100;
    private const int MaxConflicts = 50;
    private const int MaxRecoveries = 5;
    private const string Died = "The worker died within a turn.";
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Keeps slots, occasions and schedules.</summary>
    public SlotStore Slots => slots;

    /// <summary>Runs a pipeline for an occasion.</summary>
    /// <param name="client">Asks the durable extension.</param>
    /// <param name="request">The occasion.</param>
    /// <param name="whenBusy">What happens when the pipeline runs already.</param>
    /// <param name="cancellationToken">Stops the call; it may be repeated.</param>
    /// <exception cref="NebulaException">There is no such pipeline, or something cannot be reached.</exception>
    public async Task<Launch> LaunchAsync(IDurableClient client, RunRequest request, WhenBusy whenBusy, CancellationToken cancellationToken)
    {
        pipelines.Get(request.Pipeline);
        if (await slots.FindOccasionAsync(request, cancellationToken).ConfigureAwait(false) is { } merged)
            return new Launch(merged, LaunchOutcome.Known);
        for (var attempt = 0; attempt < MaxConflicts; attempt++)
        {
            var (slot, entry) = await slots.FindAsync(request.Pipeline, cancellationToken).ConfigureAwait(false);
            if (slot?.Run.RunId == request.RunId)
            {
                if (!slot.IsStarted)
                    await StartAsync(client, slot.Run, cancellationToken).ConfigureAwait(false);
                return new Launch(request.RunId, slot.IsStarted ? LaunchOutcome.Known : LaunchOutcome.Started);
            }
            if (slot is not null && slot.Waiting.Any(waiting => waiting.RunId == request.RunId))
                return new Launch(request.RunId, LaunchOutcome.Waiting);
            if (await client.FindAsync(request.RunId, false, cancellationToken).ConfigureAwait(false) is not null)
                return new Launch(request.RunId, LaunchOutcome.Known);
            if (slot is null || !await IsBusyAsync(client, slot, cancellationToken).ConfigureAwait(false))
            {
                if (!await TryClaimAsync(request, slot, entry, cancellationToken).ConfigureAwait(false))
                    continue;
                await StartAsync(client, request, cancellationToken).ConfigureAwait(false);
                return new Launch(request.RunId, LaunchOutcome.Started);
            }
            if (whenBusy == WhenBusy.Join)
                return new Launch(slot.Run.RunId, LaunchOutcome.Joined);
            if (await TryWaitAsync(request, slot, entry, cancellationToken).ConfigureAwait(false) is { } launch)
                return launch;
        }
        throw new NebulaException(ErrorKind.Transient, $"Too many callers start pipeline '{request.Pipeline}' at once. Try again.");
    }

    /// <summary>Starts what should have started: a run whose starter died, or one that waits for a run that has ended.</summary>
    /// <param name="client">Asks the durable extension.</param>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="now">The time, UTC.</param>
    /// <param name="cancellationToken">Stops the call; it may be repeated.</param>
    public async Task SettleAsync(IDurableClient client, string pipeline, DateTime now, CancellationToken cancellationToken)
    {
        var (slot, entry) = await slots.FindAsync(pipeline, cancellationToken).ConfigureAwait(false);
        if (slot is null || (!slot.IsStarted && now - slot.Since < StartTimeout))
            return;
        if (!slot.IsStarted)
        {
            if (await client.FindAsync(slot.Run.RunId, false, cancellationToken).ConfigureAwait(false) is null)
                log.LogWarning("Run {Run} was not started by whoever should have; it starts now", slot.Run.RunId);
            await StartAsync(client, slot.Run, cancellationToken).ConfigureAwait(false);
        }
        else if (slot.Waiting is [var next, ..] && !await IsBusyAsync(client, slot, cancellationToken).ConfigureAwait(false)
            && await TryClaimAsync(next, slot, entry, cancellationToken).ConfigureAwait(false))
        {
            log.LogInformation("Run {Run} starts, which has waited for {Before}", next.RunId, slot.Run.RunId);
            await StartAsync(client, next, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes up a run again that its host ended because the worker died within a turn.</summary>
    /// <param name="client">Asks the durable extension.</param>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="cancellationToken">Stops the call; it may be repeated.</param>
    /// <returns>Whether there was such a run.</returns>
    public async Task<bool> RecoverAsync(IDurableClient client, string pipeline, CancellationToken cancellationToken)
    {
        var (slot, entry) = await slots.FindAsync(pipeline, cancellationToken).ConfigureAwait(false);
        if (slot is null)
            return false;
        var run = await client.FindAsync(slot.Run.RunId, true, cancellationToken).ConfigureAwait(false);
        if (run is null || !IsLost(run, slot))
            return false;
        if (slot.Recoveries >= MaxRecoveries)
        {
            log.LogError("Run {Run} was lost {Count} times and stays failed. Look for what ends the handler, then start the run again",
                slot.Run.RunId, MaxRecoveries);
            return false;
        }
        if (!await slots.TryPutAsync(slot with { Recoveries = slot.Recoveries + 1 }, entry, cancellationToken).ConfigureAwait(false))
            return false;
        if (slot.Recoveries == 0 && await TryRewindAsync(client, slot.Run.RunId, cancellationToken).ConfigureAwait(false))
            return true;
        // the run's steps can be repeated, and what it committed is not committed twice; what it has started must not go on beside it
        await Descendants.TerminateAsync(client, slot.Run.RunId, Died, cancellationToken).ConfigureAwait(false);
        await client.StartAsync(StartOf(slot.Run), cancellationToken).ConfigureAwait(false);
        log.LogWarning("Run {Run} was lost by its host and starts again", slot.Run.RunId);
        return true;
    }

    /// <summary>Notes that a run is ended from outside, for the activities that it has under way: nobody else tells them.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="cancellationToken">Stops the call; it may be repeated.</param>
    public async Task NoteTerminatedAsync(string runId, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (slot, entry) = await slots.FindAsync(RunRequest.PipelineOf(runId), cancellationToken).ConfigureAwait(false);
            if (slot is null || slot.Run.RunId != runId || slot.IsTerminated
                || await slots.TryPutAsync(slot with { IsTerminated = true }, entry, cancellationToken).ConfigureAwait(false))
                return;
        }
    }

    /// <summary>Takes back what waits for the run under way.</summary>
    /// <param name="runId">The run that waits.</param>
    /// <param name="cancellationToken">Stops the call; it may be repeated.</param>
    /// <returns>False when it does not wait.</returns>
    public async Task<bool> WithdrawAsync(string runId, CancellationToken cancellationToken)
    {
        while (true)
        {
            var (slot, entry) = await slots.FindAsync(RunRequest.PipelineOf(runId), cancellationToken).ConfigureAwait(false);
            if (slot?.Waiting.FirstOrDefault(waiting => waiting.RunId == runId) is not { } withdrawn)
                return false;
            // told again, the occasion is still known
            await slots.PutOccasionAsync(withdrawn, runId, cancellationToken).ConfigureAwait(false);
            if (await slots.TryPutAsync(slot with { Waiting = [.. slot.Waiting.Where(other => other != withdrawn)] }, entry, cancellationToken).ConfigureAwait(false))
                return true;
        }
    }

    /// <summary>Whether a run was ended from outside, or another one has its pipeline now.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task<bool> IsOverAsync(string runId, CancellationToken cancellationToken)
    {
        var (slot, _) = await slots.FindAsync(RunRequest.PipelineOf(runId), cancellationToken).ConfigureAwait(false);
        return slot is not null && (slot.IsTerminated || slot.Run.RunId != runId);
    }

    /// <summary>Whether a run was ended by its host and not by itself. A history that was rewound may have lost a failure that the run had seen and gone on
    /// from, so that the run no longer fits it.</summary>
    private static bool IsLost(InstanceState run, PipelineSlot slot) => run.Status == OrchestrationStatus.Failed
        && (FailureDetails.IsLostMessage(run.Failure?.Message ?? "") || FailureDetails.IsLostMessage(run.Output ?? "")
            || (slot.Recoveries > 0 && run.Failure?.Name == nameof(NonDeterminismException)));

    private async Task<bool> TryRewindAsync(IDurableClient client, string runId, CancellationToken cancellationToken)
    {
        try
        {
            await client.ControlAsync(InstanceControl.Rewind, runId, Died, cancellationToken).ConfigureAwait(false);
            log.LogWarning("Run {Run} was lost by its host and goes on", runId);
            return true;
        }
        catch (NebulaException e)
        {
            log.LogWarning("Run {Run} cannot be rewound: {Reason}", runId, e.Message);
            return false;
        }
    }

    private static async Task<bool> IsBusyAsync(IDurableClient client, PipelineSlot slot, CancellationToken cancellationToken)
    {
        var run = await client.FindAsync(slot.Run.RunId, true, cancellationToken).ConfigureAwait(false);
        // a run that is not there yet will be; one that was there has been removed
        return run is null ? !slot.IsStarted : !run.IsEnded || (slot.Recoveries < MaxRecoveries && IsLost(run, slot));
    }

    private async Task<bool> TryClaimAsync(RunRequest request, PipelineSlot? slot, StateEntry? entry, CancellationToken cancellationToken)
    {
        var waiting = slot?.Waiting ?? [];
        // a run that begins now counts for all that waits for the same work
        foreach (var other in waiting)
            if (other.RunId != request.RunId && other.IsSameWork(request))
                await slots.PutOccasionAsync(other, request.RunId, cancellationToken).ConfigureAwait(false);
        return await slots.TryPutAsync(
            new PipelineSlot(request) { Since = DateTime.UtcNow, Waiting = [.. waiting.Where(other => !other.IsSameWork(request))] }, entry,
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<Launch?> TryWaitAsync(RunRequest request, PipelineSlot slot, StateEntry? entry, CancellationToken cancellationToken)
    {
        if (slot.Waiting.FirstOrDefault(request.IsSameWork) is { } other)
        {
            await slots.PutOccasionAsync(request, other.RunId, cancellationToken).ConfigureAwait(false);
            return new Launch(other.RunId, LaunchOutcome.Waiting);
        }
        if (slot.Waiting.Count >= MaxWaiting)
            throw new NebulaException(ErrorKind.Throttled, $"{MaxWaiting} runs of pipeline '{request.Pipeline}' wait already. Try again later.");
        return await slots.TryPutAsync(slot with { Waiting = [.. slot.Waiting, request] }, entry, cancellationToken).ConfigureAwait(false)
            ? new Launch(request.RunId, LaunchOutcome.Waiting) : null;
    }

    private async Task StartAsync(IDurableClient client, RunRequest request, CancellationToken cancellationToken)
    {
        if (await client.FindAsync(request.RunId, false, cancellationToken).ConfigureAwait(false) is null)
            await client.StartAsync(StartOf(request), cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var (slot, entry) = await slots.FindAsync(request.Pipeline, cancellationToken).ConfigureAwait(false);
            if (slot is null || slot.Run.RunId != request.RunId || slot.IsStarted
                || await slots.TryPutAsync(slot with { IsStarted = true }, entry, cancellationToken).ConfigureAwait(false))
                return;
        }
    }

    private StartInstance StartOf(RunRequest request)
    {
        var config = pipelines.Get(request.Pipeline).Config!;
        var input = new SyncRequest(request.RunId, request.Pipeline)
        {
            Settings = settings.Sync with { ParallelStreams = config.Settings.ParallelStreams },
            Only = request.Options.Streams,
            Variables = request.Options.Variables,
        };
        return new StartInstance(request.RunId, SyncDefinitions.SyncRun.Name, SyncDefinitions.SyncRun.Input.ToJson(input))
        {
            TraceParent = CallScope.Current?.TraceParent,
            TraceState = Activity.Current?.TraceStateString,
        };
    }
}

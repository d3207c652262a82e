using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Running;

/// <summary>Decides how a plan is run: with an account of its chunks where there are several, or where a run before was interrupted; else directly.</summary>
internal static class RunnerFactory
{
    /// <summary>Chooses the way to run.</summary>
    /// <param name="plan">What is to be done.</param>
    /// <param name="only">Names or wildcards of the streams that are wanted; empty for all.</param>
    /// <param name="follow">Whether changes are followed until the process is stopped.</param>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="state">What is remembered of it; null for nothing.</param>
    /// <param name="context">What the command works with.</param>
    /// <returns>The plan, with the identity of the run that is continued, and the way.</returns>
    public static (RunPlan Plan, IRunner Runner) Create(
        RunPlan plan, IReadOnlyList<string> only, bool follow, PipelineConfig pipeline, PipelineState? state, CommandContext context)
    {
        if (follow && !plan.Jobs.Any(static job => job.Request.Capture is not null))
            throw NebulaException.Configuration("There is nothing to follow: no stream of the run has 'mode: cdc'. Leave --follow out, or set the mode.");
        var pool = MemoryBudget.CreatePool(plan.Memory);
        if (state is null && plan.Jobs.FirstOrDefault(static job => job.Request.NeedsAccount) is { } added)
            throw NebulaException.Configuration(
                $"'{added.Name}' is added to what the target has, which needs a place to remember what was read: "
                + "run it from a pipeline file that does not say 'state: none'.");
        if (state is null)
            return (plan, new DirectRun(plan, pool, null));
        if (FindInterrupted(plan, only, follow, state, context) is { } interrupted)
            plan = plan with { RunId = interrupted.RunId };
        else if (!plan.Jobs.Any(static job => job.Request.NeedsAccount || job.Bytes > job.ChunkBytes))
            return (plan, new RecordedRun(plan, state.Store, new DirectRun(plan, pool, state.Store)));
        return (plan, new RecordedRun(plan, state.Store, new DurableRun(plan, only, follow, state, CreateWorker, context.Log)));

        SyncWorker CreateWorker(ISyncObserver observer, int parallelChunks) => new(
            new OnePipeline(pipeline), context.Connectors, state.Store,
            new SyncWorkerOptions { Pool = pool, ParallelChunks = parallelChunks, KeepsOpen = true, Planned = plan, Observer = observer });
    }

    private static SyncRequest? FindInterrupted(RunPlan plan, IReadOnlyList<string> only, bool follow, PipelineState state, CommandContext context)
    {
        if (!Directory.Exists(state.RunsFolder) || state.FindInterrupted() is not { } request)
            return null;
        var before = SyncWorker.FindFingerprintAsync(state.Store, request.RunId, context.Interruption).GetAwaiter().GetResult();
        if (before == plan.Fingerprint.Value && request.Only.SequenceEqual(only) && request.Settings.UntilCaughtUp == !follow)
        {
            context.Log.Write(LoggingLevel.Info, $"run {request.RunId} was interrupted; it goes on behind the last chunk that was moved");
            return request;
        }
        context.Log.Write(LoggingLevel.Warn, $"run {request.RunId} was interrupted, and the pipeline was changed since: it begins anew");
        state.Forget();
        return null;
    }

    private sealed class OnePipeline(PipelineConfig pipeline) : IPipelineLibrary
    {
        public PipelineConfig Load(string name, IReadOnlyDictionary<string, string> variables) => pipeline;
    }
}

namespace Nebula.Orchestration.Sync;

/// <summary>Names and types of everything that a sync is made of.</summary>
public static class SyncDefinitions
{
    /// <summary>Event that stops a run from beginning anything new; what is under way ends.</summary>
    public const string PauseEvent = "pause";

    /// <summary>Event that lets a paused run go on.</summary>
    public const string ResumeEvent = "resume";

    /// <summary>Event that ends a run in order: what is under way ends, what is staged is removed, what is committed stays.</summary>
    public const string CancelEvent = "cancel";

    /// <summary>Runs a pipeline: all its streams.</summary>
    public static OrchestrationDefinition<SyncRequest, SyncResult> SyncRun => new("SyncRun", SyncPayloads.Request, SyncPayloads.Result);

    /// <summary>What runs and streams show as their status.</summary>
    public static Payload<SyncStatus> Status => SyncPayloads.Status;

    internal static OrchestrationDefinition<StreamRequest, StreamResult> SyncStream => new("SyncStream", SyncPayloads.StreamRequest, SyncPayloads.StreamResult);

    internal static OrchestrationDefinition<CaptureRequest, CaptureResult> CaptureChanges =>
        new("CaptureChanges", CapturePayloads.Request, CapturePayloads.Result);

    internal static OrchestrationDefinition<PageRequest, Staged> TransferPage => new("TransferPage", StagingPayloads.PageRequest, StagingPayloads.Staged);

    internal static ActivityDefinition<SyncRequest, PlannedRun> Plan => new("Plan", SyncPayloads.Request, SyncPayloads.PlannedRun);

    internal static ActivityDefinition<StreamTask, PlannedStream> PlanStream => new("PlanStream", SyncPayloads.StreamTask, SyncPayloads.PlannedStream);

    internal static ActivityDefinition<StreamRequest, CommittedState> Prepare => new("Prepare", SyncPayloads.StreamRequest, StagingPayloads.Committed);

    internal static ActivityDefinition<StreamRequest, ChunkList> Split => new("Split", SyncPayloads.StreamRequest, StagingPayloads.ChunkList);

    internal static ActivityDefinition<ChunkTask, Staged> TransferChunk => new("TransferChunk", StagingPayloads.ChunkTask, StagingPayloads.Staged);

    internal static ActivityDefinition<PageTask, Staged> SealPage => new("SealPage", StagingPayloads.Page, StagingPayloads.Staged);

    internal static ActivityDefinition<CommitTask, CommittedState> Commit => new("Commit", StagingPayloads.Commit, StagingPayloads.Committed);

    internal static ActivityDefinition<CommitTask, Nothing> Acknowledge => new("Acknowledge", StagingPayloads.Commit, Payload.Nothing);

    internal static ActivityDefinition<CommitTask, Nothing> Abort => new("Abort", StagingPayloads.Commit, Payload.Nothing);

    internal static ActivityDefinition<CaptureTask, CapturedSlice> CaptureSlice => new("CaptureSlice", CapturePayloads.Task, CapturePayloads.Slice);

    /// <summary>Names of a sync's orchestrations, for hosts that must know them before they run anything.</summary>
    public static IReadOnlyList<string> Orchestrations => [SyncRun.Name, SyncStream.Name, CaptureChanges.Name, TransferPage.Name];

    /// <summary>Names of a sync's activities.</summary>
    public static IReadOnlyList<string> Activities =>
    [
        Plan.Name, PlanStream.Name, Prepare.Name, Split.Name, TransferChunk.Name, SealPage.Name, Commit.Name, Acknowledge.Name, Abort.Name, CaptureSlice.Name,
    ];

    /// <summary>Adds a sync's orchestrations and activities to a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <param name="worker">Does the work.</param>
    /// <param name="state">Keeps chunk lists, manifests and checkpoints.</param>
    public static TaskRegistry AddSync(this TaskRegistry registry, ISyncWorker worker, State.IStateStore state)
    {
        var activities = new SyncActivities(worker, state);
        return registry
            .AddOrchestration(SyncRun, SyncRunOrchestration.RunAsync)
            .AddOrchestration(SyncStream, SyncStreamOrchestration.RunAsync)
            .AddOrchestration(CaptureChanges, CaptureChangesOrchestration.RunAsync)
            .AddOrchestration(TransferPage, TransferPageOrchestration.RunAsync)
            .AddActivity(Plan, async (context, request) => new PlannedRun(
                await worker.PlanAsync(request, context.CancellationToken).ConfigureAwait(false)))
            .AddActivity(PlanStream, (context, task) => worker.PlanStreamAsync(task, context.CancellationToken))
            .AddActivity(Prepare, activities.PrepareAsync)
            .AddActivity(Split, activities.SplitAsync)
            .AddActivity(TransferChunk, activities.TransferChunkAsync)
            .AddActivity(SealPage, activities.SealPageAsync)
            .AddActivity(Commit, activities.CommitAsync)
            .AddActivity(Acknowledge, activities.AcknowledgeAsync)
            .AddActivity(Abort, activities.AbortAsync)
            .AddActivity(CaptureSlice, activities.CaptureSliceAsync);
    }
}

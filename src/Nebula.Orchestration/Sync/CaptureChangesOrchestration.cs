namespace Nebula.Orchestration.Sync;

/// <summary>
/// Change capture of one stream: a snapshot once, whose position was fixed before its first chunk, then windows of the log. Each is committed with its
/// end position and acknowledged only then. One of them per generation, so that the history stays small for ever.
/// </summary>
internal static class CaptureChangesOrchestration
{
    public static async Task<StreamResult> RunAsync(OrchestrationContext context, StreamRequest request)
    {
        var control = new SyncControl(context);
        var retry = request.Settings.Retry;
        var progress = request.Progress ?? new StreamResult(request.Name, SyncOutcome.Completed);
        Show();
        control.Changed = Show;
        var committed = await context.CallActivityAsync(SyncDefinitions.Prepare, request, retry);
        var checkpoint = committed.Checkpoint;
        if (checkpoint.Sequence == 0)
        {
            var snapshot = await SyncStreamOrchestration.MoveAsync(context, control, request, checkpoint);
            progress = progress with
            {
                Rows = progress.Rows + snapshot.Rows,
                Bytes = progress.Bytes + snapshot.Bytes,
                Chunks = progress.Chunks + snapshot.Chunks
            };
            return snapshot.Outcome == SyncOutcome.Completed ? await ContinueAsync() : progress with { Outcome = snapshot.Outcome };
        }
        var commit = new CommitTask(request.Task, request.Name, $"window-{checkpoint.Sequence + 1}", 1, checkpoint.Position, checkpoint.Sequence + 1);
        var window = await context.CallActivityAsync(SyncDefinitions.CaptureWindow, commit, retry);
        // a window without changes may still have read the log further: that is committed too, or the source would have to keep the log
        if (window.Staged.Parts > 0 || window.Position != checkpoint.Position)
        {
            await SyncStreamOrchestration.CommitAsync(context, commit with { Position = window.Position }, retry);
            progress = progress with
            {
                Rows = progress.Rows + window.Staged.Rows,
                Bytes = progress.Bytes + window.Staged.Bytes,
                Chunks = progress.Chunks + window.Staged.Parts,
            };
            Show();
        }
        if (window.IsCaughtUp && request.Settings.UntilCaughtUp)
            return progress;
        if (window.IsCaughtUp)
            await IdleAsync(context, control, request.Settings.IdleDelay);
        return await ContinueAsync();

        async Task<StreamResult> ContinueAsync()
        {
            // the next generation knows nothing of a pause, so that this one sits it out
            await control.WaitWhilePausedAsync();
            if (control.IsCancelled)
                return progress with { Outcome = SyncOutcome.Cancelled };
            context.ContinueAsNew(SyncPayloads.StreamRequest, request with { Progress = progress });
            return progress;
        }

        void Show() => context.SetCustomStatus(SyncDefinitions.Status, new SyncStatus(control.State)
        {
            Done = progress.Chunks,
            Rows = progress.Rows,
            Bytes = progress.Bytes,
        });
    }

    private static async Task IdleAsync(OrchestrationContext context, SyncControl control, int milliseconds)
    {
        using var stop = new CancellationTokenSource();
        var timer = context.CreateTimer(TimeSpan.FromMilliseconds(Math.Max(1, milliseconds)), stop.Token);
        if (await Task.WhenAny(timer, control.NextChange) != timer)
            stop.Cancel();
    }
}

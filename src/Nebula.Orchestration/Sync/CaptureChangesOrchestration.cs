namespace Nebula.Orchestration.Sync;

/// <summary>
/// The changes of all captured streams of a run, behind their snapshots: slice after slice. A slice commits windows of the log, each with its end as
/// checkpoint, and acknowledges what is committed; where it is cut off, the next one goes on behind the last commit. One slice per generation, so that the
/// history stays small for ever.
/// </summary>
internal static class CaptureChangesOrchestration
{
    public static async Task<CaptureResult> RunAsync(OrchestrationContext context, CaptureRequest request)
    {
        var control = new SyncControl(context);
        var progress = request.Progress;
        control.Changed = Show;
        Show();
        try
        {
            var slice = await context.CallActivityAsync(SyncDefinitions.CaptureSlice, request.Task, request.Settings.Retry);
            progress = progress.With(slice);
            Show();
            if (slice.Lost is not null || (slice.IsCaughtUp && request.Settings.UntilCaughtUp))
                return progress;
            if (slice.IsCaughtUp)
                await IdleAsync(context, control, request.Settings.IdleDelay);
        }
        catch (TaskFailedException e)
        {
            var failure = Failures.Of("", e);
            return progress with { Outcome = SyncOutcome.Failed, FailureKind = failure.FailureKind, Failure = failure.Failure };
        }
        // the next generation knows nothing of a pause, so that this one sits it out
        await control.WaitWhilePausedAsync();
        if (control.IsCancelled)
            return progress with { Outcome = SyncOutcome.Cancelled };
        context.ContinueAsNew(CapturePayloads.Request, request with { Progress = progress });
        return progress;

        void Show() => context.SetCustomStatus(SyncDefinitions.Status, new SyncStatus(control.State)
        {
            Done = progress.Windows,
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

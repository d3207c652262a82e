using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Sync;

/// <summary>A run: plans, then runs its streams, so many at a time. A stream that fails does not stop the others.</summary>
internal static class SyncRunOrchestration
{
    // a generation's history has some five events per stream
    private const int StreamsPerGeneration = 200;

    public static async Task<SyncResult> RunAsync(OrchestrationContext context, SyncRequest request)
    {
        var control = new SyncControl(context);
        var result = request.Progress;
        var streams = request.Streams
            ?? (await context.CallActivityAsync(SyncDefinitions.Plan, request, request.Settings.Retry)).Streams;
        control.Changed = Show;
        Show();
        var first = result.Ended;
        var begun = await control.ForEachAsync(
            Math.Min(streams - first, StreamsPerGeneration), request.Settings.ParallelStreams, index => RunStreamAsync(first + index), stream =>
            {
                result = result.With(stream);
                Show();
            });
        if (first + begun < streams)
            await control.WaitWhilePausedAsync();
        if (control.IsCancelled)
            return result with { Cancelled = streams - result.Completed - result.Failed };
        if (first + begun < streams)
            context.ContinueAsNew(SyncPayloads.Request, request with { Streams = streams, Progress = result });
        else if (result.Captured > 0)
            return await CaptureAsync();
        return result;

        async Task<SyncResult> CaptureAsync()
        {
            var task = new CaptureTask(request.RunId, request.Pipeline) { Follow = !request.Settings.UntilCaughtUp };
            var changes = await control.CallAsync(SyncDefinitions.CaptureChanges, new CaptureRequest(task, request.Settings));
            if (changes.Lost is not { } reason)
                return result.With(changes);
            if (request.Anew)
                return result.With(changes with { Outcome = SyncOutcome.Failed, FailureKind = ErrorKind.PositionLost, Failure = reason });
            context.Log(OrchestrationLogLevel.Warning, $"Captured streams are read anew or repaired: {reason}");
            context.ContinueAsNew(SyncPayloads.Request, request with { Streams = streams, Progress = new SyncResult(), Anew = true });
            return result;
        }

        async Task<StreamResult> RunStreamAsync(int stream)
        {
            try
            {
                var task = new StreamTask(request.RunId, request.Pipeline, stream) { Anew = request.Anew };
                return await control.CallAsync(SyncDefinitions.SyncStream, new StreamRequest(task, request.Settings));
            }
            catch (TaskFailedException e)
            {
                // streams report their failures as results; this one was lost
                return Failures.Of($"stream {stream}", e);
            }
        }

        void Show() => context.SetCustomStatus(SyncDefinitions.Status, new SyncStatus(control.State)
        {
            Total = streams,
            Done = result.Ended,
            Failed = result.Failed,
            Rows = result.Rows,
            Bytes = result.Bytes,
        });
    }
}

/// <summary>Turns failures into results.</summary>
internal static class Failures
{
    private const int MaxMessage = 1_000;

    public static StreamResult Of(string stream, NebulaException error) => new(stream, SyncOutcome.Failed)
    {
        FailureKind = error.Kind,
        Failure = error.Message.Length <= MaxMessage ? error.Message : string.Concat(error.Message.AsSpan(0, MaxMessage), "…"),
    };
}

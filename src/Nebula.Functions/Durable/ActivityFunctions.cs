using Microsoft.Extensions.Logging;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Hosting;
using Nebula.Functions.Invocation;
using Nebula.Orchestration;

namespace Nebula.Functions.Durable;

/// <summary>Runs activities. Whatever comes of one travels in an envelope with status 200: the host throws the body of a failed call away, and rewrites numbers
/// and dates of anything but a string.</summary>
internal static class ActivityFunctions
{
    /// <summary>Runs one activity under the handler's own deadline, which is shorter than the host's: that one would kill the handler.</summary>
    public static async Task<InvocationResponse> RunAsync(HandlerServices handler, FunctionCall call)
    {
        var input = call.Request.Single.ToText();
        var instance = call.Request.Metadata("instanceId") ?? "";
        using var scope = CallScope.ForInstance(instance);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(call.CancellationToken, handler.Lifetime.Stopping);
        var isOver = false;
        var watching = WatchAsync();
        string result;
        try
        {
            await handler.Activities.WaitAsync(deadline.Token).ConfigureAwait(false);
            try
            {
                deadline.CancelAfter(handler.Settings.ActivityTimeout);
                result = await handler.Registry.RunActivityAsync(call.Function, new ActivityContext(instance, deadline.Token), input).ConfigureAwait(false);
            }
            finally
            {
                handler.Activities.Release();
            }
        }
        catch (OperationCanceledException)
        {
            result = TaskRegistry.FailedActivity(new NebulaException(ErrorKind.Transient, isOver
                ? $"{call.Function} was stopped because its run was terminated."
                : handler.Lifetime.IsStopping
                ? $"{call.Function} was interrupted because its worker stops."
                : $"{call.Function} took longer than {Units.FormatDuration(handler.Settings.ActivityTimeout)} (NEBULA_ACTIVITY_TIMEOUT) and was stopped."));
        }
        await deadline.CancelAsync().ConfigureAwait(false);
        await watching.ConfigureAwait(false);
        // such an activity looks successful to the host: only we can say that it failed
        if (result.StartsWith("""{"ok":false""", StringComparison.Ordinal))
        {
            handler.Log.LogWarning("{Activity} failed: {Result}", call.Function, result);
            Telemetry.Failed(result);
        }
        return new InvocationResponse { ReturnValue = result };

        // the host does not tell: its request stays open when the instance is terminated
        async Task WatchAsync()
        {
            using var timer = new PeriodicTimer(handler.Settings.TerminationInterval);
            while (await TickAsync(timer, deadline.Token).ConfigureAwait(false))
                if (await IsOverAsync(handler, instance.Split(':')[0], deadline.Token).ConfigureAwait(false))
                {
                    isOver = true;
                    await deadline.CancelAsync().ConfigureAwait(false);
                }
        }
    }

    private static async Task<bool> TickAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static async Task<bool> IsOverAsync(HandlerServices handler, string runId, CancellationToken cancellationToken)
    {
        try
        {
            return runId.Length > 0 && await handler.Launcher.IsOverAsync(runId, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NebulaException or DataFormatException or OperationCanceledException)
        {
            // looked at again soon
            return false;
        }
    }
}

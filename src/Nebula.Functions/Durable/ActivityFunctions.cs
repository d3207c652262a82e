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
            result = TaskRegistry.FailedActivity(new NebulaException(ErrorKind.Transient, handler.Lifetime.IsStopping
                ? $"{call.Function} was interrupted because its worker stops."
                : $"{call.Function} took longer than {Units.FormatDuration(handler.Settings.ActivityTimeout)} (NEBULA_ACTIVITY_TIMEOUT) and was stopped."));
        }
        // such an activity looks successful to the host: only we can say that it failed
        if (result.StartsWith("""{"ok":false""", StringComparison.Ordinal))
        {
            handler.Log.LogWarning("{Activity} failed: {Result}", call.Function, result);
            Telemetry.Failed(result);
        }
        return new InvocationResponse { ReturnValue = result };
    }
}

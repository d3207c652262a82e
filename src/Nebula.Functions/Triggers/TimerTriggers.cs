using Microsoft.Extensions.Logging;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Durable;
using Nebula.Functions.Hosting;
using Nebula.Functions.Invocation;
using Nebula.Functions.Runs;

namespace Nebula.Functions.Triggers;

/// <summary>What the clock starts: scheduled runs, and the repair of what went wrong.</summary>
internal static class TimerTriggers
{
    private static readonly DateTime Beginning = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Each minute: starts the runs that are due, and those that wait for others.</summary>
    public static async Task<InvocationResponse> StartScheduledAsync(HandlerServices handler, FunctionCall call)
    {
        var client = handler.Clients.Of(call.Request);
        await ForEachAsync(handler, async pipeline =>
        {
            await handler.Launcher.SettleAsync(client, pipeline.Name, DateTime.UtcNow, call.CancellationToken).ConfigureAwait(false);
            if (pipeline.Config!.Triggers.Schedule is { } schedule)
                await StartDueAsync(handler, client, pipeline.Name, schedule, DateTime.UtcNow, call.CancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return InvocationResponse.Done;
    }

    /// <summary>Each few minutes: takes up runs that the host lost. Each night: forgets what is old.</summary>
    public static async Task<InvocationResponse> ReconcileAsync(HandlerServices handler, FunctionCall call)
    {
        var client = handler.Clients.Of(call.Request);
        await ForEachAsync(handler, pipeline => handler.Launcher.RecoverAsync(client, pipeline.Name, call.CancellationToken)).ConfigureAwait(false);
        var now = DateTime.UtcNow;
        if (now is { Hour: 3, Minute: < 5 })
        {
            var before = now.AddDays(-handler.Settings.HistoryDays);
            await handler.Launcher.Slots.RemoveOldAsync(before, call.CancellationToken).ConfigureAwait(false);
            var purged = await client.PurgeAsync(Beginning, before, call.CancellationToken).ConfigureAwait(false);
            handler.Log.LogInformation("{Count} ended instances older than {Days} days were removed", purged, handler.Settings.HistoryDays);
        }
        return InvocationResponse.Done;
    }

    /// <summary>Starts the run of the last time that a schedule had since it was looked at. A new schedule begins with its next time; what was missed is made
    /// up for once.</summary>
    internal static async Task StartDueAsync(
        HandlerServices handler, IDurableClient client, string pipeline, CronSchedule schedule, DateTime now, CancellationToken cancellationToken)
    {
        var slots = handler.Launcher.Slots;
        var times = await slots.FindScheduleAsync(pipeline, cancellationToken).ConfigureAwait(false);
        if (times is null || times.Schedule != schedule.Text)
        {
            await slots.PutScheduleAsync(pipeline, new ScheduleTimes(schedule.Text, now), cancellationToken).ConfigureAwait(false);
            return;
        }
        if (LastBetween(schedule, times.Last, now) is not { } due)
            return;
        var launch = await handler.Launcher.LaunchAsync(
            client, new RunRequest(pipeline, Occasions.Of("timer", due), due), WhenBusy.Join, cancellationToken).ConfigureAwait(false);
        handler.Log.LogInformation("Pipeline {Pipeline} was due at {Due:u}: run {Run}, {Outcome}", pipeline, due, launch.RunId, launch.Outcome);
        await slots.PutScheduleAsync(pipeline, new ScheduleTimes(schedule.Text, due), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The last time of a schedule behind one time and up to another.</summary>
    internal static DateTime? LastBetween(CronSchedule schedule, DateTime after, DateTime until)
    {
        // looked for from the near end, further back each time, so that a long pause costs nothing
        for (var back = TimeSpan.FromMinutes(2); ; back *= 4)
        {
            var isAll = until - after <= back;
            DateTime? last = null;
            for (var next = schedule.Next(isAll ? after : until - back); next <= until; next = schedule.Next(next.Value))
                last = next;
            if (last is not null || isAll)
                return last;
        }
    }

    private static async Task ForEachAsync(HandlerServices handler, Func<DeployedPipeline, Task> action)
    {
        foreach (var pipeline in handler.Pipelines.All.Where(static pipeline => pipeline.Config is not null))
            try
            {
                await action(pipeline).ConfigureAwait(false);
            }
            catch (NebulaException e)
            {
                // the next tick comes anyway, and the other pipelines must not wait for it
                handler.Log.LogError("Pipeline {Pipeline}: {Problem}", pipeline.Name, e.Message);
            }
    }
}

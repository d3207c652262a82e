using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Local;

/// <summary>One activity to run.</summary>
/// <param name="Instance">The instance that asked.</param>
/// <param name="Id">The action with which it did.</param>
/// <param name="Name">The activity.</param>
/// <param name="Input">Its input as JSON text.</param>
/// <param name="Deliver">Takes the result, on the run's loop.</param>
internal sealed record ActivityCall(LocalInstance Instance, int Id, string Name, string? Input, Action<HistoryEvent> Deliver);

/// <summary>Runs the activities of a run, so many at a time. Used from the run's loop.</summary>
internal sealed class LocalActivities(TaskRegistry registry, int maxActivities, Action<Action> signal, CancellationToken stop)
{
    private readonly Queue<ActivityCall> _waiting = new();
    private readonly HashSet<Task> _running = [];
    private bool _stopped;

    /// <summary>Runs an activity as soon as there is room.</summary>
    public void Enqueue(ActivityCall call)
    {
        _waiting.Enqueue(call);
        Fill();
    }

    /// <summary>Waits for those under way; nothing new begins.</summary>
    public async Task StopAsync()
    {
        _stopped = true;
        _waiting.Clear();
        await Task.WhenAll(_running).ConfigureAwait(false);
    }

    private void Fill()
    {
        while (!_stopped && _running.Count < Math.Max(1, maxActivities) && _waiting.TryDequeue(out var call))
            if (call.Instance.Completed is null)
                Begin(call);
    }

    private void Begin(ActivityCall call)
    {
        var token = call.Instance.StopToken(stop);
        Task task = null!;
        // not on the loop: an activity may work for long before it first awaits
        task = Task.Run(async () =>
        {
            var result = await RunAsync(call, token).ConfigureAwait(false);
            signal(() =>
            {
                _running.Remove(task);
                if (result is not null)
                    call.Deliver(result);
                Fill();
            });
        }, CancellationToken.None);
        _running.Add(task);
    }

    private async Task<HistoryEvent?> RunAsync(ActivityCall call, CancellationToken cancellationToken)
    {
        try
        {
            var result = await registry.RunActivityAsync(call.Name, new ActivityContext(call.Instance.Id, cancellationToken), call.Input).ConfigureAwait(false);
            return new TaskCompleted(call.Id, result);
        }
        catch (OperationCanceledException)
        {
            // its instance ended, or the host stops: then it runs again when the run is continued
            return null;
        }
        catch (Exception e)
        {
            return new TaskFailed(call.Id, new FailureDetails($"{ErrorKind.Fatal}.{e.GetType().Name}", e.Message));
        }
    }
}

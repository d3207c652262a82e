namespace Nebula.Orchestration.Local;

/// <summary>The timers of a run, on one timer of the system. Used from the run's loop.</summary>
internal sealed class LocalTimers(TimeProvider time, Action<Action> signal) : IDisposable
{
    // a timer of the system cannot be set for longer than 49 days
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);
    private PriorityQueue<Action, DateTime>? _due;
    private ITimer? _timer;

    /// <summary>Does something, on the run's loop, when a time has come.</summary>
    public void Set(DateTime fireAt, Action action)
    {
        // most runs have none
        _due ??= new PriorityQueue<Action, DateTime>();
        _due.Enqueue(action, fireAt);
        if (_due.Peek() == action)
            Arm(_due);
    }

    public void Dispose() => _timer?.Dispose();

    private void Arm(PriorityQueue<Action, DateTime> due)
    {
        if (!due.TryPeek(out _, out var fireAt))
            return;
        var wait = fireAt - time.GetUtcNow().UtcDateTime;
        wait = wait < TimeSpan.Zero ? TimeSpan.Zero : wait > LongestWait ? LongestWait : wait;
        // a system timer may be early by a fraction of its resolution
        wait = TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));
        if (_timer is null)
            _timer = time.CreateTimer(_ => signal(() => Fire(due)), null, wait, Timeout.InfiniteTimeSpan);
        else
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }

    private void Fire(PriorityQueue<Action, DateTime> due)
    {
        while (due.TryPeek(out var action, out var fireAt) && fireAt <= time.GetUtcNow().UtcDateTime)
        {
            due.Dequeue();
            action();
        }
        Arm(due);
    }
}

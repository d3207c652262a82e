using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Replay;

/// <summary>Brings events from outside together with the code that waits for them, in order per name.</summary>
internal sealed class ExternalEvents
{
    private readonly List<(string Name, TaskCompletionSource<string?> Promise)> _waiters = [];
    private readonly List<EventRaised> _kept = [];

    /// <summary>Whether someone waits.</summary>
    public bool IsAwaited => _waiters.Count > 0;

    /// <summary>The events that nobody waited for, in the order in which they came.</summary>
    public IReadOnlyList<EventRaised> Kept => [.. _kept];

    /// <summary>Waits for an event, or takes the oldest that was kept.</summary>
    public TaskCompletionSource<string?> Wait(string name)
    {
        var promise = new TaskCompletionSource<string?>();
        var at = _kept.FindIndex(raised => IsSame(raised.Name, name));
        if (at < 0)
        {
            _waiters.Add((name, promise));
            return promise;
        }
        promise.SetResult(_kept[at].Input);
        _kept.RemoveAt(at);
        return promise;
    }

    /// <summary>Stops a wait.</summary>
    public void Forget(string name, TaskCompletionSource<string?> promise) => _waiters.RemoveAll(waiter => waiter.Promise == promise
        && IsSame(waiter.Name, name));

    /// <summary>Takes an event.</summary>
    /// <returns>Who has waited longest for it; null when nobody has, then it is kept.</returns>
    public TaskCompletionSource<string?>? Raise(EventRaised raised)
    {
        var at = _waiters.FindIndex(waiter => IsSame(waiter.Name, raised.Name));
        if (at < 0)
        {
            Keep(raised);
            return null;
        }
        var promise = _waiters[at].Promise;
        _waiters.RemoveAt(at);
        return promise;
    }

    /// <summary>Keeps an event for later.</summary>
    public void Keep(EventRaised raised) => _kept.Add(raised);

    private static bool IsSame(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);
}

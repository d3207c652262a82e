using System.Collections.Concurrent;
using System.Diagnostics;

namespace Nebula.Delivery.Tests;

/// <summary>The named steps of a run. At one of them, the so-and-so-many-th time that it is reached, the process kills itself as <c>kill -9</c> does.</summary>
/// <param name="killAt">The step; empty for none.</param>
/// <param name="occurrence">Which time, from 1.</param>
/// <param name="reached">Is told each time that a step is reached, and which time it is; null for nobody.</param>
internal sealed class Steps(string killAt = "", int occurrence = 1, Action<string, int>? reached = null)
{
    private readonly ConcurrentDictionary<string, int> _reached = new(StringComparer.Ordinal);

    /// <summary>How often each step was reached.</summary>
    public IReadOnlyDictionary<string, int> Reached => _reached;

    /// <summary>A step is reached.</summary>
    public void Reach(string step)
    {
        var count = _reached.AddOrUpdate(step, 1, static (_, count) => count + 1);
        reached?.Invoke(step, count);
        if (count != occurrence || step != killAt)
            return;
        using var self = Process.GetCurrentProcess();
        self.Kill();
        // other threads may go on for an instant; this one must not
        new ManualResetEvent(false).WaitOne();
    }

    /// <summary>Does something between two steps.</summary>
    public T Around<T>(string step, Func<T> action)
    {
        Reach(step);
        var result = action();
        Reach(step + ".done");
        return result;
    }

    /// <inheritdoc cref="Around{T}(string, Func{T})"/>
    public async Task<T> AroundAsync<T>(string step, Func<Task<T>> action)
    {
        Reach(step);
        var result = await action().ConfigureAwait(false);
        Reach(step + ".done");
        return result;
    }
}

namespace Nebula.Orchestration;

/// <summary>How often and when a failed task is repeated: exponential back-off with jitter, on the orchestration's clock.</summary>
public sealed record RetryPolicy
{
    /// <summary>Most attempts, the first included.</summary>
    /// <value>5; at least 1.</value>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>Wait before the second attempt.</summary>
    /// <value>1 second.</value>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What each wait is multiplied by to give the next.</summary>
    /// <value>2; at least 1.</value>
    public double Backoff { get; init; } = 2;

    /// <summary>Longest wait, unless the failing system asks for more.</summary>
    /// <value>1 minute.</value>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Share of a wait that is left to chance, so that tasks that failed together do not return together.</summary>
    /// <value>0.25: a wait of 1 s becomes 0.75 to 1.25 s; between 0 and 1.</value>
    public double Jitter { get; init; } = 0.25;

    /// <summary>Whether a failure is worth another attempt.</summary>
    /// <value>Those of the kinds transient and throttled.</value>
    public Func<TaskFailedException, bool> Handles { get; init; } = static failure => failure.IsTransient;

    /// <summary>The wait before an attempt.</summary>
    /// <param name="attempt">The attempt that failed, from 1.</param>
    /// <param name="chance">Between 0 and 1.</param>
    /// <param name="failure">Why it failed.</param>
    internal TimeSpan DelayAfter(int attempt, double chance, TaskFailedException failure)
    {
        var delay = Math.Min(FirstDelay.TotalMilliseconds * Math.Pow(Math.Max(1, Backoff), attempt - 1), MaxDelay.TotalMilliseconds);
        delay *= 1 + (Jitter * ((2 * chance) - 1));
        var asked = failure.RetryAfter is { } wait ? wait.TotalMilliseconds * (1 + (Jitter * chance)) : 0;
        return TimeSpan.FromMilliseconds(Math.Max(delay, asked));
    }
}

using System.Diagnostics;
using Nebula.Cli.Output;

namespace Nebula.Cli.Running;

/// <summary>A run: its streams, a few at a time. A stream that fails does not stop the others.</summary>
internal sealed class RunExecution
{
    private readonly long _started = Stopwatch.GetTimestamp();

    public RunExecution(RunPlan plan)
    {
        Plan = plan;
        var pool = MemoryBudget.CreatePool(plan.Memory);
        Streams = [.. plan.Jobs.Select(job => new StreamExecution(job, plan.RunId, pool))];
    }

    /// <summary>What is to be done.</summary>
    public RunPlan Plan { get; }

    /// <summary>The streams, in the plan's order.</summary>
    public IReadOnlyList<StreamExecution> Streams { get; }

    /// <summary>How long it has taken.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>When it started.</summary>
    public DateTime StartedAt { get; } = DateTime.UtcNow;

    /// <summary>What the process returns once all streams have ended.</summary>
    public int ExitCode
    {
        get
        {
            if (Streams.Any(static stream => stream.State == StreamState.Interrupted))
                return Cli.ExitCode.Interrupted;
            var failed = Streams.FirstOrDefault(static stream => stream.State == StreamState.Failed);
            return failed is null ? Cli.ExitCode.Success
                : Streams.Any(static stream => stream.State == StreamState.Completed) ? Cli.ExitCode.Partial
                : Cli.ExitCode.Of(failed.Error!);
        }
    }

    /// <summary>Runs all streams to their ends.</summary>
    /// <returns>The exit code.</returns>
    public int Run(IRunDisplay display, CancellationToken interruption)
    {
        display.RunStarted(this);
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(interruption))
        using (new Timer(_ => display.Refresh(), null, display.RefreshInterval, display.RefreshInterval))
        {
            if (Plan.Timeout is { } timeout)
                stop.CancelAfter(timeout);
            RunAllAsync(display, new RunLimits(Plan.Timeout, stop.Token, interruption)).GetAwaiter().GetResult();
        }
        display.RunCompleted(this);
        return ExitCode;
    }

    private async Task RunAllAsync(IRunDisplay display, RunLimits limits)
    {
        using var slots = new SemaphoreSlim(Math.Max(1, Plan.ParallelStreams));
        await Task.WhenAll(Streams.Select(RunOneAsync)).ConfigureAwait(false);

        async Task RunOneAsync(StreamExecution stream)
        {
            await slots.WaitAsync(CancellationToken.None).ConfigureAwait(false);
            await stream.RunAsync(display, limits).ConfigureAwait(false);
            slots.Release();
        }
    }
}

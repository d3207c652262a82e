using System.Diagnostics;
using Nebula.Cli.Output;
using Nebula.Orchestration.Planning;

namespace Nebula.Cli.Running;

/// <summary>A run: its streams, a few at a time. A stream that fails does not stop the others.</summary>
internal sealed class RunExecution
{
    private readonly long _started = Stopwatch.GetTimestamp();

    private readonly IRunner _runner;

    /// <param name="plan">What is to be done.</param>
    /// <param name="runner">Does it.</param>
    public RunExecution(RunPlan plan, IRunner runner)
    {
        Plan = plan;
        _runner = runner;
        Streams = [.. plan.Jobs.Select(static job => new StreamExecution(job))];
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
            _runner.RunAsync(Streams, display, new RunLimits(Plan.Timeout, stop.Token, interruption)).GetAwaiter().GetResult();
        }
        display.RunCompleted(this);
        return ExitCode;
    }
}

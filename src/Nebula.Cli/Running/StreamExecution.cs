using System.Diagnostics;
using Nebula.Cli.Output;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;

namespace Nebula.Cli.Running;

/// <summary>How far a stream is.</summary>
internal enum StreamState
{
    /// <summary>Not started.</summary>
    Waiting,

    /// <summary>Under way.</summary>
    Running,

    /// <summary>Committed.</summary>
    Completed,

    /// <summary>Ended by an error; the target is as it was.</summary>
    Failed,

    /// <summary>Ended by the user or the system; the target is as it was.</summary>
    Interrupted,

    /// <summary>Ended because whoever read standard output has seen enough.</summary>
    OutputClosed,
}

/// <summary>The run of one stream, and what can be seen of it meanwhile.</summary>
internal sealed class StreamExecution(StreamJob job, string runId, BufferPool pool)
{
    private readonly List<string> _restarts = [];
    private StreamRun? _run;
    private long _started;
    private TimeSpan _elapsed;

    /// <summary>What is to be done.</summary>
    public StreamJob Job { get; } = job;

    /// <summary>How far it is.</summary>
    public StreamState State { get; private set; }

    /// <summary>The counts so far; null before the start.</summary>
    public PipelineMetrics? Metrics => _run?.Metrics;

    /// <summary>How it is read and written, once that is known.</summary>
    public StreamPlan? Plan { get; private set; }

    /// <summary>The outcome, when it completed.</summary>
    public StreamResult? Result { get; private set; }

    /// <summary>Why it failed.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Why it started again, each time.</summary>
    public IReadOnlyList<string> Restarts => _restarts;

    /// <summary>Where rows are that could not be read; null when there are none.</summary>
    public string? QuarantinedAt { get; private set; }

    /// <summary>How long it has taken.</summary>
    public TimeSpan Elapsed => State == StreamState.Running ? Stopwatch.GetElapsedTime(_started) : _elapsed;

    /// <summary>Runs the stream to its end. An error of the stream is kept in <see cref="Error"/>, not thrown.</summary>
    public async Task RunAsync(IRunDisplay display, RunLimits limits)
    {
        _started = Stopwatch.GetTimestamp();
        State = StreamState.Running;
        display.StreamStarted(this);
        try
        {
            limits.Stop.ThrowIfCancellationRequested();
            Result = await TransferAsync(display, limits.Stop).ConfigureAwait(false);
            End(StreamState.Completed);
        }
        catch (OutputClosedException)
        {
            End(StreamState.OutputClosed);
        }
        catch (OperationCanceledException) when (limits.Interruption.IsCancellationRequested)
        {
            End(StreamState.Interrupted);
        }
        catch (OperationCanceledException) when (limits.Timeout is { } timeout)
        {
            Error = new NebulaException(ErrorKind.Limit,
                $"The run took longer than {Units.FormatDuration(timeout)}, which is all it may take (--timeout, timeouts.run).");
            End(StreamState.Failed);
        }
        catch (Exception e)
        {
            Error = e;
            End(StreamState.Failed);
        }
        display.StreamEnded(this);
    }

    private void End(StreamState state)
    {
        _elapsed = Stopwatch.GetElapsedTime(_started);
        State = state;
    }

    private async Task<StreamResult> TransferAsync(IRunDisplay display, CancellationToken cancellationToken)
    {
        using var quarantine = Job.QuarantinePath is { } path ? new QuarantineFile(path, runId) : null;
        var options = quarantine is null ? Job.Options : Job.Options with { BadRows = Job.Options.BadRows with { Quarantine = quarantine.Add } };
        var source = Job.OpenSource();
        await using (source.ConfigureAwait(false))
        {
            var destination = Job.OpenDestination();
            await using (destination.ConfigureAwait(false))
            {
                _run = new StreamRun(source, destination, options, pool, runId);
                _run.Restarting += reason =>
                {
                    _restarts.Add(reason);
                    quarantine?.Restart();
                    display.StreamRestarted(this, reason);
                };
                _run.Warned += warning => display.StreamWarned(this, warning);
                _run.Planned += plan =>
                {
                    Plan = plan;
                    display.StreamPlanned(this);
                };
                try
                {
                    return await _run.RunAsync(Job.Request, cancellationToken).ConfigureAwait(false);
                }
                finally
                {
                    // also after a failure: what was found wrong helps to mend it
                    QuarantinedAt = quarantine?.Publish();
                }
            }
        }
    }
}

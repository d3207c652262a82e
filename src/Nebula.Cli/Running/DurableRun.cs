using System.Collections.Concurrent;
using Nebula.Cli.Output;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Running;

/// <summary>
/// Runs streams as durable orchestrations of this process: what is interrupted, also by kill -9, goes on behind the last chunk that was moved.
/// </summary>
/// <param name="plan">What is to be done.</param>
/// <param name="only">Names or wildcards of the streams that are wanted; empty for all.</param>
/// <param name="follow">Whether changes are followed until the process is stopped.</param>
/// <param name="state">Keeps the account.</param>
/// <param name="createWorker">Makes what does the work.</param>
/// <param name="log">Takes what happens.</param>
internal sealed class DurableRun(
    RunPlan plan, IReadOnlyList<string> only, bool follow, PipelineState state, Func<ISyncObserver, int, SyncWorker> createWorker, Log log)
    : IRunner, ISyncObserver, IOrchestrationLog
{
    // while one chunk is being ended and written, the next one begins
    private const int ParallelChunks = 2;

    // with waits of up to a minute: what is followed outlives the restart of a server
    private const int AttemptsToFollow = 12;
    private IReadOnlyList<StreamExecution> _streams = [];
    private readonly ConcurrentDictionary<int, Exception> _errors = new();
    private IRunDisplay _display = null!;

    public async Task RunAsync(IReadOnlyList<StreamExecution> streams, IRunDisplay display, RunLimits limits)
    {
        (_streams, _display) = (streams, display);
        var worker = createWorker(this, ParallelChunks);
        await using (worker.ConfigureAwait(false))
        {
            var registry = new TaskRegistry().AddSync(worker, state.Store);
            var host = new LocalOrchestrationHost(
                registry, new LocalHostOptions { Directory = state.RunsFolder, MaxActivities = plan.ParallelStreams * ParallelChunks, Log = this });
            var request = new SyncRequest(plan.RunId, plan.Name)
            {
                Only = only,
                Settings = new SyncSettings
                {
                    ParallelStreams = plan.ParallelStreams,
                    ParallelChunks = ParallelChunks,
                    UntilCaughtUp = !follow,
                    MaxAttempts = follow ? AttemptsToFollow : new SyncSettings().MaxAttempts,
                },
            };
            try
            {
                limits.Stop.ThrowIfCancellationRequested();
                var result = await host.RunAsync(SyncDefinitions.SyncRun, state.InstanceId, request, limits.Stop).ConfigureAwait(false);
                foreach (var failure in result.Failures)
                    EndFailed(failure);
                // what completed in an earlier process is not told again
                EndAll(result.Cancelled == 0 ? StreamState.Completed : StreamState.Interrupted, null);
            }
            catch (OperationCanceledException) when (limits.Interruption.IsCancellationRequested)
            {
                foreach (var stream in streams)
                    stream.IsResumable = true;
                // what is followed has no other end: everything that was read is committed
                foreach (var stream in streams.Where(stream => follow && stream.IsFollowed))
                    End(stream, StreamState.Completed, null);
                EndAll(StreamState.Interrupted, null);
            }
            catch (OperationCanceledException) when (limits.Timeout is not null)
            {
                foreach (var stream in streams)
                    stream.IsResumable = true;
                EndAll(StreamState.Failed, limits.TimedOut());
            }
            catch (Exception e)
            {
                EndAll(StreamState.Failed, e);
            }
        }
    }

    public PipelineMetrics MetricsOf(StreamTask task) => _streams[task.Stream].Metrics;

    public void Planned(StreamTask task, StreamPlan plan)
    {
        var stream = Started(task);
        stream.SetPlan(plan);
        _display.StreamPlanned(stream);
    }

    public void Continued(StreamTask task, StreamPlan plan) => Started(task).SetPlan(plan);

    public void Captured(StreamTask task) => Started(task).IsFollowed = true;

    public void Failed(StreamTask task, Exception error) => _errors[task.Stream] = error;

    public void Warned(StreamTask task, string warning) => _display.StreamWarned(Started(task), warning);

    public void Restarted(StreamTask task, string reason)
    {
        var stream = Started(task);
        stream.Restart(reason);
        _display.StreamRestarted(stream, reason);
    }

    public void Quarantined(StreamTask task, string path) => _streams[task.Stream].QuarantinedAt = path;

    public void Committed(StreamTask task, CommitReceipt receipt, long storedBytes) => _streams[task.Stream].Commit(receipt.Locations, storedBytes);

    public void Completed(StreamTask task) => End(Started(task), StreamState.Completed, null);

    public void Write(string instanceId, OrchestrationLogLevel level, string message) => log.Write(level switch
    {
        OrchestrationLogLevel.Debug => LoggingLevel.Debug,
        OrchestrationLogLevel.Warning => LoggingLevel.Info,
        _ => LoggingLevel.Debug,
    }, message);

    private StreamExecution Started(StreamTask task)
    {
        var stream = _streams[task.Stream];
        lock (stream)
        {
            if (stream.State != StreamState.Waiting)
                return stream;
            stream.Start();
        }
        _display.StreamStarted(stream);
        return stream;
    }

    private void EndFailed(Nebula.Orchestration.Sync.StreamResult failure)
    {
        for (var i = 0; i < _streams.Count; i++)
            if (!_streams[i].HasEnded && (failure.IsCaptured ? _streams[i].Job.Request.Capture is not null
                : _streams[i].Job.Name == failure.Name || failure.Name == $"stream {i}"))
            {
                // the error itself says more than what travelled through the history
                var error = _errors.GetValueOrDefault(i) is { } known && known.Message == failure.Failure ? known
                    : new NebulaException(failure.FailureKind ?? ErrorKind.Fatal, failure.Failure ?? "It failed.");
                End(_streams[i], StreamState.Failed, error);
                if (!failure.IsCaptured)
                    return;
            }
    }

    private void EndAll(StreamState outcome, Exception? error)
    {
        foreach (var stream in _streams)
            if (!stream.HasEnded)
                End(stream, outcome, error);
    }

    private void End(StreamExecution stream, StreamState outcome, Exception? error)
    {
        lock (stream)
        {
            if (stream.HasEnded)
                return;
            stream.End(outcome, error);
        }
        _display.StreamEnded(stream);
    }
}

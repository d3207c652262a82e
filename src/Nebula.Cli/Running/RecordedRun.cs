using Nebula.Cli.Output;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Running;

/// <summary>Runs streams some way, and keeps a record of what became of them.</summary>
/// <param name="plan">What is to be done.</param>
/// <param name="store">Keeps the record.</param>
/// <param name="inner">The way.</param>
internal sealed class RecordedRun(RunPlan plan, IStateStore store, IRunner inner) : IRunner
{
    private const int LongestMessage = 1_000;

    public async Task RunAsync(IReadOnlyList<StreamExecution> streams, IRunDisplay display, RunLimits limits)
    {
        var startedAt = DateTime.UtcNow;
        await inner.RunAsync(streams, display, limits).ConfigureAwait(false);
        // what goes on with the next command has not ended
        if (streams.Any(static stream => stream.IsResumable))
            return;
        var record = new RunRecord(plan.RunId, plan.Name, startedAt, DateTime.UtcNow, [.. streams.Select(Record)]);
        await new RunHistory(store).AddAsync(record, CancellationToken.None).ConfigureAwait(false);
    }

    private static StreamResult Record(StreamExecution stream) => new(stream.Job.Name, stream.State switch
    {
        StreamState.Completed => SyncOutcome.Completed,
        StreamState.Failed => SyncOutcome.Failed,
        _ => SyncOutcome.Cancelled,
    })
    {
        Rows = stream.State == StreamState.Completed ? stream.Metrics.RowsWritten : 0,
        Bytes = stream.StoredBytes ?? 0,
        Compared = stream.Metrics.Repair?.Rows,
        Failure = stream.Error is { Message: var text } ? text[..Math.Min(text.Length, LongestMessage)] : null,
        FailureKind = (stream.Error as NebulaException)?.Kind,
    };
}

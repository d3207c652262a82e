using System.Globalization;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Sync;

/// <summary>Tells what became of the streams of a run, for hosts that know its history.</summary>
public static class RunStreams
{
    private const string Changes = "(changes)";

    /// <summary>The streams of a run that has ended, by name as far as its history still has them: a run of many streams forgets the first ones on its way, and
    /// they are summed up.</summary>
    /// <param name="history">The history of <see cref="SyncDefinitions.SyncRun"/>, or what is left of it.</param>
    /// <param name="result">The run's result as JSON text.</param>
    /// <exception cref="Engine.Diagnostics.DataFormatException">History and result are none of a run.</exception>
    public static IReadOnlyList<StreamResult> Of(IEnumerable<HistoryEvent> history, string? result)
    {
        var run = SyncDefinitions.SyncRun.Output.FromJson(result, "The run's result");
        var children = history.OfType<SubOrchestrationCompleted>().ToList();
        var streams = children.Select(static child => SyncDefinitions.SyncStream.Output.FromJson(child.Result, "A stream's result")).ToList();
        // what has no name is no stream, but the changes of all those that are captured
        if (streams.FindIndex(static stream => stream.Name.Length == 0) is >= 0 and var last)
        {
            var changes = SyncDefinitions.CaptureChanges.Output.FromJson(children[last].Result, "The changes' result");
            streams.RemoveAt(last);
            streams = streams.ConvertAll(stream => stream is { IsCaptured: true, Outcome: SyncOutcome.Completed }
                ? stream with { Outcome = changes.Outcome, FailureKind = changes.FailureKind, Failure = changes.Failure } : stream);
            if (changes.Rows > 0)
                streams.Add(new StreamResult(Changes, SyncOutcome.Completed) { IsCaptured = true, Rows = changes.Rows, Bytes = changes.Bytes });
        }
        streams.AddRange(run.Failures.Where(failure => failure.Name.Length > 0 && streams.TrueForAll(stream => stream.Name != failure.Name)));
        Add(SyncOutcome.Completed, run.Completed);
        Add(SyncOutcome.Failed, run.Failed);
        Add(SyncOutcome.Cancelled, run.Cancelled);
        return streams;

        void Add(SyncOutcome outcome, int count)
        {
            var others = count - streams.Count(stream => stream.Outcome == outcome && stream.Name != Changes);
            if (others <= 0)
                return;
            var isCommitted = outcome == SyncOutcome.Completed;
            streams.Add(new StreamResult(string.Create(CultureInfo.InvariantCulture, $"({others} others)"), outcome)
            {
                Rows = isCommitted ? run.Rows - streams.Sum(static stream => stream.Rows) : 0,
                Bytes = isCommitted ? run.Bytes - streams.Sum(static stream => stream.Bytes) : 0,
            });
        }
    }
}

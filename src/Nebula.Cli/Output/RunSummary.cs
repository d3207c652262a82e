using System.Globalization;
using Nebula.Cli.Running;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Storage;

namespace Nebula.Cli.Output;

/// <summary>The account of a run, for people: every row read is written, skipped or quarantined.</summary>
internal static class RunSummary
{
    // what a shorter run tells of speed is the start of the program
    private static readonly TimeSpan LeastForRates = TimeSpan.FromMilliseconds(200);

    private const long LeastForBytes = 1_000;

    /// <summary>Writes the account of a stream that has ended.</summary>
    public static void WriteStream(Terminal terminal, Log log, StreamExecution stream)
    {
        if (stream.State == StreamState.OutputClosed)
            return;
        var progress = new Progress(stream);
        var (mark, paint) = stream.State switch
        {
            StreamState.Completed => ("ok", Paint.Good),
            StreamState.Interrupted => ("interrupted", Paint.Warning),
            _ => ("failed", Paint.Bad),
        };
        // one piece: streams end at the same time
        var lines = new List<string>();
        var places = Places(stream.Locations ?? [stream.Job.Target]);
        lines.Add($"{terminal.With(paint, mark)}  {terminal.With(Paint.Strong, stream.Job.Name)} -> {places}");
        if (stream.State == StreamState.Completed)
        {
            var rates = progress.Elapsed < LeastForRates ? "" : $" ({progress.Rates})";
            var earlier = progress.Earlier == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", {progress.Earlier:N0} of them before the interruption,");
            lines.Add($"    {Rows(progress.Written)}{earlier} in {Units.FormatDuration(progress.Elapsed)}{rates}");
        }
        if (stream.IsPublished || progress.Read > 0)
            lines.Add("    " + Account(stream, progress));
        if (stream.State == StreamState.Completed && stream.Metrics.Storage is { Records: > 0 } storage)
        {
            var mode = storage.Mode == StorageMode.Row ? "rows" : storage.Switches > 0 ? "rows, then columns" : "columns";
            // a handful of records says nothing: buffers have a least size
            lines.Add(storage.Records < LeastForBytes ? $"    held as {mode}"
                : string.Create(CultureInfo.InvariantCulture, $"    held as {mode}: {storage.BytesPerRecord:0.0} live bytes per record"));
        }
        if (stream.Metrics.Note is { } note)
            lines.Add($"    {note}");
        if (stream.Metrics.Latency is { } latency)
            lines.Add($"    changes: visible {Units.FormatDuration(latency.Percentile(0.5))} after their commit (half of them), "
                + $"{Units.FormatDuration(latency.Percentile(0.99))} (99 %), {Units.FormatDuration(latency.Longest)} (all)");
        if (stream.Metrics.Repair is { } repair)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"    repaired: {repair.Differing:N0} of {Rows(repair.Rows)} transferred"));
        if (progress.Kept is { } kept)
            lines.Add($"    {kept} at the source by '{progress.Retention!.Log}'");
        foreach (var reason in stream.Restarts)
            lines.Add($"    started again because {log.Redact(reason)}");
        if (stream.QuarantinedAt is { } quarantine)
            lines.Add($"    {terminal.With(Paint.Warning, "quarantine:")} {quarantine}");
        if (stream.State != StreamState.Completed)
            lines.Add("    " + Remains(stream));
        terminal.WriteLine(string.Join('\n', lines));
        if (stream.Error is { } error)
            ErrorText.Write(terminal, log, error);
    }

    /// <summary>Writes the last lines.</summary>
    public static void WriteRun(Terminal terminal, RunExecution run)
    {
        if (run.Streams.Any(static stream => stream.State == StreamState.OutputClosed))
            return;
        var memory = $"peak memory {Units.FormatSize(ProcessMemory.Peak)}";
        if (run.Streams.Count > 1)
        {
            var completed = run.Streams.Count(static stream => stream.State == StreamState.Completed);
            var rows = run.Streams.Where(static stream => stream.IsPublished).Sum(static stream => new Progress(stream).Written);
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{completed} of {run.Streams.Count} streams, {Rows(rows)} in {Units.FormatDuration(run.Elapsed)}, {memory}"));
        }
        else
            terminal.WriteLine(terminal.With(Paint.Faint, $"    {memory}"));
        if (terminal.IsInteractive && !run.Plan.OutputIsData && run.ExitCode == ExitCode.Success && run.Streams[0].Locations is [var first, ..])
            terminal.WriteLine(terminal.With(Paint.Faint, $"    look at it: nebula preview {first}"));
    }

    /// <summary>Every row that was read, and what became of it; of rows that nobody will see that is not that they were written.</summary>
    private static string Account(StreamExecution stream, in Progress progress)
    {
        var rows = string.Create(CultureInfo.InvariantCulture, $"skipped {progress.Skipped:N0} + quarantined {progress.Quarantined:N0}");
        var (read, written) = (progress.Read.ToString("N0", CultureInfo.InvariantCulture), progress.Written.ToString("N0", CultureInfo.InvariantCulture));
        return stream.IsPublished
            ? $"read {read} = written {written} + {rows}; {Units.FormatSize(progress.BytesRead)} in, {Units.FormatSize(progress.BytesWritten)} out"
            : $"read {read} = not published {written} + {rows}; {Units.FormatSize(progress.BytesRead)} in";
    }

    /// <summary>What a stream that did not come to its end leaves.</summary>
    private static string Remains(StreamExecution stream)
    {
        var next = stream.IsResumable ? "; the same command goes on where this one stopped" : "";
        return stream.GoesOutAtOnce ? "what was written has gone out: it is a part of the rows only"
            : stream.IsPublished ? "what was committed before stays" + next
            : "nothing was published: the target is as it was before" + next;
    }

    private static string Places(IReadOnlyList<string> locations)
    {
        const int MostShown = 5;
        return locations.Count == 0 ? "nothing new"
            : string.Join(", ", locations.Take(MostShown)) + (locations.Count > MostShown ? $" and {locations.Count - MostShown} more" : "");
    }

    private static string Rows(long rows) => string.Create(CultureInfo.InvariantCulture, $"{rows:N0} {(rows == 1 ? "row" : "rows")}");
}

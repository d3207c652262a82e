using System.Globalization;
using Nebula.Cli.Running;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Output;

/// <summary>Tells people about a run: a moving region on a terminal, lines every few seconds elsewhere, and the account at the end.</summary>
internal sealed class TextDisplay(Terminal terminal, Log log) : IRunDisplay
{
    private static readonly string[] Spinner = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    private RunExecution? _run;
    private int _frame;

    public TimeSpan RefreshInterval => terminal.IsInteractive ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromSeconds(5);

    public void RunStarted(RunExecution run)
    {
        _run = run;
        log.Write(LoggingLevel.Debug, $"run {run.Plan.RunId} of {run.Plan.Name} started: {run.Streams.Count} {(run.Streams.Count == 1 ? "stream" : "streams")}");
    }

    public void StreamStarted(StreamExecution stream) => log.Write(LoggingLevel.Debug, $"{stream.Job.Name}: started");

    public void StreamPlanned(StreamExecution stream)
    {
        if (!log.Shows(LoggingLevel.Info))
            return;
        const int MostColumns = 8;
        var columns = stream.Plan!.Columns;
        var shown = string.Join(", ", columns.Take(MostColumns).Select(static column => $"{column.Field.Name} {column.Field.Type}"));
        log.Write(LoggingLevel.Info,
            $"{stream.Job.Name}: {columns.Length} {(columns.Length == 1 ? "column" : "columns")}: {shown}{(columns.Length > MostColumns ? ", …" : "")}");
    }

    public void StreamRestarted(StreamExecution stream, string reason) =>
        terminal.WriteLine(
            $"{terminal.With(Paint.Warning, "again:")} {stream.Job.Name} starts again, because {log.Redact(reason)}");

    public void StreamWarned(StreamExecution stream, string warning) =>
        terminal.WriteLine($"{terminal.With(Paint.Warning, "lossy:")} {stream.Job.Name}: {log.Redact(warning)}");

    public void StreamEnded(StreamExecution stream)
    {
        // the account of the stream comes out at once: with many streams the end of the run may be far
        terminal.ShowRegion(Region());
        RunSummary.WriteStream(terminal, log, stream);
    }

    public void Refresh()
    {
        if (terminal.IsInteractive)
            terminal.ShowRegion(Region());
        else
            foreach (var stream in _run!.Streams.Where(static stream => stream.State == StreamState.Running))
                terminal.WriteLine(Line(stream, new Progress(stream)));
    }

    public void RunCompleted(RunExecution run)
    {
        if (terminal.IsInteractive)
            terminal.ShowRegion([]);
        RunSummary.WriteRun(terminal, run);
    }

    private List<string> Region()
    {
        const int MostStreams = 12;
        var lines = new List<string>();
        if (!terminal.IsInteractive)
            return lines;
        _frame++;
        var running = _run!.Streams.Where(static stream => stream.State == StreamState.Running).ToList();
        foreach (var stream in running.Take(MostStreams))
            lines.Add(Moving(stream, new Progress(stream), terminal.Width - 1));
        var waiting = _run.Streams.Count(static stream => stream.State == StreamState.Waiting);
        if (waiting > 0)
            lines.Add(terminal.With(Paint.Faint, $"  {waiting} waiting"));
        return lines;
    }

    private string Moving(StreamExecution stream, in Progress progress, int width)
    {
        const int BarWidth = 20;
        var counts = string.Create(CultureInfo.InvariantCulture,
            $"{progress.Read:N0} rows  {Units.FormatCount(progress.RowsPerSecond)} rows/s  {Units.FormatSize(progress.BytesPerSecond)}/s");
        var rest = "";
        var bar = "";
        if (Comparing(stream) is { } comparing)
            counts = comparing;
        else if (stream.Metrics.Latency is { } latency)
            rest = $"  {Units.FormatDuration(latency.Last)} behind{(progress.Kept is { } kept ? "  " + kept : "")}";
        else if (progress.Fraction is { } fraction)
        {
            rest = string.Create(CultureInfo.InvariantCulture, $"  {fraction * 100,3:0}%") + (progress.Left is { } left ? $"  {Coarse(left)} left" : "");
            var full = (int)(fraction * BarWidth);
            bar = "  " + terminal.With(Paint.Good, new string('━', full)) + terminal.With(Paint.Faint, new string('─', BarWidth - full));
        }
        var name = stream.Job.Name;
        // what matters least goes first when the window is narrow: the bar, then the name's beginning
        if (2 + name.Length + 2 + counts.Length + rest.Length + BarWidth + 2 > width)
            bar = "";
        var room = width - 2 - 2 - counts.Length - rest.Length;
        if (name.Length > room)
            name = room > 1 ? "…" + name[^(room - 1)..] : "";
        var line = $"{Spinner[_frame % Spinner.Length]} {name}  {counts}{bar}{rest}";
        return bar.Length == 0 && line.Length > width ? line[..width] : line;
    }

    private static string Line(StreamExecution stream, in Progress progress)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{stream.Job.Name}: {progress.Read:N0} rows, {progress.Rates}");
        if (Comparing(stream) is { } comparing)
            return $"{stream.Job.Name}: {comparing}";
        if (stream.Metrics.Latency is { } latency)
            line += $", {Units.FormatDuration(latency.Last)} behind";
        if (progress.Kept is { } kept)
            return $"{line}, {kept}";
        if (progress.Fraction is { } fraction)
            line += string.Create(CultureInfo.InvariantCulture, $", {fraction * 100:0}%");
        return progress.Left is { } left ? $"{line}, {Coarse(left)} left" : line;
    }

    /// <summary>How far source and target are compared, as long as they are; else null.</summary>
    private static string? Comparing(StreamExecution stream) => stream.Metrics.Repair is { } repair && repair.Compared < repair.Rows
        ? string.Create(CultureInfo.InvariantCulture, $"{repair.Compared:N0} of {repair.Rows:N0} rows compared, {repair.Differing:N0} differ") : null;

    // hundredths of a second would only flicker
    private static string Coarse(TimeSpan left) =>
        left.TotalMinutes < 1 ? $"{Math.Max(1, (int)Math.Ceiling(left.TotalSeconds))} s" : Units.FormatDuration(left);
}

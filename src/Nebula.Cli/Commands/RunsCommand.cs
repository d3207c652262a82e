using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Cli.Output;
using Nebula.Cli.Running;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula runs</c>: what ran, what runs, what was interrupted.</summary>
internal sealed class RunsCommand : NebulaCommand
{
    private const string Interrupted = "interrupted";
    private readonly StateView _state;
    private readonly Option<string?> _limit = Flag.Text("--limit", "N", "Most runs that are shown, the newest ones; 20 when not set.");
    private readonly Option<string?> _output = Flag.Choice("--output", "A table for people, or one JSON array.", "text", "json");

    public RunsCommand(CommandContext context)
        : base("runs", "Show the runs of a pipeline: those that ended, and one that is under way or was interrupted.", context)
    {
        _state = new StateView(this);
        Options.Add(_limit);
        Options.Add(_output);
        Examples = ["nebula runs", "nebula runs pipeline.yaml --limit 5", "nebula runs pipeline.yaml --output json | jq '.[0].state'"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        const int Usual = 20;
        var most = arguments.GetValue(_limit) is not { } text ? Usual
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
            : throw NebulaException.Configuration($"--limit must be a whole number, at least 1; it is '{text}'.");
        var state = _state.Find(arguments, context);
        var runs = state.Runs.List().Where(run => !run.HasEnded && IsWanted(state, run)).Select(Unfinished)
            .Concat(RecordsAsync(state, context.Interruption).GetAwaiter().GetResult().OrderByDescending(static record => record.StartedAt).Select(Ended))
            .Take(most).ToList();
        if (Flag.Word(arguments, _output) == "json")
            WriteJson(runs, context.Output);
        else if (runs.Count == 0)
            context.Output.WriteLine("There are no runs yet.");
        else
            WriteTable(runs, context);
        return ExitCode.Success;
    }

    private static void WriteTable(List<Row> runs, CommandContext context)
    {
        var table = new TextTable("run", "pipeline", "started (UTC)", "state", "streams", "rows", "took");
        table.AlignRight(5);
        foreach (var run in runs)
            table.Add(run.Id, run.Pipeline, run.StartedAt.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
                run.State == Interrupted ? "interrupted; the next run goes on" : run.State,
                run.StreamsTotal is { } total ? $"{run.StreamsDone} of {total}" : "", run.Rows.ToString("N0", CultureInfo.InvariantCulture),
                Units.FormatDuration(run.Took));
        table.Write(context.Output, context.OutputWidth);
    }

    private static void WriteJson(List<Row> runs, TextWriter output)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (var run in runs)
            {
                json.WriteStartObject();
                json.WriteString("run_id", run.Id);
                json.WriteString("pipeline", run.Pipeline);
                json.WriteString("started_at", DateTime.SpecifyKind(run.StartedAt, DateTimeKind.Utc));
                json.WriteString("state", run.State);
                json.WriteNumber("streams_completed", run.StreamsDone);
                if (run.StreamsTotal is { } total)
                    json.WriteNumber("streams", total);
                json.WriteNumber("rows", run.Rows);
                json.WriteNumber("seconds", Math.Round(run.Took.TotalSeconds, 3));
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        output.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }

    private static bool IsWanted(PipelineState state, RunState run) => state.Pipeline.Length == 0 || run.InstanceId == state.InstanceId;

    private static Row Unfinished(RunState run)
    {
        var request = run.Input is { } input ? SyncDefinitions.SyncRun.Input.FromJson(input, "The journal") : null;
        var status = run.CustomStatus is { } custom ? SyncDefinitions.Status.FromJson(custom, "The journal") : null;
        return new Row(request?.RunId ?? run.InstanceId, request?.Pipeline ?? "", run.CreatedAt, run.IsActive ? status?.State ?? "running" : Interrupted,
            status?.Done ?? 0, status?.Total, status?.Rows ?? 0, run.LastUpdatedAt - run.CreatedAt);
    }

    private static Row Ended(RunRecord record) => new(record.RunId, record.Pipeline, record.StartedAt, record.Status,
        record.Streams.Count(static stream => stream.Outcome == SyncOutcome.Completed), record.Streams.Count, record.Rows, record.EndedAt - record.StartedAt);

    private static async Task<List<RunRecord>> RecordsAsync(PipelineState state, CancellationToken cancellationToken)
    {
        var records = new List<RunRecord>();
        await foreach (var record in new RunHistory(state.Store).ListAsync(state.Pipeline, cancellationToken).ConfigureAwait(false))
            records.Add(record);
        return records;
    }

    private sealed record Row(string Id, string Pipeline, DateTime StartedAt, string State, long StreamsDone, long? StreamsTotal, long Rows, TimeSpan Took);
}

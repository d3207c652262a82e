using System.CommandLine;
using System.Globalization;
using Nebula.Cli.Output;
using Nebula.Cli.Running;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Local;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula runs</c>: what ran, what runs, what was interrupted.</summary>
internal sealed class RunsCommand : NebulaCommand
{
    private readonly StateView _state;
    private readonly Option<string?> _limit = Flag.Text("--limit", "N", "Most runs that are shown, the newest ones; 20 when not set.");

    public RunsCommand(CommandContext context)
        : base("runs", "Show the runs of a pipeline: those that ended, and one that is under way or was interrupted.", context)
    {
        _state = new StateView(this);
        Options.Add(_limit);
        Examples = ["nebula runs", "nebula runs pipeline.yaml --limit 5"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        const int Usual = 20;
        var most = arguments.GetValue(_limit) is not { } text ? Usual
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number
            : throw NebulaException.Configuration($"--limit must be a whole number, at least 1; it is '{text}'.");
        var state = _state.Find(arguments, context);
        var table = new TextTable("run", "pipeline", "started (UTC)", "state", "streams", "rows", "took");
        table.AlignRight(5);
        var shown = 0;
        foreach (var run in state.Runs.List().Where(run => !run.HasEnded && IsWanted(state, run)))
        {
            shown++;
            AddUnfinished(table, run);
        }
        foreach (var record in RecordsAsync(state, context.Interruption).GetAwaiter().GetResult()
            .OrderByDescending(static record => record.StartedAt).Take(most))
        {
            shown++;
            table.Add(record.RunId, record.Pipeline, Time(record.StartedAt), record.Status,
                $"{record.Streams.Count(static stream => stream.Outcome == SyncOutcome.Completed)} of {record.Streams.Count}", Count(record.Rows),
                Units.FormatDuration(record.EndedAt - record.StartedAt));
        }
        if (shown == 0)
            context.Output.WriteLine("There are no runs yet.");
        else
            table.Write(context.Output, null);
        return ExitCode.Success;
    }

    private static bool IsWanted(PipelineState state, RunState run) => state.Pipeline.Length == 0 || run.InstanceId == state.InstanceId;

    private static void AddUnfinished(TextTable table, RunState run)
    {
        var request = run.Input is { } input ? SyncDefinitions.SyncRun.Input.FromJson(input, "The journal") : null;
        var status = run.CustomStatus is { } custom ? SyncDefinitions.Status.FromJson(custom, "The journal") : null;
        table.Add(request?.RunId ?? run.InstanceId, request?.Pipeline ?? "", Time(run.CreatedAt),
            run.IsActive ? status?.State ?? "running" : "interrupted; the next run goes on", status is null ? "" : $"{status.Done} of {status.Total}",
            Count(status?.Rows ?? 0), Units.FormatDuration(run.LastUpdatedAt - run.CreatedAt));
    }

    private static async Task<List<RunRecord>> RecordsAsync(PipelineState state, CancellationToken cancellationToken)
    {
        var records = new List<RunRecord>();
        await foreach (var record in new RunHistory(state.Store).ListAsync(state.Pipeline, cancellationToken).ConfigureAwait(false))
            records.Add(record);
        return records;
    }

    private static string Time(DateTime time) => time.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Count(long rows) => rows.ToString("N0", CultureInfo.InvariantCulture);
}

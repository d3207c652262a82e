using System.CommandLine;
using Nebula.Cli.Output;
using Nebula.Cli.Running;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula verify RUN</c>: proves that what a run committed lies at the target.</summary>
internal sealed class VerifyCommand : NebulaCommand
{
    private const string Last = "last";
    private readonly Argument<string> _run = new("run") { Description = $"The run, as 'nebula runs' shows it, or {Last}." };
    private readonly StateView _state;
    private readonly Option<string?> _output = Flag.Choice("--output", "A table and what differs, for people, or one JSON object.", "text", "json");

    public VerifyCommand(CommandContext context)
        : base("verify", "Read again what a run committed, and prove that it is what was read from the source.", context)
    {
        Arguments.Add(_run);
        _state = new StateView(this);
        Options.Add(_output);
        Examples =
        [
            "nebula verify last pipeline.yaml",
            "nebula verify 20260102T030405-a1b2c3 pipeline.yaml",
            "nebula run pipeline.yaml --verify chunk && nebula verify last pipeline.yaml",
            "nebula verify last pipeline.yaml --output json | jq '.streams[].differences'",
        ];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var asJson = Flag.Word(arguments, _output) == "json";
        var state = _state.Find(arguments, context);
        return ExecuteAsync(arguments, state, asJson, context).GetAwaiter().GetResult();
    }

    private async Task<int> ExecuteAsync(ParseResult arguments, PipelineState state, bool asJson, CommandContext context)
    {
        var run = await FindAsync(arguments.GetValue(_run)!, state, context.Interruption).ConfigureAwait(false);
        var pipeline = _state.FindPipeline(arguments, context, state, run.Pipeline);
        MemoryBudget.Apply(pipeline.Settings.Memory);
        using var pool = MemoryBudget.CreatePool(pipeline.Settings.Memory);
        var verifier = new RunVerifier(pipeline, context.Connectors, state.Store, pool);
        var isChanged = await verifier.IsChangedSinceAsync(run.RunId, context.Interruption).ConfigureAwait(false);
        var streams = new List<StreamVerification>(run.Streams.Count);
        await foreach (var stream in verifier.VerifyAsync(run, context.Interruption).ConfigureAwait(false))
            streams.Add(stream);
        var report = new VerificationReport(run, streams, isChanged);
        if (asJson)
            report.WriteJson(context.Output);
        else
            report.WriteText(context.Output, context.OutputWidth);
        return report.Differs ? ExitCode.Verification : ExitCode.Success;
    }

    private static async Task<RunRecord> FindAsync(string wanted, PipelineState state, CancellationToken cancellationToken)
    {
        var records = new List<RunRecord>();
        await foreach (var record in new RunHistory(state.Store).ListAsync(state.Pipeline, cancellationToken).ConfigureAwait(false))
            records.Add(record);
        if (records.Count == 0)
            throw NebulaException.NotFound("There is no run to verify: none has ended yet. 'nebula runs' shows those that are under way.");
        return (wanted == Last ? records.MaxBy(static record => record.StartedAt) : records.Find(record => record.RunId == wanted))
            ?? throw NebulaException.NotFound(
                $"There is no run '{wanted}' that has ended.{Suggestion.For(wanted, records.Select(static record => record.RunId))} 'nebula runs' shows all.");
    }
}

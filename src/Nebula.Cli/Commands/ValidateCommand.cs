using System.CommandLine;
using Nebula.Cli.Output;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Planning;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula validate</c>: whether a pipeline file makes sense.</summary>
internal sealed class ValidateCommand : NebulaCommand
{
    private readonly Argument<string> _file = new("file") { Description = "A pipeline file, YAML or JSON." };
    private readonly Option<bool> _online = Flag.Switch("--online", "Also look for the streams, and try source and target.");
    private readonly Option<string?> _explain = Flag.Text("--explain", "STREAM", "Show the settings that hold for a stream, and where each comes from.");
    private readonly PipelineFlags _pipeline;

    public ValidateCommand(CommandContext context)
        : base("validate", "Check a pipeline file without running it; connects to nothing unless asked to.", context)
    {
        Arguments.Add(_file);
        Options.Add(_online);
        Options.Add(_explain);
        _pipeline = new PipelineFlags(this);
        Examples = ["nebula validate pipeline.yaml", "nebula validate pipeline.yaml --online", "nebula validate pipeline.yaml --explain orders.csv"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var file = arguments.GetValue(_file)!;
        var pipeline = PipelineFile.Load(file, _pipeline.Environment(arguments, context), [.. _pipeline.Overrides(arguments)]);
        if (arguments.GetValue(_explain) is { } stream)
            return Explain(pipeline, stream, context);
        CheckOptions(pipeline, context);
        if (arguments.GetValue(_online))
            return CheckOnline(pipeline, file, context);
        var patterns = pipeline.Streams.Count;
        var streams = patterns == 1 ? "1 stream or pattern" : $"{patterns} streams and patterns";
        context.Output.WriteLine($"{file}: ok, {pipeline.Source.Type} -> {pipeline.Target.Type}, {streams}. --online looks at source and target too.");
        return ExitCode.Success;
    }

    private static void CheckOptions(PipelineConfig pipeline, CommandContext context)
    {
        var planner = new RunPlanner(pipeline, context.Connectors);
        var resolver = new StreamResolver(pipeline);
        foreach (var stream in pipeline.Streams.Select(pattern => resolver.Find(pattern.Text)).OfType<StreamConfig>())
        {
            _ = planner.SourceOf(stream);
            _ = planner.DestinationOf(stream);
        }
    }

    private static int CheckOnline(PipelineConfig pipeline, string file, CommandContext context)
    {
        var code = CheckCommand.CheckAsync(pipeline, context).GetAwaiter().GetResult();
        if (code != ExitCode.Success)
            return code;
        var plan = new RunPlanner(pipeline, context.Connectors).PlanAsync([], context.Interruption).GetAwaiter().GetResult();
        foreach (var job in plan.Jobs)
            context.Output.WriteLine($"ok      stream {job.Name} -> {job.Target}");
        context.Output.WriteLine($"{file}: ok, {plan.Jobs.Count} {(plan.Jobs.Count == 1 ? "stream" : "streams")}");
        return ExitCode.Success;
    }

    private static int Explain(PipelineConfig pipeline, string name, CommandContext context)
    {
        var stream = new StreamResolver(pipeline).Find(name) ?? throw NebulaException.Configuration(
            $"No pattern in 'streams' brings in '{name}'.{Suggestion.For(name, pipeline.Streams.Select(static pattern => pattern.Text))}", pipeline.Location);
        var table = new TextTable("setting", "value", "from");
        foreach (var setting in stream.Explain())
            table.Add(setting.Path, context.Log.Redact(setting.Value), setting.Origin?.ToString() ?? "built in");
        table.Write(context.Output, context.OutputWidth);
        return ExitCode.Success;
    }
}

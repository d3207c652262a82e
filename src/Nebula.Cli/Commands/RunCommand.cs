using System.CommandLine;
using Nebula.Cli.Running;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula run pipeline.yaml</c>, or with a file for each end.</summary>
internal sealed class RunCommand : NebulaCommand
{
    private readonly Argument<string?> _file = new("file") { Description = "A pipeline file, YAML or JSON.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _source = Flag.Text("--source", "FILE", "A file that describes the source, instead of a pipeline file.");
    private readonly Option<string?> _destination = Flag.Text("--destination", "FILE", "A file that describes the destination.");
    private readonly Option<string?> _streams = Flag.Text("--streams", "A,B", "Names or wildcards of the streams to run; all when not set.");
    private readonly Option<bool> _follow = Flag.Switch("--follow", "Go on with changes as they come (mode: cdc), until the process is stopped.");
    private readonly PipelineFlags _pipeline;
    private readonly RunFlags _run;

    public RunCommand(CommandContext context)
        : base("run", "Run a pipeline file.", context)
    {
        Arguments.Add(_file);
        foreach (var option in (Option[])[_source, _destination, _streams, _follow])
            Options.Add(option);
        _pipeline = new PipelineFlags(this);
        _run = new RunFlags(this);
        Examples =
        [
            "nebula run pipeline.yaml",
            "nebula run pipeline.yaml --streams 'orders*' --limit 1000 --env REGION=eu",
            "nebula run --source src.json --destination dest.json --batch-size 5000 --workers 4 --timeout 300s",
            "nebula run pipeline.yaml --follow --flush-interval 50ms",
            "nebula run pipeline.yaml --output json | jq 'select(.event == \"run_completed\")'",
        ];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var overrides = _run.Overrides(arguments);
        overrides.AddRange(_pipeline.Overrides(arguments));
        var environment = _pipeline.Environment(arguments, context);
        var pipeline = (arguments.GetValue(_file), arguments.GetValue(_source), arguments.GetValue(_destination)) switch
        {
            ({ } file, null, null) => PipelineFile.Load(file, environment, overrides),
            (null, { } source, { } destination) => PipelineFile.LoadSplit(source, destination, environment, overrides),
            (null, null, null) => throw NebulaException.Configuration("Which pipeline? Give a file (nebula run pipeline.yaml), or --source and --destination."),
            ({ }, _, _) => throw NebulaException.Configuration("Give either a pipeline file, or --source and --destination."),
            _ => throw NebulaException.Configuration("--source and --destination go together."),
        };
        return _run.Start(pipeline, Flag.List(arguments, _streams), arguments, context, PipelineState.Of(pipeline), arguments.GetValue(_follow));
    }
}

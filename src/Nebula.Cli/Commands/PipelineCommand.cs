using System.CommandLine;
using Nebula.Cli.Running;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula pipeline csv json …</c>: one stream, said on the command line alone.</summary>
internal sealed class PipelineCommand : NebulaCommand
{
    private readonly Argument<string> _source = new("source") { Description = "A connector (csv, json, file; see 'nebula list'), or the path of a file." };
    private readonly Argument<string> _destination = new("destination") { Description = "A connector, or the path of a file." };
    private readonly Option<string?> _sourcePath = Flag.Text("--source-path", "PATH", "What to read: a file, a folder, a wildcard ('in/*.csv'), or - for standard input.");
    private readonly Option<string?> _destinationPath = Flag.Text("--dest-path", "PATH", "What to write: a file, or - for standard output.", "--destination-path");
    private readonly Option<string?> _format = Flag.Text("--format", "array|lines", "How JSON is written: one array, or a document a line.");
    private readonly Option<string?> _compression = Flag.Text("--compression", "CODEC", "How the target is compressed; by its name when not set.");
    private readonly Option<string[]> _set = Flag.Texts("--set", "KEY=VALUE", "Sets any option of the source (source.KEY) or the destination (target.KEY), or of whichever knows it (KEY).");
    private readonly Option<string?> _select = Flag.Text("--select", "A,B", "Columns to move: names, * for all others, -NAME to leave one out.");
    private readonly RunFlags _run;

    public PipelineCommand(CommandContext context)
        : base("pipeline", "Move one stream from a source to a destination.", context)
    {
        Arguments.Add(_source);
        Arguments.Add(_destination);
        Options.Add(_sourcePath);
        Options.Add(_destinationPath);
        Options.Add(_format);
        Options.Add(_compression);
        Options.Add(_set);
        Options.Add(_select);
        _run = new RunFlags(this);
        Examples =
        [
            "nebula pipeline csv json --source-path users.csv --dest-path users.json --format array",
            "nebula pipeline users.csv users.jsonl --select id,email --limit 1000",
            "nebula pipeline csv csv --source-path 'in/*.csv' --dest-path all.csv --set source.delimiter=';'",
            "cat users.csv | nebula pipeline csv json --source-path - --dest-path - | head",
        ];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var source = new ConnectorChoice(context.Connectors, "source", "--source-path", arguments.GetValue(_source)!, arguments.GetValue(_sourcePath));
        var destination = new ConnectorChoice(context.Connectors, "destination", "--dest-path", arguments.GetValue(_destination)!, arguments.GetValue(_destinationPath));
        if (arguments.GetValue(_format) is { } format)
            destination.Set("format", format, "--format");
        if (arguments.GetValue(_compression) is { } compression)
            destination.Set("compression", compression, "--compression");
        ConnectorChoice.Assign(arguments.GetValue(_set) ?? [], source, destination);

        var options = _run.PipelineOptions(arguments, null);
        // checked here, so that a wrong option is told before anything starts
        var (sourceValues, destinationValues) = (source.Validate(), destination.Validate());
        var plan = new RunPlan
        {
            Name = $"{source.Path} -> {destination.Path}",
            Memory = options.MemoryLimit,
            Timeout = _run.Timeout(arguments),
            OutputIsData = destination.Path == ConnectorChoice.StandardStream,
            Jobs =
            [
                new StreamJob
                {
                    Name = source.Path,
                    Target = destination.Path,
                    OpenSource = () => source.Connector.Source(sourceValues),
                    OpenDestination = () => destination.Connector.Destination(destinationValues),
                    Request = new StreamRequest { AsOneStream = true, Select = Flag.List(arguments, _select) },
                    Options = options,
                    QuarantinePath = options.BadRows.Policy == BadRowPolicy.Quarantine ? QuarantineBeside(destination.Path) : null,
                },
            ],
        };
        return _run.Start(plan, arguments, context);
    }

    private static string QuarantineBeside(string path) => path != ConnectorChoice.StandardStream ? path + ".quarantine.jsonl" : throw NebulaException.Configuration(
        "Standard output has no place beside it for a quarantine file. Write to a file, or use --bad-rows skip.");
}

using System.CommandLine;
using Nebula.Connectors.Files;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula pipeline csv json …</c>: one stream, said on the command line alone.</summary>
internal sealed class PipelineCommand : NebulaCommand
{
    private readonly Argument<string> _source = new("source") { Description = "A connector (csv, json, file; see 'nebula list'), or the path of a file." };
    private readonly Argument<string> _destination = new("destination") { Description = "A connector, or the path of a file." };
    private readonly Option<string?> _sourcePath = Flag.Text("--source-path", "PATH",
        "What to read: a file, a folder, a wildcard ('in/*.csv'), or - for standard input.");
    private readonly Option<string?> _destinationPath = Flag.Text("--dest-path", "PATH", "What to write: a file, or - for standard output.",
        "--destination-path");
    private readonly Option<string?> _from = Flag.From();
    private readonly Option<string?> _to = Flag.To();
    private readonly Option<string?> _format = Flag.Text("--format", "array|lines", "How JSON is written: one array, or a document a line.");
    private readonly Option<string?> _compression = Flag.Text("--compression", "CODEC", "How the target is compressed; by its name when not set.");
    private readonly Option<string[]> _set = Flag.Set();
    private readonly RunFlags _run;

    public PipelineCommand(CommandContext context)
        : base("pipeline", "Move one stream from a source to a destination.", context)
    {
        Arguments.Add(_source);
        Arguments.Add(_destination);
        foreach (var option in (Option[])[_sourcePath, _destinationPath, _from, _to, _format, _compression, _set])
            Options.Add(option);
        _run = new RunFlags(this);
        Examples =
        [
            "nebula pipeline csv json --source-path users.csv --dest-path users.json --format array",
            "nebula pipeline users.csv users.jsonl --select id,email --limit 1000",
            "nebula pipeline csv csv --source-path 'in/*.csv' --dest-path all.csv --set source.delimiter=';'",
            "nebula pipeline users.csv.gz - --to json | head",
            "cat users.csv | nebula pipeline csv json --source-path - --dest-path - | head",
        ];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        // only JSON has these, so they say as much as a name
        var isJson = arguments.GetValue(_format) is "array" or "lines" && arguments.GetValue(_to) is null or "json";
        if (isJson && arguments.GetValue(_to) is null)
            RequireNameOfJson(arguments.GetValue(_format)!, arguments.GetValue(_destinationPath) ?? arguments.GetValue(_destination)!);
        var ends = new PipelineEnds(
            Endpoint.Find(context.Connectors, Endpoint.Source, "--source-path", arguments.GetValue(_source)!, arguments.GetValue(_sourcePath)),
            Endpoint.Find(context.Connectors, Endpoint.Target, "--dest-path", arguments.GetValue(_destination)!,
                arguments.GetValue(_destinationPath), isJson ? "json" : Endpoint.Files));
        ends.Target!.Set("format", arguments.GetValue(_format), "--format");
        ends.Target.Set("compression", arguments.GetValue(_compression), "--compression");
        var overrides = _run.Overrides(arguments);
        ends.Assign(arguments.GetValue(_set) ?? [], overrides);
        ends.Source.SetFormat(arguments.GetValue(_from), "--from");
        if (!isJson)
            ends.Target.SetFormat(arguments.GetValue(_to), "--to");
        var pipeline = PipelineFile.FromConnections(ends.Source.ToConnection(), ends.Target.ToConnection(), context.Environment, overrides);
        return _run.Start(pipeline with { Name = $"{ends.Source.Path} -> {ends.Target.Path}" }, [], arguments, context);
    }

    private static void RequireNameOfJson(string format, string path)
    {
        var name = FileCodecs.WithoutExtension(path);
        if (FileFormats.ByPath(name) is { Name: not "json" } other)
            throw NebulaException.Configuration($"--format {format} writes JSON, but by its name '{path}' is {other.Name}. "
                + $"Call it '{Path.ChangeExtension(name, ".json")}', leave out --format, or add --to json to have JSON under that name.");
    }
}

using System.CommandLine;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;

namespace Nebula.Cli.Commands;

/// <summary>A stream that a command looks at without moving it.</summary>
/// <param name="OpenSource">Makes its source.</param>
/// <param name="Request">What is read of it.</param>
internal sealed record ViewedStream(Func<ISource> OpenSource, StreamRequest Request);

/// <summary>The arguments of commands that look at a source: a connector with its path, a path alone, or a pipeline file.</summary>
internal sealed class SourceView
{
    private readonly Argument<string> _what = new("source")
    {
        Description = "A connector (see 'nebula list'), the path of a file, or a pipeline file (.yaml, .yml, .json).",
    };
    private readonly Option<string?> _path = Flag.Text("--source-path", "PATH", "What to read: a file, a folder, a wildcard, or - for standard input.");
    private readonly Option<string?> _from = Flag.From();
    private readonly Option<string?> _streams = Flag.Text("--streams", "A,B", "Names or wildcards of the streams; all when not set.");
    private readonly PipelineFlags _pipeline;

    public SourceView(Command command)
    {
        command.Arguments.Add(_what);
        command.Options.Add(_path);
        command.Options.Add(_from);
        command.Options.Add(_streams);
        _pipeline = new PipelineFlags(command);
    }

    /// <summary>Whether the argument is a pipeline file: by its ending, or, as JSON may also be data, by what is in it.</summary>
    public static bool IsPipelineFile(string what) =>
        what.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase) || what.EndsWith(".yml", StringComparison.OrdinalIgnoreCase)
        || (what.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && PipelineFile.IsPipeline(what));

    /// <summary>Finds the streams.</summary>
    /// <exception cref="Engine.Diagnostics.NebulaException">The arguments are wrong, or there are no such streams.</exception>
    public async Task<IReadOnlyList<ViewedStream>> FindAsync(ParseResult arguments, CommandContext context)
    {
        var what = arguments.GetValue(_what)!;
        var only = Flag.List(arguments, _streams);
        if (!IsPipelineFile(what))
        {
            var source = Endpoint.Find(context.Connectors, Endpoint.Source, "--source-path", what, arguments.GetValue(_path));
            new PipelineEnds(source, null).Assign(_pipeline.Settings(arguments), []);
            source.SetFormat(arguments.GetValue(_from), _from.Name);
            var options = new OptionValues($"source \"{source.Connector.Name}\"", source.Descriptors, source.ToConnection().Options);
            return [new ViewedStream(() => source.Connector.Source(options), new StreamRequest { Streams = only })];
        }
        Flag.RequireNone(arguments, what, _path, _from);
        var pipeline = PipelineFile.Load(what, _pipeline.Environment(arguments, context), [.. _pipeline.Overrides(arguments)]);
        var planner = new RunPlanner(pipeline, context.Connectors);
        var streams = await planner.FindStreamsAsync(only, context.Interruption).ConfigureAwait(false);
        return [.. streams.Select(stream => new ViewedStream(planner.SourceOf(stream), planner.RequestOf(stream)))];
    }
}

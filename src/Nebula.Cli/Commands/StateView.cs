using System.CommandLine;
using Nebula.Cli.Running;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary>The argument of commands that look at what is remembered: a pipeline file, or the folder of a state.</summary>
internal sealed class StateView
{
    private readonly Argument<string?> _where;
    private readonly PipelineFlags _pipeline;

    public StateView(Command command)
    {
        _where = new Argument<string?>("pipeline")
        {
            Description = $"A pipeline file, or a folder with state; {PipelineState.DefaultFolder} here when not given.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        command.Arguments.Add(_where);
        _pipeline = new PipelineFlags(command);
    }

    /// <summary>Finds the state.</summary>
    /// <exception cref="NebulaException">There is none.</exception>
    public PipelineState Find(ParseResult arguments, CommandContext context)
    {
        var where = arguments.GetValue(_where) ?? PipelineState.DefaultFolder;
        if (Directory.Exists(where))
            return PipelineState.In(Directory.Exists(Path.Combine(where, PipelineState.DefaultFolder)) ? Path.Combine(where, PipelineState.DefaultFolder) : where);
        if (!File.Exists(where))
            throw NebulaException.NotFound(arguments.GetValue(_where) is null
                ? $"There is no folder '{where}' here, in which 'nebula run' keeps what it remembers. Give the pipeline file."
                : $"'{where}' does not exist. Give a pipeline file, or the folder of its state.");
        var pipeline = PipelineFile.Load(where, _pipeline.Environment(arguments, context), [.. _pipeline.Overrides(arguments)]);
        return PipelineState.Of(pipeline) ?? throw NebulaException.Configuration($"'{where}' says 'state: none': nothing is remembered of it.");
    }
}

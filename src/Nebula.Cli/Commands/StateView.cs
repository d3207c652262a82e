using System.CommandLine;
using Nebula.Cli.Running;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary>The argument of commands that look at what is remembered: a pipeline file, or the folder of a state.</summary>
internal sealed class StateView
{
    private readonly Argument<string?> _where;
    private static readonly string[] Extensions = [".yaml", ".yml", ".json"];
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
            return PipelineState.In(
                Directory.Exists(Path.Combine(where, PipelineState.DefaultFolder)) ? Path.Combine(where, PipelineState.DefaultFolder) : where);
        if (!File.Exists(where))
            throw NebulaException.NotFound(arguments.GetValue(_where) is null
                ? $"There is no folder '{where}' here, in which 'nebula run' keeps what it remembers. Give the pipeline file."
                : $"'{where}' does not exist. Give a pipeline file, or the folder of its state.");
        return PipelineState.Of(Load(where, arguments, context))
            ?? throw NebulaException.Configuration($"'{where}' says 'state: none': nothing is remembered of it.");
    }

    /// <summary>Finds the pipeline of a run: the file that was given, or one beside the state.</summary>
    /// <param name="arguments">What the user wrote.</param>
    /// <param name="context">What the command works with.</param>
    /// <param name="state">What <see cref="Find"/> found.</param>
    /// <param name="name">The pipeline's name.</param>
    /// <exception cref="NebulaException">There is no such file.</exception>
    public PipelineConfig FindPipeline(ParseResult arguments, CommandContext context, PipelineState state, string name)
    {
        if (state.Pipeline.Length > 0)
            return Load(arguments.GetValue(_where)!, arguments, context);
        var beside = Path.GetDirectoryName(state.Folder) ?? state.Folder;
        foreach (var file in Extensions.Select(extension => Path.Combine(beside, name + extension)).Where(File.Exists))
            if (Load(file, arguments, context) is var pipeline && pipeline.Name == name)
                return pipeline;
        throw NebulaException.NotFound($"The file of pipeline '{name}' is not beside '{state.Folder}' under that name. Give it instead of the folder.");
    }

    private PipelineConfig Load(string file, ParseResult arguments, CommandContext context) =>
        PipelineFile.Load(file, _pipeline.Environment(arguments, context), [.. _pipeline.Overrides(arguments)]);
}

using System.CommandLine;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Planning;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula check</c>: whether a run would get at what it needs.</summary>
internal sealed class CheckCommand : NebulaCommand
{
    private readonly Argument<string> _what = new("source") { Description = "A pipeline file (.yaml, .yml, .json), a connector, or the path of a file." };
    private readonly Argument<string?> _destination = new("destination")
    {
        Description = "A connector, or the path of a file.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string?> _sourcePath = Flag.Text("--source-path", "PATH", "What would be read.");
    private readonly Option<string?> _destinationPath = Flag.Text("--dest-path", "PATH", "What would be written.", "--destination-path");
    private readonly Option<string?> _from = Flag.From();
    private readonly Option<string?> _to = Flag.To();
    private readonly PipelineFlags _pipeline;

    public CheckCommand(CommandContext context)
        : base("check", "Try whether source and target can be reached, read and written; moves nothing.", context)
    {
        Arguments.Add(_what);
        Arguments.Add(_destination);
        Options.Add(_sourcePath);
        Options.Add(_destinationPath);
        Options.Add(_from);
        Options.Add(_to);
        _pipeline = new PipelineFlags(this);
        Examples = ["nebula check pipeline.yaml", "nebula check users.csv out/users.json"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context) => CheckAsync(arguments, context).GetAwaiter().GetResult();

    /// <summary>Checks both ends of a pipeline and shows the outcome.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> CheckAsync(PipelineConfig pipeline, CommandContext context)
    {
        var planner = new RunPlanner(pipeline, context.Connectors);
        var passed = true;
        var source = planner.OpenSource();
        await using (source.ConfigureAwait(false))
        {
            passed &= Show("source", pipeline.Source.Name, await source.CheckAsync(context.Interruption).ConfigureAwait(false), context);
            var streams = new StreamResolver(pipeline);
            if (passed)
                passed &= Show("source", pipeline.Source.Name, await source.CheckStreamsAsync(
                    [.. streams.Requested.Except(streams.Statements)], context.Interruption).ConfigureAwait(false), context);
        }
        var destination = planner.OpenDestination();
        await using (destination.ConfigureAwait(false))
            passed &= Show("target", pipeline.Target.Name, await destination.CheckAsync(context.Interruption).ConfigureAwait(false), context);
        // what the streams need on top can be asked only of ends that can be reached
        if (passed && (context.Connectors.Find(pipeline.Source.Type) is { CapturesChanges: true } || destination.Capabilities.MergesRows))
        {
            var plan = await planner.PlanAsync([], context.Interruption).ConfigureAwait(false);
            passed &= Show("target", pipeline.Target.Name, await TargetChecks.RunAsync(plan, context.Interruption).ConfigureAwait(false), context);
            passed &= Show("changes", pipeline.Source.Name, await CaptureChecks.RunAsync(plan, context.Interruption).ConfigureAwait(false), context);
        }
        return passed ? ExitCode.Success : ExitCode.Connection;
    }

    private async Task<int> CheckAsync(ParseResult arguments, CommandContext context)
    {
        var what = arguments.GetValue(_what)!;
        if (SourceView.IsPipelineFile(what))
        {
            Flag.RequireNone(arguments, what, _sourcePath, _destinationPath, _from, _to);
            if (arguments.GetValue(_destination) is { } surplus)
                throw NebulaException.Configuration($"'{what}' is a pipeline file, which names its target itself; '{surplus}' is one too many.");
            var pipeline = PipelineFile.Load(what, _pipeline.Environment(arguments, context), [.. _pipeline.Overrides(arguments)]);
            return await CheckAsync(pipeline, context).ConfigureAwait(false);
        }
        var source = Endpoint.Find(context.Connectors, Endpoint.Source, "--source-path", what, arguments.GetValue(_sourcePath));
        var target = arguments.GetValue(_destination) is { } name
            ? Endpoint.Find(context.Connectors, Endpoint.Target, "--dest-path", name, arguments.GetValue(_destinationPath))
            : null;
        var overrides = new List<ConfigOverride>();
        new PipelineEnds(source, target).Assign(_pipeline.Settings(arguments), overrides);
        source.SetFormat(arguments.GetValue(_from), _from.Name);
        target?.SetFormat(arguments.GetValue(_to), _to.Name);
        if (target is not null)
        {
            var pipeline = PipelineFile.FromConnections(source.ToConnection(), target.ToConnection(), context.Environment, overrides);
            return await CheckAsync(pipeline, context).ConfigureAwait(false);
        }
        var values = new OptionValues($"source \"{source.Connector.Name}\"", source.Descriptors, source.ToConnection().Options);
        var opened = source.Connector.Source(values);
        await using (opened.ConfigureAwait(false))
        {
            var results = await opened.CheckAsync(context.Interruption).ConfigureAwait(false);
            return Show("source", source.Path, results, context) ? ExitCode.Success : ExitCode.Connection;
        }
    }

    private static bool Show(string role, string name, IReadOnlyList<CheckResult> results, CommandContext context)
    {
        foreach (var result in results)
            context.Output.WriteLine($"{(result.Passed ? "ok    " : "failed")}  {role} {name}: {result.Name}: {context.Log.Redact(result.Detail)}");
        return results.All(static result => result.Passed);
    }
}

using System.CommandLine;
using Nebula.Cli.Output;
using Nebula.Cli.Running;
using Nebula.Engine.Configuration;
using Nebula.Orchestration.Planning;

namespace Nebula.Cli.Commands;

/// <summary>The flags of every command that moves rows. What a flag sets, a pipeline file can set; flags win.</summary>
internal sealed class RunFlags
{
    private readonly List<(Option<string?> Flag, string Path)> _settings = [];
    private readonly Option<string?> _output = Flag.Choice("--output", "How the run is shown: text for people, or one JSON event a line.", "text", "json");
    private readonly Option<bool> _quiet = Flag.Switch("--quiet", "Show errors only.", "-q");
    private readonly Option<string?> _select = Flag.Text("--select", "A,B", "Columns to move: names, * for all others, -NAME to leave one out.");

    public RunFlags(Command command)
    {
        command.Options.Add(_select);
        Add("--limit", "N", "limit", "Most rows of a stream that are written.");
        Add("--memory", "SIZE", "limits.memory", "Memory that the process may use, such as 256MB.");
        Add("--workers", "N", "performance.workers", "Threads that decode and encode; one per processor when not set.");
        Add("--batch-size", "N", "performance.batch_size", "About how many rows are worked on together.");
        Add("--max-concurrency", "N", "performance.max_concurrency", "Operations that the destination has under way at once, at most.");
        Add("--flush-interval", "DURATION", "performance.flush_interval", "Longest time that rows wait to be written, such as 10s.");
        Add("--timeout", "DURATION", "timeouts.run", "Longest time that the run may take, such as 300s; none when not set.");
        Add("--bad-rows", "fail|skip|quarantine", "on_error.bad_rows", "Rows that cannot be read end the run, are left out, or go to a file of their own.");
        Add("--verify", "off|count|chunk", "verify",
            "What is recorded for 'nebula verify': nothing, the rows of each chunk (count), or also their content (chunk).");
        Add("--max-bad-rows", "N", "on_error.max_bad_rows", "Most bad rows before the run ends.");
        command.Options.Add(_output);
        command.Options.Add(_quiet);

        void Add(string name, string valueName, string path, string summary)
        {
            var flag = Flag.Text(name, valueName, summary);
            _settings.Add((flag, path));
            command.Options.Add(flag);
        }
    }

    /// <summary>What the flags set.</summary>
    public List<ConfigOverride> Overrides(ParseResult arguments)
    {
        var overrides = new List<ConfigOverride>();
        foreach (var (flag, path) in _settings)
            if (arguments.GetValue(flag) is { } value)
                overrides.Add(new ConfigOverride(path, value, flag.Name));
        if (arguments.GetValue(_select) is { } select)
            overrides.Add(new ConfigOverride("select", select, _select.Name) { IsList = true });
        return overrides;
    }

    /// <summary>Runs a pipeline and shows it.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="only">Names or wildcards of the streams wanted; empty for all.</param>
    /// <param name="arguments">What the user wrote.</param>
    /// <param name="context">What the command works with.</param>
    /// <param name="state">What is remembered of the pipeline; null for nothing.</param>
    /// <param name="follow">Whether changes are followed until the process is stopped.</param>
    /// <returns>The exit code.</returns>
    public int Start(
        PipelineConfig pipeline, IReadOnlyList<string> only, ParseResult arguments, CommandContext context, PipelineState? state = null, bool follow = false)
    {
        var asJson = Flag.Word(arguments, _output) == "json";
        MemoryBudget.Apply(pipeline.Settings.Memory);
        context.Log.Level = context.LogLevelFlag ?? pipeline.Settings.LoggingLevel;
        var planned = new RunPlanner(pipeline, context.Connectors).PlanAsync(only, context.Interruption).GetAwaiter().GetResult();
        var (plan, runner) = RunnerFactory.Create(planned, only, follow, pipeline, state, context);
        if (!asJson)
        {
            var quiet = arguments.GetValue(_quiet);
            IRunDisplay display = quiet ? new QuietDisplay(error => ErrorText.Write(context.Terminal, context.Log, error))
                : new TextDisplay(context.Terminal, context.Log);
            return new RunExecution(plan, runner).Run(display, context.Interruption);
        }
        // rows and events must not mix
        using var events = new JsonDisplay(plan.OutputIsData ? StandardStream.OpenError() : StandardStream.OpenOutput(), context.Log);
        return new RunExecution(plan, runner).Run(events, context.Interruption);
    }
}

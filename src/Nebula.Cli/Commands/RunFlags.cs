using System.CommandLine;
using Nebula.Cli.Output;
using Nebula.Cli.Running;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;

namespace Nebula.Cli.Commands;

/// <summary>The flags of every command that moves rows: how much of the machine, what happens with bad rows, how it is shown.</summary>
internal sealed class RunFlags
{
    private readonly Option<string?> _limit = Flag.Text("--limit", "N", "Most rows that are written.");
    private readonly Option<string?> _memory = Flag.Text("--memory", "SIZE", "Memory that the process may use, such as 256MB.");
    private readonly Option<string?> _workers = Flag.Text("--workers", "N", "Threads that decode and encode; one per processor when not set.");
    private readonly Option<string?> _badRows = Flag.Choice("--bad-rows", "What happens with rows that cannot be read: the run ends, or they are left out, or they go to a file of their own.", "fail", "skip", "quarantine");
    private readonly Option<string?> _maxBadRows = Flag.Text("--max-bad-rows", "N", "Most bad rows before the run ends.");
    private readonly Option<string?> _timeout = Flag.Text("--timeout", "DURATION", "Longest time that the run may take, such as 300s; none when not set.");
    private readonly Option<string?> _output = Flag.Choice("--output", "How the run is shown: text for people, or one JSON event a line.", "text", "json");
    private readonly Option<bool> _quiet = Flag.Switch("--quiet", "Show errors only.", "-q");

    public RunFlags(Command command)
    {
        foreach (var option in (Option[])[_limit, _memory, _workers, _badRows, _maxBadRows, _timeout, _output, _quiet])
            command.Options.Add(option);
    }

    /// <summary>The options of the pipeline: what the flags set, and what <paramref name="configured"/> says where they do not.</summary>
    public PipelineOptions PipelineOptions(ParseResult arguments, PipelineOptions? configured)
    {
        var options = configured ?? new PipelineOptions();
        var policy = Flag.Word(arguments, _badRows);
        return options with
        {
            Workers = (int?)Math.Min(Flag.Number(arguments, _workers, 1) ?? options.Workers, 1024) ?? options.Workers,
            MemoryLimit = Flag.Size(arguments, _memory) ?? options.MemoryLimit,
            RowLimit = Flag.Number(arguments, _limit, 0) ?? options.RowLimit,
            BadRows = options.BadRows with
            {
                Policy = policy is null ? options.BadRows.Policy : Enum.Parse<BadRowPolicy>(policy, ignoreCase: true),
                Max = Flag.Number(arguments, _maxBadRows, 0) ?? options.BadRows.Max,
            },
        };
    }

    /// <summary>Longest time that the run may take; null when the flag is absent.</summary>
    public TimeSpan? Timeout(ParseResult arguments) => Flag.Duration(arguments, _timeout);

    /// <summary>Runs the plan and shows it.</summary>
    /// <returns>The exit code.</returns>
    public int Start(RunPlan plan, ParseResult arguments, CommandContext context)
    {
        MemoryBudget.Apply(plan.Memory);
        IRunDisplay display = new TextDisplay(context.Terminal, context.Log);
        _ = Flag.Word(arguments, _output);
        return new RunExecution(plan).Run(display, context.Interruption);
    }
}

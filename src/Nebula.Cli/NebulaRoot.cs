using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using Nebula.Cli.Commands;
using Nebula.Cli.Output;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli;

/// <summary>All commands, what they have in common, and the answer to command lines that are none.</summary>
internal sealed class NebulaRoot : RootCommand
{
    private readonly Option<string?> _logLevel = Flag.Choice(
        "--log-level", "Least important of the lines about what happens inside.", "debug", "info", "warn", "error");
    private readonly Option<bool> _noColor = Flag.Switch("--no-color", "Use no colours; so does the environment variable NO_COLOR.");

    public NebulaRoot(CommandContext context)
        : base("Moves data from where it is to where it is needed: extract and load, fast, without losing or doubling a row.")
    {
        Directives.Clear();
        _logLevel.Recursive = true;
        _noColor.Recursive = true;
        Options.Add(_logLevel);
        Options.Add(_noColor);
        foreach (var command in Commands(context))
            Subcommands.Add(command);
        var help = Options.OfType<HelpOption>().Single();
        help.Description = "Show help for a command.";
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        SetAction(_ => Parse(["--help"]).Invoke());
    }

    /// <summary>Applies what all commands have in common.</summary>
    /// <exception cref="NebulaException">The command line is wrong.</exception>
    public void Apply(ParseResult parsed, CommandContext context)
    {
        if (parsed.Action is HelpWithExamples)
            return;
        if (parsed.Errors.Count > 0)
            throw Explain(parsed);
        if (parsed.GetValue(_noColor))
            context.Terminal.HasColor = false;
        if (Flag.Word(parsed, _logLevel) is { } level)
            context.LogLevelFlag = context.Log.Level = Enum.Parse<LogLevel>(level, ignoreCase: true);
    }

    private static IEnumerable<NebulaCommand> Commands(CommandContext context) =>
    [
        new PipelineCommand(context), new RunCommand(context), new ValidateCommand(context), new DiscoverCommand(context), new PreviewCommand(context),
        new InspectCommand(context), new CheckCommand(context), new RunsCommand(context), new StateCommand(context), new VerifyCommand(context),
        new ListCommand(context), new SchemaCommand(context), new VersionCommand(context), new CompletionCommand(context),
    ];

    private NebulaException Explain(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var name = command == this ? "nebula" : $"nebula {command.Name}";
        var unmatched = parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null;
        var what = unmatched is null ? parsed.Errors[0].Message
            : unmatched.StartsWith('-')
                ? $"'{name}' has no flag '{unmatched}'.{Suggestion.For(unmatched, command.Options.Concat(Options).Select(static o => o.Name))}"
            : command.Subcommands.Count > 0 ? $"There is no command '{unmatched}'.{Suggestion.For(unmatched, command.Subcommands.Select(static c => c.Name))}"
            : $"'{name}' does not know what to do with '{unmatched}'.";
        return NebulaException.Configuration($"{what} See '{name} --help'.");
    }

    private sealed class HelpWithExamples(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parsed)
        {
            inner.Invoke(parsed);
            if (parsed.CommandResult.Command is NebulaCommand { Examples: { Count: > 0 } examples })
            {
                var output = parsed.InvocationConfiguration.Output;
                output.WriteLine("Examples:");
                foreach (var example in examples)
                    output.WriteLine($"  {example}");
                output.WriteLine();
            }
            return ExitCode.Success;
        }
    }
}

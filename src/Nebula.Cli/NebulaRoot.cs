using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Nebula.Cli.Commands;
using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli;

/// <summary>All commands, what they have in common, and the answer to command lines that are none.</summary>
/// <remarks>
/// No <see cref="RootCommand"/>: its own help and version options fetch their descriptions as resources of the library, which every start would pay for.
/// </remarks>
internal sealed class NebulaRoot : Command
{
    /// <summary>All commands, in the order of the help.</summary>
    private static readonly Dictionary<string, Func<CommandContext, NebulaCommand>> Makers = new(StringComparer.Ordinal)
    {
        ["pipeline"] = static context => new PipelineCommand(context),
        ["run"] = static context => new RunCommand(context),
        ["validate"] = static context => new ValidateCommand(context),
        ["discover"] = static context => new DiscoverCommand(context),
        ["preview"] = static context => new PreviewCommand(context),
        ["inspect"] = static context => new InspectCommand(context),
        ["check"] = static context => new CheckCommand(context),
        ["runs"] = static context => new RunsCommand(context),
        ["state"] = static context => new StateCommand(context),
        ["verify"] = static context => new VerifyCommand(context),
        ["list"] = static context => new ListCommand(context),
        ["schema"] = static context => new SchemaCommand(context),
        ["version"] = static context => new VersionCommand(context),
        [CompletionCommand.Word] = static context => new CompletionCommand(context),
    };

    private readonly Option<string?> _logLevel = Flag.Choice(
        "--log-level", "Least important of the lines about what happens inside.", "debug", "info", "warn", "error");
    private readonly Option<bool> _noColor = Flag.Switch("--no-color", "Use no colours; so does the environment variable NO_COLOR.");

    /// <param name="context">What commands work with.</param>
    /// <param name="asked">The first word of the command line: of a command that is known, the others need not be made.</param>
    public NebulaRoot(CommandContext context, string? asked)
        : base("nebula", "Moves data from where it is to where it is needed: extract and load, fast, without losing or doubling a row.")
    {
        var help = Flag.Switch("--help", "Show help for a command.", "-h", "/h", "-?", "/?");
        help.Action = new Answer(ShowHelp);
        var version = Flag.Switch("--version", "Show the version of Nebula.");
        version.Action = new Answer(_ => VersionCommand.Show(context));
        foreach (var common in (Option[])[_logLevel, _noColor, help])
        {
            common.Recursive = true;
            Options.Add(common);
        }
        Options.Add(version);
        // the script that completes command lines has all of them in it
        if (asked is not null and not CompletionCommand.Word && Makers.TryGetValue(asked, out var only))
            Subcommands.Add(only(context));
        else
            foreach (var make in Makers.Values)
                Subcommands.Add(make(context));
        SetAction(ShowHelp);
    }

    /// <summary>Applies what all commands have in common.</summary>
    /// <exception cref="NebulaException">The command line is wrong.</exception>
    public void Apply(ParseResult parsed, CommandContext context)
    {
        if (parsed.Action is Answer)
            return;
        var slip = SlipOf(parsed);
        if (slip is not null || parsed.Errors.Count > 0)
            throw Explain(parsed, slip ?? (parsed.UnmatchedTokens.Count > 0 ? parsed.UnmatchedTokens[0] : null));
        if (parsed.GetValue(_noColor))
            context.Terminal.HasColor = false;
        if (Flag.Word(parsed, _logLevel) is { } level)
            context.LogLevelFlag = context.Log.Level = Enum.Parse<LoggingLevel>(level, ignoreCase: true);
    }

    /// <summary>A flag that is none, which would be taken for the name of a file; null where there is no such thing.</summary>
    private static string? SlipOf(ParseResult parsed)
    {
        foreach (var argument in parsed.CommandResult.Children.OfType<ArgumentResult>())
            foreach (var token in argument.Tokens)
                if (token.Value.StartsWith('-') && token.Value.Length > 1 && !parsed.Tokens.Any(static other => other.Type == TokenType.DoubleDash))
                    return token.Value;
        return null;
    }

    private NebulaException Explain(ParseResult parsed, string? unmatched)
    {
        var command = parsed.CommandResult.Command;
        var name = command == this ? "nebula" : $"nebula {command.Name}";
        var what = unmatched is null ? Missing(parsed, name) ?? parsed.Errors[0].Message
            : unmatched.StartsWith('-')
                ? $"'{name}' has no flag '{unmatched}'.{Suggestion.For(unmatched, command.Options.Concat(Options).Select(static o => o.Name))}"
            : command.Subcommands.Count > 0 ? $"There is no command '{unmatched}'.{Suggestion.For(unmatched, command.Subcommands.Select(static c => c.Name))}"
            : $"'{name}' does not know what to do with '{unmatched}'.";
        return NebulaException.Configuration($"{what} See '{name} --help'.");
    }

    /// <summary>Says which argument is missing, and what it is; null where none is.</summary>
    private static string? Missing(ParseResult parsed, string name) =>
        parsed.CommandResult.Command.Arguments.FirstOrDefault(argument =>
            argument.Arity.MinimumNumberOfValues > 0 && parsed.GetResult(argument) is not { Tokens.Count: > 0 }) is { } missing
            ? $"'{name}' needs <{missing.Name}>: {missing.Description}" : null;

    private static int ShowHelp(ParseResult parsed)
    {
        new HelpAction().Invoke(parsed);
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

    /// <summary>What an option does instead of the command that it stands beside, whatever else is on the command line.</summary>
    private sealed class Answer(Func<ParseResult, int> answer) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parsed) => answer(parsed);
    }
}

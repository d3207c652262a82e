using System.CommandLine;
using System.CommandLine.Completions;
using System.Text;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula completion</c>: scripts that let shells complete commands, flags and their values.</summary>
/// <remarks>The scripts hold all words themselves: a shell that asked this program at every key would be slower.</remarks>
internal sealed class CompletionCommand : NebulaCommand
{
    /// <summary>Its name.</summary>
    public const string Word = "completion";

    private static readonly string[] Shells = ["bash", "zsh", "fish", "pwsh"];
    private readonly Argument<string> _shell = new("shell") { Description = string.Join(", ", Shells) };

    public CompletionCommand(CommandContext context)
        : base(Word, "Print a script that lets a shell complete commands and flags.", context)
    {
        _shell.CompletionSources.Add(Shells);
        Arguments.Add(_shell);
        Examples = ["source <(nebula completion bash)", "nebula completion fish > ~/.config/fish/completions/nebula.fish",
            "nebula completion pwsh | Out-String | Invoke-Expression"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var words = Words(arguments.RootCommandResult.Command);
        context.Output.Write(Flag.OneOf("The shell", arguments.GetValue(_shell)!, Shells) switch
        {
            "bash" => Bash(words),
            "zsh" => "autoload -U +X bashcompinit && bashcompinit\n" + Bash(words),
            "fish" => Fish(words),
            _ => PowerShell(words),
        });
        return ExitCode.Success;
    }

    /// <summary>What can follow each command; the empty name is the program itself.</summary>
    private static List<(string Command, List<string> Words)> Words(Command root)
    {
        var common = root.Options.SelectMany(Names).ToList();
        var all = new List<(string, List<string>)> { ("", [.. root.Subcommands.Select(static command => command.Name), .. common]) };
        foreach (var command in root.Subcommands)
        {
            var values = command.Arguments.SelectMany(static argument => argument.GetCompletions(CompletionContext.Empty))
                .Concat(command.Options.Where(static option => option.ValueType != typeof(bool))
                    .SelectMany(static option => option.GetCompletions(CompletionContext.Empty)));
            all.Add((command.Name, [.. command.Options.SelectMany(Names), .. common, .. values.Select(static item => item.Label).Distinct()]));
        }
        return all;

        static IEnumerable<string> Names(Option option) =>
            option.Aliases.Prepend(option.Name).Where(static name => name.StartsWith("--", StringComparison.Ordinal));
    }

    private static string Bash(List<(string Command, List<string> Words)> all)
    {
        var cases = new StringBuilder();
        foreach (var (command, words) in all.Skip(1))
            cases.Append("    ").Append(command).Append(") words='").AppendJoin(' ', words).Append("' ;;\n");
        return $$"""
            _nebula() {
              local current="${COMP_WORDS[COMP_CWORD]}" words
              if [ "$COMP_CWORD" -eq 1 ]; then
                words='{{string.Join(' ', all[0].Words)}}'
              else
                case "${COMP_WORDS[1]}" in
            {{cases.ToString().TrimEnd('\n')}}
                esac
              fi
              COMPREPLY=($(compgen -W "$words" -- "$current") $(compgen -f -- "$current"))
            }
            complete -o filenames -F _nebula nebula

            """;
    }

    private static string Fish(List<(string Command, List<string> Words)> all)
    {
        var script = new StringBuilder();
        foreach (var (command, words) in all)
        {
            var condition = command.Length == 0 ? "__fish_use_subcommand" : $"__fish_seen_subcommand_from {command}";
            script.Append("complete -c nebula -n '").Append(condition).Append("' -a '").AppendJoin(' ', words).Append("'\n");
        }
        return script.ToString();
    }

    private static string PowerShell(List<(string Command, List<string> Words)> all)
    {
        var table = new StringBuilder();
        foreach (var (command, words) in all)
            table.Append("    '").Append(command).Append("' = '").AppendJoin(' ', words).Append("'\n");
        return $$"""
            Register-ArgumentCompleter -Native -CommandName nebula -ScriptBlock {
              param($current, $line, $position)
              $all = @{
            {{table.ToString().TrimEnd('\n')}}
              }
              $typed = @($line.CommandElements | ForEach-Object { "$_" })
              $command = if ($typed.Count -gt 2 -or ($typed.Count -eq 2 -and $current -eq '')) { $typed[1] } else { '' }
              "$($all[$command])".Split(' ') | Where-Object { $_ -and $_.StartsWith($current) } | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
            }

            """;
    }
}

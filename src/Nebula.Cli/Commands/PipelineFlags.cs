using System.CommandLine;
using Nebula.Engine.Configuration;

namespace Nebula.Cli.Commands;

/// <summary>The flags of every command that reads a pipeline file.</summary>
internal sealed class PipelineFlags
{
    private readonly Option<string[]> _env = Flag.Texts("--env", "K=V", "A variable for ${K} in the file; wins over the environment.");
    private readonly Option<string[]> _set = Flag.Set();

    public PipelineFlags(Command command)
    {
        command.Options.Add(_env);
        command.Options.Add(_set);
    }

    /// <summary>What <c>--set</c> says, as written.</summary>
    public IReadOnlyList<string> Settings(ParseResult arguments) => arguments.GetValue(_set) ?? [];

    /// <summary>What <c>--set</c> says.</summary>
    public IEnumerable<ConfigOverride> Overrides(ParseResult arguments) =>
        Settings(arguments).Select(PipelineEnds.Split)
            .Select(static setting => new ConfigOverride(setting.Key, setting.Value, setting.Origin) { IsList = setting.Key == "select" });

    /// <summary>The environment with what <c>--env</c> says on top.</summary>
    public ConfigEnvironment Environment(ParseResult arguments, CommandContext context)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in (arguments.GetValue(_env) ?? []).Select(ConfigEnvironment.ParseAssignment))
            variables[name] = value;
        return context.Environment with { Overrides = variables };
    }
}

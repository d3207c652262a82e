using System.CommandLine;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary>Makes flags and reads their values. Values are read as text first, so that every message about a wrong one is ours.</summary>
internal static class Flag
{
    /// <summary>A flag with a text.</summary>
    public static Option<string?> Text(string name, string valueName, string summary, params string[] aliases) =>
        new(name, aliases) { Description = summary, HelpName = valueName };

    /// <summary>A flag that can be given several times.</summary>
    public static Option<string[]> Texts(string name, string valueName, string summary) =>
        new(name) { Description = summary, HelpName = valueName, Arity = ArgumentArity.OneOrMore };

    /// <summary>The flag that sets anything.</summary>
    public static Option<string[]> Set() =>
        Texts("--set", "KEY=VALUE",
            "Sets anything that a pipeline file can set: an option of the source (source.KEY) or target (target.KEY), or a setting of the run.");

    /// <summary>The flag that says the format of a path to read.</summary>
    public static Option<string?> From() => Text("--from", "FORMAT", "The source's format where its name does not say it.");

    /// <summary>The flag that says the format of a path to write.</summary>
    public static Option<string?> To() => Text("--to", "FORMAT", "The target's format where its name does not say it; standard output is CSV.");

    /// <summary>Refuses flags that name a source or target where a pipeline file does.</summary>
    public static void RequireNone(ParseResult arguments, string pipelineFile, params Option<string?>[] options)
    {
        if (options.FirstOrDefault(option => arguments.GetValue(option) is not null) is { } option)
            throw NebulaException.Configuration($"'{pipelineFile}' is a pipeline file, which says that itself: leave out {option.Name}, or set what the file "
                + "has with --set (--set source.path=…).");
    }

    /// <summary>A flag that is there or not.</summary>
    public static Option<bool> Switch(string name, string summary, params string[] aliases) => new(name, aliases) { Description = summary };

    /// <summary>A flag whose value is one of a few words.</summary>
    public static Option<string?> Choice(string name, string summary, params string[] choices)
    {
        var option = new Option<string?>(name) { Description = summary, HelpName = string.Join('|', choices) };
        option.CompletionSources.Add(choices);
        return option;
    }

    /// <summary>The items of a list written with commas; empty when the flag is absent.</summary>
    public static IReadOnlyList<string> List(ParseResult arguments, Option<string?> option) =>
        arguments.GetValue(option)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    /// <summary>One of the words that the flag offers; null when the flag is absent.</summary>
    public static string? Word(ParseResult arguments, Option<string?> option) =>
        arguments.GetValue(option) is { } text ? OneOf(option.Name, text, option.HelpName!.Split('|')) : null;

    /// <summary>Refuses a text that is none of a few words.</summary>
    /// <param name="what">What it is, for the message.</param>
    /// <param name="text">The text.</param>
    /// <param name="choices">The words.</param>
    public static string OneOf(string what, string text, params string[] choices) => choices.Contains(text) ? text
        : throw NebulaException.Configuration($"{what} must be one of {string.Join(", ", choices)}; it is '{text}'.{Suggestion.For(text, choices)}");
}

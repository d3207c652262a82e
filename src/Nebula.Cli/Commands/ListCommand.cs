using System.CommandLine;
using Nebula.Cli.Output;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula list</c>: what there is to choose from.</summary>
internal sealed class ListCommand : NebulaCommand
{
    private const string AnyFile = "file";
    private static readonly string[] Kinds = ["connectors", "formats", "codecs"];
    private readonly Argument<string?> _what = new("what")
    {
        Description = "connectors, formats, codecs, or the name of a connector.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Argument<string?> _name = new("name") { Description = "A connector: show all its options.", Arity = ArgumentArity.ZeroOrOne };

    public ListCommand(CommandContext context)
        : base("list", "List connectors, file formats and codecs, or all options of one connector.", context)
    {
        _what.CompletionSources.Add(Kinds);
        Arguments.Add(_what);
        Arguments.Add(_name);
        Examples = ["nebula list", "nebula list connectors csv", "nebula list codecs"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var what = arguments.GetValue(_what) ?? Kinds[0];
        var name = arguments.GetValue(_name);
        if (name is null && !Kinds.Contains(what))
            (name, what) = (what, Kinds[0]);
        if (name is not null)
            WriteOptions(Find(name, context.Connectors), context);
        else if (what == "connectors")
            WriteConnectors(context);
        else
            WriteChoices(what, context);
        return ExitCode.Success;
    }

    private static ConnectorDescriptor Find(string name, ConnectorRegistry connectors) => connectors.Find(name) ?? throw NebulaException.Configuration(
        $"There is no connector '{name}'.{Suggestion.For(name, connectors.Connectors.Select(static c => c.Name).Concat(Kinds))} 'nebula list' shows all.");

    private static void WriteConnectors(CommandContext context)
    {
        var table = new TextTable("name", "as", "what it is");
        foreach (var connector in context.Connectors.Connectors)
            table.Add(string.Join(", ", connector.Aliases.Prepend(connector.Name)), Roles(connector), connector.Summary);
        table.Write(context.Output, context.OutputWidth);
        context.Output.WriteLine();
        context.Output.WriteLine("nebula list NAME shows all options of one.");
    }

    private static void WriteChoices(string what, CommandContext context)
    {
        var option = what == "formats" ? "format" : "compression";
        foreach (var choice in Find(AnyFile, context.Connectors).DestinationOptions!.Single(descriptor => descriptor.Name == option).Choices)
            context.Output.WriteLine(context.Connectors.Find(choice) is { } format ? $"{choice}  {format.Summary}" : choice);
    }

    private static void WriteOptions(ConnectorDescriptor connector, CommandContext context)
    {
        var output = context.Output;
        output.WriteLine($"{string.Join(", ", connector.Aliases.Prepend(connector.Name))}: {connector.Summary}");
        Write("source", connector.SourceOptions);
        Write("target", connector.DestinationOptions);

        void Write(string role, IReadOnlyList<OptionDescriptor>? options)
        {
            if (options is null)
                return;
            output.WriteLine();
            output.WriteLine($"As {role}:");
            var table = new TextTable("  option", "form", "default", "meaning");
            foreach (var option in options)
                table.Add("  " + option.Name, Form(option), option.IsRequired ? "(needed)" : option.Default, option.Summary);
            table.Write(output, context.OutputWidth);
        }
    }

    private static string Form(OptionDescriptor option) => option.Kind switch
    {
        OptionKind.Flag => "true|false",
        OptionKind.Integer => "number",
        OptionKind.Size => "size (64MB)",
        OptionKind.Duration => "duration (30s)",
        OptionKind.Choice => string.Join('|', option.Choices),
        OptionKind.TextList => "list",
        _ => "text",
    };

    private static string Roles(ConnectorDescriptor connector) => (connector.SourceOptions, connector.DestinationOptions) switch
    {
        (not null, not null) => "source, target",
        (not null, _) => "source",
        _ => "target",
    };
}

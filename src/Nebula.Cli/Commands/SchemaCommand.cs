using System.CommandLine;
using Nebula.Engine.Configuration;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula schema</c>: JSON Schemas for editors and programs.</summary>
internal sealed class SchemaCommand : NebulaCommand
{
    private const string Config = "config", RunSummary = "run-summary";
    private readonly Argument<string?> _what = new("what")
    {
        Description = "config: pipeline files. run-summary: the events of --output json.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public SchemaCommand(CommandContext context)
        : base("schema", "Print the JSON Schema of pipeline files, or of the events of a run.", context)
    {
        _what.CompletionSources.Add(Config, RunSummary);
        Arguments.Add(_what);
        Examples = ["nebula schema config > nebula.schema.json", "nebula schema run-summary"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        using var text = new MemoryStream();
        switch (Flag.OneOf("The schema", arguments.GetValue(_what) ?? Config, Config, RunSummary))
        {
            case Config:
                ConfigSchema.WriteJsonSchema(text, context.Connectors.Connectors);
                break;
            default:
                using (var resource = typeof(SchemaCommand).Assembly.GetManifestResourceStream("run-summary.schema.json")!)
                    resource.CopyTo(text);
                break;
        }
        context.Output.WriteLine(System.Text.Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length).TrimEnd());
        return ExitCode.Success;
    }
}

using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Cli.Output;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula inspect</c>: what is inside files that carry their schema.</summary>
internal sealed class InspectCommand : NebulaCommand
{
    private readonly SourceView _source;
    private readonly Option<string?> _output = Flag.Choice("--output", "How it is shown.", "text", "json");

    public InspectCommand(CommandContext context)
        : base("inspect", "Look inside Parquet, Arrow, Avro and ORC files: schema, parts, encodings, sizes, statistics.", context)
    {
        _source = new SourceView(this);
        Options.Add(_output);
        Examples = ["nebula inspect users.parquet", "nebula inspect parquet --source-path 'lake/**/*.parquet' --output json"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var asJson = Flag.Word(arguments, _output) == "json";
        var objects = InspectAsync(arguments, context).GetAwaiter().GetResult();
        if (asJson)
            WriteJson(objects, context.Output);
        else
            foreach (var inspected in objects)
                WriteText(inspected, context);
        return ExitCode.Success;
    }

    private async Task<List<InspectedObject>> InspectAsync(ParseResult arguments, CommandContext context)
    {
        var found = new List<InspectedObject>();
        foreach (var viewed in await _source.FindAsync(arguments, context).ConfigureAwait(false))
        {
            var source = viewed.OpenSource();
            await using (source.ConfigureAwait(false))
                found.AddRange(source is IInspectable inspectable ? await inspectable.InspectAsync(context.Interruption).ConfigureAwait(false)
                    : throw NebulaException.Configuration("Only files can be looked into; 'nebula discover' shows the columns of every source."));
        }
        return found;
    }

    private static void WriteText(InspectedObject inspected, CommandContext context)
    {
        context.Output.WriteLine($"{inspected.Name}:");
        var properties = new TextTable("  property", "value");
        foreach (var (name, value) in inspected.Inspection.Properties)
            properties.Add("  " + name, value);
        properties.Write(context.Output, context.OutputWidth);
        foreach (var shown in inspected.Inspection.Tables)
        {
            context.Output.WriteLine();
            context.Output.WriteLine($"  {shown.Title}:");
            var table = new TextTable([.. shown.Headers.Select(static (header, i) => i == 0 ? "  " + header : header)]);
            for (var i = 0; i < shown.Headers.Count; i++)
                if (shown.Rows.Count > 0 && shown.Rows.All(row => row[i].Length == 0 || char.IsAsciiDigit(row[i][0])))
                    table.AlignRight(i);
            foreach (var row in shown.Rows)
                table.Add([.. row.Select(static (cell, i) => i == 0 ? "  " + cell : cell)]);
            table.Write(context.Output, context.OutputWidth);
        }
        context.Output.WriteLine();
    }

    private static void WriteJson(List<InspectedObject> objects, TextWriter output)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (var inspected in objects)
            {
                json.WriteStartObject();
                json.WriteString("name", inspected.Name);
                foreach (var (name, value) in inspected.Inspection.Properties)
                    json.WriteString(name, value);
                foreach (var table in inspected.Inspection.Tables)
                {
                    json.WriteStartArray(table.Title);
                    foreach (var row in table.Rows)
                    {
                        json.WriteStartObject();
                        for (var i = 0; i < table.Headers.Count; i++)
                            if (row[i].Length > 0)
                                json.WriteString(table.Headers[i], row[i]);
                        json.WriteEndObject();
                    }
                    json.WriteEndArray();
                }
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        output.WriteLine(System.Text.Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length));
    }
}

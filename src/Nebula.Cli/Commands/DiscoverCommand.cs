using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Cli.Output;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula discover</c>: what a source holds.</summary>
internal sealed class DiscoverCommand : NebulaCommand
{
    // what a source keeps for itself (the files, the names in order) stands beside what it found out for people
    private static readonly string[] Internal = ["files", "columns", "partitions"];
    private readonly SourceView _source;
    private readonly Option<string?> _output = Flag.Choice("--output", "How it is shown.", "text", "json");

    public DiscoverCommand(CommandContext context)
        : base("discover", "Show the streams of a source: columns, types, and how they are written.", context)
    {
        _source = new SourceView(this);
        Options.Add(_output);
        Examples = ["nebula discover users.csv", "nebula discover csv --source-path 'in/*.csv' --set infer=all", "nebula discover pipeline.yaml --output json"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var asJson = Flag.Word(arguments, _output) == "json";
        var streams = DiscoverAsync(arguments, context).GetAwaiter().GetResult();
        if (asJson)
            WriteJson(streams, context.Output);
        else
            foreach (var stream in streams)
                WriteText(stream, context);
        return ExitCode.Success;
    }

    private async Task<List<CatalogStream>> DiscoverAsync(ParseResult arguments, CommandContext context)
    {
        var found = new List<CatalogStream>();
        foreach (var viewed in await _source.FindAsync(arguments, context).ConfigureAwait(false))
        {
            var source = viewed.OpenSource();
            await using (source.ConfigureAwait(false))
            {
                var request = new DiscoverRequest { Streams = viewed.Request.Streams, AsOneStream = viewed.Request.AsOneStream, Types = viewed.Request.Types };
                found.AddRange((await source.DiscoverAsync(request, context.Interruption).ConfigureAwait(false)).Streams);
            }
        }
        return found;
    }

    private static void WriteText(CatalogStream stream, CommandContext context)
    {
        var size = stream.Bytes is { } bytes ? $", {Units.FormatSize(bytes)}" : "";
        context.Output.WriteLine($"{stream.Name}: {stream.Schema.Fields.Length} {(stream.Schema.Fields.Length == 1 ? "column" : "columns")}{size}");
        context.Output.WriteLine("  " + string.Join("; ", Details(stream).Select(static detail => $"{detail.Key}: {Quoted(detail.Value)}")));
        var table = new TextTable("  #", "column", "type");
        table.AlignRight(0);
        for (var i = 0; i < stream.Schema.Fields.Length; i++)
            table.Add(
                (i + 1).ToString(CultureInfo.InvariantCulture), stream.Schema.Fields[i].Name,
                stream.Schema.Fields[i].Type + (stream.Schema.Fields[i].Nullable ? "" : " not null"));
        table.Write(context.Output, context.OutputWidth);
        context.Output.WriteLine();
    }

    private static void WriteJson(List<CatalogStream> streams, TextWriter output)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (var stream in streams)
            {
                json.WriteStartObject();
                json.WriteString("name", stream.Name);
                if (stream.Bytes is { } bytes)
                    json.WriteNumber("bytes", bytes);
                json.WriteStartObject("details");
                foreach (var (key, value) in Details(stream))
                    json.WriteString(key, value);
                json.WriteEndObject();
                json.WriteStartArray("columns");
                foreach (var field in stream.Schema.Fields)
                {
                    json.WriteStartObject();
                    json.WriteString("name", field.Name);
                    json.WriteString("type", field.Type.ToString());
                    json.WriteBoolean("nullable", field.Nullable);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        output.WriteLine(System.Text.Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length));
    }

    private static IEnumerable<KeyValuePair<string, string>> Details(CatalogStream stream) =>
        stream.Details.Where(static detail => !Internal.Contains(detail.Key))
            .OrderBy(static detail => detail.Key, StringComparer.Ordinal)
            .Select(static detail => new KeyValuePair<string, string>(detail.Key, Visible(detail.Value)));

    // punctuation would run into that of the line
    private static string Quoted(string value) =>
        value.Length == 0 ? "''" : value.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ' ' or '\'') ? value : $"'{value}'";

    // lists are kept with a separator that no terminal shows
    private static string Visible(string value) =>
        value.Contains('\u001f')
            ? string.Join(' ', value[..^1].Split('\u001f').Select(static item => $"'{item}'"))
            : value switch { "\t" => "tab", " " => "blank", _ => value };
}

using System.CommandLine;
using Nebula.Cli.Output;
using Nebula.Cli.Running;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula preview</c>: the first rows, as a run would read them.</summary>
internal sealed class PreviewCommand : NebulaCommand
{
    private const int DefaultRows = 20;
    private readonly SourceView _source;
    private readonly Option<string?> _limit = Flag.Text("--limit", "N", "Rows of each stream; 20 when not set.");
    private readonly Option<string?> _output = Flag.Choice("--output", "How they are shown: an aligned table, JSON lines, or CSV.", "table", "json", "csv");

    public PreviewCommand(CommandContext context)
        : base("preview", "Show the first rows of a source, as a run would read them.", context)
    {
        _source = new SourceView(this);
        Options.Add(_limit);
        Options.Add(_output);
        Examples = ["nebula preview users.csv", "nebula preview csv --source-path 'in/*.csv' --limit 5",
            "nebula preview pipeline.yaml --streams orders.csv --output json"];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        PreviewAsync(arguments, context).GetAwaiter().GetResult();
        return ExitCode.Success;
    }

    private async Task PreviewAsync(ParseResult arguments, CommandContext context)
    {
        var output = Flag.Word(arguments, _output) ?? "table";
        var limit = arguments.GetValue(_limit) is not { } text ? DefaultRows
            : int.TryParse(text, out var number) && number > 0 ? number
            : throw NebulaException.Configuration($"--limit must be a whole number of at least 1; it is '{text}'.");
        foreach (var viewed in await _source.FindAsync(arguments, context).ConfigureAwait(false))
        {
            var source = viewed.OpenSource();
            await using (source.ConfigureAwait(false))
            {
                // a few files at once are seen one by one, as they would be read
                var names = new DiscoverRequest { Streams = viewed.Request.Streams, NamesOnly = true };
                var catalog = await source.DiscoverAsync(names, context.Interruption).ConfigureAwait(false);
                var requests = viewed.Request.AsOneStream || catalog.Streams.Count == 1
                    ? [viewed.Request]
                    : catalog.Streams.Select(stream => viewed.Request with { Streams = [stream.Name] });
                foreach (var request in requests)
                    await PreviewAsync(source, request, limit, output, context).ConfigureAwait(false);
            }
        }
    }

    private static async Task PreviewAsync(ISource source, StreamRequest request, int limit, string output, CommandContext context)
    {
        var options = new PipelineOptions { Workers = 1, RowLimit = limit, BadRows = new BadRowOptions { Policy = BadRowPolicy.Skip } };
        var preview = new PreviewDestination();
        IDestination destination = output == "table" ? preview : Standard(output, context.Connectors);
        await using (destination.ConfigureAwait(false))
        {
            using var pool = new BufferPool();
            var run = new StreamRun(source, destination, options, pool, "preview");
            var result = await run.RunAsync(request, context.Interruption).ConfigureAwait(false);
            if (output == "table")
                Write(result.Plan, preview.Rows(), context);
            if (run.Metrics.RowsSkipped > 0)
                context.Terminal.WriteLine($"{run.Metrics.RowsSkipped} rows before the last one shown cannot be read and are left out.");
        }
    }

    private static void Write(StreamPlan plan, IEnumerable<string?[]> rows, CommandContext context)
    {
        var table = new TextTable([.. plan.Columns.Select(static column => column.Field.Name)]) { Absent = "null", Cuts = true };
        for (var i = 0; i < plan.Columns.Length; i++)
            if (plan.Columns[i].Field.Type is { } type && (type.IsInteger || type.Kind is TypeKind.Decimal or TypeKind.Float32 or TypeKind.Float64))
                table.AlignRight(i);
        foreach (var row in rows)
            table.Add(row);
        context.Output.WriteLine($"{plan.Stream.Name}:");
        table.Write(context.Output, context.OutputWidth);
        context.Output.WriteLine();
    }

    private static IDestination Standard(string format, ConnectorRegistry connectors)
    {
        var connector = connectors.Find(format)!;
        var place = new SourceLocation("--output");
        return connector.Destination(new OptionValues(format, connector.DestinationOptions!, [new("path", new OptionValue(["-"], place))]));
    }
}

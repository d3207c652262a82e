using System.Collections.Immutable;
using System.Text;
using Nebula.Connectors.Files;
using Nebula.Engine.Conversion;
using Nebula.Engine.Formats;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests.Documentation;

/// <summary>The page about types, made of what the formats and the table of conversions say.</summary>
internal static class TypesPage
{
    private static readonly ImmutableArray<DataType> Types =
    [
        .. ((string[])
        [
            "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "decimal(18,2)", "decimal(38,9)", "date",
            "time", "time(ns)", "timestamp", "timestamp(ns)", "timestamp(UTC)", "timestamp(ns, UTC)", "timestamp(Europe/Berlin)",
            "string", "binary", "uuid", "json", "list<int64>", "struct<a: int64, b: string>", "map<string, int64>", "map<int64, string>",
        ]).Select(static text => DataType.Parse(text)!),
    ];

    // one of each kind and unit: what is said of a pair holds for other precisions and zones in the same way
    private static readonly ImmutableArray<DataType> Converted =
        [.. Types.Where(static type =>
            type.ToString() is not ("timestamp(Europe/Berlin)" or "timestamp(ns, UTC)" or "map<int64, string>"))];

    public static string Render()
    {
        var text = new StringBuilder("""
            # Types

            <!-- Made from the code. Do not edit: run `NEBULA_WRITE_DOCS=1 dotnet test tests/Nebula.Connectors.Tests --filter TypesPage`. -->

            Columns have these types, in pipeline files (`columns: { price: decimal(10,2) }`) as on this page. What becomes of a
            value on its way into another type is one of:

            - **exact**: the same value with the same meaning; reading it back gives the same type.
            - **widened**: every value is kept, in a type that can hold more; reading it back gives that one.
            - **lossy**: values or their meaning can get lost. A target that would lose something is refused before anything
              moves; a cast goes through, and the first value that it would change is a bad row. `schema.lossy: warn` or `allow`
              lets values be rounded, and meanings dropped; what does not fit at all stays a bad row.

            """);
        foreach (var format in FileFormats.All)
            RenderFormat(text, format);
        RenderMatrix(text);
        RenderNotes(text);
        return text.ToString();
    }

    private static void RenderFormat(StringBuilder text, IFileFormat format)
    {
        text.Append("\n## Written as ").Append(format.Name).Append("\n\n| type | stored as | | |\n| --- | --- | --- | --- |\n");
        foreach (var row in Types.GroupBy(type => Describe(format.Map(type))))
            text.Append("| ").AppendJoin(", ", row.Select(static type => $"`{type}`")).Append(" | ").Append(row.Key).Append(" |\n");
    }

    private static string Describe(TypeMapping mapping)
    {
        var written = mapping.WrittenAs is { } cast && mapping.Fidelity == Fidelity.Lossy ? $"converted to `{cast}`" : null;
        return $"{Cell(mapping.StoredAs)} | {Word(mapping.Fidelity)} | {string.Join("; ", ((string?[])[mapping.Note, written]).OfType<string>())}";
    }

    private static void RenderMatrix(StringBuilder text)
    {
        text.Append("""

            ## Casts

            Rows are what a column is, columns what it is cast to: `=` the same, `+` widened, `~` lossy, empty where there is no
            cast. Lists, structs and maps are cast by their parts; fields of structs go by their names.

            |  |
            """)
            .Append(string.Concat(Converted.Select(static type => $" `{type}` |")))
            .Append("\n| --- |").Append(string.Concat(Converted.Select(static _ => " --- |")))
            .Append('\n');
        foreach (var from in Converted)
        {
            text.Append("| `").Append(from).Append("` |");
            foreach (var to in Converted)
                text.Append(ConversionTable.Of(from, to).Fidelity switch
                {
                    Fidelity.Exact => " = |",
                    Fidelity.Widened => " + |",
                    Fidelity.Lossy => " ~ |",
                    _ => "  |",
                });
            text.Append('\n');
        }
    }

    private static void RenderNotes(StringBuilder text)
    {
        text.Append("\n| what happens | casts |\n| --- | --- |\n");
        var notes = Converted.SelectMany(static from => Converted.Select(to => (from, to, conversion: ConversionTable.Of(from, to))))
            .Where(static pair => pair.conversion.Note is not null && pair.conversion.Fidelity != Fidelity.Impossible)
            .GroupBy(static pair => pair.conversion.Note!, StringComparer.Ordinal);
        foreach (var note in notes)
        {
            var targets = note.GroupBy(static pair => pair.to)
                .Select(static group => (To: group.Key, From: string.Join(", ", group.Select(static pair => $"`{pair.from}`"))));
            text.Append("| ").Append(note.Key).Append(" | ").AppendJoin("; ", targets.GroupBy(static target => target.From)
                .Select(static group => $"{group.Key} to {string.Join(", ", group.Select(static target => $"`{target.To}`"))}")).Append(" |\n");
        }
    }

    private static string Word(Fidelity fidelity) => fidelity == Fidelity.Impossible ? "not possible" : fidelity.ToString().ToLowerInvariant();

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}

using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>Describes a file for people.</summary>
internal static class ArrowInspection
{
    private const int LongestValue = 200;

    /// <summary>Describes a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="schema">Its schema as declared.</param>
    /// <param name="footer">Its footer; null for a stream.</param>
    /// <param name="version">Version of its metadata as stored.</param>
    /// <param name="parts">Its messages.</param>
    public static FileInspection Of(ArrowFile file, ArrowSchema schema, ArrowFooter? footer, short version, IReadOnlyList<StreamPart> parts)
    {
        var batches = parts.Where(static part => !part.IsDictionary).ToArray();
        var properties = new List<KeyValuePair<string, string>>
        {
            new("format", footer is null ? "Arrow IPC stream" : "Arrow IPC file"),
            new("metadata version", $"V{version + 1}"),
            new("byte order", schema.IsBigEndian ? "big-endian" : "little-endian"),
            new("compression", string.Join(", ", parts.Select(static part => NameOf(part.Codec)).Distinct().DefaultIfEmpty("none"))),
            new("rows", Text(batches.Sum(static part => part.Rows))),
            new("record batches", Text(batches.Length)),
        };
        foreach (var (key, value) in schema.Metadata.Concat(footer?.Metadata ?? []))
            properties.Add(new(key, value.Length <= LongestValue ? value : value[..LongestValue] + "…"));
        var columns = new List<IReadOnlyList<string>>();
        for (var i = 0; i < file.Plan.Columns.Length; i++)
            AddColumn(columns, file.Plan.Columns[i], file.Schema.Fields[i].Type.ToString(), "");
        var tables = new List<InspectionTable>
        {
            new("columns", ["name", "type", "stored_as", "nullable", "dictionary", "extension"], columns),
            new("record_batches", ["index", "offset", "bytes", "rows", "compression"],
                [.. batches.Select(static (part, i) => (IReadOnlyList<string>)[Text(i), Text(part.Block.Offset),
                    Text(part.Block.MetadataLength + part.Block.BodyLength), Text(part.Rows), NameOf(part.Codec)])]),
        };
        var dictionaries = parts.Where(static part => part.IsDictionary).ToArray();
        if (dictionaries.Length > 0)
            tables.Add(new("dictionaries", ["id", "offset", "bytes", "entries", "delta", "compression"],
                [.. dictionaries.Select(static part => (IReadOnlyList<string>)[Text(part.DictionaryId), Text(part.Block.Offset),
                    Text(part.Block.MetadataLength + part.Block.BodyLength), Text(part.Rows), part.IsDelta ? "yes" : "no", NameOf(part.Codec)])]));
        return new FileInspection(properties, tables);
    }

    private static void AddColumn(List<IReadOnlyList<string>> rows, ColumnPlan column, string type, string prefix)
    {
        var field = column.Field;
        rows.Add([prefix + field.Name, type, field.Type.ToString(), field.Nullable ? "yes" : "no",
            field.Dictionary is { } dictionary ? $"{Text(dictionary.Id)} ({dictionary.IndexType})" : "", field.Extension ?? ""]);
        ImmutableArray<ColumnPlan> children = column.Values is null ? column.Children : column.Values.Columns[0].Children;
        foreach (var child in children)
            AddColumn(rows, child, child.Type.ToString(), prefix + field.Name + ".");
    }

    private static string NameOf(BodyCodec codec) => codec switch { BodyCodec.Lz4Frame => "lz4", BodyCodec.Zstd => "zstd", _ => "none" };

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}

using System.Globalization;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Orc.Metadata;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>What people want to know about a file.</summary>
internal static class OrcInspection
{
    private static readonly string[] Writers = ["ORC Java", "ORC C++", "Presto", "Scritchley Go", "Trino", "cuDF"];

    /// <summary>Looks at a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="pool">Where buffers come from.</param>
    public static FileInspection Of(OrcFile file, BufferPool pool)
    {
        try
        {
            var footers = file.Footer.Stripes.Select(stripe => ReadStripeFooter(file, stripe, pool)).ToArray();
            return new FileInspection(Properties(file), [Columns(file, footers), Stripes(file, footers), StripeStatistics(file, pool)]);
        }
        catch (OrcFault fault)
        {
            throw fault.ToDataFormatException(file.Bytes.Name, -1);
        }
    }

    /// <summary>Reads the footer of a stripe.</summary>
    public static StripeFooter ReadStripeFooter(OrcFile file, StripeInformation stripe, BufferPool pool)
    {
        using var content = file.ReadMetadata(pool, stripe.Offset + stripe.IndexLength + stripe.DataLength, stripe.FooterLength, "stripe footer");
        return StripeFooter.Parse(content.Content, stripe, file.Footer.ColumnCount);
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static List<KeyValuePair<string, string>> Properties(OrcFile file)
    {
        var (footer, postScript) = (file.Footer, file.PostScript);
        var writer = footer.Writer is { } code && code < Writers.Length ? Writers[code] : footer.Writer is null ? Writers[0] : $"number {footer.Writer}";
        var properties = new List<KeyValuePair<string, string>>
        {
            new("format", "orc"),
            new("format_version", postScript.Version),
            new("writer", footer.SoftwareVersion is null ? writer : $"{writer} {footer.SoftwareVersion}"),
            new("writer_version", Text(postScript.WriterVersion)),
            new("rows", Text(file.Rows ?? 0)),
            new("stripes", Text(footer.Stripes.Length)),
            new("bytes", Text(file.Bytes.Length)),
            new("compression", postScript.Compression.ToString().ToLowerInvariant()),
            new("compression_block_size", Text(postScript.CompressionBlockSize)),
            new("row_index_stride", Text(footer.RowIndexStride)),
            new("schema", footer.Root.ToString()),
        };
        foreach (var (key, value) in footer.UserMetadata)
            properties.Add(new("metadata." + key, System.Text.Unicode.Utf8.IsValid(value) ? System.Text.Encoding.UTF8.GetString(value)
                : Convert.ToBase64String(value)));
        return properties;
    }

    private static InspectionTable Columns(OrcFile file, StripeFooter[] footers)
    {
        var rows = new List<IReadOnlyList<string>>();
        Visit(file.Footer.Root, "");
        return new InspectionTable("columns", ["id", "name", "type", "encodings", "bytes", "bloom_filter", "values", "has_null", "minimum", "maximum", "sum"],
            rows);

        void Visit(OrcType type, string path)
        {
            if (path.Length > 0 || type.Kind != OrcTypeKind.Struct)
                rows.Add(Describe(type, path));
            for (var i = 0; i < type.Children.Length; i++)
            {
                var name = type.Kind switch
                {
                    OrcTypeKind.Struct => type.FieldNames[i],
                    OrcTypeKind.Union => OrcSchema.UnionField(i),
                    OrcTypeKind.Map => i == 0 ? "key" : "value",
                    _ => "item",
                };
                Visit(type.Children[i], path.Length == 0 ? name : $"{path}.{name}");
            }
        }

        string[] Describe(OrcType type, string path)
        {
            var encodings = string.Join(", ", footers.Select(footer => footer.Encodings[type.Id].Kind).Distinct().Select(static kind => kind.ToString()));
            var bytes = footers.Sum(footer => footer.Streams.Where(stream => stream.Column == type.Id).Sum(static stream => stream.Length));
            var bloom = footers.Any(footer => footer.Streams.Any(stream =>
                stream.Column == type.Id && stream.Kind is StreamKind.BloomFilter or StreamKind.BloomFilterUtf8));
            var statistics = type.Id < file.Footer.Statistics.Length ? file.Footer.Statistics[type.Id] : new ColumnStatistics();
            return
            [
                Text(type.Id), path.Length == 0 ? OrcSchema.RootColumn : path, type.IsNested ? type.Kind.ToString().ToLowerInvariant() : type.ToString(),
                    encodings, Text(bytes), bloom ? "yes" : "no",
                statistics.Values?.ToString(CultureInfo.InvariantCulture) ?? "", statistics.HasNull switch { true => "yes", false => "no", _ => "" },
                statistics.Minimum ?? "", statistics.Maximum ?? "", statistics.Sum ?? "",
            ];
        }
    }

    private static InspectionTable Stripes(OrcFile file, StripeFooter[] footers) => new("stripes",
        ["stripe", "offset", "bytes", "index_bytes", "data_bytes", "footer_bytes", "rows", "writer_time_zone"],
        [.. file.Footer.Stripes.Select((stripe, i) => (IReadOnlyList<string>)
            [Text(i), Text(stripe.Offset), Text(stripe.Length), Text(stripe.IndexLength), Text(stripe.DataLength), Text(stripe.FooterLength), Text(stripe.Rows),
                footers[i].WriterTimeZone ?? ""])]);

    private static InspectionTable StripeStatistics(OrcFile file, BufferPool pool)
    {
        var rows = new List<IReadOnlyList<string>>();
        var stripes = file.ReadStripeStatistics(pool);
        for (var i = 0; i < stripes.Count; i++)
            for (var column = 0; column < stripes[i].Count; column++)
                if (stripes[i][column] is { Minimum: not null } statistics)
                    rows.Add([Text(i), Text(column), statistics.Values?.ToString(CultureInfo.InvariantCulture) ?? "", statistics.Minimum,
                        statistics.Maximum ?? "", statistics.Sum ?? ""]);
        return new InspectionTable("stripe_statistics", ["stripe", "id", "values", "minimum", "maximum", "sum"], rows);
    }
}

using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>What can be set on files of every format.</summary>
internal static class FileOptions
{
    private static readonly OptionDescriptor Format = new("format", OptionKind.Choice, "The file format; by the file's name when not set.")
    {
        Choices = [.. FileFormats.All.Select(static format => format.Name)],
    };

    private static readonly IReadOnlyList<OptionDescriptor> Source =
    [
        new("path", OptionKind.Text,
            "A file, a folder, a wildcard (in/**/*.csv.gz), a URL of any of them (az://container/in/*.csv, s3://bucket/in/), or '-' for standard input.")
        {
            IsRequired = true,
        },
        new("compression", OptionKind.Choice, "How the files are compressed; by their names and first bytes when not set.") { Choices = FileCodecs.Names },
        new("hive_partitioning", OptionKind.Choice,
            "Whether folders such as country=DE are columns: always (true), never (false), or when all files have the same ones (auto).", "auto")
        {
            Choices = ["auto", "true", "false"],
        },
        new("infer", OptionKind.Choice,
            "Where types come from: the first records (sample), every value (all), or nowhere: everything is text (none).", "sample")
        {
            Choices = ["sample", "all", "none"],
        },
        new("sample_size", OptionKind.Size, "Bytes of the first records that are looked at to detect dialect and types.", "512KiB"),
        RateLimit.Option,
    ];

    private static readonly OptionDescriptor Compression = new("compression", OptionKind.Choice, "How the file is compressed; by its name when not set.")
    {
        Choices = [.. FileCodecs.Names.Concat(FileFormats.All.SelectMany(static format => format.OwnCodecs ?? [])).Distinct()],
    };

    private static readonly IReadOnlyList<OptionDescriptor> Destination =
    [
        new("path", OptionKind.Text,
            "The file to write, a folder, a URL of either (az://container/out/, s3://bucket/out.csv), or '-' for standard output. "
            + "{YYYY}, {MM}, {DD}, {HH} are the run's start, {part} or {part:05} numbers files.")
        {
            IsRequired = true,
        },
        new("file_size", OptionKind.Size, "Bytes, as stored, at which a file is ended and the next one begun; one file when not set."),
        new("partition_by", OptionKind.TextList,
            "Columns whose values become folders (country=DE): names, or year, month, day or hour of a date or timestamp, as in day(created_at)."),
        new("max_partitions", OptionKind.Integer, "Most partitions of a run: each has a file open.", "100"),
        new("compression_level", OptionKind.Integer, "How hard to compress, in the codec's own numbers; the codec's default when not set."),
        RateLimit.Option,
    ];

    /// <summary>What can be set on a source of one format, or of any when none is named.</summary>
    public static IReadOnlyList<OptionDescriptor> ForSource(IFileFormat? format) => Combine(Source, format, static f => f.ReadOptions);

    /// <summary>What can be set on a destination of one format, or of any when none is named.</summary>
    public static IReadOnlyList<OptionDescriptor> ForDestination(IFileFormat? format) =>
        Combine([.. Destination, CompressionOf(format)], format, static f => f.WriteOptions);

    private static OptionDescriptor CompressionOf(IFileFormat? format) =>
        format is null ? Compression
        : format.OwnCodecs is { } own ? new("compression", OptionKind.Choice, "How the format compresses what it stores.", own[0]) { Choices = own }
        : Compression with { Choices = FileCodecs.Names };

    /// <summary>Options of several formats may share a name and then mean the same.</summary>
    private static IReadOnlyList<OptionDescriptor> Combine(
        IReadOnlyList<OptionDescriptor> common, IFileFormat? format, Func<IFileFormat, IReadOnlyList<OptionDescriptor>> own) =>
        format is not null ? [.. common, .. own(format), .. ObjectStoreCatalog.Options]
        : [.. common, Format,
            .. FileFormats.All.SelectMany(own).Where(o => o.Name != Format.Name).DistinctBy(static o => o.Name),
            .. ObjectStoreCatalog.Options];
}

using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>What can be set on files of every format.</summary>
internal static class FileOptions
{
    private static readonly OptionDescriptor Format = new("format", OptionKind.Choice, "The file format; by the file's name when not set.") { Choices = [.. FileFormats.All.Select(static format => format.Name)] };

    private static readonly IReadOnlyList<OptionDescriptor> Source =
    [
        new("path", OptionKind.Text, "A file, a folder, a wildcard (in/**/*.csv.gz), or '-' for standard input.") { IsRequired = true },
        new("compression", OptionKind.Choice, "How the files are compressed; by their names and first bytes when not set.") { Choices = FileCodecs.Names },
        new("infer", OptionKind.Choice, "Where types come from: the first records (sample), every value (all), or nowhere: everything is text (none).", "sample") { Choices = ["sample", "all", "none"] },
        new("sample_size", OptionKind.Size, "Bytes of the first records that are looked at to detect dialect and types.", "512KiB"),
    ];

    private static readonly OptionDescriptor Compression = new("compression", OptionKind.Choice, "How the file is compressed; by its name when not set.")
    {
        Choices = [.. FileCodecs.Names.Concat(FileFormats.All.SelectMany(static format => format.OwnCodecs ?? [])).Distinct()],
    };

    private static readonly IReadOnlyList<OptionDescriptor> Destination =
    [
        new("path", OptionKind.Text, "The file to write, or '-' for standard output.") { IsRequired = true },
        new("compression_level", OptionKind.Integer, "How hard to compress, in the codec's own numbers; the codec's default when not set."),
    ];

    /// <summary>What can be set on a source of one format, or of any when none is named.</summary>
    public static IReadOnlyList<OptionDescriptor> ForSource(IFileFormat? format) => Combine(Source, format, static f => f.ReadOptions);

    /// <summary>What can be set on a destination of one format, or of any when none is named.</summary>
    public static IReadOnlyList<OptionDescriptor> ForDestination(IFileFormat? format) => Combine([.. Destination, CompressionOf(format)], format, static f => f.WriteOptions);

    private static OptionDescriptor CompressionOf(IFileFormat? format) =>
        format is null ? Compression
        : format.OwnCodecs is { } own ? new("compression", OptionKind.Choice, "How the format compresses what it stores.", own[0]) { Choices = own }
        : Compression with { Choices = FileCodecs.Names };

    /// <summary>Options of several formats may share a name and then mean the same.</summary>
    private static IReadOnlyList<OptionDescriptor> Combine(IReadOnlyList<OptionDescriptor> common, IFileFormat? format, Func<IFileFormat, IReadOnlyList<OptionDescriptor>> own) =>
        format is not null ? [.. common, .. own(format)] : [.. common, Format, .. FileFormats.All.SelectMany(own).Where(o => o.Name != Format.Name).DistinctBy(static o => o.Name)];
}

using Nebula.Engine.Connectors;

namespace Nebula.Engine.Formats.Orc;

/// <summary>What users can set.</summary>
internal static class OrcOptions
{
    /// <summary>Unit of timestamps when reading.</summary>
    public const string TimestampUnit = "timestamp_unit";

    /// <summary>Whether stripes are cut at the positions that their row indexes tell.</summary>
    public const string UseRowIndex = "use_row_index";

    /// <summary>What can be set when files are read.</summary>
    public static IReadOnlyList<OptionDescriptor> Read { get; } =
    [
        new(TimestampUnit, OptionKind.Choice, "Unit in which ORC timestamps are read: ns covers the years 1677 to 2262; auto takes us where the file's statistics tell of others.", "auto")
        {
            Choices = ["auto", "us", "ns"],
        },
        new(UseRowIndex, OptionKind.Flag, "Whether large ORC stripes are read in pieces with the help of their row indexes. Set to false for files whose indexes are wrong.", "true"),
    ];
}

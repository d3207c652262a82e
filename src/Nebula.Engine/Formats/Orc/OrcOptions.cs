using Nebula.Engine.Connectors;

namespace Nebula.Engine.Formats.Orc;

/// <summary>What users can set.</summary>
internal static class OrcOptions
{
    /// <summary>Unit of timestamps when reading.</summary>
    public const string TimestampUnit = "timestamp_unit";

    /// <summary>Whether stripes are cut at the positions that their row indexes tell.</summary>
    public const string UseRowIndex = "use_row_index";

    /// <summary>Size of a stripe when writing.</summary>
    public const string StripeSize = "stripe_size";

    /// <summary>Rows of a row group when writing.</summary>
    public const string RowIndexStride = "row_index_stride";

    /// <summary>Columns with bloom filters.</summary>
    public const string BloomFilter = "bloom_filter";

    /// <summary>What can be set when files are written, besides <c>compression</c> and <c>compression_level</c>.</summary>
    public static IReadOnlyList<OptionDescriptor> Write { get; } =
    [
        new(StripeSize, OptionKind.Size, "Bytes of columns, before they are encoded, after which an ORC stripe ends: 1MiB to 1GiB. "
            + "Stripes of small rows end after 16 row groups.", "64MB"),
        new(RowIndexStride, OptionKind.Integer, "Rows between two entries of the indexes of ORC files, by which readers skip rows: 1000 to 1000000.", "10000"),
        new(BloomFilter, OptionKind.TextList, "Columns for which a filter is stored that tells which values cannot occur."),
    ];

    /// <summary>What can be set when files are read.</summary>
    public static IReadOnlyList<OptionDescriptor> Read { get; } =
    [
        new(TimestampUnit, OptionKind.Choice, "Unit in which ORC timestamps are read: ns covers the years 1677 to 2262; auto takes us where the file's "
            + "statistics tell of others.", "auto")
        {
            Choices = ["auto", "us", "ns"],
        },
        new(UseRowIndex, OptionKind.Flag, "Whether large ORC stripes are read in pieces with the help of their row indexes. Set to false for files whose "
            + "indexes are wrong.", "true"),
    ];
}

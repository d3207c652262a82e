using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet;

/// <summary>What users can set when files are written.</summary>
internal sealed record ParquetWriteOptions
{
    private const string RowGroupRowsKey = "row_group_rows";
    private const string RowGroupSizeKey = "row_group_size";
    private const string BloomFilterKey = "bloom_filter";
    private const string SortedByKey = "sorted_by";
    private const string DeltaEncodingsKey = "delta_encodings";
    private const string PageChecksumsKey = "page_checksums";
    private const string MetadataKey = "metadata";
    private const string CompressionKey = "compression";
    private const string CompressionLevelKey = "compression_level";

    /// <summary>Values of <c>compression</c>, the default first.</summary>
    public static IReadOnlyList<string> Codecs { get; } = ["snappy", "none", "gzip", "zstd", "lz4_raw", "brotli"];

    /// <summary>Codec of pages.</summary>
    /// <value>Snappy.</value>
    public PageCodec Codec { get; init; } = PageCodec.Snappy;

    /// <summary>How hard the codec tries, in its own numbers; meaningless where it has none.</summary>
    /// <value>gzip 6, zstd 3, brotli 4.</value>
    public int CompressionLevel { get; init; }

    /// <summary>Rows of a row group.</summary>
    /// <value>122,880: the number that DuckDB reads and writes at once.</value>
    public int RowGroupRows { get; init; } = 122_880;

    /// <summary>Bytes of the columns of a row group in memory; large rows make groups of fewer rows.</summary>
    /// <value>64 MiB.</value>
    public long RowGroupSize { get; init; } = 64 << 20;

    /// <summary>Columns that get a Bloom filter, by the names of their leaves, joined by dots.</summary>
    /// <value>None.</value>
    public IReadOnlyList<string> BloomFilters { get; init; } = [];

    /// <summary>Columns that the rows are sorted by, as the user says; noted in the file, not checked.</summary>
    /// <value>None.</value>
    public IReadOnlyList<SortedColumn> SortedBy { get; init; } = [];

    /// <summary>Whether encodings that old readers do not know are used.</summary>
    /// <value>Yes.</value>
    public bool UseDeltaEncodings { get; init; } = true;

    /// <summary>Whether pages carry a CRC-32.</summary>
    /// <value>Yes.</value>
    public bool WritePageChecksums { get; init; } = true;

    /// <summary>What is noted beside the data.</summary>
    /// <value>Nothing.</value>
    public IReadOnlyList<KeyValue> Metadata { get; init; } = [];

    /// <summary>Where columns were named, for messages.</summary>
    public SourceLocation? BloomFilterLocation { get; init; }

    /// <summary>Where columns were named, for messages.</summary>
    public SourceLocation? SortedByLocation { get; init; }

    /// <summary>The options as data. Codec and level are those of all files.</summary>
    public static IReadOnlyList<OptionDescriptor> Descriptors { get; } =
    [
        new(RowGroupRowsKey, OptionKind.Integer, "Rows of a row group, 1 to 10 million: more compress better, fewer are skipped more often.", "122880"),
        new(RowGroupSizeKey, OptionKind.Size, "Bytes of a row group's columns in memory, at least 64KiB: where rows are large, a group has fewer.", "64MiB"),
        new(BloomFilterKey, OptionKind.TextList, "Columns with a Bloom filter, which tells that a row group lacks a value; about 10 bits per distinct value."),
        new(SortedByKey, OptionKind.TextList, "Columns that the rows are sorted by: 'id', 'id desc', 'id nulls first'. Noted in the file, not checked."),
        new(DeltaEncodingsKey, OptionKind.Flag, "Uses delta and byte stream split encodings where they pay; false for readers from before 2020.", "true"),
        new(PageChecksumsKey, OptionKind.Flag, "Writes a CRC-32 with each page.", "true"),
        new(MetadataKey, OptionKind.TextList, "Notes in the footer: 'key=value'."),
    ];

    /// <summary>Takes over what the user set.</summary>
    /// <param name="values">The options.</param>
    /// <exception cref="NebulaException">A value is out of its range.</exception>
    public static ParquetWriteOptions From(OptionValues values)
    {
        var codec = values.Text(CompressionKey) ?? Codecs[0];
        return new ParquetWriteOptions
        {
            Codec = CodecOf(codec),
            CompressionLevel = LevelOf(codec, values),
            RowGroupRows = (int)InRange(values, RowGroupRowsKey, values.Integer(RowGroupRowsKey)!.Value, 1, 10_000_000, "rows"),
            RowGroupSize = InRange(values, RowGroupSizeKey, values.Size(RowGroupSizeKey)!.Value, 64 << 10, 1 << 30, "bytes"),
            BloomFilters = values.List(BloomFilterKey) ?? [],
            BloomFilterLocation = values.LocationOf(BloomFilterKey),
            SortedBy = [.. (values.List(SortedByKey) ?? []).Select(text => SortedColumn.Parse(text, values.LocationOf(SortedByKey)))],
            SortedByLocation = values.LocationOf(SortedByKey),
            UseDeltaEncodings = values.Flag(DeltaEncodingsKey)!.Value,
            WritePageChecksums = values.Flag(PageChecksumsKey)!.Value,
            Metadata = [.. (values.List(MetadataKey) ?? []).Select(text => ParseNote(text, values.LocationOf(MetadataKey)))],
        };
    }

    private static PageCodec CodecOf(string name) => name switch
    {
        "none" => PageCodec.Uncompressed,
        "gzip" => PageCodec.Gzip,
        "zstd" => PageCodec.Zstd,
        "lz4_raw" => PageCodec.Lz4Raw,
        "brotli" => PageCodec.Brotli,
        _ => PageCodec.Snappy,
    };

    private static (int Min, int Max, int Default) LevelsOf(PageCodec codec) => codec switch
    {
        PageCodec.Gzip => (1, 9, 6),
        // encodings leave little to find: with level 3 files are 1 to 3 % smaller
        PageCodec.Zstd => (1, 22, 1),
        PageCodec.Brotli => (0, 11, 4),
        _ => (0, 0, 0),
    };

    private static int LevelOf(string name, OptionValues values)
    {
        var (min, max, usual) = LevelsOf(CodecOf(name));
        if (values.Integer(CompressionLevelKey) is not { } level)
            return usual;
        if (min == max)
            throw NebulaException.Configuration(
                $"compression: {name} has no levels. Leave out '{CompressionLevelKey}', or use zstd, gzip or brotli.", values.LocationOf(CompressionLevelKey));
        return level >= min && level <= max ? (int)level : throw NebulaException.Configuration(
            $"'{CompressionLevelKey}' of {name} must be {min} to {max}; it is {level}.", values.LocationOf(CompressionLevelKey));
    }

    private static long InRange(OptionValues values, string key, long value, long min, long max, string unit) => value >= min && value <= max ? value
        : throw NebulaException.Configuration($"'{key}' must be {min} to {max} {unit}; it is {value}.", values.LocationOf(key));

    private static KeyValue ParseNote(string text, SourceLocation? location)
    {
        var equals = text.IndexOf('=');
        return equals > 0 ? new KeyValue(text[..equals], text[(equals + 1)..])
            : throw NebulaException.Configuration($"'{MetadataKey}' must have entries of the form key=value; '{text}' is none.", location);
    }
}

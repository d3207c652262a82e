using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc.Metadata;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>How files are written.</summary>
internal sealed record OrcWriteOptions
{
    /// <summary>Codec of the chunks.</summary>
    public OrcCompression Compression { get; init; } = OrcCompression.Zstd;

    /// <summary>How hard to compress, in the codec's own numbers.</summary>
    public int CompressionLevel { get; init; } = ZstdLevel;

    /// <summary>Bytes of a stripe's columns before they are encoded.</summary>
    public long StripeSize { get; init; } = DefaultStripeSize;

    /// <summary>Rows between two entries of the indexes.</summary>
    public int RowIndexStride { get; init; } = DefaultStride;

    /// <summary>Columns with bloom filters.</summary>
    public IReadOnlyList<string> BloomFilterColumns { get; init; } = [];

    /// <summary>Most bytes that a chunk has before compression.</summary>
    public const int CompressionBlockSize = 128 << 10;

    /// <summary>Row groups of a stripe with small rows.</summary>
    public const int GroupsPerStripe = 16;

    private const long DefaultStripeSize = 64_000_000;
    private const int DefaultStride = 10_000;
    private const int ZstdLevel = 1;
    private const int ZlibLevel = 4;

    /// <summary>What users set.</summary>
    /// <exception cref="NebulaException">A value is out of range.</exception>
    public static OrcWriteOptions From(OptionValues options)
    {
        var compression = options.Text("compression") switch
        {
            "none" => OrcCompression.None,
            "deflate" => OrcCompression.Zlib,
            "snappy" => OrcCompression.Snappy,
            "lz4" => OrcCompression.Lz4,
            _ => OrcCompression.Zstd,
        };
        return new OrcWriteOptions
        {
            Compression = compression,
            CompressionLevel = Level(compression, options),
            StripeSize = options.Size(OrcOptions.StripeSize) is { } size and >= 1 << 20 and <= 1 << 30 ? size
                : throw Wrong(options, OrcOptions.StripeSize, "between 1MiB and 1GiB"),
            RowIndexStride = options.Integer(OrcOptions.RowIndexStride) is { } stride and >= 1_000 and <= 1_000_000
                ? (int)stride : throw Wrong(options, OrcOptions.RowIndexStride, "between 1000 and 1000000 rows"),
            BloomFilterColumns = options.List(OrcOptions.BloomFilter) ?? [],
        };
    }

    private static int Level(OrcCompression compression, OptionValues options)
    {
        var (least, most, standard) = compression switch
        {
            OrcCompression.Zstd => (1, 22, ZstdLevel),
            OrcCompression.Zlib => (1, 9, ZlibLevel),
            _ => (0, 0, 0),
        };
        if (options.Integer("compression_level") is not { } level)
            return standard;
        if (most == 0)
            throw NebulaException.Configuration($"ORC has no compression levels with 'compression: {options.Text("compression")}'. Leave the level out.",
                options.LocationOf("compression_level"));
        return level >= least && level <= most ? (int)level : throw Wrong(options, "compression_level", $"between {least} and {most}");
    }

    private static NebulaException Wrong(OptionValues options, string name, string range) =>
        NebulaException.Configuration($"Option '{name}' of {options.Owner} must be {range}; it is '{options.Text(name)}'.", options.LocationOf(name));
}

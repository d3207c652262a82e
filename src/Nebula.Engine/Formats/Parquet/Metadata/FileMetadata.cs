using System.Collections.Immutable;

namespace Nebula.Engine.Formats.Parquet.Metadata;

/// <summary>The footer of a file (<c>FileMetaData</c>).</summary>
internal sealed record FileMetadata
{
    /// <summary>Version of the format that the writer claims: 1 or 2.</summary>
    public required int Version { get; init; }

    /// <summary>The schema tree, depth first, its root first.</summary>
    public required ImmutableArray<SchemaElement> Schema { get; init; }

    /// <summary>Number of rows as the writer counted them.</summary>
    public required long RowCount { get; init; }

    /// <summary>The row groups in order.</summary>
    public required ImmutableArray<RowGroup> RowGroups { get; init; }

    /// <summary>What the writer noted beside the data.</summary>
    public ImmutableArray<KeyValue> KeyValues { get; init; } = [];

    /// <summary>The program that wrote the file; null when it does not say.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Order of the bounds in statistics, one per leaf; empty when the file does not say.</summary>
    public ImmutableArray<ColumnOrder> ColumnOrders { get; init; } = [];

    /// <summary>Whether columns are encrypted although the footer is not.</summary>
    public bool HasEncryption { get; init; }
}

/// <summary>A note beside the data (<c>KeyValue</c>).</summary>
/// <param name="Key">Its name.</param>
/// <param name="Value">Its text; null when it has none.</param>
internal sealed record KeyValue(string Key, string? Value);

/// <summary>A run of rows whose columns lie together (<c>RowGroup</c>).</summary>
internal sealed record RowGroup
{
    /// <summary>One chunk per leaf of the schema, in order.</summary>
    public required ImmutableArray<ColumnChunk> Columns { get; init; }

    /// <summary>Bytes of all pages, uncompressed, headers included.</summary>
    public required long TotalByteSize { get; init; }

    /// <summary>Number of rows.</summary>
    public required long RowCount { get; init; }

    /// <summary>By which columns the rows are sorted.</summary>
    public ImmutableArray<SortingColumn> SortingColumns { get; init; } = [];

    /// <summary>Where the first page is; null when it is not said.</summary>
    public long? FileOffset { get; init; }

    /// <summary>Bytes of all pages as stored, headers included; null when it is not said.</summary>
    public long? TotalCompressedSize { get; init; }

    /// <summary>Position among the row groups of the file; null when it is not said.</summary>
    public short? Ordinal { get; init; }
}

/// <summary>A column that the rows of a group are sorted by (<c>SortingColumn</c>).</summary>
/// <param name="ColumnIndex">Position of the leaf.</param>
/// <param name="Descending">Whether values fall.</param>
/// <param name="NullsFirst">Whether nulls come first.</param>
internal readonly record struct SortingColumn(int ColumnIndex, bool Descending, bool NullsFirst);

/// <summary>Where one leaf of one row group is (<c>ColumnChunk</c>).</summary>
internal sealed record ColumnChunk
{
    /// <summary>Another file that holds the data; null for this one.</summary>
    public string? FilePath { get; init; }

    /// <summary>What the chunk holds; null when it is encrypted.</summary>
    public ColumnMetadata? Metadata { get; init; }

    /// <summary>Where the offset index is; null when there is none.</summary>
    public long? OffsetIndexOffset { get; init; }

    /// <summary>Bytes of the offset index.</summary>
    public int? OffsetIndexLength { get; init; }

    /// <summary>Where the column index is; null when there is none.</summary>
    public long? ColumnIndexOffset { get; init; }

    /// <summary>Bytes of the column index.</summary>
    public int? ColumnIndexLength { get; init; }

    /// <summary>Whether the chunk is encrypted.</summary>
    public bool IsEncrypted { get; init; }
}

/// <summary>What a chunk holds (<c>ColumnMetaData</c>).</summary>
internal sealed record ColumnMetadata
{
    /// <summary>How values are stored.</summary>
    public required PhysicalType Type { get; init; }

    /// <summary>All encodings used, of levels too.</summary>
    public required ImmutableArray<PageEncoding> Encodings { get; init; }

    /// <summary>Names from below the root to the leaf.</summary>
    public required ImmutableArray<string> PathInSchema { get; init; }

    /// <summary>How pages are compressed.</summary>
    public required PageCodec Codec { get; init; }

    /// <summary>Number of values, nulls and empty lists included.</summary>
    public required long ValueCount { get; init; }

    /// <summary>Bytes of all pages, uncompressed, headers included.</summary>
    public required long TotalUncompressedSize { get; init; }

    /// <summary>Bytes of all pages as stored, headers included.</summary>
    public required long TotalCompressedSize { get; init; }

    /// <summary>Where the first data page is.</summary>
    public required long DataPageOffset { get; init; }

    /// <summary>Where the dictionary page is; null when there is none, or the writer does not say.</summary>
    public long? DictionaryPageOffset { get; init; }

    /// <summary>Bounds and counts; null when there are none.</summary>
    public ColumnStatistics? Statistics { get; init; }

    /// <summary>How many pages of which kind use which encoding; empty when it is not said.</summary>
    public ImmutableArray<PageEncodingStats> EncodingStats { get; init; } = [];

    /// <summary>Where the Bloom filter is; null when there is none.</summary>
    public long? BloomFilterOffset { get; init; }

    /// <summary>Bytes of the Bloom filter with its header; null when it is not said.</summary>
    public int? BloomFilterLength { get; init; }

    /// <summary>Sizes of decoded values; null when they are not said.</summary>
    public SizeStatistics? SizeStatistics { get; init; }
}

/// <summary>How many pages of a chunk use an encoding (<c>PageEncodingStats</c>).</summary>
/// <param name="PageType">Kind of the pages.</param>
/// <param name="Encoding">Encoding of their values.</param>
/// <param name="Count">Number of pages.</param>
internal readonly record struct PageEncodingStats(PageType PageType, PageEncoding Encoding, int Count);

/// <summary>Bounds and counts of a chunk or page (<c>Statistics</c>). Bounds are values in plain encoding without length.</summary>
internal sealed record ColumnStatistics
{
    /// <summary>Greatest value by signed comparison, as old writers say it.</summary>
    public ReadOnlyMemory<byte>? Max { get; init; }

    /// <summary>Least value by signed comparison, as old writers say it.</summary>
    public ReadOnlyMemory<byte>? Min { get; init; }

    /// <summary>Number of nulls; null when it is not said.</summary>
    public long? NullCount { get; init; }

    /// <summary>Number of distinct values; null when it is not said.</summary>
    public long? DistinctCount { get; init; }

    /// <summary>Upper bound in the order of the column.</summary>
    public ReadOnlyMemory<byte>? MaxValue { get; init; }

    /// <summary>Lower bound in the order of the column.</summary>
    public ReadOnlyMemory<byte>? MinValue { get; init; }

    /// <summary>Whether <see cref="MaxValue"/> occurs; null when it is not said.</summary>
    public bool? IsMaxExact { get; init; }

    /// <summary>Whether <see cref="MinValue"/> occurs; null when it is not said.</summary>
    public bool? IsMinExact { get; init; }

    /// <summary>Number of NaN; null when it is not said.</summary>
    public long? NanCount { get; init; }
}

/// <summary>Sizes of decoded values (<c>SizeStatistics</c>).</summary>
internal sealed record SizeStatistics
{
    /// <summary>Bytes of all values of <see cref="PhysicalType.ByteArray"/> without lengths; null when it is not said.</summary>
    public long? UnencodedByteArrayBytes { get; init; }

    /// <summary>How often each repetition level occurs; empty when it is not said.</summary>
    public ImmutableArray<long> RepetitionLevelHistogram { get; init; } = [];

    /// <summary>How often each definition level occurs; empty when it is not said.</summary>
    public ImmutableArray<long> DefinitionLevelHistogram { get; init; } = [];
}

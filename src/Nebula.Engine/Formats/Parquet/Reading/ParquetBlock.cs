using System.Collections.Immutable;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>What a raw block holds: runs of rows, each of one row group.</summary>
/// <param name="Slices">The runs in order.</param>
internal sealed record ParquetBlock(ImmutableArray<RowGroupSlice> Slices);

/// <summary>A run of rows of a row group.</summary>
/// <param name="RowGroup">Position of the row group in the file.</param>
/// <param name="FirstRow">First row, counted from the start of the row group.</param>
/// <param name="Rows">Number of rows.</param>
/// <param name="Chunks">The pages, one entry per wanted leaf.</param>
internal sealed record RowGroupSlice(int RowGroup, int FirstRow, int Rows, ImmutableArray<ChunkSlice> Chunks);

/// <summary>Pages of a column chunk in the buffer of a block: its dictionary page where it has one, and data pages.</summary>
/// <param name="BufferOffset">Where they begin in the buffer.</param>
/// <param name="Length">Their bytes.</param>
/// <param name="FileOffset">Where the first byte is in the file.</param>
internal readonly record struct ChunkSlice(int BufferOffset, int Length, long FileOffset)
{
    /// <summary>Bytes of the dictionary page, when the data pages do not follow it in the file; else 0.</summary>
    public int DictionaryLength { get; init; }

    /// <summary>Where the data pages are in the file, when they do not follow the dictionary page.</summary>
    public long DataFileOffset { get; init; }

    /// <summary>Rows at the start that belong to the block before.</summary>
    public int SkippedRows { get; init; }

    /// <summary>Whether the first value belongs to a row that began in a page before.</summary>
    public bool StartsWithinRow { get; init; }

    /// <summary>Where a byte is in the file.</summary>
    /// <param name="position">Its position from <see cref="BufferOffset"/> on.</param>
    public long FileOffsetOf(int position) =>
        position < DictionaryLength || DictionaryLength == 0 ? FileOffset + position : DataFileOffset + position - DictionaryLength;
}

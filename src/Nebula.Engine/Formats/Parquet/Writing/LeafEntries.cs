using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>
/// A leaf of one row group, taken apart: a level pair per entry, and where the values of those entries that have one are. Its buffers belong to <see
/// cref="RowShredder"/>.
/// </summary>
/// <remarks>A column that is not nested needs no levels: its validity says everything, and its entries are its rows.</remarks>
/// <param name="leaf">The leaf.</param>
/// <param name="column">The column that values are taken from; in lists its positions are not those of entries.</param>
/// <param name="rows">Number of rows.</param>
internal sealed unsafe class LeafEntries(LeafField leaf, Column column, int rows)
{
    /// <summary>The leaf.</summary>
    public LeafField Field => leaf;

    /// <summary>The column that values are taken from; in lists its positions are not those of entries.</summary>
    public Column Column => column;

    /// <summary>Number of rows.</summary>
    public int Rows { get; } = rows;

    /// <summary>Number of entries: values, nulls and empty lists.</summary>
    public int Count { get; init; } = rows;

    /// <summary>Number of values.</summary>
    public int ValueCount { get; init; }

    /// <summary>Repetition level of each entry; null outside of lists.</summary>
    public PooledBuffer? RepetitionLevels { get; init; }

    /// <summary>Definition level of each entry; null for a column that is not nested.</summary>
    public PooledBuffer? DefinitionLevels { get; init; }

    /// <summary>Position in the column of each value; null where they are those that are not null.</summary>
    public PooledBuffer? Positions { get; init; }

    /// <summary>First entry of each row and the number of entries; null outside of lists, where it is the row.</summary>
    public PooledBuffer? RowStarts { get; init; }

    /// <summary>Number of values among entries.</summary>
    /// <param name="start">First entry.</param>
    /// <param name="count">Number of entries.</param>
    public int CountValues(int start, int count)
    {
        if (DefinitionLevels is { } levels)
            return new ReadOnlySpan<byte>(levels.Pointer + start, count).Count((byte)leaf.MaxDefinitionLevel);
        return column.NullCount == 0 ? count : BitRange.CountSet(column.Validity, start, count);
    }

    /// <summary>First entry of a row.</summary>
    /// <param name="row">The row, up to the number of rows.</param>
    public int EntryOf(int row) => RowStarts is { } starts ? starts.As<int>()[row] : row;
}

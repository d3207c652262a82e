using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Where the data pages of a column chunk are and which rows they hold: what is needed to read a part of a row group.</summary>
/// <param name="DictionaryStart">Where the dictionary page is.</param>
/// <param name="DictionaryLength">Its bytes; 0 when there is none.</param>
/// <param name="Pages">The data pages in order.</param>
internal sealed record PageMap(long DictionaryStart, int DictionaryLength, ImmutableArray<PageSpan> Pages)
{
    /// <summary>Bytes of the largest page.</summary>
    public int LargestPage { get; } = Pages.IsEmpty ? 0 : Pages.Max(static page => page.Length);

    /// <summary>The pages that hold a run of rows.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="endRow">Behind the last row.</param>
    /// <returns>Positions of the first page and behind the last.</returns>
    public (int First, int End) PagesOf(long firstRow, long endRow)
    {
        var first = Pages.AsSpan().BinarySearch(new Row(firstRow + 1));
        first = Math.Max((first < 0 ? ~first : first) - 1, 0);
        // a row may have begun in pages before the one where its last values are
        while (first > 0 && Pages[first].FirstRow == firstRow && Pages[first].StartsWithinRow)
            first--;
        var end = first;
        while (end < Pages.Length && Pages[end].FirstRow < endRow)
            end++;
        return (first, end);
    }

    /// <summary>The map that an offset index is; null when it contradicts the chunk.</summary>
    /// <param name="index">The index.</param>
    /// <param name="range">Where the chunk is.</param>
    public static PageMap? From(OffsetIndex index, ChunkRange range)
    {
        var pages = ImmutableArray.CreateBuilder<PageSpan>(index.Pages.Length);
        var (at, row) = (range.Start, -1L);
        foreach (var page in index.Pages)
        {
            if (page.Offset < at || row >= 0 && page.Offset != at || page.CompressedSize <= 0 || page.CompressedSize > range.End - page.Offset
                || page.FirstRow <= row || row < 0 && page.FirstRow != 0)
                return null;
            pages.Add(new PageSpan(page.Offset, page.CompressedSize, page.FirstRow, StartsWithinRow: false));
            (at, row) = (page.Offset + page.CompressedSize, page.FirstRow);
        }
        var before = pages.Count == 0 ? 0 : pages[0].Start - range.Start;
        // some writers leave out the headers of pages
        return at == range.End && before <= BufferPool.MaxCapacity ? new PageMap(range.Start, (int)before, pages.DrainToImmutable()) : null;
    }

    private readonly record struct Row(long Number) : IComparable<PageSpan>
    {
        public int CompareTo(PageSpan other) => other.FirstRow < Number ? 1 : -1;
    }
}

/// <summary>Where a data page is.</summary>
/// <param name="Start">Where its header begins in the file.</param>
/// <param name="Length">Bytes of header and page.</param>
/// <param name="FirstRow">The row that its first value belongs to, counted from the start of the row group.</param>
/// <param name="StartsWithinRow">Whether that row began in a page before.</param>
internal readonly record struct PageSpan(long Start, int Length, long FirstRow, bool StartsWithinRow);

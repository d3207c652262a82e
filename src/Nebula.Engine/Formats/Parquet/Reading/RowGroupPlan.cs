using System.Collections.Immutable;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Cuts a large row group into runs of rows whose pages make blocks of a wanted size.</summary>
/// <remarks>A page that holds rows of two runs is read and decompressed for both.</remarks>
internal sealed class RowGroupPlan
{
    private readonly int _rowGroup;
    private readonly long _rows;
    private readonly ImmutableArray<PageMap> _maps;
    private readonly PageMap? _largest;
    private readonly long _rowsPerBlock;
    private long _next;

    /// <summary>Plans a row group.</summary>
    /// <param name="rowGroup">Its position in the file.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="maps">The pages of the wanted leaves.</param>
    /// <param name="blockBytes">Bytes that a block should have.</param>
    public RowGroupPlan(int rowGroup, long rows, ImmutableArray<PageMap> maps, long blockBytes)
    {
        (_rowGroup, _rows, _maps) = (rowGroup, rows, maps);
        var (pages, dictionaries) = (0L, 0L);
        foreach (var map in maps)
        {
            dictionaries += map.DictionaryLength;
            foreach (var page in map.Pages)
                pages += page.Length;
            if (_largest is null || map.LargestPage > _largest.LargestPage)
                _largest = map;
        }
        // dictionaries are in every block
        _rowsPerBlock = (long)Math.Clamp(rows * (double)Math.Max(blockBytes - dictionaries, blockBytes / 2) / Math.Max(pages, 1), 1, rows);
    }

    /// <summary>Whether all rows were given.</summary>
    public bool IsDone => _next >= _rows;

    /// <summary>Takes the next run of rows.</summary>
    /// <param name="fetch">Takes the ranges of the file that it needs.</param>
    /// <exception cref="ParquetFault">They are too large.</exception>
    public RowGroupSlice Next(BlockFetch fetch)
    {
        var end = EndOf(_next);
        var chunks = ImmutableArray.CreateBuilder<ChunkSlice>(_maps.Length);
        foreach (var map in _maps)
        {
            var (first, last) = map.PagesOf(_next, end);
            if (first == last)
                throw new ParquetFault($"a column has no pages from row {_next} on, where {_rows} rows are announced");
            var from = map.Pages[first];
            var length = map.Pages[last - 1].Start + map.Pages[last - 1].Length - from.Start;
            var offset = fetch.Add(map.DictionaryStart, map.DictionaryLength);
            fetch.Add(from.Start, length);
            chunks.Add(new ChunkSlice(offset, (int)(map.DictionaryLength + length), map.DictionaryLength > 0 ? map.DictionaryStart : from.Start)
            {
                DictionaryLength = map.DictionaryLength,
                DataFileOffset = from.Start,
                SkippedRows = (int)(_next - from.FirstRow),
                StartsWithinRow = from.StartsWithinRow,
            });
        }
        var slice = new RowGroupSlice(_rowGroup, (int)_next, (int)(end - _next), chunks.MoveToImmutable());
        _next = end;
        return slice;
    }

    /// <summary>Where a run should end: where a page of the column with the largest pages does.</summary>
    private long EndOf(long start)
    {
        var wanted = start + _rowsPerBlock;
        if (wanted >= _rows || _largest is null)
            return _rows;
        var (_, next) = _largest.PagesOf(start, wanted);
        return next < _largest.Pages.Length ? Math.Clamp(_largest.Pages[next].FirstRow, start + 1, _rows) : _rows;
    }
}

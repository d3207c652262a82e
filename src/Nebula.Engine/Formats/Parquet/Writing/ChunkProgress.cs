using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>A chunk while its pages are written: where they are and what is known about their values.</summary>
/// <param name="entries">The leaf.</param>
/// <param name="values">Its values.</param>
/// <param name="start">Where its first page is.</param>
internal sealed class ChunkProgress(LeafEntries entries, ChunkValues values, int start)
{
    private readonly List<ValueBounds> _bounds = [];
    private readonly List<long> _nulls = [];
    private readonly List<bool> _nullPages = [];

    /// <summary>The leaf.</summary>
    public LeafEntries Entries => entries;

    /// <summary>Its values.</summary>
    public ChunkValues Values => values;

    /// <summary>Where its first page is.</summary>
    public int Start => start;

    /// <summary>Where its first data page is.</summary>
    public int FirstDataPage { get; set; }

    /// <summary>Bytes of all pages with their headers, before they are compressed.</summary>
    public long UncompressedSize { get; set; }

    /// <summary>Position of the next value.</summary>
    public int NextValue { get; set; }

    /// <summary>The data pages.</summary>
    public List<PageLocation> Pages { get; } = [];

    /// <summary>Notes what is known about a page.</summary>
    /// <param name="bounds">Bounds of its values.</param>
    /// <param name="valueCount">Number of values.</param>
    /// <param name="nulls">Entries without value.</param>
    public void AddBounds(ValueBounds bounds, int valueCount, int nulls)
    {
        _bounds.Add(bounds);
        _nulls.Add(nulls);
        _nullPages.Add(valueCount == 0);
    }

    /// <summary>Statistics of the chunk.</summary>
    public ColumnStatistics Statistics()
    {
        byte[]? min = null, max = null;
        var (isMinExact, isMaxExact, isComplete) = (true, true, true);
        for (var i = 0; i < _bounds.Count; i++)
        {
            var bounds = _bounds[i];
            if (!bounds.AreKnown)
            {
                isComplete &= _nullPages[i] || values.IgnoresUnboundedPages;
                continue;
            }
            if (min is null || values.Compare(bounds.Min, min) < 0)
                (min, isMinExact) = (bounds.Min, bounds.IsMinExact);
            if (max is null || values.Compare(bounds.Max, max) > 0)
                (max, isMaxExact) = (bounds.Max, bounds.IsMaxExact);
        }
        var known = min is not null && isComplete;
        // a null array would become bounds of no bytes
        return new ColumnStatistics
        {
            NullCount = _nulls.Sum(),
            DistinctCount = values.DistinctCount,
            MinValue = known ? min.AsMemory() : default(ReadOnlyMemory<byte>?),
            MaxValue = known ? max.AsMemory() : default(ReadOnlyMemory<byte>?),
            IsMinExact = known ? isMinExact : null,
            IsMaxExact = known ? isMaxExact : null,
        };
    }

    /// <summary>Bounds of the pages; null when one has values but no bounds.</summary>
    public ColumnIndex? ColumnIndex()
    {
        for (var i = 0; i < _bounds.Count; i++)
            if (!_nullPages[i] && !_bounds[i].AreKnown)
                return null;
        return new ColumnIndex
        {
            NullPages = [.. _nullPages],
            MinValues = [.. _bounds.Select(static bounds => new ReadOnlyMemory<byte>(bounds.Min))],
            MaxValues = [.. _bounds.Select(static bounds => new ReadOnlyMemory<byte>(bounds.Max))],
            BoundaryOrder = Order(),
            NullCounts = [.. _nulls],
        };
    }

    private BoundaryOrder Order()
    {
        var (ascends, descends) = (true, true);
        ValueBounds? before = null;
        for (var i = 0; i < _bounds.Count; i++)
        {
            if (_nullPages[i])
                continue;
            var now = _bounds[i];
            if (before is { } last)
            {
                var (min, max) = (values.Compare(now.Min, last.Min), values.Compare(now.Max, last.Max));
                ascends &= min >= 0 && max >= 0;
                descends &= min <= 0 && max <= 0;
            }
            before = now;
        }
        return ascends ? BoundaryOrder.Ascending : descends ? BoundaryOrder.Descending : BoundaryOrder.Unordered;
    }
}

using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>The distinct strings of a column, sorted, and the number of each value's.</summary>
internal sealed class StringDictionary : IDisposable
{
    // Whether a dictionary pays shows in so many values, unless they are misleading: then the search is given up later.
    private const int SampleSize = 4096;
    private const int MaxEntries = DictionaryEncoder.DefaultMaxDistinct;
    private readonly Column _entries;
    private readonly int[] _order;
    private readonly PooledBuffer _indices;
    private readonly int _values;

    private StringDictionary(Column entries, int[] order, PooledBuffer indices, int values)
    {
        _entries = entries;
        _order = order;
        _indices = indices;
        _values = values;
    }

    /// <summary>Number of distinct strings.</summary>
    public int Count => _order.Length;

    /// <summary>Per value the position of its string among the sorted ones.</summary>
    public ReadOnlySpan<long> Indices => _indices.As<long>()[.._values];

    /// <summary>A string, by its position among the sorted ones.</summary>
    public ReadOnlySpan<byte> this[int position] => _entries.GetBytes(_order[position]);

    /// <summary>Bytes of a string, by its position among the sorted ones.</summary>
    public int LengthOf(int position) => _entries.Offsets[_order[position] + 1] - _entries.Offsets[_order[position]];

    /// <summary>Collects the distinct strings; null when a dictionary would not be worth it.</summary>
    /// <param name="column">The column.</param>
    /// <param name="valid">Its slots with values.</param>
    /// <param name="pool">Where buffers come from.</param>
    public static StringDictionary? TryBuild(Column column, Selection valid, BufferPool pool)
    {
        if (valid.Count < 2)
            return null;
        using var scope = new BufferScope();
        var indices = scope.Add(pool.Rent(checked(valid.Count * sizeof(long))));
        using var table = new DistinctBytes(pool, DataType.String);
        var target = indices.As<long>()[..valid.Count];
        if (!(column.Dictionary is null ? FindAll(column, valid, table, target) : TakeOver(column, column.Dictionary, valid, table, target)))
            return null;
        var entries = scope.Add(table.Build());
        var (order, ranks) = Sort(entries);
        foreach (ref var index in target)
            index = ranks[(int)index];
        scope.Release();
        return new StringDictionary(entries, order, indices, valid.Count);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _entries.Dispose();
        _indices.Dispose();
    }

    private static bool FindAll(Column column, Selection valid, DistinctBytes table, Span<long> target)
    {
        var offsets = column.Offsets;
        var bytes = column.Bytes;
        for (var i = 0; i < target.Length; i++)
        {
            var slot = valid[i];
            var number = table.Find(bytes[offsets[slot]..offsets[slot + 1]]);
            if (number < 0 || number >= MaxEntries || i == SampleSize && number > SampleSize / 2)
                return false;
            target[i] = number;
        }
        return IsWorthIt(table, target.Length);
    }

    /// <summary>The entries that are used of a dictionary which the column brings along.</summary>
    private static bool TakeOver(Column column, Column dictionary, Selection valid, DistinctBytes table, Span<long> target)
    {
        var numbers = new int[dictionary.Length];
        var indices = column.Indices;
        for (var i = 0; i < target.Length; i++)
        {
            var entry = indices[valid[i]];
            // numbers are kept one higher, 0 for entries not met yet
            if (numbers[entry] == 0 && (numbers[entry] = table.Find(dictionary.GetBytes(entry)) + 1) == 0)
                return false;
            target[i] = numbers[entry] - 1;
        }
        return IsWorthIt(table, target.Length);
    }

    /// <summary>Readers exist that take an empty dictionary for a missing one.</summary>
    private static bool IsWorthIt(DistinctBytes table, int values) => table.Count <= values / 2 && table.ByteCount > 0;

    private static (int[] Order, int[] Ranks) Sort(Column entries)
    {
        var order = new int[entries.Length];
        for (var i = 0; i < order.Length; i++)
            order[i] = i;
        Array.Sort(order, (a, b) => entries.GetBytes(a).SequenceCompareTo(entries.GetBytes(b)));
        var ranks = new int[order.Length];
        for (var i = 0; i < order.Length; i++)
            ranks[order[i]] = i;
        return (order, ranks);
    }
}

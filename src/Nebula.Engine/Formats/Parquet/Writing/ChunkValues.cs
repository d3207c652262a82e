using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>The values of a leaf in one row group, nulls left out, ready to be written page by page in the encoding that suits them.</summary>
internal abstract class ChunkValues
{
    /// <summary>Most entries of a dictionary: positions are kept in 16 bits.</summary>
    public const int MaxDictionaryEntries = 1 << 16;

    /// <summary>How values are encoded; chosen by <see cref="Plan"/>.</summary>
    public PageEncoding Encoding { get; protected set; } = PageEncoding.Plain;

    /// <summary>Entries of the dictionary; 0 where there is none.</summary>
    public int DictionaryCount { get; protected set; }

    /// <summary>Whether entries of the dictionary ascend.</summary>
    public bool IsDictionarySorted { get; protected set; }

    /// <summary>Number of distinct values where it is known; else null.</summary>
    public long? DistinctCount { get; protected set; }

    /// <summary>Whether bounds of a chunk hold although a page has values and no bounds: NaN is left out of them.</summary>
    public virtual bool IgnoresUnboundedPages => false;

    /// <summary>Chooses the encoding and builds the dictionary, if there is to be one.</summary>
    /// <param name="planner">What choices are made by.</param>
    public abstract void Plan(EncodingPlanner planner);

    /// <summary>Writes the content of the dictionary page.</summary>
    /// <param name="output">Takes the bytes.</param>
    public abstract void WriteDictionary(GrowingBuffer output);

    /// <summary>Writes values in the chosen encoding.</summary>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="output">Takes the bytes.</param>
    public abstract void Write(int start, int count, GrowingBuffer output);

    /// <summary>Bytes that values take before they are compressed, more or less.</summary>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    public abstract long SizeOf(int start, int count);

    /// <summary>The least and the greatest of some values.</summary>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    public abstract ValueBounds BoundsOf(int start, int count);

    /// <summary>Compares bounds in the order of the column.</summary>
    public abstract int Compare(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b);

    /// <summary>Adds all values to a Bloom filter.</summary>
    /// <param name="filter">The filter.</param>
    public abstract void AddTo(BloomFilter filter);
}

/// <summary>Bounds of values as statistics have them: plain encoding without length. Both or none are there.</summary>
/// <param name="Min">Not above any value; null when there is no such bound.</param>
/// <param name="Max">Not below any value.</param>
/// <param name="IsMinExact">Whether the least value is just <paramref name="Min"/>.</param>
/// <param name="IsMaxExact">Whether the greatest value is just <paramref name="Max"/>.</param>
internal readonly record struct ValueBounds(byte[]? Min, byte[]? Max, bool IsMinExact = true, bool IsMaxExact = true)
{
    /// <summary>Whether there are bounds.</summary>
    public bool AreKnown => Min is not null && Max is not null;
}

using System.Numerics;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Storage.Packing;

namespace Nebula.Engine.Storage.Segments;

/// <summary>Values of a column as 64-bit integers, on their way into <see cref="PackedIntegers"/>.</summary>
internal readonly ref struct IntegerScratch : IDisposable
{
    private const int MaxCount = BufferPool.MaxCapacity / sizeof(long) - BitPacking.Lanes;
    private readonly BufferPool _pool;
    private readonly PooledBuffer _buffer;
    private readonly int _count;

    /// <summary>Rents room.</summary>
    /// <param name="pool">Where it comes from.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="DataFormatException">There are more values than a buffer holds.</exception>
    public IntegerScratch(BufferPool pool, int count)
    {
        if (count > MaxCount)
            throw new DataFormatException($"One record has a list of {Units.FormatCount(count)} elements, more than the {Units.FormatCount(MaxCount)} "
                + "that can be held as columns. Hold records as rows, or leave out the column.");
        _pool = pool;
        _count = count;
        _buffer = pool.Rent((count + BitPacking.Lanes) * sizeof(long));
    }

    /// <summary>The values.</summary>
    public Span<long> Values => _buffer.As<long>()[.._count];

    /// <summary>Fills in values of any integer type.</summary>
    /// <typeparam name="T">Their type, which tells how to extend the sign.</typeparam>
    /// <param name="source">The values.</param>
    public void Widen<T>(ReadOnlySpan<T> source) where T : unmanaged, IBinaryInteger<T>
    {
        var values = Values;
        source = source[..values.Length];
        if (typeof(T) == typeof(long))
        {
            MemoryMarshal.Cast<T, long>(source).CopyTo(values);
            return;
        }
        for (var i = 0; i < values.Length; i++)
            values[i] = long.CreateTruncating(source[i]);
    }

    /// <summary>Fills in the lengths between offsets.</summary>
    /// <param name="offsets">One more than values.</param>
    public void Lengths(ReadOnlySpan<int> offsets)
    {
        var values = Values;
        var starts = offsets[..values.Length];
        var ends = offsets.Slice(1, values.Length);
        for (var i = 0; i < values.Length; i++)
            values[i] = ends[i] - starts[i];
    }

    /// <summary>Repeats in null slots the value before, so that what happens to lie there costs no bits.</summary>
    /// <param name="column">The column that says which are null.</param>
    public void FillNulls(Column column)
    {
        if (column.NullCount == 0)
            return;
        var values = Values;
        var validity = column.Validity;
        var first = 0;
        while (first < values.Length && !Bitmap.Get(validity, first))
            first++;
        var previous = first < values.Length ? values[first] : 0;
        for (var i = 0; i < values.Length; i++)
        {
            previous = Bitmap.Get(validity, i) ? values[i] : previous;
            values[i] = previous;
        }
    }

    /// <summary>Packs the values, which are lost from here.</summary>
    public PackedIntegers Pack() => PackedIntegers.Encode(_pool, _buffer.As<long>(), _count);

    /// <summary>Returns the room.</summary>
    public void Dispose() => _buffer.Dispose();
}

using Nebula.Engine.Columns;

namespace Nebula.Engine.Storage.Packing;

/// <summary>
/// A sequence of 64-bit integers in as few bits each as their spread needs: distances from the smallest value, or from the smallest difference of neighbours,
/// divided by what divides them all, packed. Equal values, and values in equal steps, take no bits.
/// </summary>
internal sealed class PackedIntegers : IDisposable
{
    private readonly PooledBuffer? _words;
    private readonly int _width;
    private readonly long _reference;
    private readonly long _factor;
    private readonly bool _isDelta;
    private readonly long _seed;

    private PackedIntegers(int count, int width, long reference, ulong factor, bool isDelta, long seed, PooledBuffer? words)
    {
        Count = count;
        _width = width;
        _reference = reference;
        _factor = (long)factor;
        _isDelta = isDelta;
        _seed = seed;
        _words = words;
    }

    /// <summary>Number of values.</summary>
    public int Count { get; }

    /// <summary>Bytes on loan.</summary>
    public long BufferBytes => _words?.Capacity ?? 0;

    /// <summary>Packs a sequence.</summary>
    /// <param name="pool">Where the buffer comes from.</param>
    /// <param name="scratch">The values, and behind them room for <see cref="BitPacking.Lanes"/> more; overwritten.</param>
    /// <param name="count">Number of values.</param>
    public static PackedIntegers Encode(BufferPool pool, Span<long> scratch, int count)
    {
        if (count == 0)
            return new PackedIntegers(0, 0, 0, 1, false, 0, null);
        var values = scratch[..count];
        var statistics = IntegerStatistics.Of(values);
        if (count > 1 && statistics.DeltaRange < statistics.Range)
            return EncodeDeltas(pool, scratch, count, statistics);
        return Pack(pool, scratch, count, statistics.Min, statistics.Range, isDelta: false, seed: 0);
    }

    /// <summary>Starts reading from the first value.</summary>
    public PackedIntegerReader Read() => new(this);

    /// <summary>Reads all values.</summary>
    /// <param name="values">Where they go: as many as there are.</param>
    public void Decode(Span<long> values)
    {
        var whole = values.Length & -BitPacking.Lanes;
        var reader = Read();
        reader.Next(values[..whole]);
        if (whole == values.Length)
            return;
        Span<long> rest = stackalloc long[BitPacking.Lanes];
        reader.Next(rest);
        rest[..(values.Length - whole)].CopyTo(values[whole..]);
    }

    /// <summary>Returns the buffer.</summary>
    public void Dispose() => _words?.Dispose();

    /// <summary>Reads values of whole rows, and adds them up when they are differences.</summary>
    internal long Decode(int start, long previous, Span<long> values)
    {
        if (_width == 0)
            values.Fill(_reference);
        else
            BitPacking.Unpack(_words!.As<ulong>(), _width, start, _reference, _factor, values);
        if (!_isDelta)
            return 0;
        if (start == 0)
            previous = _seed;
        for (var i = 0; i < values.Length; i++)
        {
            previous += values[i];
            values[i] = previous;
        }
        return previous;
    }

    private static PackedIntegers EncodeDeltas(BufferPool pool, Span<long> scratch, int count, IntegerStatistics statistics)
    {
        var values = scratch[..count];
        var divisor = BitPacking.WidthOf(statistics.Range) == 0 ? 1 : IntegerStatistics.CommonDivisor(values, statistics.Min);
        var deltaWidth = BitPacking.WidthOf(statistics.DeltaRange / divisor);
        if (deltaWidth >= BitPacking.WidthOf(statistics.Range / divisor))
            return Pack(pool, scratch, count, statistics.Min, statistics.Range, isDelta: false, seed: 0);
        var seed = values[0] - statistics.MinDelta;
        for (var i = values.Length - 1; i > 0; i--)
            values[i] -= values[i - 1];
        values[0] = statistics.MinDelta;
        return Pack(pool, scratch, count, statistics.MinDelta, statistics.DeltaRange, isDelta: true, seed);
    }

    private static PackedIntegers Pack(BufferPool pool, Span<long> scratch, int count, long reference, ulong range, bool isDelta, long seed)
    {
        var divisor = range <= 1 ? 1 : IntegerStatistics.CommonDivisor(scratch[..count], reference);
        var width = BitPacking.WidthOf(range / divisor);
        if (width == 0)
            return new PackedIntegers(count, 0, reference, 1, isDelta, seed, null);
        var rows = scratch[..BitPacking.RoundUp(count)];
        rows[count..].Fill(reference);
        var subtracted = reference;
        if (divisor > 1)
        {
            foreach (ref var value in rows)
                value = (long)((ulong)(value - reference) / divisor);
            subtracted = 0;
        }
        var wordCount = BitPacking.WordCount(count, width);
        var words = pool.RentExact(checked(wordCount * sizeof(ulong)));
        BitPacking.Pack(rows, subtracted, width, words.As<ulong>()[..wordCount]);
        return new PackedIntegers(count, width, reference, divisor, isDelta, seed, words);
    }
}

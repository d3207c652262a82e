using System.Numerics;

namespace Nebula.Engine.Storage.Packing;

/// <summary>What decides how a sequence of integers is packed. Differences wrap around and are exact modulo 2^64.</summary>
/// <param name="Min">Smallest value.</param>
/// <param name="Max">Largest value.</param>
/// <param name="MinDelta">Smallest difference of a value to the one before.</param>
/// <param name="MaxDelta">Largest difference of a value to the one before.</param>
internal readonly record struct IntegerStatistics(long Min, long Max, long MinDelta, long MaxDelta)
{
    /// <summary>Largest distance of a value from <see cref="Min"/>.</summary>
    public ulong Range => (ulong)(Max - Min);

    /// <summary>Largest distance of a difference from <see cref="MinDelta"/>.</summary>
    public ulong DeltaRange => (ulong)(MaxDelta - MinDelta);

    /// <summary>Looks at all values once.</summary>
    /// <param name="values">At least one value.</param>
    public static IntegerStatistics Of(ReadOnlySpan<long> values)
    {
        long min = values[0], max = values[0];
        long minDelta = long.MaxValue, maxDelta = long.MinValue;
        var i = 1;
        if (Vector.IsHardwareAccelerated && values.Length > Vector<long>.Count)
        {
            var (mins, maxs) = (new Vector<long>(min), new Vector<long>(max));
            var (minDeltas, maxDeltas) = (new Vector<long>(minDelta), new Vector<long>(maxDelta));
            for (; i <= values.Length - Vector<long>.Count; i += Vector<long>.Count)
            {
                var now = new Vector<long>(values[i..]);
                var delta = now - new Vector<long>(values[(i - 1)..]);
                mins = Vector.Min(mins, now);
                maxs = Vector.Max(maxs, now);
                minDeltas = Vector.Min(minDeltas, delta);
                maxDeltas = Vector.Max(maxDeltas, delta);
            }
            for (var lane = 0; lane < Vector<long>.Count; lane++)
            {
                min = Math.Min(min, mins[lane]);
                max = Math.Max(max, maxs[lane]);
                minDelta = Math.Min(minDelta, minDeltas[lane]);
                maxDelta = Math.Max(maxDelta, maxDeltas[lane]);
            }
        }
        for (; i < values.Length; i++)
        {
            min = Math.Min(min, values[i]);
            max = Math.Max(max, values[i]);
            var delta = values[i] - values[i - 1];
            minDelta = Math.Min(minDelta, delta);
            maxDelta = Math.Max(maxDelta, delta);
        }
        return new IntegerStatistics(min, max, minDelta, maxDelta);
    }

    /// <summary>Greatest number that divides all distances from a reference, at least 1.</summary>
    /// <param name="values">The values.</param>
    /// <param name="reference">The smallest of them.</param>
    public static ulong CommonDivisor(ReadOnlySpan<long> values, long reference)
    {
        var divisor = 0ul;
        foreach (var value in values)
        {
            var distance = (ulong)(value - reference);
            if (divisor == 0)
                divisor = distance;
            else if (distance % divisor != 0)
                divisor = Gcd(divisor, distance);
            if (divisor == 1)
                return 1;
        }
        return Math.Max(divisor, 1);
    }

    private static ulong Gcd(ulong a, ulong b)
    {
        while (b != 0)
            (a, b) = (b, a % b);
        return a;
    }
}

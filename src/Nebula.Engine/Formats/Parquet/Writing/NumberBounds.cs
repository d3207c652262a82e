using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Finds the least and the greatest of numbers.</summary>
internal static unsafe class NumberBounds
{
    /// <summary>The bounds of some numbers.</summary>
    /// <typeparam name="T"><see cref="int"/> or <see cref="long"/>: the bits of the numbers.</typeparam>
    /// <param name="values">The numbers.</param>
    /// <param name="count">How many.</param>
    /// <param name="order">How they are compared.</param>
    /// <returns>The bounds; unknown when there is no number.</returns>
    public static ValueBounds Of<T>(T* values, int count, NumberOrder order) where T : unmanaged
    {
        if (count == 0)
            return default;
        if (sizeof(T) == sizeof(int))
            return order switch
            {
                NumberOrder.Signed => Bytes(MinMax((int*)values, count)),
                NumberOrder.Unsigned => Bytes(MinMax((uint*)values, count)),
                _ => FloatBounds((float*)values, count),
            };
        return order switch
        {
            NumberOrder.Signed => Bytes(MinMax((long*)values, count)),
            NumberOrder.Unsigned => Bytes(MinMax((ulong*)values, count)),
            _ => FloatBounds((double*)values, count),
        };
    }

    /// <summary>The least and the greatest of integers.</summary>
    /// <param name="values">At least one.</param>
    /// <param name="count">How many.</param>
    public static (T Min, T Max) MinMax<T>(T* values, int count) where T : unmanaged, IBinaryInteger<T>
    {
        var (min, max) = (values[0], values[0]);
        var i = 0;
        if (Vector.IsHardwareAccelerated && count >= Vector<T>.Count)
        {
            var (mins, maxs) = (new Vector<T>(min), new Vector<T>(max));
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
            {
                var now = Unsafe.ReadUnaligned<Vector<T>>(values + i);
                mins = Vector.Min(mins, now);
                maxs = Vector.Max(maxs, now);
            }
            for (var lane = 0; lane < Vector<T>.Count; lane++)
            {
                min = T.Min(min, mins[lane]);
                max = T.Max(max, maxs[lane]);
            }
        }
        for (; i < count; i++)
        {
            min = T.Min(min, values[i]);
            max = T.Max(max, values[i]);
        }
        return (min, max);
    }

    private static ValueBounds FloatBounds<T>(T* values, int count) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // comparisons with NaN are false, so that it never becomes a bound
        var (min, max) = (T.PositiveInfinity, T.NegativeInfinity);
        var i = 0;
        if (Vector.IsHardwareAccelerated && count >= Vector<T>.Count)
        {
            var (mins, maxs) = (new Vector<T>(min), new Vector<T>(max));
            for (; i <= count - Vector<T>.Count; i += Vector<T>.Count)
            {
                var now = Unsafe.ReadUnaligned<Vector<T>>(values + i);
                mins = Vector.ConditionalSelect(Vector.LessThan(now, mins), now, mins);
                maxs = Vector.ConditionalSelect(Vector.GreaterThan(now, maxs), now, maxs);
            }
            for (var lane = 0; lane < Vector<T>.Count; lane++)
            {
                min = mins[lane] < min ? mins[lane] : min;
                max = maxs[lane] > max ? maxs[lane] : max;
            }
        }
        for (; i < count; i++)
        {
            min = values[i] < min ? values[i] : min;
            max = values[i] > max ? values[i] : max;
        }
        if (min > max)
        {
            // nothing but NaN, or nothing but one infinity, which was not below or above the start
            (min, max) = OnlyInfinity(values, count);
            if (min > max)
                return default;
        }
        if (min == T.Zero)
            min = T.NegativeZero;
        if (max == T.Zero)
            max = T.Zero;
        return Bytes((min, max));
    }

    private static (T Min, T Max) OnlyInfinity<T>(T* values, int count) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        var (min, max) = (T.PositiveInfinity, T.NegativeInfinity);
        for (var i = 0; i < count; i++)
            if (!T.IsNaN(values[i]))
                (min, max) = (T.Min(min, values[i]), T.Max(max, values[i]));
        return (min, max);
    }

    private static ValueBounds Bytes<T>((T Min, T Max) bounds) where T : unmanaged =>
        new(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in bounds.Min)).ToArray(), MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in bounds.Max)).ToArray());
}

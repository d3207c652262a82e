using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Arrow.Reading;

internal sealed partial class ColumnDecoder
{
    /// <summary>
    /// Decimals of any width: those declared with up to 18 digits go into 8 bytes, others into 16. Values with more digits than declared occur (Arrow
    /// libraries do
    /// not check) and are kept if they fit.
    /// </summary>
    private Column ReadDecimals(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var narrow = plan.Type.ByteWidth == sizeof(long);
        var values = scope.Add((plan.Declared.BitWidth, narrow) switch
        {
            (32, true) => ConvertDecimals<int, long>(plan, start, count, validity),
            (64, true) => ConvertDecimals<long, long>(plan, start, count, validity),
            (128, true) => ConvertDecimals<Int128, long>(plan, start, count, validity),
            (256, true) => ConvertDecimals<Int256, long>(plan, start, count, validity),
            (32, false) => ConvertDecimals<int, Int128>(plan, start, count, validity),
            (64, false) => ConvertDecimals<long, Int128>(plan, start, count, validity),
            (128, false) when plan.Declared.Scale >= 0 => CopyValues(plan, start, count, 2 * sizeof(long)),
            (128, false) => ConvertDecimals<Int128, Int128>(plan, start, count, validity),
            _ => ConvertDecimals<Int256, Int128>(plan, start, count, validity),
        });
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, values);
    }

    private PooledBuffer ConvertDecimals<TFrom, TTo>(ColumnPlan plan, long start, int count, PooledBuffer? validity)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        // A negative scale is taken away by appending its zeros.
        var factor = PowerOfTen(Math.Max(-plan.Declared.Scale, 0));
        var largest = (typeof(TTo) == typeof(long) ? long.MaxValue : Int128.MaxValue) / factor;
        var smallest = (typeof(TTo) == typeof(long) ? long.MinValue : Int128.MinValue) / factor;
        var source = Values<TFrom>(plan, ValuesBuffer, start, count);
        var values = pool.Rent(count * Unsafe.SizeOf<TTo>());
        var target = values.As<TTo>();
        for (var i = 0; i < source.Length; i++)
        {
            if (!TryWiden(source[i], out var value) || value > largest || value < smallest)
            {
                if (validity is null || Bitmap.Get(validity.Span, i))
                {
                    values.Dispose();
                    throw TooLarge(plan, start + i);
                }
                value = 0;
            }
            value *= factor;
            target[i] = typeof(TTo) == typeof(long) ? (TTo)(object)(long)value : (TTo)(object)value;
        }
        return values;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryWiden<T>(T value, out Int128 result) where T : unmanaged
    {
        if (typeof(T) == typeof(Int256))
            return ((Int256)(object)value).TryNarrow(out result);
        result = typeof(T) == typeof(int) ? (int)(object)value : typeof(T) == typeof(long) ? (long)(object)value : (Int128)(object)value;
        return true;
    }

    private static ArrowFault TooLarge(ColumnPlan plan, long position) => new(
        $"the {plan.Declared} value has too many digits for a {plan.Type}", column: plan.Path, value: position,
            advice: "Correct the value, or leave the column out.");

    private static Int128 PowerOfTen(int exponent)
    {
        Int128 result = 1;
        for (var i = 0; i < exponent; i++)
            result *= 10;
        return result;
    }

    /// <summary>A 256-bit integer, least significant part first.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Int256
    {
        private readonly ulong _low;
        private readonly ulong _middle;
        private readonly ulong _high;
        private readonly long _highest;

        public bool TryNarrow(out Int128 result)
        {
            result = new Int128(_middle, _low);
            var sign = (long)_middle >> 63;
            return _highest == sign && _high == (ulong)sign;
        }
    }
}

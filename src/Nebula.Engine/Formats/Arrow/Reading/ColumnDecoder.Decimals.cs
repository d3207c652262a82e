using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Reading;

internal sealed partial class ColumnDecoder
{
    /// <summary>Decimals of any width: 18 digits go into 8 bytes, more into 16. Values with more digits than declared are refused.</summary>
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
            (128, false) when plan.Declared.Scale >= 0 => CheckDecimals(plan, start, count, validity),
            (128, false) => ConvertDecimals<Int128, Int128>(plan, start, count, validity),
            _ => ConvertDecimals<Int256, Int128>(plan, start, count, validity),
        });
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, values);
    }

    private PooledBuffer CheckDecimals(ColumnPlan plan, long start, int count, PooledBuffer? validity)
    {
        var limit = PowerOfTen(plan.Type.Precision);
        var source = Values<Int128>(plan, ValuesBuffer, start, count);
        for (var i = 0; i < source.Length; i++)
            if ((source[i] >= limit || source[i] <= -limit) && (validity is null || Bitmap.Get(validity.Span, i)))
                throw TooManyDigits(plan, start + i);
        return CopyValues(plan, start, count, 2 * sizeof(long));
    }

    private PooledBuffer ConvertDecimals<TFrom, TTo>(ColumnPlan plan, long start, int count, PooledBuffer? validity)
        where TFrom : unmanaged
        where TTo : unmanaged
    {
        // A negative scale is taken away by appending its zeros.
        var factor = PowerOfTen(Math.Max(-plan.Declared.Scale, 0));
        var limit = PowerOfTen(plan.Type.Precision) / factor;
        var source = Values<TFrom>(plan, ValuesBuffer, start, count);
        var values = pool.Rent(count * Unsafe.SizeOf<TTo>());
        var target = values.As<TTo>();
        for (var i = 0; i < source.Length; i++)
        {
            if (!TryWiden(source[i], out var value) || value >= limit || value <= -limit)
            {
                if (validity is null || Bitmap.Get(validity.Span, i))
                {
                    values.Dispose();
                    throw TooManyDigits(plan, start + i);
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

    private static ArrowFault TooManyDigits(ColumnPlan plan, long position) => new(
        $"the value has more than the {plan.Type.Precision} digits of {(plan.Declared.Precision > DataType.MaxDecimalPrecision ? "the largest decimal that Nebula has" : plan.Type)}",
        column: plan.Path, value: position, advice: "Correct the value, or leave the column out.");

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

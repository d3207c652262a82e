using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Conversion;

/// <summary>Integers to integers of any width and sign.</summary>
internal readonly struct IntegerMap<TIn, TOut> : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryInteger<TIn>
    where TOut : unmanaged, IBinaryInteger<TOut>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(TIn value, out TOut result)
    {
        result = TOut.CreateTruncating(value);
        return TIn.CreateTruncating(result) == value && TIn.IsNegative(value) == TOut.IsNegative(result) ? Verdict.Kept : Verdict.DoesNotFit;
    }
}

/// <summary>Integers to floats.</summary>
internal readonly struct IntegerToFloat<TIn, TOut> : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryInteger<TIn>
    where TOut : unmanaged, IBinaryFloatingPointIeee754<TOut>
{
    // significant bits of the two types there are
    private static int Bits => typeof(TOut) == typeof(float) ? 24 : 53;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(TIn value, out TOut result)
    {
        result = TOut.CreateTruncating(value);
        var magnitude = TIn.IsNegative(value) ? 0UL - ulong.CreateTruncating(value) : ulong.CreateTruncating(value);
        return Verdict.KeptIf(64 - BitOperations.LeadingZeroCount(magnitude) - BitOperations.TrailingZeroCount(magnitude) <= Bits);
    }
}

/// <summary>Floats to integers: the nearest, halves away from zero.</summary>
internal readonly struct FloatToInteger<TIn, TOut> : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryFloatingPointIeee754<TIn>
    where TOut : unmanaged, IBinaryInteger<TOut>, IMinMaxValue<TOut>
{
    // both are powers of two or zero: exact
    private static readonly double Least = double.CreateSaturating(TOut.MinValue);
    private static readonly double Beyond = double.CreateSaturating(TOut.MaxValue / TOut.CreateTruncating(2) + TOut.One) * 2;

    public int Map(TIn value, out TOut result)
    {
        var wide = double.CreateSaturating(value);
        var whole = Math.Round(wide, MidpointRounding.AwayFromZero);
        if (!(whole >= Least && whole < Beyond))
        {
            result = default;
            return Verdict.DoesNotFit;
        }
        result = TOut.CreateSaturating(whole);
        return Verdict.KeptIf(whole == wide);
    }
}

/// <summary>Single to double precision.</summary>
internal readonly struct SingleToDouble : IValueMap<float, double>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(float value, out double result)
    {
        result = value;
        return Verdict.Kept;
    }
}

/// <summary>Double to single precision: the nearest.</summary>
internal readonly struct DoubleToSingle : IValueMap<double, float>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(double value, out float result)
    {
        result = (float)value;
        return result == value || double.IsNaN(value) ? Verdict.Kept : float.IsInfinity(result) ? Verdict.DoesNotFit : Verdict.Loses;
    }
}

/// <summary>Integers to decimals.</summary>
/// <param name="precision">Digits of the decimal.</param>
/// <param name="scale">Digits behind its point.</param>
internal readonly struct IntegerToDecimal<TIn, TOut>(int precision, int scale) : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryInteger<TIn>
    where TOut : unmanaged, IBinaryInteger<TOut>
{
    private readonly Int128 _beyond = DecimalNumber.PowerOfTen(precision - scale);
    private readonly TOut _factor = TOut.CreateTruncating(DecimalNumber.PowerOfTen(scale));

    public int Map(TIn value, out TOut result)
    {
        result = TOut.CreateTruncating(value) * _factor;
        var wide = Int128.CreateTruncating(value);
        return wide < _beyond && wide > -_beyond ? Verdict.Kept : Verdict.DoesNotFit;
    }
}

/// <summary>Decimals to integers: the nearest, halves away from zero.</summary>
/// <param name="scale">Digits behind the point of the decimal.</param>
internal readonly struct DecimalToInteger<TIn, TOut>(int scale) : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryInteger<TIn>
    where TOut : unmanaged, IBinaryInteger<TOut>
{
    private readonly TIn _factor = TIn.CreateTruncating(DecimalNumber.PowerOfTen(scale));

    public int Map(TIn value, out TOut result)
    {
        var whole = DecimalNumber.DivideRounded(value, _factor, out var isExact);
        result = TOut.CreateTruncating(whole);
        return TIn.CreateTruncating(result) == whole && TIn.IsNegative(whole) == TOut.IsNegative(result) ? Verdict.KeptIf(isExact) : Verdict.DoesNotFit;
    }
}

/// <summary>Decimals to decimals of at least as many digits behind the point.</summary>
/// <param name="precision">Digits of the result.</param>
/// <param name="added">Digits behind the point that are added.</param>
internal readonly struct DecimalScaleUp<TIn, TOut>(int precision, int added) : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryInteger<TIn>
    where TOut : unmanaged, IBinaryInteger<TOut>
{
    private readonly TOut _factor = TOut.CreateTruncating(DecimalNumber.PowerOfTen(Math.Min(added, precision)));

    // where fewer digits than are added are left, only zero fits
    private readonly TIn _beyond = added >= precision ? TIn.One : TIn.CreateSaturating(DecimalNumber.PowerOfTen(precision - added));

    public int Map(TIn value, out TOut result)
    {
        result = TOut.CreateTruncating(value) * _factor;
        return value < _beyond && value > -_beyond ? Verdict.Kept : Verdict.DoesNotFit;
    }
}

/// <summary>Decimals to decimals of fewer digits behind the point: the nearest, halves away from zero.</summary>
/// <param name="precision">Digits of the result.</param>
/// <param name="dropped">Digits behind the point that are dropped.</param>
internal readonly struct DecimalScaleDown<TIn, TOut>(int precision, int dropped) : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryInteger<TIn>
    where TOut : unmanaged, IBinaryInteger<TOut>
{
    private readonly TIn _factor = TIn.CreateTruncating(DecimalNumber.PowerOfTen(dropped));
    private readonly TIn _beyond = TIn.CreateSaturating(DecimalNumber.PowerOfTen(precision));

    public int Map(TIn value, out TOut result)
    {
        var rounded = DecimalNumber.DivideRounded(value, _factor, out var isExact);
        result = TOut.CreateTruncating(rounded);
        return rounded < _beyond && rounded > -_beyond ? Verdict.KeptIf(isExact) : Verdict.DoesNotFit;
    }
}

/// <summary>Decimals to the nearest float. A decimal is kept when the float stands for it: when its shortest text is the same number.</summary>
/// <param name="scale">Digits behind the point of the decimal.</param>
internal readonly unsafe struct DecimalToFloat<TIn, TOut>(int scale) : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryInteger<TIn>
    where TOut : unmanaged, IBinaryFloatingPointIeee754<TOut>
{
    // so many digits always come back, and powers of ten up to this are exact
    private static readonly TIn Exact = TIn.CreateTruncating(typeof(TOut) == typeof(float) ? 1_000_000 : 1_000_000_000_000_000);
    private static readonly int ExactScale = typeof(TOut) == typeof(float) ? 10 : 22;
    private readonly TOut _factor = TOut.CreateTruncating(scale <= ExactScale ? Math.Pow(10, scale) : 1);

    public int Map(TIn value, out TOut result)
    {
        if (scale <= ExactScale && value < Exact && value > -Exact)
        {
            // a quotient of exact numbers is rounded once
            result = TOut.CreateTruncating(value) / _factor;
            return Verdict.Kept;
        }
        var text = stackalloc byte[NumberFormatter.MaxLength];
        var length = (int)(NumberFormatter.WriteDecimal(text, Int128.CreateTruncating(value), scale) - text);
        Span<byte> shortest = stackalloc byte[NumberFormatter.MaxLength];
        result = TOut.Parse(new ReadOnlySpan<byte>(text, length), NumberStyles.Float, CultureInfo.InvariantCulture);
        return Verdict.KeptIf(result.TryFormat(shortest, out var count, default, CultureInfo.InvariantCulture)
            && NumberShape.SameNumber(new ReadOnlySpan<byte>(text, length), shortest[..count]));
    }
}

/// <summary>Floats to the nearest decimal. A float stands for the number that its shortest text is.</summary>
/// <param name="precision">Digits of the decimal.</param>
/// <param name="scale">Digits behind its point.</param>
internal readonly struct FloatToDecimal<TIn, TOut>(int precision, int scale) : IValueMap<TIn, TOut>
    where TIn : unmanaged, IBinaryFloatingPointIeee754<TIn>
    where TOut : unmanaged, IBinaryInteger<TOut>
{
    private const double ExactIntegers = 1e15;
    private readonly double _factor = scale <= 15 ? Math.Pow(10, scale) : 0;
    private readonly double _beyond = Math.Min(Math.Pow(10, precision), ExactIntegers);

    public int Map(TIn value, out TOut result)
    {
        // fifteen digits that give the value back when they are divided again are its shortest text, only longer
        if (typeof(TIn) == typeof(double))
        {
            var wide = double.CreateTruncating(value);
            var scaled = Math.Round(wide * _factor);
            if (scaled / _factor == wide && Math.Abs(scaled) < _beyond)
            {
                result = TOut.CreateTruncating((long)scaled);
                return Verdict.Kept;
            }
        }
        result = default;
        Span<byte> text = stackalloc byte[NumberFormatter.MaxLength];
        if (!TIn.IsFinite(value) || !value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture))
            return Verdict.DoesNotFit;
        var verdict = DecimalNumber.Parse(text[..length], precision, scale, out var unscaled);
        result = TOut.CreateTruncating(unscaled);
        return verdict;
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Text;

/// <summary>Arithmetic of unscaled decimals.</summary>
internal static class DecimalNumber
{
    // an exponent beyond this is as good as infinite, and adding it to a length cannot overflow
    private const int FarExponent = 1_000_000;
    private static readonly Int128[] Powers = MakePowers();

    /// <summary>A power of ten.</summary>
    /// <param name="exponent">0 to 38.</param>
    public static Int128 PowerOfTen(int exponent) => Powers[exponent];

    /// <summary>Divides, and rounds halves away from zero.</summary>
    /// <param name="value">The dividend.</param>
    /// <param name="divisor">A power of ten.</param>
    /// <param name="isExact">Whether nothing was left.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T DivideRounded<T>(T value, T divisor, out bool isExact) where T : unmanaged, IBinaryInteger<T>
    {
        var (quotient, rest) = T.DivRem(value, divisor);
        isExact = T.IsZero(rest);
        // twice the rest could overflow, the rest of the way to the divisor cannot
        if (!isExact && T.Abs(rest) >= divisor - T.Abs(rest))
            quotient += T.IsNegative(value) ? -T.One : T.One;
        return quotient;
    }

    /// <summary>Reads a number in decimal or scientific notation into an unscaled decimal.</summary>
    /// <param name="text">The number, as JSON or .NET write it (a plus in the exponent, E in either case).</param>
    /// <param name="precision">Most digits of the result.</param>
    /// <param name="scale">Digits behind the point that the result has; more are rounded, halves away from zero.</param>
    /// <param name="unscaled">The number times 10^<paramref name="scale"/>.</param>
    /// <returns>The <see cref="Verdict"/>; a text that is no number does not fit.</returns>
    public static int Parse(ReadOnlySpan<byte> text, int precision, int scale, out Int128 unscaled)
    {
        unscaled = 0;
        if (!NumberShape.TryRead(text, out var shape))
            return Verdict.DoesNotFit;
        var at = text.IndexOfAny((byte)'e', (byte)'E');
        var mantissa = at >= 0 ? text[..at] : text;
        long exponent = at >= 0 ? ReadExponent(text[(at + 1)..]) : 0;
        if (shape.Significant == 0)
            return Verdict.Kept;
        // the digits of the mantissa that stand in front of the place where the result ends
        var kept = shape.Whole + scale + exponent;
        long seen = 0;
        var started = false;
        var digits = 0;
        var roundsUp = false;
        var loses = false;
        foreach (var c in mantissa)
        {
            if ((uint)(c - '0') > 9)
                continue;
            if (seen++ < kept)
            {
                started |= c != '0';
                if (started && ++digits > precision)
                    return Verdict.DoesNotFit;
                unscaled = unscaled * 10 + (c - '0');
            }
            else
            {
                loses |= c != '0';
                roundsUp |= seen == kept + 1 && c >= '5';
            }
        }
        for (; seen < kept && digits <= precision; seen++)
        {
            digits++;
            unscaled *= 10;
        }
        if (digits > precision)
            return Verdict.DoesNotFit;
        if (roundsUp && ++unscaled >= Powers[precision])
            return Verdict.DoesNotFit;
        if (shape.IsNegative)
            unscaled = -unscaled;
        return Verdict.KeptIf(!loses);
    }

    private static long ReadExponent(ReadOnlySpan<byte> text)
    {
        var negative = text[0] == '-';
        var exponent = 0L;
        foreach (var c in text)
            if ((uint)(c - '0') <= 9)
                exponent = Math.Min(exponent * 10 + (c - '0'), FarExponent);
        return negative ? -exponent : exponent;
    }

    private static Int128[] MakePowers()
    {
        var powers = new Int128[DataType.MaxDecimalPrecision + 1];
        powers[0] = 1;
        for (var i = 1; i < powers.Length; i++)
            powers[i] = powers[i - 1] * 10;
        return powers;
    }
}

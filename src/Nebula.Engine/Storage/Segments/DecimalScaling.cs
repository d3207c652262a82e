using System.Numerics;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Storage.Segments;

/// <summary>Floating-point numbers that were written with few decimals, such as 12.34, as integers: 1234 and a divisor of 100.</summary>
/// <remarks>Only where dividing gives back every bit of every value; so NaN, infinities and -0.0 are never scaled.</remarks>
/// <param name="Divisor">The power of ten that the integers are divided by.</param>
internal readonly record struct DecimalScaling(double Divisor)
{
    // Integers up to 2^53 and powers of ten up to 10^22 are exact in double precision, so that their quotient is the double nearest to the decimal.
    private const double LargestExact = 1L << 53;
    private const int MaxDecimals = 17;

    /// <summary>Replaces the bits of floating-point numbers by scaled integers, if all of them come back bit for bit.</summary>
    /// <typeparam name="TBits">How bits become a number and back.</typeparam>
    /// <param name="pool">Where room for the attempt comes from.</param>
    /// <param name="values">Bits of the numbers; integers when this succeeds, else as before.</param>
    /// <returns>How to get the numbers back, or null.</returns>
    public static DecimalScaling? Apply<TBits>(BufferPool pool, Span<long> values) where TBits : struct, IFloatBits
    {
        if (values.IsEmpty)
            return null;
        using var buffer = pool.Rent(checked(values.Length * sizeof(long)));
        var scaled = buffer.As<long>()[..values.Length];
        var divisor = 1.0;
        var decimals = 0;
        while (true)
        {
            var fit = ScaleWhileExact<TBits>(values, scaled, divisor);
            if (fit == values.Length)
                break;
            // The first value that does not fit tells how many decimals are needed at least: no round is wasted on fewer.
            do
            {
                if (++decimals > MaxDecimals)
                    return null;
                divisor *= 10;
            }
            while (!TryScale<TBits>(values[fit], divisor, out _));
        }
        scaled.CopyTo(values);
        return new DecimalScaling(divisor);
    }

    /// <summary>Divides integers into doubles.</summary>
    public static void Divide(ReadOnlySpan<long> values, double divisor, Span<double> target)
    {
        target = target[..values.Length];
        var i = 0;
        if (Vector.IsHardwareAccelerated)
            for (; i <= values.Length - Vector<long>.Count; i += Vector<long>.Count)
                (Vector.ConvertToDouble(new Vector<long>(values[i..])) / new Vector<double>(divisor)).CopyTo(target[i..]);
        for (; i < values.Length; i++)
            target[i] = values[i] / divisor;
    }

    /// <summary>Divides integers into floats.</summary>
    public static void Divide(ReadOnlySpan<long> values, double divisor, Span<float> target)
    {
        target = target[..values.Length];
        for (var i = 0; i < values.Length; i++)
            target[i] = (float)(values[i] / divisor);
    }

    private static int ScaleWhileExact<TBits>(ReadOnlySpan<long> values, Span<long> scaled, double divisor) where TBits : struct, IFloatBits
    {
        scaled = scaled[..values.Length];
        for (var i = 0; i < values.Length; i++)
            if (!TryScale<TBits>(values[i], divisor, out scaled[i]))
                return i;
        return values.Length;
    }

    private static bool TryScale<TBits>(long bits, double divisor, out long scaled) where TBits : struct, IFloatBits
    {
        var product = Math.Round(TBits.ToDouble(bits) * divisor);
        if (!(Math.Abs(product) <= Math.Min(LargestExact, TBits.LargestScaled)))
        {
            scaled = 0;
            return false;
        }
        scaled = (long)product;
        return TBits.FromDouble(scaled / divisor) == bits;
    }
}

/// <summary>How the bits of a floating-point type, sign-extended to 64, become a number and back.</summary>
internal interface IFloatBits
{
    /// <summary>Largest scaled integer that saves bits.</summary>
    static abstract double LargestScaled { get; }

    /// <summary>The number.</summary>
    static abstract double ToDouble(long bits);

    /// <summary>The bits of the nearest number of the type.</summary>
    static abstract long FromDouble(double value);
}

/// <summary>Double precision.</summary>
internal readonly struct Float64Bits : IFloatBits
{
    public static double LargestScaled => long.MaxValue;

    public static double ToDouble(long bits) => BitConverter.Int64BitsToDouble(bits);

    public static long FromDouble(double value) => BitConverter.DoubleToInt64Bits(value);
}

/// <summary>Single precision.</summary>
internal readonly struct Float32Bits : IFloatBits
{
    public static double LargestScaled => int.MaxValue;

    public static double ToDouble(long bits) => BitConverter.Int32BitsToSingle((int)bits);

    public static long FromDouble(double value) => BitConverter.SingleToInt32Bits((float)value);
}

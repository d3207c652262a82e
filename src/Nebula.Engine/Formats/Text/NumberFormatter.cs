using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Nebula.Engine.Formats.Text;

/// <summary>Writes numbers as text formats do. Every method returns the position behind what it wrote.</summary>
internal static unsafe class NumberFormatter
{
    /// <summary>Most bytes that one number takes: a decimal of 38 digits with sign, point and leading zero.</summary>
    public const int MaxLength = 48;

    // the largest power of ten that fits a word
    private const int WordDigits = 19;
    private const ulong WordPower = 10_000_000_000_000_000_000;

    private static ReadOnlySpan<double> PowersOfTen => [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    /// <summary>Writes a decimal of up to 18 digits: <c>-12.30</c> for -1230 with scale 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WriteDecimal(byte* p, long unscaled, int scale)
    {
        var magnitude = (ulong)unscaled;
        if (unscaled < 0)
        {
            *p++ = (byte)'-';
            magnitude = (ulong)-unscaled;
        }
        if (scale == 0)
            return Digits.Write(p, magnitude);
        if (scale == 2)
        {
            var units = magnitude / 100;
            p = Digits.Write(p, units);
            *p = (byte)'.';
            Digits.WritePair(p + 1, (uint)(magnitude - units * 100));
            return p + 3;
        }
        var power = Digits.PowersOfTen[scale];
        var whole = magnitude / power;
        p = Digits.Write(p, whole);
        *p++ = (byte)'.';
        Digits.WritePadded(p, magnitude - whole * power, scale);
        return p + scale;
    }

    /// <summary>Writes a decimal of up to 38 digits.</summary>
    public static byte* WriteDecimal(byte* p, Int128 unscaled, int scale)
    {
        var magnitude = (UInt128)unscaled;
        if (unscaled < 0)
        {
            *p++ = (byte)'-';
            magnitude = (UInt128)(-unscaled);
        }
        if (scale == 0)
            return WriteWhole(p, magnitude);
        var power = UInt128Power(scale);
        var whole = magnitude / power;
        p = WriteWhole(p, whole);
        *p++ = (byte)'.';
        var fraction = magnitude - whole * power;
        if (scale > WordDigits)
        {
            var high = (ulong)(fraction / WordPower);
            Digits.WritePadded(p, high, scale - WordDigits);
            fraction -= (UInt128)high * WordPower;
            p += scale - WordDigits;
            scale = WordDigits;
        }
        Digits.WritePadded(p, (ulong)fraction, scale);
        return p + scale;
    }

    private static UInt128 UInt128Power(int exponent) =>
        exponent <= WordDigits ? Digits.PowersOfTen[exponent] : (UInt128)WordPower * Digits.PowersOfTen[exponent - WordDigits];

    /// <summary>Writes a number of up to 39 digits: what does not fit a word is its upper digits and <see cref="WordDigits"/> more.</summary>
    private static byte* WriteWhole(byte* p, UInt128 value)
    {
        if (value <= ulong.MaxValue)
            return Digits.Write(p, (ulong)value);
        var high = (ulong)(value / WordPower);
        p = Digits.Write(p, high);
        Digits.WritePadded(p, (ulong)(value - (UInt128)high * WordPower), WordDigits);
        return p + WordDigits;
    }

    /// <summary>Writes a finite double as its shortest text; a whole number gets <c>.0</c>, so that it stays a float when it is read again.</summary>
    /// <param name="p">Where to.</param>
    /// <param name="value">A finite number.</param>
    /// <param name="places">The number of decimals that the last value had: neighbours tend to have the same. Pass 0 at first.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WriteDouble(byte* p, double value, ref int places)
    {
        // A quotient of two integers below 2^53 is rounded once, so when it gives the value back, digits and places are a text of the value;
        // with at most 15 digits there is no other, so it is the shortest once trailing zeros are gone.
        var scaled = Math.Abs(value) * PowersOfTen[places];
        if (scaled < 1e15)
        {
            var whole = Truncate(scaled + 0.5);
            if (whole / PowersOfTen[places] == Math.Abs(value) && whole < 1_000_000_000_000_000)
                return WriteShort(p, value, whole, places);
        }
        return WriteDoubleSlow(p, value, ref places);
    }

    /// <summary>
    /// The whole part of a number below 2^63. By the instruction itself: a cast, which also covers what does not fit, cannot be compiled ahead of time.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long Truncate(double value) =>
        Sse2.X64.IsSupported ? Sse2.X64.ConvertToInt64WithTruncation(Vector128.CreateScalarUnsafe(value)) : (long)value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteShort(byte* p, double value, long digits, int places)
    {
        if (double.IsNegative(value))
            *p++ = (byte)'-';
        while (places > 1 && digits % 10 == 0)
        {
            digits /= 10;
            places--;
        }
        if (places == 0)
        {
            p = Digits.Write(p, digits);
            *(ushort*)p = '.' | '0' << 8;
            return p + 2;
        }
        var power = (long)Digits.PowersOfTen[places];
        // constants: a multiplication each instead of a division
        var whole = places switch { 1 => digits / 10, 2 => digits / 100, 3 => digits / 1000, _ => digits / power };
        p = Digits.Write(p, whole);
        *p++ = (byte)'.';
        Digits.WritePadded(p, (ulong)(digits - whole * power), places);
        return p + places;
    }

    private static byte* WriteDoubleSlow(byte* p, double value, ref int places)
    {
        var magnitude = Math.Abs(value);
        for (var tried = 0; tried < PowersOfTen.Length; tried++)
        {
            var scaled = magnitude * PowersOfTen[tried];
            if (scaled >= 1e15)
                break;
            var whole = Truncate(scaled + 0.5);
            if (whole / PowersOfTen[tried] == magnitude && whole < 1_000_000_000_000_000)
            {
                places = tried;
                return WriteShort(p, value, whole, tried);
            }
        }
        return WriteShortest(p, value, static (v, span) => v.TryFormat(span, out var count, default, CultureInfo.InvariantCulture) ? count : 0);
    }

    /// <summary>Writes a finite single as its shortest text; a whole number gets <c>.0</c>.</summary>
    public static byte* WriteSingle(byte* p, float value) =>
        WriteShortest(p, value, static (v, span) => v.TryFormat(span, out var count, default, CultureInfo.InvariantCulture) ? count : 0);

    private static byte* WriteShortest<T>(byte* p, T value, Func<T, Span<byte>, int> format)
    {
        var written = new Span<byte>(p, MaxLength);
        var count = format(value, written);
        if (written[..count].IndexOfAny((byte)'.', (byte)'E') < 0)
        {
            *(ushort*)(p + count) = '.' | '0' << 8;
            count += 2;
        }
        return p + count;
    }
}

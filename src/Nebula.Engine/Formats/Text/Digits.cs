using System.Runtime.CompilerServices;

namespace Nebula.Engine.Formats.Text;

/// <summary>Runs of ASCII digits to numbers and back, several digits at a time.</summary>
internal static unsafe class Digits
{
    /// <summary>Powers of ten that fit 64 bits.</summary>
    public static ReadOnlySpan<ulong> PowersOfTen =>
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000, 1_000_000_000_000,
        10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000, 100_000_000_000_000_000, 1_000_000_000_000_000_000,
            10_000_000_000_000_000_000,
    ];

    private const ulong AsciiZeros = 0x3030303030303030;

    private static ReadOnlySpan<byte> Pairs =>
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"u8
        + "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"u8;

    /// <summary>Reads a run of 1 to 19 digits.</summary>
    /// <param name="p">First digit; 8 bytes from any position in the run may be read.</param>
    /// <param name="length">Number of digits.</param>
    /// <param name="value">The number.</param>
    /// <returns>Whether all bytes were digits. Nineteen digits always fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(byte* p, int length, out ulong value)
    {
        if (length <= 8)
            return TryReadUpTo8(p, length, out value);
        return TryReadLong(p, length, out value);
    }

    /// <summary>Reads a run of 0 to 8 digits.</summary>
    /// <param name="p">First digit; 8 bytes may be read whatever the length.</param>
    /// <param name="length">Number of digits.</param>
    /// <param name="value">The number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryReadUpTo8(byte* p, int length, out ulong value)
    {
        if (length == 0)
        {
            value = 0;
            return true;
        }
        // the run moves to the high end of the word, zeros fill the low end: the leading digits
        var word = *(ulong*)p << (64 - 8 * length);
        var zeros = length == 8 ? 0 : 0x3030303030303030UL >> (8 * length);
        var digits = (word | zeros) - 0x3030303030303030UL;
        value = Combine8(digits);
        return ((digits | (digits + 0x7676767676767676UL)) & 0x8080808080808080UL) == 0;
    }

    /// <summary>Writes a number without leading zeros.</summary>
    /// <param name="p">Where to; 20 bytes may be written.</param>
    /// <param name="value">The number.</param>
    /// <returns>Behind the last digit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Write(byte* p, ulong value)
    {
        if (value < 10)
        {
            *p = (byte)('0' + value);
            return p + 1;
        }
        if (value < 100)
        {
            WritePair(p, (uint)value);
            return p + 2;
        }
        return WriteLong(p, value);
    }

    /// <summary>Writes a signed number.</summary>
    /// <param name="p">Where to; 20 bytes may be written.</param>
    /// <param name="value">The number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Write(byte* p, long value)
    {
        if (value >= 0)
            return Write(p, (ulong)value);
        *p = (byte)'-';
        return Write(p + 1, (ulong)-value);
    }

    /// <summary>Writes two digits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WritePair(byte* p, uint value)
    {
        fixed (byte* pairs = Pairs)
            *(ushort*)p = *(ushort*)(pairs + 2 * value);
    }

    /// <summary>Writes the last <paramref name="count"/> digits of a number, leading zeros included.</summary>
    /// <param name="p">Where to; seven bytes behind the digits may be overwritten.</param>
    /// <param name="value">The number.</param>
    /// <param name="count">Number of digits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WritePadded(byte* p, ulong value, int count)
    {
        if (count > 8 || value >= 100_000_000)
            WriteLongPadded(p, value, count);
        else if (count > 0)
            *(ulong*)p = (Separate8((uint)value) >> (64 - 8 * count)) + AsciiZeros;
    }

    /// <summary>Number of digits of a number; 1 for zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Count(ulong value)
    {
        // log10 from log2: 1233/4096 approximates log10(2) closely enough for 64 bits
        var guess = System.Numerics.BitOperations.Log2(value | 1) * 1233 >> 12;
        return guess + (value >= PowersOfTen[guess + 1 < 20 ? guess + 1 : 19] && guess < 19 ? 2 : 1);
    }

    private static byte* WriteLong(byte* p, ulong value)
    {
        if (value < 100_000_000)
            return WriteUpTo8(p, (uint)value);
        var high = value / 100_000_000;
        p = high < 100_000_000 ? WriteUpTo8(p, (uint)high) : WriteLong(p, high);
        *(ulong*)p = Separate8((uint)(value - high * 100_000_000)) + AsciiZeros;
        return p + 8;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteUpTo8(byte* p, uint value)
    {
        var digits = Separate8(value);
        // the last digit counts also when it is zero
        var zeros = System.Numerics.BitOperations.TrailingZeroCount(digits | 1UL << 56) & 0x38;
        *(ulong*)p = (digits >> zeros) + AsciiZeros;
        return p + 8 - (zeros >> 3);
    }

    private static void WriteLongPadded(byte* p, ulong value, int count)
    {
        if (count > 8)
        {
            WritePadded(p, value / 100_000_000, count - 8);
            p += count - 8;
            count = 8;
        }
        WritePadded(p, value % 100_000_000, count);
    }

    /// <summary>The eight digits of a number below 10^8, one per byte, the first lowest: halves, then pairs, then single digits, all at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Separate8(uint value)
    {
        ulong high = value / 10_000;
        var halves = high | (value - high * 10_000) << 32;
        var hundreds = (halves * 10_486 >> 20) & 0x0000007F_0000007FUL;
        var pairs = hundreds + (halves - 100 * hundreds << 16);
        var tens = (pairs * 103 >> 10) & 0x000F000F_000F000FUL;
        return tens + (pairs - 10 * tens << 8);
    }

    private static bool TryReadLong(byte* p, int length, out ulong value)
    {
        value = 0;
        if (length > 19)
            return false;
        var head = length - 8;
        if (head > 8)
        {
            var good = TryReadUpTo8(p, head - 8, out var high) & TryReadUpTo8(p + head - 8, 8, out var middle) & TryReadUpTo8(p + head, 8, out var low);
            value = (high * 100_000_000 + middle) * 100_000_000 + low;
            return good;
        }
        else
        {
            var good = TryReadUpTo8(p, head, out var high) & TryReadUpTo8(p + head, 8, out var low);
            value = high * 100_000_000 + low;
            return good;
        }
    }

    /// <summary>The number whose eight digits stand in the bytes of a word, the first in the lowest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Combine8(ulong digits)
    {
        digits = digits * 10 + (digits >> 8);
        return ((digits & 0x000000FF000000FFUL) * 0x000F424000000064UL + (digits >> 16 & 0x000000FF000000FFUL) * 0x0000271000000001UL) >> 32;
    }
}

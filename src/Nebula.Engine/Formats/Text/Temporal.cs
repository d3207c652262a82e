using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Text;

/// <summary>Dates, times and timestamps as ISO 8601 text, and the calendar behind them (proleptic Gregorian).</summary>
/// <remarks>Every reading method may read <see cref="Columns.BufferPool.Padding"/> bytes behind the text.</remarks>
internal static unsafe class Temporal
{
    /// <summary>Most bytes that one value takes when written.</summary>
    public const int MaxLength = 48;

    /// <summary>Microseconds of a day.</summary>
    public const long DayMicroseconds = 86_400_000_000;

    private const long SecondMicroseconds = 1_000_000;

    private const long SecondNanoseconds = 1_000_000_000;

    // 16 entries for common years, then for leap years: looked up, since a jump would often be foreseen wrongly
    private static ReadOnlySpan<short> DaysBeforeMonth =>
    [
        0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 0, 0, 0,
        0, 0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 0, 0, 0,
    ];

    private static ReadOnlySpan<byte> DaysOfMonth =>
    [
        0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0,
        0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 0, 0, 0,
    ];

    /// <summary>Reads <c>YYYY-MM-DD</c>.</summary>
    /// <param name="p">The text.</param>
    /// <param name="length">Its length; only 10 is a date.</param>
    /// <param name="days">Days since 1970-01-01.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParseDate(byte* p, int length, out int days)
    {
        days = 0;
        return length == 10 && ReadDate(p, out days);
    }

    /// <summary>
    /// Reads <c>YYYY-MM-DD HH:MM:SS</c> with a blank or T, up to nine digits behind the second, and a zone (<c>Z</c>, <c>+HH:MM</c>, <c>+HHMM</c>, <c>+HH</c>).
    /// </summary>
    /// <param name="p">The text.</param>
    /// <param name="length">Its length.</param>
    /// <param name="nanoseconds">Whether the value is in nanoseconds instead of microseconds.</param>
    /// <param name="value">Units since 1970-01-01T00:00:00; shifted to UTC when there is a zone.</param>
    /// <param name="hasZone">Whether there is a zone.</param>
    /// <returns>False also when digits would be lost or the value does not fit.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParseTimestamp(byte* p, int length, bool nanoseconds, out long value, out bool hasZone)
    {
        hasZone = false;
        value = 0;
        if (length < 19 || p[10] is not ((byte)' ' or (byte)'T' or (byte)'t') || !ReadDate(p, out var days) || !ReadClock(p + 11, out var seconds))
            return false;
        if (length == 19 && !nanoseconds)
        {
            value = days * DayMicroseconds + seconds * SecondMicroseconds;
            return true;
        }
        return ReadRest(p + 19, length - 19, nanoseconds, days * 86_400L + seconds, out value, out hasZone);
    }

    /// <summary>Reads <c>HH:MM:SS</c> with up to nine digits behind the second.</summary>
    /// <param name="p">The text.</param>
    /// <param name="length">Its length.</param>
    /// <param name="nanoseconds">Whether the value is in nanoseconds instead of microseconds.</param>
    /// <param name="value">Units since midnight.</param>
    /// <returns>False also when digits would be lost.</returns>
    public static bool TryParseTime(byte* p, int length, bool nanoseconds, out long value)
    {
        value = 0;
        return length >= 8 && ReadClock(p, out var seconds) && ReadRest(p + 8, length - 8, nanoseconds, seconds, out value, out var hasZone) && !hasZone;
    }

    /// <summary>Days since 1970-01-01 of a date that exists.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ToDays(int year, int month, int day)
    {
        var past = (uint)(year + 399_999); // years since -400000, a multiple of 400 years before the year 1 minus one
        return (int)(past * 365 + past / 4 - past / 100 + past / 400 - 146_816_162) + DaysBeforeMonth[LeapEntries(year) + month] + day - 1;
    }

    /// <summary>
    /// The date of a number of days since 1970-01-01. Neri and Schneider, "Euclidean affine functions and their application to calendar algorithms" (2022),
    /// figure 12.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void ToDate(int days, out int year, out int month, out int day)
    {
        const uint Eras = 14_700; // of 400 years, so that the number is positive for every int32
        var n = (ulong)(days + (719_468 + 146_097L * Eras));
        var n1 = 4 * n + 3;
        var century = (uint)(n1 / 146_097);
        var dayOfCentury = (uint)(n1 - 146_097UL * century) / 4;
        var n2 = 4 * dayOfCentury + 3;
        var product = 2_939_745UL * n2;
        var yearOfCentury = (uint)(product >> 32);
        var dayOfYear = (uint)product / 2_939_745 / 4;
        var n3 = 2_141 * dayOfYear + 197_913;
        var overflow = dayOfYear >= 306 ? 1 : 0;
        year = (int)(100 * century + yearOfCentury) - (int)(400 * Eras) + overflow;
        month = (int)(n3 >> 16) - 12 * overflow;
        day = (int)((n3 & 0xFFFF) / 2_141) + 1;
    }

    /// <summary>Writes <c>YYYY-MM-DD</c>; years outside 0 to 9999 get a sign and at least six digits (ISO 8601-1 section 4.3.2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WriteDate(byte* p, int days)
    {
        // from March 1900 to the end of 2099 every fourth year is a leap year: one division less, and hardly more than 32 bits
        const int March1900 = -25_508;
        const uint Days = 72_990;
        var n = (uint)(days - March1900);
        if (n >= Days)
            return WriteRareDate(p, days);
        var product = 2_939_745UL * (4 * n + 3);
        var dayOfYear = (uint)product / 2_939_745 / 4;
        var n3 = 2_141 * dayOfYear + 197_913;
        var isNext = dayOfYear >= 306 ? 1u : 0u;
        var year = (uint)(product >> 32) + isNext;
        *(ushort*)p = (ushort)(year < 100 ? '1' | '9' << 8 : '2' | '0' << 8);
        Digits.WritePair(p + 2, year < 100 ? year : year - 100);
        p[4] = (byte)'-';
        Digits.WritePair(p + 5, (n3 >> 16) - 12 * isNext);
        p[7] = (byte)'-';
        Digits.WritePair(p + 8, (n3 & 0xFFFF) / 2_141 + 1);
        return p + 10;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteRareDate(byte* p, int days)
    {
        ToDate(days, out var year, out var month, out var day);
        if ((uint)year > 9999)
            p = WriteLongYear(p, year);
        else
        {
            var century = (uint)year / 100;
            Digits.WritePair(p, century);
            Digits.WritePair(p + 2, (uint)year - century * 100);
            p += 4;
        }
        *p = (byte)'-';
        Digits.WritePair(p + 1, (uint)month);
        p[3] = (byte)'-';
        Digits.WritePair(p + 4, (uint)day);
        return p + 6;
    }

    /// <summary>Writes <c>YYYY-MM-DDTHH:MM:SS</c>, the fraction when it is not zero (3, 6 or 9 digits), and <c>Z</c> for a type with zone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WriteTimestamp(byte* p, long value, bool nanoseconds, bool utc)
    {
        // both divisors are constants: a multiplication each
        var seconds = nanoseconds ? value / SecondNanoseconds : value / SecondMicroseconds;
        var perSecond = nanoseconds ? SecondNanoseconds : SecondMicroseconds;
        var fraction = value - seconds * perSecond;
        if (fraction < 0)
        {
            fraction += perSecond;
            seconds--;
        }
        var days = seconds / 86_400;
        var clock = seconds - days * 86_400;
        if (clock < 0)
        {
            clock += 86_400;
            days--;
        }
        p = WriteDate(p, (int)days);
        *p = (byte)'T';
        p = WriteClock(p + 1, (uint)clock);
        if (fraction != 0)
            p = WriteFraction(p, fraction, nanoseconds);
        if (utc)
            *p++ = (byte)'Z';
        return p;
    }

    /// <summary>
    /// Writes <c>HH:MM:SS</c> and the fraction when it is not zero (3, 6 or 9 digits). What is no time of day, as some files have it, gets a sign or more
    /// digits.
    /// </summary>
    /// <param name="p">Where to.</param>
    /// <param name="value">Units since midnight.</param>
    /// <param name="nanoseconds">Whether the value is in nanoseconds instead of microseconds.</param>
    public static byte* WriteTime(byte* p, long value, bool nanoseconds)
    {
        var perSecond = nanoseconds ? SecondNanoseconds : SecondMicroseconds;
        if (!IsTimeOfDay(value, nanoseconds))
            return WriteLongTime(p, value, perSecond, nanoseconds);
        var seconds = value / perSecond;
        p = WriteClock(p, (uint)seconds);
        var fraction = value - seconds * perSecond;
        return fraction == 0 ? p : WriteFraction(p, fraction, nanoseconds);
    }

    /// <summary>Whether a value is at least midnight and before the next.</summary>
    /// <param name="value">Units since midnight.</param>
    /// <param name="nanoseconds">Whether the value is in nanoseconds instead of microseconds.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsTimeOfDay(long value, bool nanoseconds) => (ulong)value < (ulong)(nanoseconds ? DayMicroseconds * 1000 : DayMicroseconds);

    /// <summary>
    /// Where the entries of the year start in the tables of months: 16 for a leap year, else 0. Of the multiples of 100, those of 16 are those of 400.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int LeapEntries(int year) => ((year & 3) == 0) & ((year % 100 != 0) | ((year & 15) == 0)) ? 16 : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReadDate(byte* p, out int days)
    {
        days = 0;
        // 10 digits and dashes of "YYYY-MM-DD" in one register: digits to pairs to numbers
        var text = Vector128.Load(p);
        var digits = Vector128.Subtract(Vector128.Shuffle(text, Vector128.Create((byte)0, 1, 2, 3, 5, 6, 8, 9, 0, 0, 0, 0, 0, 0, 0, 0)),
            Vector128.Create((byte)'0'));
        if (Vector128.GreaterThanAny(digits.GetLower().ToVector128(), Vector128.Create((byte)9)) || p[4] != '-' || p[7] != '-')
            return false;
        var word = digits.AsUInt64().ToScalar();
        word = (word * 10 + (word >> 8)) & 0x00FF00FF00FF00FFUL;
        var century = (int)(word & 0xFF);
        var yearOfCentury = (int)(word >> 16 & 0xFF);
        var month = (int)(word >> 32 & 0xFF);
        var day = (int)(word >> 48 & 0xFF);
        var leap = ((yearOfCentury & 3) == 0) & ((yearOfCentury != 0) | ((century & 3) == 0)) ? 1 : 0;
        if ((uint)(month - 1) > 11 || day == 0 || day > DaysOfMonth[16 * leap + month])
            return false;
        // the leap days of all years up to this one, less the one of this year, which its months bring
        days = 36_524 * century + (century >> 2) + 365 * yearOfCentury + (yearOfCentury >> 2) - leap + DaysBeforeMonth[16 * leap + month] + day - 719_528;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool ReadClock(byte* p, out int seconds)
    {
        // "HH:MM:SS" is one word: both separators at once, then pairs
        var word = *(ulong*)p ^ 0x30303A30303A3030UL;
        var pairs = (word & 0x0F0F000F0F000F0FUL) == word ? word * 10 + (word >> 8) : ulong.MaxValue;
        var hours = (uint)(pairs & 0xFF);
        var minutes = (uint)(pairs >> 24 & 0xFF);
        var second = (uint)(pairs >> 48 & 0xFF);
        seconds = (int)(hours * 3600 + minutes * 60 + second);
        var ones = word & 0x0F00000F00000F00UL;
        return pairs != ulong.MaxValue && hours < 24 && minutes < 60 && second < 60 && ((ones + 0x0600000600000600UL) & 0x1000001000001000UL) == 0;
    }

    private static bool ReadRest(byte* p, int length, bool nanoseconds, long seconds, out long value, out bool hasZone)
    {
        var at = 0;
        long fraction = 0;
        var places = nanoseconds ? 9 : 6;
        value = 0;
        hasZone = false;
        if (at < length && p[at] == '.')
        {
            var first = ++at;
            for (; at < length && (uint)(p[at] - '0') <= 9; at++)
            {
                if (at - first < places)
                    fraction = fraction * 10 + (p[at] - '0');
                else if (p[at] != '0' || at - first >= 9)
                    return false;
            }
            if (at == first)
                return false;
            for (var i = Math.Min(at - first, places); i < places; i++)
                fraction *= 10;
        }
        if (at < length)
        {
            hasZone = true;
            if (!ReadZone(p + at, length - at, out var offset))
                return false;
            seconds -= offset;
        }
        var scale = nanoseconds ? SecondNanoseconds : SecondMicroseconds;
        var product = (Int128)seconds * scale + fraction;
        value = (long)product;
        return product == value;
    }

    private static bool ReadZone(byte* p, int length, out int seconds)
    {
        seconds = 0;
        if (length == 1)
            return (*p | 0x20) == 'z';
        if (length is not (3 or 5 or 6) || *p is not ((byte)'+' or (byte)'-') || (length == 6 && p[3] != ':') || !Digits.TryReadUpTo8(p + 1, 2, out var hours))
            return false;
        ulong minutes = 0;
        if (length > 3 && !Digits.TryReadUpTo8(p + length - 2, 2, out minutes))
            return false;
        seconds = (int)(hours * 3600 + minutes * 60) * (*p == '-' ? -1 : 1);
        return hours < 24 && minutes < 60;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteClock(byte* p, uint seconds)
    {
        var hours = seconds / 3600;
        var rest = seconds - hours * 3600;
        var minutes = rest / 60;
        Digits.WritePair(p, hours);
        p[2] = (byte)':';
        Digits.WritePair(p + 3, minutes);
        p[5] = (byte)':';
        Digits.WritePair(p + 6, rest - minutes * 60);
        return p + 8;
    }

    private static byte* WriteLongTime(byte* p, long value, long perSecond, bool nanoseconds)
    {
        if (value < 0)
            *p++ = (byte)'-';
        var magnitude = value < 0 ? (ulong)-value : (ulong)value;
        var seconds = magnitude / (ulong)perSecond;
        var hours = seconds / 3600;
        var places = Math.Max(2, Digits.Count(hours));
        Digits.WritePadded(p, hours, places);
        p += places;
        var rest = (uint)(seconds - hours * 3600);
        *p = (byte)':';
        Digits.WritePair(p + 1, rest / 60);
        p[3] = (byte)':';
        Digits.WritePair(p + 4, rest % 60);
        p += 6;
        var fraction = (long)(magnitude - seconds * (ulong)perSecond);
        return fraction == 0 ? p : WriteFraction(p, fraction, nanoseconds);
    }

    private static byte* WriteFraction(byte* p, long fraction, bool nanoseconds)
    {
        var places = nanoseconds ? 9 : 6;
        while (fraction % 1000 == 0)
        {
            fraction /= 1000;
            places -= 3;
        }
        *p++ = (byte)'.';
        Digits.WritePadded(p, (ulong)fraction, places);
        return p + places;
    }

    private static byte* WriteLongYear(byte* p, int year)
    {
        *p++ = (byte)(year < 0 ? '-' : '+');
        var magnitude = (ulong)Math.Abs((long)year);
        var count = Math.Max(6, Digits.Count(magnitude));
        Digits.WritePadded(p, magnitude, count);
        return p + count;
    }
}

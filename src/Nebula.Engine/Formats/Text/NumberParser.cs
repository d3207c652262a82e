using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Nebula.Engine.Formats.Text;

/// <summary>
/// Reads numbers of text formats. Strict: only text that gives back the same number when it is written again is a number. Leading zeros, a plus sign and
/// blanks are refused, so that codes such as <c>007</c> stay text.
/// </summary>
/// <remarks>Every method may read <see cref="Columns.BufferPool.Padding"/> bytes behind the text.</remarks>
internal static unsafe class NumberParser
{
    private const int ExactDigits = 15;

    private static ReadOnlySpan<double> ExactPowersOfTen =>
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

    /// <summary>Reads an integer: an optional minus and digits without leading zeros; <c>-0</c> is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParseInt64(byte* p, int length, out long value)
    {
        var negative = length > 0 && *p == '-' ? 1 : 0;
        var digits = length - negative;
        p += negative;
        value = 0;
        if (digits <= 0 || (*p == '0' && (digits > 1 || negative != 0)) || !Digits.TryRead(p, digits, out var magnitude)
            || magnitude > (ulong)long.MaxValue + (ulong)negative)
            return false;
        value = negative != 0 ? -(long)magnitude : (long)magnitude;
        return true;
    }

    /// <summary>Reads an unsigned integer of up to 20 digits.</summary>
    public static bool TryParseUInt64(byte* p, int length, out ulong value)
    {
        value = 0;
        if (length <= 0 || (*p == '0' && length > 1))
            return false;
        return length < 20 ? Digits.TryRead(p, length, out value)
            : ulong.TryParse(new ReadOnlySpan<byte>(p, length), NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>
    /// Reads a decimal into an unscaled 64-bit number: an optional minus, digits, and up to <paramref name="scale"/> digits behind a point. No exponent.
    /// </summary>
    /// <param name="p">The text; a register is readable, whatever its length.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="precision">Most significant digits, up to 18.</param>
    /// <param name="scale">Digits behind the point that the result has.</param>
    /// <param name="value">The number times 10^<paramref name="scale"/>.</param>
    public static bool TryParseDecimal64(byte* p, int length, int precision, int scale, out long value)
    {
        var negative = *p == '-' ? 1 : 0;
        p += negative;
        length -= negative;
        if (length - 1 <= precision && TryReadFixed(p, length, scale, out var fixedValue) && (fixedValue != 0 || negative == 0))
        {
            value = (fixedValue ^ -negative) + negative;
            return true;
        }
        value = 0;
        // nearly every column has its scale in every row: look for the point there first
        var whole = length > scale + 1 && scale > 0 && p[length - scale - 1] == '.'
            ? length - scale - 1 : new ReadOnlySpan<byte>(p, Math.Max(length, 0)).IndexOf((byte)'.');
        if (whole < 0)
            whole = length;
        var fraction = Math.Max(length - whole - 1, 0);
        if (whole == 0 || whole > 18 || (whole > 1 && *p == '0') || fraction > scale || (whole < length && fraction == 0))
            return false;
        if (!Digits.TryRead(p, whole, out var high) || !Digits.TryRead(p + whole + 1, fraction, out var low))
            return false;
        var powers = Digits.PowersOfTen;
        if (high >= powers[precision - scale])
            return false;
        var magnitude = (long)(high * powers[scale] + low * powers[scale - fraction]);
        value = negative != 0 ? -magnitude : magnitude;
        return !(negative != 0 && magnitude == 0);
    }

    /// <summary>Reads a decimal that has all of its places, up to 16 bytes and without a sign: as most are, and as all in one register.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryReadFixed(byte* p, int length, int scale, out long value)
    {
        const int Most = 16;
        value = 0;
        var whole = length - scale - 1;
        if (whole <= 0 || length > Most || scale == 0 || p[whole] != '.' || (whole > 1 && *p == '0'))
            return false;
        // the digits move to the end of the register: those behind the point to their places, those in front of it over the point, zeros before them
        var places = Vector128<byte>.Indices;
        var sources = places - Vector128.GreaterThan(places, Vector128.Create((byte)(Most - 1 - scale))) + Vector128.Create((byte)(length - 1 - Most));
        var text = Vector128.Load(p) - Vector128.Create((byte)'0');
        var digits = Ssse3.IsSupported ? Ssse3.Shuffle(text, sources) : Vector128.Shuffle(text, sources);
        value = (long)(Digits.Combine8(digits.AsUInt64().ToScalar()) * 100_000_000 + Digits.Combine8(digits.AsUInt64().GetElement(1)));
        return !Vector128.GreaterThanAny(digits, Vector128.Create((byte)9));
    }

    /// <summary>Reads a decimal of up to 38 digits into an unscaled 128-bit number.</summary>
    /// <inheritdoc cref="TryParseDecimal64"/>
    public static bool TryParseDecimal128(byte* p, int length, int precision, int scale, out Int128 value)
    {
        value = 0;
        var at = 0;
        var negative = length > 0 && *p == '-';
        if (negative)
            at++;
        if (at >= length || (p[at] == '0' && at + 1 < length && p[at + 1] != '.'))
            return false;
        UInt128 magnitude = 0;
        int digits = 0, fraction = -1;
        for (var first = at; at < length; at++)
        {
            if (p[at] == '.' && fraction < 0 && at > first && at + 1 < length)
            {
                fraction = 0;
                continue;
            }
            var digit = (uint)(p[at] - '0');
            if (digit > 9)
                return false;
            // counted first: a 39th digit can wrap the magnitude around to zero
            if ((digits > 0 || digit != 0) && ++digits > precision)
                return false;
            magnitude = magnitude * 10 + digit;
            if (fraction >= 0 && ++fraction > scale)
                return false;
        }
        for (var i = Math.Max(fraction, 0); i < scale; i++)
        {
            if (digits > 0 && ++digits > precision)
                return false;
            magnitude *= 10;
        }
        value = negative ? -(Int128)magnitude : (Int128)magnitude;
        return !(negative && magnitude == 0);
    }

    /// <summary>
    /// Reads a number in decimal or scientific notation as the nearest double, if the double stands for the same number: its shortest text has the same value.
    /// </summary>
    /// <param name="p">The text.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="value">The number.</param>
    /// <returns>False also for a number that would lose digits.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParseExactDouble(byte* p, int length, out double value) => TryParseShortDouble(p, length, out value)
        || TryParseLongDouble(p, length, out value);

    /// <summary>The usual case of <see cref="TryParseExactDouble"/>: up to 15 digits and no exponent.</summary>
    /// <returns>False also for numbers in other forms.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryParseShortDouble(byte* p, int length, out double value)
    {
        if (length <= 17)
        {
            var negative = *p == '-' ? 1 : 0;
            var body = length - negative;
            p += negative;
            var point = IndexOfPoint(p, body);
            var whole = point < 0 ? body : point;
            var fraction = point < 0 ? 0 : body - point - 1;
            if (whole > 0 && !(whole > 1 && *p == '0') && (point < 0 || fraction > 0) && whole + fraction <= ExactDigits
                && Digits.TryRead(p, whole, out var high) && Digits.TryRead(p + whole + 1, fraction, out var low))
            {
                var magnitude = (double)(long)(high * Digits.PowersOfTen[fraction] + low) / ExactPowersOfTen[fraction];
                value = negative != 0 ? -magnitude : magnitude;
                return true;
            }
        }
        value = 0;
        return false;
    }

    /// <summary>
    /// Whether a number is written like <c>1E5</c>: it may as well be a code. <c>1.5e5</c>, <c>1e+5</c> and <c>1e-5</c> are numbers and nothing else.
    /// </summary>
    /// <param name="text">A number as <see cref="NumberShape.TryRead"/> takes it.</param>
    public static bool MayBeCode(ReadOnlySpan<byte> text)
    {
        var exponent = text.IndexOfAny((byte)'e', (byte)'E');
        return exponent >= 0 && text[exponent + 1] is not ((byte)'+' or (byte)'-') && text[..exponent].IndexOf((byte)'.') < 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int IndexOfPoint(byte* p, int length)
    {
        var points = Vector128.Equals(Vector128.Load(p), Vector128.Create((byte)'.'));
        var mask = Vector128.ExtractMostSignificantBits(points) & ((1u << Math.Min(length, 16)) - 1);
        return mask == 0 ? -1 : System.Numerics.BitOperations.TrailingZeroCount(mask);
    }

    /// <summary>The other case of <see cref="TryParseExactDouble"/>: any form.</summary>
    public static bool TryParseLongDouble(byte* p, int length, out double value)
    {
        value = 0;
        if (!NumberShape.TryRead(new ReadOnlySpan<byte>(p, length), out var shape)
            || !double.TryParse(new ReadOnlySpan<byte>(p, length), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture, out value)
            || !double.IsFinite(value) || (value == 0) != (shape.Significant == 0))
            return false;
        if (shape.Significant <= ExactDigits && Math.Abs(value) is > 1e-290 or 0)
            return true;
        Span<byte> written = stackalloc byte[32];
        if (!value.TryFormat(written, out var count, default, CultureInfo.InvariantCulture))
            return false;
        return NumberShape.SameNumber(new ReadOnlySpan<byte>(p, length), written[..count]);
    }
}

using System.Globalization;
using System.Numerics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Conversion;

/// <summary>Turns text into one value.</summary>
/// <typeparam name="T">The value as its column stores it.</typeparam>
internal unsafe interface ITextMap<T> where T : unmanaged
{
    /// <summary>Maps a text.</summary>
    /// <param name="p">The text; <see cref="Columns.BufferPool.Padding"/> bytes behind it are readable.</param>
    /// <param name="length">Its length, above 0.</param>
    /// <param name="result">The value, rounded where the verdict is <see cref="Verdict.Loses"/>, anything where it does not fit.</param>
    /// <returns>The <see cref="Verdict"/>.</returns>
    int Map(byte* p, int length, out T result);
}

/// <summary>Texts that are a value or are none.</summary>
internal readonly unsafe struct StrictText<T, TParser>(TParser parser) : ITextMap<T>
    where T : unmanaged
    where TParser : struct, IValueParser<T>
{
    public int Map(byte* p, int length, out T result) => parser.TryParse(p, length, out result) ? Verdict.Kept : Verdict.DoesNotFit;
}

/// <summary>Numbers to the nearest float. A text is kept when the float stands for the same number.</summary>
internal readonly unsafe struct TextToFloat<T> : ITextMap<T> where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // so many digits always come back from a float that is not near its least value
    private static int ExactDigits => typeof(T) == typeof(float) ? 6 : 15;

    private static double LeastExact => typeof(T) == typeof(float) ? 1e-30 : 1e-290;

    public int Map(byte* p, int length, out T result)
    {
        if (typeof(T) == typeof(double) && NumberParser.TryParseShortDouble(p, length, out var number))
        {
            result = T.CreateTruncating(number);
            return Verdict.Kept;
        }
        var text = new ReadOnlySpan<byte>(p, length);
        if (!NumberShape.TryRead(text, out var shape))
            return MapNotFinite(text, out result);
        if (!T.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture,
            out result) || !T.IsFinite(result))
            return Verdict.DoesNotFit;
        if (shape.Significant == 0 || (shape.Significant <= ExactDigits && double.CreateTruncating(T.Abs(result)) > LeastExact))
            return Verdict.Kept;
        Span<byte> shortest = stackalloc byte[NumberFormatter.MaxLength];
        return Verdict.KeptIf(result.TryFormat(shortest, out var count, default, CultureInfo.InvariantCulture)
            && NumberShape.SameNumber(text, shortest[..count]));
    }

    private static int MapNotFinite(ReadOnlySpan<byte> text, out T result)
    {
        result = text.SequenceEqual("NaN"u8) ? T.NaN : text.SequenceEqual("Infinity"u8) ? T.PositiveInfinity : T.NegativeInfinity;
        return !T.IsNegativeInfinity(result) || text.SequenceEqual("-Infinity"u8) ? Verdict.Kept : Verdict.DoesNotFit;
    }
}

/// <summary>Numbers to the nearest decimal.</summary>
/// <param name="parser">Reads what needs no rounding and has no exponent.</param>
/// <param name="precision">Digits of the decimal.</param>
/// <param name="scale">Digits behind its point.</param>
internal readonly unsafe struct TextToDecimal<T, TParser>(TParser parser, int precision, int scale) : ITextMap<T>
    where T : unmanaged, IBinaryInteger<T>
    where TParser : struct, IValueParser<T>
{
    public int Map(byte* p, int length, out T result)
    {
        if (parser.TryParse(p, length, out result))
            return Verdict.Kept;
        var verdict = DecimalNumber.Parse(new ReadOnlySpan<byte>(p, length), precision, scale, out var unscaled);
        result = T.CreateTruncating(unscaled);
        return verdict;
    }
}

/// <summary>
/// Dates and timestamps to timestamps. A date is its midnight; a zone is applied; text without one is taken for UTC where the type has a zone.
/// </summary>
/// <param name="nanoseconds">Whether values are in nanoseconds instead of microseconds.</param>
/// <param name="hasZone">Whether the type has a zone.</param>
internal readonly unsafe struct TextToTimestamp(bool nanoseconds, bool hasZone) : ITextMap<long>
{
    public int Map(byte* p, int length, out long result)
    {
        if (Temporal.TryParseTimestamp(p, length, nanoseconds, out result, out var textHasZone))
            return Verdict.KeptIf(hasZone || !textHasZone);
        if (Temporal.TryParseDate(p, length, out var days))
            return new DateToTimestamp(nanoseconds ? Temporal.DayMicroseconds * 1000 : Temporal.DayMicroseconds).Map(days, out result);
        // digits beyond the unit: what is finer gets lost
        if (nanoseconds || !Temporal.TryParseTimestamp(p, length, nanoseconds: true, out var fine, out _))
            return Verdict.DoesNotFit;
        _ = new CoarserTime(dropsZone: false).Map(fine, out result);
        return Verdict.Loses;
    }
}

/// <summary>Times of day.</summary>
/// <param name="nanoseconds">Whether values are in nanoseconds instead of microseconds.</param>
internal readonly unsafe struct TextToTime(bool nanoseconds) : ITextMap<long>
{
    public int Map(byte* p, int length, out long result)
    {
        if (Temporal.TryParseTime(p, length, nanoseconds, out result))
            return Verdict.Kept;
        if (nanoseconds || !Temporal.TryParseTime(p, length, nanoseconds: true, out var fine))
            return Verdict.DoesNotFit;
        _ = new CoarserTime(dropsZone: false).Map(fine, out result);
        return Verdict.Loses;
    }
}

using System.Globalization;
using System.Numerics;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Text;

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

/// <summary>Texts in Nebula's own form first, then in those of other programs.</summary>
/// <param name="map">Maps texts in Nebula's form.</param>
/// <param name="to">The kind of the value.</param>
internal readonly unsafe struct LooseTextMap<T, TMap>(TMap map, TypeKind to) : ITextMap<T>
    where T : unmanaged
    where TMap : struct, ITextMap<T>
{
    public int Map(byte* p, int length, out T result)
    {
        var verdict = map.Map(p, length, out result);
        return verdict == Verdict.DoesNotFit ? MapLoose(p, length, out result) : verdict;
    }

    private int MapLoose(byte* p, int length, out T result)
    {
        var text = stackalloc byte[LooseText.MaxLength + BufferPool.Padding];
        var count = LooseText.Normalize(to, new ReadOnlySpan<byte>(p, length), new Span<byte>(text, LooseText.MaxLength));
        result = default;
        return count == 0 ? Verdict.DoesNotFit : map.Map(text, count, out result);
    }
}

/// <summary>What takes the map of a type, whichever it is.</summary>
internal interface ITextMapUser<out TResult>
{
    /// <summary>Takes the map.</summary>
    TResult Use<T, TMap>(TMap map)
        where T : unmanaged
        where TMap : struct, ITextMap<T>;
}

/// <summary>Which map makes values of which type.</summary>
internal static class TextMaps
{
    /// <summary>Finds the map of a type of fixed width other than bool.</summary>
    /// <param name="to">The type.</param>
    /// <param name="user">Takes the map.</param>
    public static TResult Find<TResult>(DataType to, ITextMapUser<TResult> user)
    {
        var isFine = to.Unit == TimeUnit.Nanosecond;
        return to.Kind switch
        {
            TypeKind.Int8 => Integer<sbyte, SignedParser<sbyte>>(),
            TypeKind.Int16 => Integer<short, SignedParser<short>>(),
            TypeKind.Int32 => Integer<int, SignedParser<int>>(),
            TypeKind.Int64 => Integer<long, Int64Parser>(),
            TypeKind.UInt8 => Integer<byte, UnsignedParser<byte>>(),
            TypeKind.UInt16 => Integer<ushort, UnsignedParser<ushort>>(),
            TypeKind.UInt32 => Integer<uint, UnsignedParser<uint>>(),
            TypeKind.UInt64 => Integer<ulong, UnsignedParser<ulong>>(),
            TypeKind.Float32 => Loose<float, TextToFloat<float>>(default),
            TypeKind.Float64 => Loose<double, TextToFloat<double>>(default),
            TypeKind.Decimal when to.ByteWidth == 8 =>
                Loose<long, TextToDecimal<long, Decimal64Parser>>(new(new Decimal64Parser(to.Precision, to.Scale), to.Precision, to.Scale)),
            TypeKind.Decimal =>
                Loose<Int128, TextToDecimal<Int128, Decimal128Parser>>(new(new Decimal128Parser(to.Precision, to.Scale), to.Precision, to.Scale)),
            TypeKind.Date => Loose<int, TextToDate>(default),
            TypeKind.Time => Loose<long, TextToTime>(new TextToTime(isFine)),
            TypeKind.Timestamp => Loose<long, TextToTimestamp>(new TextToTimestamp(isFine, to.Zone is not null)),
            _ => Loose<Int128, StrictText<Int128, UuidParser>>(default),
        };

        TResult Loose<T, TMap>(TMap map)
            where T : unmanaged
            where TMap : struct, ITextMap<T> => user.Use<T, LooseTextMap<T, TMap>>(new LooseTextMap<T, TMap>(map, to.Kind));

        TResult Integer<T, TParser>()
            where T : unmanaged, IBinaryInteger<T>
            where TParser : struct, IValueParser<T> => Loose<T, TextToInteger<T, TParser>>(default);
    }

    /// <summary>The map of a type of fixed width other than bool, for callers that seldom need it.</summary>
    /// <typeparam name="T">The value as a column of the type stores it.</typeparam>
    public static ITextMap<T> Of<T>(DataType to) where T : unmanaged => (ITextMap<T>)Find(to, new Boxing());

    private sealed class Boxing : ITextMapUser<object>
    {
        public object Use<T, TMap>(TMap map)
            where T : unmanaged
            where TMap : struct, ITextMap<T> => map;
    }
}

/// <summary>Integers, also where they are written with a fraction of zero or an exponent. Others are rounded.</summary>
/// <param name="parser">Reads what is written without.</param>
internal readonly unsafe struct TextToInteger<T, TParser>(TParser parser) : ITextMap<T>
    where T : unmanaged, IBinaryInteger<T>
    where TParser : struct, IValueParser<T>
{
    public int Map(byte* p, int length, out T result)
    {
        if (parser.TryParse(p, length, out result))
            return Verdict.Kept;
        var verdict = DecimalNumber.Parse(new ReadOnlySpan<byte>(p, length), DataType.MaxDecimalPrecision, 0, out var number);
        result = T.CreateTruncating(number);
        return Int128.CreateTruncating(result) == number ? verdict : Verdict.DoesNotFit;
    }
}

/// <summary>Dates; a time of day is dropped.</summary>
internal readonly unsafe struct TextToDate : ITextMap<int>
{
    public int Map(byte* p, int length, out int result)
    {
        if (Temporal.TryParseDate(p, length, out result))
            return Verdict.Kept;
        return Temporal.TryParseTimestamp(p, length, nanoseconds: false, out var time, out _)
            ? new TimestampToDate(Temporal.DayMicroseconds).Map(time, out result) : Verdict.DoesNotFit;
    }
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

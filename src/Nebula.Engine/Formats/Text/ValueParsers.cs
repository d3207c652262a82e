using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace Nebula.Engine.Formats.Text;

/// <summary>Reads text into a value of fixed width. A struct, so that the loop around it has no call.</summary>
/// <typeparam name="T">The value as a column stores it.</typeparam>
internal unsafe interface IValueParser<T> where T : unmanaged
{
    /// <summary>Reads a text.</summary>
    /// <param name="p">The text; <see cref="Columns.BufferPool.Padding"/> bytes behind it are readable.</param>
    /// <param name="length">Its length, above 0.</param>
    /// <param name="value">The value; anything when the text is none.</param>
    /// <returns>Whether the whole text is a value, and none of it gets lost.</returns>
    bool TryParse(byte* p, int length, out T value);
}

/// <inheritdoc cref="NumberParser.TryParseInt64"/>
internal readonly unsafe struct Int64Parser : IValueParser<long>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryParse(byte* p, int length, out long value) => NumberParser.TryParseInt64(p, length, out value);
}

/// <summary>Integers of fewer than 64 bits.</summary>
internal readonly unsafe struct SignedParser<T> : IValueParser<T> where T : unmanaged, IBinaryInteger<T>
{
    public bool TryParse(byte* p, int length, out T value)
    {
        var good = NumberParser.TryParseInt64(p, length, out var wide);
        value = T.CreateTruncating(wide);
        return good && long.CreateTruncating(value) == wide;
    }
}

/// <summary>Unsigned integers.</summary>
internal readonly unsafe struct UnsignedParser<T> : IValueParser<T> where T : unmanaged, IBinaryInteger<T>
{
    public bool TryParse(byte* p, int length, out T value)
    {
        var good = NumberParser.TryParseUInt64(p, length, out var wide);
        value = T.CreateTruncating(wide);
        return good && ulong.CreateTruncating(value) == wide;
    }
}

/// <summary>Doubles that stand for the same number as their text.</summary>
/// <param name="codesAreText">Whether texts that may as well be codes are refused; see <see cref="NumberParser.MayBeCode"/>.</param>
internal readonly unsafe struct DoubleParser(bool codesAreText) : IValueParser<double>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryParse(byte* p, int length, out double value) =>
        NumberParser.TryParseShortDouble(p, length, out value)
        || (NumberParser.TryParseLongDouble(p, length, out value) && !(codesAreText && NumberParser.MayBeCode(new ReadOnlySpan<byte>(p, length))));
}

/// <summary>Singles: the nearest to the text.</summary>
internal readonly unsafe struct SingleParser : IValueParser<float>
{
    public bool TryParse(byte* p, int length, out float value) => float.TryParse(
        new ReadOnlySpan<byte>(p, length), NumberStyles.Float & ~NumberStyles.AllowLeadingWhite & ~NumberStyles.AllowTrailingWhite,
            CultureInfo.InvariantCulture, out value);
}

/// <summary>The words for what is no finite number: those that <see cref="ValueText"/> writes, and those of other programs.</summary>
internal static class FloatWords
{
    /// <summary>Reads <c>nan</c>, <c>inf</c> and <c>infinity</c> in letters of any case, the latter two with a sign or without.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out double value)
    {
        value = double.NaN;
        if (Ascii.EqualsIgnoreCase(text, "nan"u8))
            return true;
        value = text is [(byte)'-', ..] ? double.NegativeInfinity : double.PositiveInfinity;
        var word = text is [(byte)'-' or (byte)'+', ..] ? text[1..] : text;
        return Ascii.EqualsIgnoreCase(word, "inf"u8) || Ascii.EqualsIgnoreCase(word, "infinity"u8);
    }
}

/// <summary>Floats, and the words for what is no finite number (<see cref="FloatWords"/>).</summary>
/// <param name="numbers">Reads the numbers.</param>
internal readonly unsafe struct FloatWordsParser<T, TNumbers>(TNumbers numbers) : IValueParser<T>
    where T : unmanaged, System.Numerics.IFloatingPointIeee754<T>
    where TNumbers : struct, IValueParser<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryParse(byte* p, int length, out T value) =>
        numbers.TryParse(p, length, out value) || TryParseWord(new ReadOnlySpan<byte>(p, length), out value);

    private static bool TryParseWord(ReadOnlySpan<byte> text, out T value)
    {
        var good = FloatWords.TryRead(text, out var word);
        value = T.CreateTruncating(word);
        return good;
    }
}

/// <inheritdoc cref="NumberParser.TryParseDecimal64"/>
internal readonly unsafe struct Decimal64Parser(int precision, int scale) : IValueParser<long>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryParse(byte* p, int length, out long value) => NumberParser.TryParseDecimal64(p, length, precision, scale, out value);
}

/// <inheritdoc cref="NumberParser.TryParseDecimal128"/>
internal readonly unsafe struct Decimal128Parser(int precision, int scale) : IValueParser<Int128>
{
    public bool TryParse(byte* p, int length, out Int128 value) => NumberParser.TryParseDecimal128(p, length, precision, scale, out value);
}

/// <inheritdoc cref="Temporal.TryParseDate"/>
internal readonly unsafe struct DateParser : IValueParser<int>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryParse(byte* p, int length, out int value) => Temporal.TryParseDate(p, length, out value);
}

/// <inheritdoc cref="Temporal.TryParseTime"/>
internal readonly unsafe struct TimeParser(bool nanoseconds) : IValueParser<long>
{
    public bool TryParse(byte* p, int length, out long value) => Temporal.TryParseTime(p, length, nanoseconds, out value);
}

/// <summary>Timestamps whose text has a zone just when their type does.</summary>
internal readonly unsafe struct TimestampParser(bool nanoseconds, bool utc) : IValueParser<long>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryParse(byte* p, int length, out long value) => Temporal.TryParseTimestamp(p, length, nanoseconds, out value, out var hasZone)
        && hasZone == utc;
}

/// <inheritdoc cref="UuidText.TryParse"/>
internal readonly unsafe struct UuidParser : IValueParser<Int128>
{
    public bool TryParse(byte* p, int length, out Int128 value)
    {
        Int128 uuid = default;
        var good = UuidText.TryParse(p, length, (byte*)&uuid);
        value = uuid;
        return good;
    }
}

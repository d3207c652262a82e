using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>Takes the quotes off a field.</summary>
internal static unsafe class CsvQuotes
{
    /// <summary>What is wrong with a field whose closing quote is not its end.</summary>
    public const string TextBehindQuote = "there is text behind the closing quote. Double the quotes that belong to the value, or set 'quote: none' if quotes "
        + "are ordinary characters in this file";

    /// <summary>Writes the content of a quoted field.</summary>
    /// <param name="field">The field, from its opening quote on; a vector behind it is readable.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="quote">The quote.</param>
    /// <param name="escape">What makes a quote ordinary.</param>
    /// <param name="target">Takes the content, which is never longer than the field; a vector behind it is writable.</param>
    /// <returns>Bytes of the content; -1 when the closing quote is not the field's end.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Unquote(byte* field, int length, byte quote, byte escape, byte* target)
    {
        if (length <= Vector256<byte>.Count + 1 && escape == quote)
        {
            // the quote at the end and no other: most quoted fields
            var bytes = Vector256.Load(field + 1);
            var quotes = Vector256.Equals(bytes, Vector256.Create(quote)).ExtractMostSignificantBits();
            if (length > 1 && (quotes & (uint)((1UL << (length - 1)) - 1)) == 1u << (length - 2))
            {
                Vector256.Store(bytes, target);
                return length - 2;
            }
        }
        return escape != quote ? UnquoteEscaped(field, length, quote, escape, target)
            : ByteFilter.IsSupported ? UnquoteFiltered(field, length, quote, target)
            : UnquoteDoubled(field, length, quote, target);
    }

    /// <summary>Whether the closing quote of a quoted field is its end.</summary>
    /// <param name="field">The field, from its opening quote on.</param>
    /// <param name="quote">The quote.</param>
    /// <param name="escape">What makes a quote ordinary.</param>
    public static bool IsClosedAtEnd(ReadOnlySpan<byte> field, byte quote, byte escape)
    {
        for (var i = 1; i < field.Length; i++)
        {
            if (field[i] == escape && i + 1 < field.Length && (escape != quote || field[i + 1] == quote))
                i++;
            else if (field[i] == quote)
                return i == field.Length - 1;
        }
        return false;
    }

    /// <summary>The way of <see cref="ByteFilter"/> for quotes that are doubled: leaves out the second of each two, 64 bytes at a time.</summary>
    /// <inheritdoc cref="Unquote"/>
    public static int UnquoteFiltered(byte* field, int length, byte quote, byte* target)
    {
        if (length < 2 || field[length - 1] != quote)
            return -1;
        var content = length - 2;
        var written = 0;
        var isSecond = 0UL;
        for (var i = 0; i < content; i += Vector512<byte>.Count)
        {
            var bytes = Vector512.Load(field + 1 + i);
            var available = Bits.Low(Math.Min(content - i, Vector512<byte>.Count));
            var quotes = Vector512.Equals(bytes, Vector512.Create(quote)).ExtractMostSignificantBits() & available;
            if (FindSecond(quotes, ref isSecond, out var second) != 0)
                return -1;
            ByteFilter.Keep(bytes, available & ~second).Store(target + written);
            written += BitOperations.PopCount(available & ~second);
        }
        return isSecond == 0 ? written : -1;
    }

    /// <summary>Tells the second of each two quotes.</summary>
    /// <param name="quotes">The quotes among 64 bytes.</param>
    /// <param name="isSecond">1 when the first of these bytes must be the second quote of two; then for the bytes that follow.</param>
    /// <param name="second">The second quotes.</param>
    /// <returns>0 when no quote is alone.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong FindSecond(ulong quotes, ref ulong isSecond, out ulong second)
    {
        var odd = Bits.PrefixXor(quotes & ~isSecond);
        var first = quotes & ~isSecond & odd;
        second = quotes & ~first;
        var expected = first << 1 | isSecond;
        isSecond = first >> 63;
        return second ^ expected;
    }

    /// <summary>The way without it, and its twin.</summary>
    /// <inheritdoc cref="Unquote"/>
    public static int UnquoteDoubled(byte* field, int length, byte quote, byte* target)
    {
        var written = 0;
        for (var i = 1; i < length;)
        {
            var bytes = Vector256.Load(field + i);
            Vector256.Store(bytes, target + written);
            var quotes = Vector256.Equals(bytes, Vector256.Create(quote)).ExtractMostSignificantBits();
            var run = Math.Min(quotes == 0 ? Vector256<byte>.Count : BitOperations.TrailingZeroCount(quotes), length - i);
            i += run;
            written += run;
            if (quotes == 0 || i >= length)
                continue;
            if (i == length - 1)
                return written;
            if (field[i + 1] != quote)
                return -1;
            target[written++] = quote;
            i += 2;
        }
        return -1;
    }

    private static int UnquoteEscaped(byte* field, int length, byte quote, byte escape, byte* target)
    {
        var written = 0;
        for (var i = 1; i < length; i++)
        {
            var c = field[i];
            if (c == escape && i + 1 < length)
                target[written++] = field[++i];
            else if (c == quote)
                return i == length - 1 ? written : -1;
            else
                target[written++] = c;
        }
        return -1;
    }
}

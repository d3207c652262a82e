using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Text;

/// <summary>
/// The forms in which other programs write values, put into the one that Nebula's parsers read. Types are never inferred from them, since some may as well be
/// codes (<c>007</c>) or words (<c>no</c>); where the user has named the type there is no doubt. Forms that can mean two values, such as <c>01/02/2024</c>,
/// are none.
/// </summary>
internal static class LooseText
{
    /// <summary>Longest text that is looked at, and longest result.</summary>
    public const int MaxLength = 128;

    /// <summary>Puts a text into the form that the parsers read.</summary>
    /// <param name="to">The kind of the value.</param>
    /// <param name="text">The text, with or without blanks around it.</param>
    /// <param name="target">Takes the result: <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes of the result; 0 when there is nothing to change, or no value in sight. The parser decides whether it is one.</returns>
    public static int Normalize(TypeKind to, ReadOnlySpan<byte> text, Span<byte> target)
    {
        if (text.Length > MaxLength)
            return 0;
        text = text.Trim(" \t"u8);
        if (text.Length == 0)
            return 0;
        return to switch
        {
            TypeKind.Date => NormalizeDate(text, target, out var length) == text.Length ? length : NormalizeTimestamp(text, target),
            TypeKind.Timestamp => NormalizeTimestamp(text, target),
            TypeKind.Time => NormalizeClock(text, target, out var used) is var clock && used == text.Length ? clock : 0,
            TypeKind.Uuid => NormalizeUuid(text, target),
            _ => NormalizeNumber(text, target),
        };
    }

    /// <summary>Reads a word for a boolean: true, yes, on, t, y or 1, and their opposites, in any case.</summary>
    public static bool TryReadBool(ReadOnlySpan<byte> text, out bool value)
    {
        text = text.Trim(" \t"u8);
        Span<byte> lower = stackalloc byte[BoolText.MaxLength];
        value = false;
        if (text.Length > lower.Length)
            return false;
        for (var i = 0; i < text.Length; i++)
            lower[i] = (byte)(text[i] is >= (byte)'A' and <= (byte)'Z' ? text[i] | 0x20 : text[i]);
        lower = lower[..text.Length];
        value = lower.SequenceEqual("true"u8) || lower.SequenceEqual("t"u8) || lower.SequenceEqual("yes"u8) || lower.SequenceEqual("y"u8)
            || lower.SequenceEqual("on"u8) || lower.SequenceEqual("1"u8);
        return value || lower.SequenceEqual("false"u8) || lower.SequenceEqual("f"u8) || lower.SequenceEqual("no"u8) || lower.SequenceEqual("n"u8)
            || lower.SequenceEqual("off"u8) || lower.SequenceEqual("0"u8);
    }

    /// <summary>A plus, leading zeros, a point without digits on one side, and the words that others write for what is no finite number.</summary>
    private static int NormalizeNumber(ReadOnlySpan<byte> text, Span<byte> target)
    {
        var at = 0;
        if (text[0] is (byte)'+' or (byte)'-')
        {
            if (text[0] == '-')
                target[at++] = (byte)'-';
            text = text[1..];
        }
        if (IsWord(text, "nan"u8))
            return Put("NaN"u8, target, 0);
        if (IsWord(text, "inf"u8) || IsWord(text, "infinity"u8))
            return Put("Infinity"u8, target, at);
        var end = text.IndexOfAny((byte)'e', (byte)'E');
        var mantissa = end < 0 ? text : text[..end];
        var point = mantissa.IndexOf((byte)'.');
        var whole = (point < 0 ? mantissa : mantissa[..point]).TrimStart((byte)'0');
        var fraction = point < 0 ? default : mantissa[(point + 1)..];
        // a point alone is no number, and the result must not outgrow the target
        if ((point >= 0 && mantissa.Length == 1) || mantissa.Length == 0 || text.Length > MaxLength - 3)
            return 0;
        at = whole.Length == 0 ? Put("0"u8, target, at) : Put(whole, target, at);
        if (fraction.Length > 0)
            at = Put(fraction, target, Put("."u8, target, at));
        return end < 0 ? at : Put(text[end..], target, at);
    }

    private static int NormalizeTimestamp(ReadOnlySpan<byte> text, Span<byte> target)
    {
        var used = NormalizeDate(text, target, out var at);
        if (used == 0)
            return 0;
        var rest = text[used..];
        if (rest.Length == 0)
            return at;
        if (rest[0] is not ((byte)' ' or (byte)'T' or (byte)'t'))
            return 0;
        target[at++] = (byte)' ';
        rest = rest[1..];
        var length = NormalizeClock(rest, target[at..], out used);
        if (length == 0)
            return 0;
        at += length;
        rest = rest[used..].TrimStart((byte)' ');
        if (IsWord(rest, "utc"u8) || IsWord(rest, "gmt"u8) || IsWord(rest, "z"u8))
            rest = "Z"u8;
        return rest.Length > MaxLength - at ? 0 : Put(rest, target, at);
    }

    /// <summary>A date that begins with four digits of the year: with any of the usual separators, or none; months and days with one digit or two.</summary>
    /// <returns>Bytes of the text that are the date; 0 when it does not begin with one.</returns>
    private static int NormalizeDate(ReadOnlySpan<byte> text, Span<byte> target, out int length)
    {
        length = 0;
        if (Digits(text, 0) is var year && year == 8)
        {
            length = Put(text[6..8], target, Put("-"u8, target, Put(text[4..6], target, Put("-"u8, target, Put(text[..4], target, 0)))));
            return 8;
        }
        if (year != 4 || text.Length < 8 || text[4] is not ((byte)'-' or (byte)'/' or (byte)'.'))
            return 0;
        var month = Digits(text, 5);
        var second = 5 + month;
        if (month is not (1 or 2) || second >= text.Length || text[second] != text[4])
            return 0;
        var day = Digits(text, second + 1);
        if (day is not (1 or 2))
            return 0;
        length = PutPair(text.Slice(5, month), target, Put("-"u8, target, Put(text[..4], target, 0)));
        length = PutPair(text.Slice(second + 1, day), target, Put("-"u8, target, length));
        return second + 1 + day;
    }

    /// <summary>A time of day: hours with one digit or two, seconds or none, a comma or a point, or six digits without separators.</summary>
    /// <returns>Bytes of the result; 0 when the text does not begin with a time.</returns>
    private static int NormalizeClock(ReadOnlySpan<byte> text, Span<byte> target, out int used)
    {
        used = 0;
        var hours = Digits(text, 0);
        int at;
        if (hours == 6)
        {
            at = Put(text[4..6], target, Put(":"u8, target, Put(text[2..4], target, Put(":"u8, target, Put(text[..2], target, 0)))));
            used = 6;
        }
        else
        {
            if (hours is not (1 or 2) || hours + 3 > text.Length || text[hours] != ':' || Digits(text, hours + 1) != 2)
                return 0;
            at = Put(text.Slice(hours, 3), target, PutPair(text[..hours], target, 0));
            used = hours + 3;
            if (used + 3 <= text.Length && text[used] == ':' && Digits(text, used + 1) == 2)
            {
                at = Put(text.Slice(used, 3), target, at);
                used += 3;
            }
            else
                at = Put(":00"u8, target, at);
        }
        if (used + 1 < text.Length && text[used] is (byte)'.' or (byte)',' && Digits(text, used + 1) is > 0 and var places)
        {
            at = Put(text.Slice(used + 1, places), target, Put("."u8, target, at));
            used += 1 + places;
        }
        return at;
    }

    /// <summary>Braces around it, and no dashes.</summary>
    private static int NormalizeUuid(ReadOnlySpan<byte> text, Span<byte> target)
    {
        if (text[0] == '{' && text[^1] == '}')
            text = text[1..^1];
        if (text.Length != 32)
            return Put(text, target, 0);
        var at = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (i is 8 or 12 or 16 or 20)
                target[at++] = (byte)'-';
            target[at++] = text[i];
        }
        return at;
    }

    private static int Digits(ReadOnlySpan<byte> text, int from)
    {
        var at = from;
        while (at < text.Length && (uint)(text[at] - '0') <= 9)
            at++;
        return at - from;
    }

    private static bool IsWord(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower)
    {
        if (text.Length != lower.Length)
            return false;
        for (var i = 0; i < text.Length; i++)
            if ((text[i] | 0x20) != lower[i])
                return false;
        return true;
    }

    private static int Put(ReadOnlySpan<byte> text, Span<byte> target, int at)
    {
        text.CopyTo(target[at..]);
        return at + text.Length;
    }

    private static int PutPair(ReadOnlySpan<byte> digits, Span<byte> target, int at) => Put(digits, target, digits.Length == 1 ? Put("0"u8, target, at) : at);
}

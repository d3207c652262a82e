using System.Text;

namespace Nebula.Engine.Formats.Text;

/// <summary>
/// Dates and timestamps in a form that the user describes in the words of <c>strptime</c> (POSIX.1-2024, "strptime"), as Python, DuckDB and Polars take them.
/// </summary>
internal sealed unsafe class TimeFormat
{
    private const string Known = "%Y %y %m %d %e %j %b %B %a %A %H %I %p %M %S %f %z %F %T %R %D %%";
    private const string Numbers = "YymdejHIMSf";
    private const int NanosecondDigits = 9;
    private const long SecondsPerDay = 86_400;

    private static readonly byte[][] Months =
        [.. new[] { "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december" }
            .Select(Encoding.ASCII.GetBytes)];

    private static readonly byte[][] Weekdays =
        [.. new[] { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" }.Select(Encoding.ASCII.GetBytes)];

    private readonly Step[] _steps;
    private readonly bool _hasCentury;

    private TimeFormat(string text)
    {
        var steps = new List<Step>();
        AddSteps(steps, Encoding.UTF8.GetBytes(text));
        // digits that others follow at once must be all there
        for (var i = 0; i + 1 < steps.Count; i++)
            steps[i] = steps[i] with { IsFull = Numbers.Contains(steps[i + 1].What, StringComparison.Ordinal) };
        _steps = [.. steps];
        foreach (var (one, other) in new[] { ("Yy", "%Y and %y"), ("bBm", "%m, %b and %B"), ("de", "%d and %e"), ("HI", "%H and %I") })
            if (CountOf(one) > 1)
                throw new FormatException($"it has more than one of {other}");
        if (steps.Where(static step => step.What != '\0').GroupBy(static step => step.What).FirstOrDefault(static same => same.Count() > 1) is { } twice)
            throw new FormatException($"it has %{twice.Key} twice");
        if (CountOf("I") != CountOf("p"))
            throw new FormatException("%I, the hour from 1 to 12, and %p, AM or PM, need each other");
        if (CountOf("Yy") == 0 || (CountOf("j") == 0 ? CountOf("bBm") == 0 || CountOf("de") == 0 : CountOf("bBmde") > 0))
            throw new FormatException("a date needs a year, a month and a day (or %j, the day of the year, without these)");
        _hasCentury = CountOf("y") == 0;
        HasZone = CountOf("z") > 0;
        HasTime = CountOf("HIpMSfz") > 0;
    }

    /// <summary>Whether values have a zone.</summary>
    public bool HasZone { get; }

    /// <summary>Whether values have a time of day.</summary>
    public bool HasTime { get; }

    /// <summary>Reads a format.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static TimeFormat Parse(string text) => new(text);

    private static void AddSteps(List<Step> steps, ReadOnlySpan<byte> format)
    {
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                steps.Add(new Step('\0', format[i]));
                continue;
            }
            if (++i == format.Length)
                throw new FormatException("it ends with a single %; write %% for the character");
            switch ((char)format[i])
            {
                case '%':
                    steps.Add(new Step('\0', (byte)'%'));
                    break;
                case 'F':
                    AddSteps(steps, "%Y-%m-%d"u8);
                    break;
                case 'T':
                    AddSteps(steps, "%H:%M:%S"u8);
                    break;
                case 'R':
                    AddSteps(steps, "%H:%M"u8);
                    break;
                case 'D':
                    AddSteps(steps, "%m/%d/%y"u8);
                    break;
                case var what when (Numbers + "bBaApz").Contains(what, StringComparison.Ordinal):
                    steps.Add(new Step(what, 0));
                    break;
                case var what:
                    throw new FormatException($"it has '%{what}', which means nothing here; known are {Known}");
            }
        }
    }

    /// <summary>Reads a date.</summary>
    /// <param name="p">The text.</param>
    /// <param name="length">Its length.</param>
    /// <param name="days">Days since 1970-01-01.</param>
    public bool TryReadDate(byte* p, int length, out int days)
    {
        return TryRead(new ReadOnlySpan<byte>(p, length), out days, out _, out _);
    }

    /// <summary>Reads a timestamp.</summary>
    /// <param name="p">The text.</param>
    /// <param name="length">Its length.</param>
    /// <param name="nanoseconds">Whether the value is in nanoseconds instead of microseconds.</param>
    /// <param name="value">Units since 1970-01-01T00:00:00; shifted to UTC when there is a zone.</param>
    /// <returns>False also when digits would be lost or the value does not fit.</returns>
    public bool TryReadTimestamp(byte* p, int length, bool nanoseconds, out long value)
    {
        value = 0;
        if (!TryRead(new ReadOnlySpan<byte>(p, length), out var days, out var seconds, out var fraction))
            return false;
        const int PerMicrosecond = 1000;
        if (!nanoseconds && fraction % PerMicrosecond != 0)
            return false;
        var perSecond = nanoseconds ? 1_000_000_000L : 1_000_000L;
        var units = (Int128)(days * SecondsPerDay + seconds) * perSecond + (nanoseconds ? fraction : fraction / PerMicrosecond);
        value = (long)units;
        return units == value;
    }

    /// <summary>Reads a text from its first to its last byte.</summary>
    /// <param name="text">The text.</param>
    /// <param name="days">Days since 1970-01-01.</param>
    /// <param name="seconds">Seconds since midnight, those of the zone taken off.</param>
    /// <param name="nanoseconds">What is behind the second.</param>
    private bool TryRead(ReadOnlySpan<byte> text, out int days, out int seconds, out int nanoseconds)
    {
        int year = 0, month = 1, day = 1, dayOfYear = 0, hour = 0, minute = 0, second = 0, zone = 0;
        var isAfternoon = false;
        var isTwelve = false;
        days = seconds = nanoseconds = 0;
        foreach (var step in _steps)
        {
            var least = step.IsFull ? 2 : 1;
            var good = step.What switch
            {
                'Y' => TryTakeNumber(ref text, 4, 4, out year) && year > 0,
                'y' => TryTakeNumber(ref text, 2, 2, out year),
                'm' => TryTakeNumber(ref text, least, 2, out month) && month is >= 1 and <= 12,
                'd' or 'e' => TryTakeNumber(ref text, least, 2, out day) && day >= 1,
                'j' => TryTakeNumber(ref text, step.IsFull ? 3 : 1, 3, out dayOfYear) && dayOfYear >= 1,
                'b' or 'B' => TryTakeWord(ref text, Months, out month),
                'a' or 'A' => TryTakeWord(ref text, Weekdays, out _),
                'H' => TryTakeNumber(ref text, least, 2, out hour) && hour < 24,
                'I' => TryTakeNumber(ref text, least, 2, out hour) && hour is >= 1 and <= 12 && (isTwelve = true),
                'M' => TryTakeNumber(ref text, least, 2, out minute) && minute < 60,
                'S' => TryTakeNumber(ref text, least, 2, out second) && second < 60,
                'f' => TryTakeFraction(ref text, out nanoseconds),
                'p' => TryTakeHalf(ref text, out isAfternoon),
                'z' => TryTakeZone(ref text, out zone),
                _ => !text.IsEmpty && text[0] == step.Literal && Skip(ref text, 1),
            };
            if (!good)
                return false;
        }
        if (!text.IsEmpty)
            return false;
        // POSIX: 69 to 99 are of the last century, 0 to 68 of this one
        if (!_hasCentury)
            year += year >= 69 ? 1900 : 2000;
        if (isTwelve)
            hour = hour % 12 + (isAfternoon ? 12 : 0);
        if (dayOfYear > (DateTime.IsLeapYear(year) ? 366 : 365) || day > DateTime.DaysInMonth(year, month))
            return false;
        days = Temporal.ToDays(year, month, day) + Math.Max(0, dayOfYear - 1);
        seconds = hour * 3600 + minute * 60 + second - zone;
        return true;
    }

    private static bool TryTakeNumber(ref ReadOnlySpan<byte> text, int least, int most, out int number)
    {
        number = 0;
        var count = 0;
        for (; count < most && count < text.Length && char.IsAsciiDigit((char)text[count]); count++)
            number = number * 10 + (text[count] - '0');
        return count >= least && Skip(ref text, count);
    }

    private static bool TryTakeFraction(ref ReadOnlySpan<byte> text, out int nanoseconds)
    {
        var length = text.Length;
        if (!TryTakeNumber(ref text, 1, NanosecondDigits, out nanoseconds))
            return false;
        for (var digits = length - text.Length; digits < NanosecondDigits; digits++)
            nanoseconds *= 10;
        return true;
    }

    /// <summary>A name, or its first three letters.</summary>
    private static bool TryTakeWord(ref ReadOnlySpan<byte> text, byte[][] words, out int number)
    {
        const int Short = 3;
        for (number = 1; number <= words.Length; number++)
            foreach (var length in (ReadOnlySpan<int>)[words[number - 1].Length, Short])
                if (text.Length >= length && Ascii.EqualsIgnoreCase(text[..length], words[number - 1].AsSpan(0, length)))
                    return Skip(ref text, length);
        return false;
    }

    private static bool TryTakeHalf(ref ReadOnlySpan<byte> text, out bool isAfternoon)
    {
        isAfternoon = text.Length >= 2 && Ascii.EqualsIgnoreCase(text[..2], "pm"u8);
        return (isAfternoon || (text.Length >= 2 && Ascii.EqualsIgnoreCase(text[..2], "am"u8))) && Skip(ref text, 2);
    }

    /// <summary><c>Z</c>, <c>+HH:MM</c>, <c>+HHMM</c> or <c>+HH</c>.</summary>
    private static bool TryTakeZone(ref ReadOnlySpan<byte> text, out int seconds)
    {
        seconds = 0;
        if (text is [(byte)'Z' or (byte)'z', ..])
            return Skip(ref text, 1);
        if (text is not [(byte)'+' or (byte)'-', ..])
            return false;
        var sign = text[0] == '-' ? -1 : 1;
        Skip(ref text, 1);
        if (!TryTakeNumber(ref text, 2, 2, out var hours) || hours > 23)
            return false;
        if (text is [(byte)':', ..])
            Skip(ref text, 1);
        else if (text.IsEmpty || !char.IsAsciiDigit((char)text[0]))
        {
            seconds = sign * hours * 3600;
            return true;
        }
        if (!TryTakeNumber(ref text, 2, 2, out var minutes) || minutes > 59)
            return false;
        seconds = sign * (hours * 3600 + minutes * 60);
        return true;
    }

    private static bool Skip(ref ReadOnlySpan<byte> text, int count)
    {
        text = text[count..];
        return true;
    }

    private int CountOf(string what) => _steps.Count(step => step.What != '\0' && what.Contains(step.What, StringComparison.Ordinal));

    /// <summary>A thing to read, by its letter, or a byte that must stand there.</summary>
    private readonly record struct Step(char What, byte Literal)
    {
        /// <summary>Whether a number must have all its digits.</summary>
        public bool IsFull { get; init; }
    }
}

/// <inheritdoc cref="TimeFormat.TryReadDate"/>
internal readonly unsafe struct FormattedDateParser(TimeFormat format) : IValueParser<int>
{
    public bool TryParse(byte* p, int length, out int value) => format.TryReadDate(p, length, out value);
}

/// <summary>Timestamps of a form; those without a zone are taken for UTC where the type has one.</summary>
internal readonly unsafe struct FormattedTimestampParser(TimeFormat format, bool nanoseconds, bool utc) : IValueParser<long>
{
    public bool TryParse(byte* p, int length, out long value)
    {
        value = 0;
        return (utc || !format.HasZone) && format.TryReadTimestamp(p, length, nanoseconds, out value);
    }
}

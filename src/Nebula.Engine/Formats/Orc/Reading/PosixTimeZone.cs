using System.Buffers;
using System.Globalization;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>The rule for years behind the last known change of a zone (RFC 8536, "TZ String Extension"; POSIX, "TZ"): <c>PST8PDT,M3.2.0,M11.1.0</c>.</summary>
internal sealed class PosixTimeZone
{
    private const int DaySeconds = 86_400;
    private static readonly SearchValues<char> Letters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
    private static readonly SearchValues<char> OffsetCharacters = SearchValues.Create("+-0123456789:");
    private readonly int _standard;
    private readonly int _daylight;
    private readonly Change? _toDaylight;
    private readonly Change? _toStandard;

    private PosixTimeZone(int standard, int daylight, Change? toDaylight, Change? toStandard)
    {
        _standard = standard;
        _daylight = daylight;
        _toDaylight = toDaylight;
        _toStandard = toStandard;
    }

    /// <summary>Reads a rule; null when there is none.</summary>
    public static PosixTimeZone? Parse(string text)
    {
        var parts = text.Split(',');
        var rest = parts[0].AsSpan();
        if (!SkipName(ref rest) || !TryReadOffset(ref rest, out var standard))
            return null;
        if (rest.IsEmpty || parts.Length != 3)
            return new PosixTimeZone(-standard, -standard, null, null);
        var daylight = standard - 3600;
        if (!SkipName(ref rest) || !rest.IsEmpty && !TryReadOffset(ref rest, out daylight))
            return null;
        return Change.Parse(parts[1]) is { } toDaylight && Change.Parse(parts[2]) is { } toStandard
            ? new PosixTimeZone(-standard, -daylight, toDaylight, toStandard) : null;
    }

    /// <summary>The offset at a point in time; see <see cref="TimeZoneRules.OffsetAt"/>.</summary>
    public int OffsetAt(long utc, ref long from, out long to)
    {
        to = long.MaxValue;
        if (_toDaylight is null || _toStandard is null)
            return _standard;
        var year = YearOf(utc);
        // the changes around the time; three years are enough wherever in its year it is
        var offset = _standard;
        for (var y = year - 1; y <= year + 1; y++)
        {
            var start = _toDaylight.SecondsIn(y) - _standard;
            var end = _toStandard.SecondsIn(y) - _daylight;
            foreach (var (at, then) in start < end ? [(start, _daylight), (end, _standard)] : (ReadOnlySpan<(long, int)>)[(end, _standard), (start, _daylight)])
                if (at > utc)
                {
                    to = Math.Min(to, at);
                    return offset;
                }
                else
                    (from, offset) = (Math.Max(from, at), then);
        }
        return offset;
    }

    private static bool SkipName(ref ReadOnlySpan<char> text)
    {
        var length = text.StartsWith("<") ? text.IndexOf('>') + 1 : text.IndexOfAnyExcept(Letters);
        if (length < 0)
            length = text.Length;
        text = text[length..];
        return length > 0;
    }

    private static bool TryReadOffset(ref ReadOnlySpan<char> text, out int seconds)
    {
        var length = text.IndexOfAnyExcept(OffsetCharacters);
        if (length < 0)
            length = text.Length;
        seconds = 0;
        var sign = text.StartsWith("-") ? -1 : 1;
        var unit = 3600;
        foreach (var part in text[..length].ToString().TrimStart('+', '-').Split(':'))
        {
            if (unit == 0 || !int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > 167)
                return false;
            seconds += sign * number * unit;
            unit /= 60;
        }
        text = text[length..];
        return true;
    }

    private static long DaysBefore(long year) => 365 * (year - 1970) + FloorDivide(year - 1, 4) - FloorDivide(year - 1, 100) + FloorDivide(year - 1, 400) - 477;

    private static long YearOf(long utc)
    {
        var days = FloorDivide(utc, DaySeconds);
        var year = 1970 + FloorDivide(days * 400, 146_097);
        while (DaysBefore(year) > days)
            year--;
        while (DaysBefore(year + 1) <= days)
            year++;
        return year;
    }

    private static long FloorDivide(long value, long divisor) => value / divisor - (value % divisor < 0 ? 1 : 0);

    private static bool IsLeap(long year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    /// <summary>When a change happens: <c>Mm.w.d</c>, <c>Jn</c> or <c>n</c>, and the local time.</summary>
    private sealed record Change(char Kind, int Month, int Week, int Day, int Time)
    {
        public static Change? Parse(string text)
        {
            var parts = text.Split('/');
            var time = 7200;
            if (parts.Length == 2)
            {
                var rest = parts[1].AsSpan();
                if (!TryReadOffset(ref rest, out time))
                    return null;
            }
            var numbers = parts[0].TrimStart('M', 'J').Split('.').Select(static part =>
                int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : -1).ToArray();
            if (parts[0].StartsWith('M'))
                return numbers is [>= 1 and <= 12, >= 1 and <= 5, >= 0 and <= 6] ? new Change('M', numbers[0], numbers[1], numbers[2], time) : null;
            return numbers is [>= 0 and <= 365] ? new Change(parts[0].StartsWith('J') ? 'J' : 'n', 0, 0, numbers[0], time) : null;
        }

        /// <summary>Local seconds since 1970 of the change in a year.</summary>
        public long SecondsIn(long year)
        {
            var days = DaysBefore(year);
            if (Kind == 'M')
            {
                ReadOnlySpan<int> before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
                var first = days + before[Month - 1] + (Month > 2 && IsLeap(year) ? 1 : 0);
                var length = before[Month] - before[Month - 1] + (Month == 2 && IsLeap(year) ? 1 : 0);
                // 1970-01-01 was a Thursday
                var weekday = (int)(((first + 4) % 7 + 7) % 7);
                var day = (Day - weekday + 7) % 7 + 7 * (Week - 1);
                days = first + (day >= length ? day - 7 : day);
            }
            else
                days += Kind == 'n' ? Day : Day - 1 + (Day > 59 && IsLeap(year) ? 1 : 0);
            return days * DaySeconds + Time;
        }
    }
}

using System.Globalization;

namespace Nebula.Engine.Configuration;

/// <summary>
/// A schedule in the notation of Azure Functions (NCRONTAB): second, minute, hour, day, month, day of the week, each a star, a number, a name, a range, a step
/// or a list of them. Five fields have no seconds. Times are UTC; the day and the day of the week must both fit.
/// </summary>
public sealed class CronSchedule
{
    // the leap days around a century without one are eight years apart
    private const int MaxDays = 366 * 9;
    private static readonly Field[] Fields =
    [
        new(0, 59, []), new(0, 59, []), new(0, 23, []), new(1, 31, []),
        new(1, 12, ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]),
        new(0, 6, ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
    ];

    private readonly ulong[] _allowed;

    private CronSchedule(string text, ulong[] allowed)
    {
        Text = text;
        _allowed = allowed;
    }

    /// <summary>The schedule as it was written.</summary>
    public string Text { get; }

    /// <summary>Reads a schedule.</summary>
    /// <param name="text">The text, such as <c>0 */15 8-18 * * MON-FRI</c>.</param>
    /// <returns>The schedule, or null when the text is none, or names no time that ever comes.</returns>
    public static CronSchedule? Parse(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (parts.Length is not (5 or 6))
            return null;
        var allowed = new ulong[Fields.Length];
        var skipped = Fields.Length - parts.Length;
        allowed[0] = 1;
        for (var i = 0; i < parts.Length; i++)
            if ((allowed[i + skipped] = Fields[i + skipped].Parse(parts[i])) == 0)
                return null;
        var schedule = new CronSchedule(text, allowed);
        return schedule.Next(DateTime.UnixEpoch) is null ? null : schedule;
    }

    /// <summary>Finds the first time behind another.</summary>
    /// <param name="after">The other time, UTC.</param>
    /// <returns>Null when none comes within nine years, or before the year 10000.</returns>
    public DateTime? Next(DateTime after)
    {
        var first = after.Date;
        var second = (int)(after - first).TotalSeconds + 1;
        for (var day = 0; day < MaxDays && first < DateTime.MaxValue.Date; day++, first = first.AddDays(1), second = 0)
            if (Has(3, first.Day) && Has(4, first.Month) && Has(5, (int)first.DayOfWeek) && TimeOfDay(second) is { } found)
                return first.AddSeconds(found);
        return null;
    }

    private bool Has(int field, int value) => (_allowed[field] >> value & 1) != 0;

    /// <summary>The first second of a day that fits, at or behind another.</summary>
    private int? TimeOfDay(int from)
    {
        const int Day = 24 * 60 * 60;
        for (var at = from; at < Day;)
            if (!Has(2, at / 3600))
                at = ((at / 3600) + 1) * 3600;
            else if (!Has(1, at / 60 % 60))
                at = ((at / 60) + 1) * 60;
            else if (!Has(0, at % 60))
                at++;
            else
                return at;
        return null;
    }

    private sealed record Field(int First, int Last, string[] Names)
    {
        /// <summary>The values that a text allows, as bits; 0 when it is wrong.</summary>
        public ulong Parse(string text)
        {
            var allowed = 0UL;
            foreach (var part in text.Split(','))
            {
                if (Range(part) is not var (first, last, step))
                    return 0;
                for (var value = first; value <= last; value += step)
                    allowed |= 1UL << value;
            }
            return allowed;
        }

        private (int First, int Last, int Step)? Range(string part)
        {
            var slash = part.IndexOf('/', StringComparison.Ordinal);
            var step = 1;
            if (slash >= 0 && (!int.TryParse(part.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out step) || step is < 1 or > 60))
                return null;
            var range = slash < 0 ? part : part[..slash];
            if (range == "*")
                return (First, Last, step);
            var dash = range.IndexOf('-', StringComparison.Ordinal);
            if (Value(dash < 0 ? range : range[..dash]) is not { } first)
                return null;
            var last = dash >= 0 ? Value(range[(dash + 1)..]) : slash >= 0 ? Last : first;
            return last is { } end && end >= first ? (first, end, step) : null;
        }

        private int? Value(string text)
        {
            var name = Array.FindIndex(Names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
            if (name >= 0)
                return First + name;
            return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= First && value <= Last ? value : null;
        }
    }
}

using System.Runtime.CompilerServices;

namespace Nebula.Engine.Formats.Text;

/// <summary>Timestamps and times to more units: microseconds to nanoseconds.</summary>
/// <param name="dropsZone">Whether the zone gets lost, and with it what the values mean.</param>
internal readonly struct FinerTime(bool dropsZone) : IValueMap<long, long>
{
    private const long Most = long.MaxValue / 1000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(long value, out long result)
    {
        result = value * 1000;
        return value is >= -Most and <= Most ? Verdict.KeptIf(!dropsZone) : Verdict.DoesNotFit;
    }
}

/// <summary>Timestamps and times to fewer units: nanoseconds to the microsecond that they lie in.</summary>
/// <param name="dropsZone">Whether the zone gets lost, and with it what the values mean.</param>
internal readonly struct CoarserTime(bool dropsZone) : IValueMap<long, long>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(long value, out long result)
    {
        var (quotient, rest) = Math.DivRem(value, 1000);
        result = rest < 0 ? quotient - 1 : quotient;
        return Verdict.KeptIf(rest == 0 && !dropsZone);
    }
}

/// <summary>Timestamps that keep their unit.</summary>
/// <param name="dropsZone">Whether the zone gets lost, and with it what the values mean.</param>
internal readonly struct SameTime(bool dropsZone) : IValueMap<long, long>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(long value, out long result)
    {
        result = value;
        return Verdict.KeptIf(!dropsZone);
    }
}

/// <summary>Dates to their midnight.</summary>
/// <param name="unitsPerDay">Micro- or nanoseconds of a day.</param>
internal readonly struct DateToTimestamp(long unitsPerDay) : IValueMap<int, long>
{
    private readonly long _most = long.MaxValue / unitsPerDay;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(int value, out long result)
    {
        result = value * unitsPerDay;
        return value >= -_most && value <= _most ? Verdict.Kept : Verdict.DoesNotFit;
    }
}

/// <summary>Timestamps to the day that they lie in.</summary>
/// <param name="unitsPerDay">Micro- or nanoseconds of a day.</param>
internal readonly struct TimestampToDate(long unitsPerDay) : IValueMap<long, int>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Map(long value, out int result)
    {
        var (days, rest) = Math.DivRem(value, unitsPerDay);
        result = (int)(rest < 0 ? days - 1 : days);
        return Verdict.KeptIf(rest == 0);
    }
}

/// <summary>Lengths of a day.</summary>
internal static class Days
{
    /// <summary>Units of a day.</summary>
    public static long UnitsOf(Schemas.TimeUnit unit) => unit == Schemas.TimeUnit.Nanosecond ? Temporal.DayMicroseconds * 1000 : Temporal.DayMicroseconds;
}

using System.Runtime.CompilerServices;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>An operation on one value. It also runs on the meaningless content of null slots, so it never throws.</summary>
internal interface IValueConversion<TFrom, TTo>
{
    /// <summary>Converts a value.</summary>
    /// <returns>Whether the result has the same value.</returns>
    static abstract bool TryConvert(TFrom value, out TTo result);
}

/// <summary>Half to single precision.</summary>
internal readonly struct HalfToSingle : IValueConversion<Half, float>
{
    public static bool TryConvert(Half value, out float result)
    {
        result = (float)value;
        return true;
    }
}

/// <summary>A time of day.</summary>
internal readonly struct TimeSecondsToMicroseconds : IValueConversion<int, long>
{
    public static bool TryConvert(int value, out long result)
    {
        result = value * 1_000_000L;
        return true;
    }
}

/// <inheritdoc cref="TimeSecondsToMicroseconds"/>
internal readonly struct TimeMillisecondsToMicroseconds : IValueConversion<int, long>
{
    public static bool TryConvert(int value, out long result)
    {
        result = value * 1000L;
        return true;
    }
}

/// <summary>A point in time.</summary>
internal readonly struct SecondsToMicroseconds : IValueConversion<long, long>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryConvert(long value, out long result)
    {
        const long Limit = long.MaxValue / 1_000_000;
        result = value * 1_000_000;
        return (ulong)(value + Limit) <= 2 * Limit;
    }
}

/// <inheritdoc cref="SecondsToMicroseconds"/>
internal readonly struct MillisecondsToMicroseconds : IValueConversion<long, long>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryConvert(long value, out long result)
    {
        const long Limit = long.MaxValue / 1000;
        result = value * 1000;
        return (ulong)(value + Limit) <= 2 * Limit;
    }
}

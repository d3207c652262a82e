using System.Globalization;

namespace Nebula.Engine.Diagnostics;

/// <summary>Sizes and durations as users write and read them. A number without unit is refused: it would be a guess.</summary>
public static class Units
{
    private static readonly (string Suffix, long Bytes)[] Sizes =
    [
        ("KIB", 1L << 10), ("MIB", 1L << 20), ("GIB", 1L << 30), ("TIB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1),
    ];

    private static readonly (string Suffix, double Seconds)[] Durations = [("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];

    /// <summary>Reads a size such as <c>64MB</c> (10^6) or <c>64MiB</c> (2^20).</summary>
    /// <param name="text">The text.</param>
    /// <returns>Bytes, or null when the text is no size.</returns>
    public static long? ParseSize(string text)
    {
        foreach (var (suffix, bytes) in Sizes)
            if (text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
                && decimal.TryParse(text.AsSpan(0, text.Length - suffix.Length).Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                    out var number)
                && number <= long.MaxValue / bytes)
                return (long)(number * bytes);
        return null;
    }

    /// <summary>Reads a duration such as <c>30s</c>, <c>250ms</c>, <c>2h</c>, <c>7d</c>.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The duration, or null when the text is none.</returns>
    public static TimeSpan? ParseDuration(string text)
    {
        foreach (var (suffix, seconds) in Durations)
            if (text.EndsWith(suffix, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - suffix.Length).Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                    out var number)
                && number >= 0 && number * seconds < TimeSpan.MaxValue.TotalSeconds)
                return TimeSpan.FromSeconds(number * seconds);
        return null;
    }

    /// <summary>Renders a number of bytes: <c>987.1 MB</c>.</summary>
    /// <param name="bytes">The number.</param>
    public static string FormatSize(double bytes) => bytes switch
    {
        < 1_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes:0} B"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.00} GB"),
    };

    /// <summary>Renders a count: <c>950</c>, <c>12.3K</c>, <c>6.21M</c>.</summary>
    /// <param name="count">The count.</param>
    public static string FormatCount(double count) => count switch
    {
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{count:0}"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e3:0.0}K"),
        < 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:0.00}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{count / 1e9:0.00}G"),
    };

    /// <summary>Renders a duration: <c>250 ms</c>, <c>1.42 s</c>, <c>3m 05s</c>, <c>2h 10m</c>.</summary>
    /// <param name="duration">The duration.</param>
    public static string FormatDuration(TimeSpan duration) => duration.TotalSeconds switch
    {
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0} ms"),
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.00} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalMinutes}m {duration.Seconds:00}s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)duration.TotalHours}h {duration.Minutes:00}m"),
    };
}

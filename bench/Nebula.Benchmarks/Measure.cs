using System.Diagnostics;
using System.Globalization;

namespace Nebula.Benchmarks;

/// <summary>Runs a piece of work until its speed is known and prints the best round: the others were disturbed.</summary>
internal static class Measure
{
    /// <summary>Prints rows per second, and bytes per second where bytes are what counts.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="rows">Rows, or other items, that one round handles.</param>
    /// <param name="bytes">Bytes that one round handles.</param>
    /// <param name="work">One round.</param>
    /// <param name="seconds">How long to repeat it.</param>
    public static void Rate(string name, long rows, long bytes, Action work, double seconds = 0.7)
    {
        var best = Best(work, seconds);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-34} {rows / best / 1e6,8:0.00} M rows/s {best / rows * 1e9,8:0.0} ns/row {bytes / best / 1e9,7:0.00} GB/s {best / bytes * 1e9,6:0.00} "
                + $"ns/byte"));
    }

    /// <summary>Prints items per second.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="items">Items that one round handles.</param>
    /// <param name="work">One round.</param>
    /// <param name="note">What to print behind the rate, asked after the last round.</param>
    public static void Rate(string name, long items, Action work, Func<string>? note = null) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-34} {items / Best(work, 0.7) / 1e6,8:0.0} M/s  {note?.Invoke()}"));

    private static double Best(Action work, double seconds)
    {
        var best = double.MaxValue;
        var total = Stopwatch.StartNew();
        do
        {
            var start = Stopwatch.GetTimestamp();
            work();
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        while (total.Elapsed.TotalSeconds < seconds);
        return best;
    }
}

using System.Diagnostics;
using System.Globalization;

namespace Nebula.Benchmarks;

/// <summary>Runs a piece of work until its speed is known and prints the best round: the others were disturbed.</summary>
internal static class Measure
{
    public static void Rate(string name, int rows, long bytes, Action work, double seconds = 0.7)
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
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-34} {rows / best / 1e6,8:0.00} M rows/s {best / rows * 1e9,8:0.0} ns/row {bytes / best / 1e9,7:0.00} GB/s {best / bytes * 1e9,6:0.00} ns/byte"));
    }
}

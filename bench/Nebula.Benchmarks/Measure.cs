using System.Diagnostics;
using System.Globalization;

namespace Nebula.Benchmarks;

/// <summary>Times an action several times and reports the best, which is the one least disturbed by others on the machine.</summary>
internal static class Measure
{
    private const int Rounds = 7;

    /// <summary>Runs an action and prints items per second.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="items">Items that one run handles.</param>
    /// <param name="action">One run.</param>
    /// <param name="note">What to print behind the rate, asked after the last run.</param>
    public static void Rate(string name, long items, Action action, Func<string>? note = null)
    {
        var best = double.MaxValue;
        for (var round = 0; round < Rounds; round++)
        {
            var started = Stopwatch.GetTimestamp();
            action();
            best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-32} {items / best / 1e6,9:0.0} M/s  {note?.Invoke()}"));
    }
}

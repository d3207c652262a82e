using System.Numerics;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Pipeline;

/// <summary>
/// How long changes took from their commit at the source, by its clock, to where readers see them, by ours. Counted in steps of less than 13 %.
/// </summary>
public sealed class ChangeLatency
{
    // eight steps for each doubling of microseconds
    private const int StepBits = 3;
    private readonly long[] _counts = new long[64 << StepBits];
    private long _total;

    /// <summary>The last change's.</summary>
    public TimeSpan Last { get; private set; }

    /// <summary>The longest.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>The time that a part of the changes took at most.</summary>
    /// <param name="part">The part, from 0 to 1.</param>
    public TimeSpan Percentile(double part)
    {
        var left = (long)Math.Ceiling(_total * part);
        for (var i = 0; i < _counts.Length; i++)
            if ((left -= _counts[i]) <= 0)
                return TimeSpan.FromMicroseconds(Math.Min(UpperBound(i), Longest.TotalMicroseconds));
        return Longest;
    }

    /// <summary>Adds changes.</summary>
    /// <param name="committed">When each was committed at the source, in microseconds.</param>
    /// <param name="now">When readers see them, UTC.</param>
    internal void Add(Column committed, DateTime now)
    {
        var until = (now.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
        var times = committed.Values<long>();
        for (var i = 0; i < times.Length;)
        {
            // changes of a transaction have one time
            var start = i;
            var count = 0;
            for (; i < times.Length && times[i] == times[start]; i++)
                count += committed.IsNull(i) ? 0 : 1;
            if (count > 0)
                Add(Math.Max(0, until - times[start]), count);
        }
    }

    private void Add(long microseconds, int count)
    {
        _counts[StepOf(microseconds)] += count;
        _total += count;
        Last = TimeSpan.FromMicroseconds(microseconds);
        if (Last > Longest)
            Longest = Last;
    }

    private static int StepOf(long value)
    {
        var exponent = BitOperations.Log2((ulong)value | 1);
        return exponent < StepBits ? (int)value : ((exponent - StepBits + 1) << StepBits) | (int)(value >> (exponent - StepBits)) & ((1 << StepBits) - 1);
    }

    private static long UpperBound(int step)
    {
        if (step < 1 << StepBits)
            return step;
        var exponent = (step >> StepBits) - 1;
        return ((((1L << StepBits) | (uint)(step & ((1 << StepBits) - 1))) + 1) << exponent) - 1;
    }
}

using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Writes integers with version 2 of the run length encoding (ORC v1, "Integer Run Length Encoding, version 2").</summary>
internal static class IntegerWriter
{
    private const int MaxRunLength = 512;
    private const int MinShortRepeat = 3;
    private const int MaxShortRepeat = 10;

    // So many equal values are worth a run of their own among others.
    private const int MinRepeat = 8;
    private const int MaxPatches = 31;
    private const int MaxGap = 255;

    /// <summary>Appends whole runs.</summary>
    /// <param name="values">The values; unsigned ones below 2^63.</param>
    /// <param name="isSigned">Whether the stream is one of signed values.</param>
    /// <param name="target">Takes the runs.</param>
    public static void Write(ReadOnlySpan<long> values, bool isSigned, GrowingBuffer target)
    {
        while (!values.IsEmpty)
        {
            var delta = 0L;
            var sequence = values.Length == 1 ? 1 : SequenceLength(values, out delta);
            int count;
            if (sequence >= MinShortRepeat && delta == 0 && sequence <= MaxShortRepeat && (sequence >= MinRepeat || sequence == values.Length))
                WriteShortRepeat(values[0], count = sequence, isSigned, target);
            else if (sequence > MaxShortRepeat)
                WriteSequence(values[0], delta, count = sequence, isSigned, target);
            else
                WriteLiterals(values[..(count = LiteralLength(values))], isSigned, target);
            values = values[count..];
        }
    }

    private static ulong Code(long value, bool isSigned) => isSigned ? Varint.Zigzag(value) : (ulong)value;

    private static int BitsOf(ulong value) => 64 - BitOperations.LeadingZeroCount(value);

    /// <summary>Number of values that are equally far apart, from the first on.</summary>
    private static int SequenceLength(ReadOnlySpan<long> values, out long delta)
    {
        delta = unchecked(values[1] - values[0]);
        // a difference that overflows is no difference
        if ((values[1] >= values[0]) != (delta >= 0))
            return 1;
        var most = Math.Min(values.Length, MaxRunLength);
        var count = 2;
        while (count < most && unchecked(values[count] - values[count - 1]) == delta && (values[count] >= values[count - 1]) == (delta >= 0))
            count++;
        return count;
    }

    /// <summary>Number of values up to where a run of equal ones starts.</summary>
    private static int LiteralLength(ReadOnlySpan<long> values)
    {
        var most = Math.Min(values.Length, MaxRunLength);
        var equal = 1;
        for (var i = 1; i < most; i++)
            if (values[i] != values[i - 1])
                equal = 1;
            else if (++equal == MinRepeat && i + 1 > MinRepeat)
                return i + 1 - MinRepeat;
        return most;
    }

    private static void WriteShortRepeat(long value, int count, bool isSigned, GrowingBuffer target)
    {
        var code = Code(value, isSigned);
        var bytes = Math.Max((BitsOf(code) + 7) / 8, 1);
        target.Append((byte)((bytes - 1) << 3 | (count - MinShortRepeat)));
        WriteBigEndian(code, bytes, target);
    }

    private static void WriteSequence(long first, long delta, int count, bool isSigned, GrowingBuffer target)
    {
        WriteHeader(3, 0, count, target);
        WriteVarint(Code(first, isSigned), target);
        WriteVarint(Varint.Zigzag(delta), target);
    }

    [SkipLocalsInit]
    private static void WriteLiterals(ReadOnlySpan<long> values, bool isSigned, GrowingBuffer target)
    {
        Span<ulong> scratch = stackalloc ulong[MaxRunLength];
        scratch = scratch[..values.Length];
        var (all, least, greatest) = (0ul, values[0], values[0]);
        for (var i = 0; i < scratch.Length; i++)
        {
            var value = values[i];
            scratch[i] = Code(value, isSigned);
            all |= scratch[i];
            least = Math.Min(least, value);
            greatest = Math.Max(greatest, value);
        }
        var width = BitWidths.Closest(BitsOf(all));
        // differences must not overflow
        if (values.Length > 3 && (ulong)(greatest - least) <= long.MaxValue && greatest >= least + 1)
        {
            if (TryWriteDeltas(values, width, isSigned, target))
                return;
            if (TryWritePatched(values, least, width, target))
                return;
        }
        WriteHeader(1, BitWidths.Encode(width), values.Length, target);
        BitPacker.Pack(scratch, width, target);
    }

    /// <summary>Values that only rise, or only fall, as differences, if that is smaller.</summary>
    [SkipLocalsInit]
    private static bool TryWriteDeltas(ReadOnlySpan<long> values, int directWidth, bool isSigned, GrowingBuffer target)
    {
        var first = values[1] - values[0];
        if (first == 0)
            return false;
        Span<ulong> deltas = stackalloc ulong[MaxRunLength];
        var all = 0ul;
        for (var i = 2; i < values.Length; i++)
        {
            var delta = first > 0 ? values[i] - values[i - 1] : values[i - 1] - values[i];
            if (delta < 0)
                return false;
            deltas[i - 2] = (ulong)delta;
            all |= (ulong)delta;
        }
        // width 0 would say that all differences are the first; code 0 stands for that, so a width of 1 cannot be told
        var width = BitWidths.Closest(Math.Max(BitsOf(all), 2));
        if (width * values.Length + 64 >= directWidth * values.Length)
            return false;
        WriteHeader(3, BitWidths.Encode(width), values.Length, target);
        WriteVarint(Code(values[0], isSigned), target);
        WriteVarint(Varint.Zigzag(first), target);
        BitPacker.Pack(deltas[..(values.Length - 2)], width, target);
        return true;
    }

    /// <summary>Values of which a few are much larger than the others, whose upper bits then stand apart, if that is smaller.</summary>
    [SkipLocalsInit]
    private static bool TryWritePatched(ReadOnlySpan<long> values, long least, int directWidth, GrowingBuffer target)
    {
        Span<int> widths = stackalloc int[65];
        widths.Clear();
        foreach (var value in values)
            widths[BitsOf((ulong)(value - least))]++;
        var widest = 64;
        while (widths[widest] == 0)
            widest--;
        // the width that all but a few need
        var (needed, above) = (widest, 0);
        while (needed > 1 && above + widths[needed] <= Math.Min(values.Length / 10, MaxPatches))
            above += widths[needed--];
        var width = BitWidths.Closest(needed);
        var patchWidth = BitWidths.Closest(Math.Max(widest - width, 1));
        var baseBytes = (BitsOf((ulong)Math.Abs(Math.Max(least, -long.MaxValue))) + 8) / 8;
        if (widest - width < 2 || patchWidth > 56 || baseBytes > 8 || least == long.MinValue)
            return false;

        Span<ulong> rest = stackalloc ulong[MaxRunLength];
        Span<ulong> patches = stackalloc ulong[MaxPatches];
        Span<int> gaps = stackalloc int[MaxPatches];
        var (count, last, largestGap) = (0, 0, 1);
        for (var i = 0; i < values.Length; i++)
        {
            var value = (ulong)(values[i] - least);
            rest[i] = value & (1ul << width) - 1;
            if (value >> width == 0)
                continue;
            for (; i - last > MaxGap; last += MaxGap, count++)
                if (count < MaxPatches)
                    (gaps[count], patches[count], largestGap) = (MaxGap, 0, MaxGap);
            if (count >= MaxPatches)
                return false;
            (gaps[count], patches[count]) = (i - last, value >> width);
            largestGap = Math.Max(largestGap, i - last);
            last = i;
            count++;
        }
        var gapWidth = BitsOf((ulong)largestGap);
        var entryWidth = BitWidths.Closest(gapWidth + patchWidth);
        if (count == 0 || gapWidth + patchWidth > 64
            || 2 + baseBytes + BitUnpacking.ByteCount(values.Length, width)
                + BitUnpacking.ByteCount(count, entryWidth) >= BitUnpacking.ByteCount(values.Length, directWidth))
            return false;
        for (var i = 0; i < count; i++)
            patches[i] |= (ulong)gaps[i] << patchWidth;
        WriteHeader(2, BitWidths.Encode(width), values.Length, target);
        target.Append((byte)((baseBytes - 1) << 5 | BitWidths.Encode(patchWidth)));
        target.Append((byte)((gapWidth - 1) << 5 | count));
        WriteBigEndian(least < 0 ? (ulong)-least | 1ul << (8 * baseBytes - 1) : (ulong)least, baseBytes, target);
        BitPacker.Pack(rest[..values.Length], width, target);
        BitPacker.Pack(patches[..count], entryWidth, target);
        return true;
    }

    private static void WriteHeader(int encoding, int widthCode, int count, GrowingBuffer target)
    {
        target.Append((byte)(encoding << 6 | widthCode << 1 | (count - 1) >> 8));
        target.Append((byte)(count - 1));
    }

    private static void WriteVarint(ulong value, GrowingBuffer target)
    {
        for (; value >= 0x80; value >>= 7)
            target.Append((byte)(value | 0x80));
        target.Append((byte)value);
    }

    private static void WriteBigEndian(ulong value, int bytes, GrowingBuffer target)
    {
        for (var i = bytes - 1; i >= 0; i--)
            target.Append((byte)(value >> (8 * i)));
    }
}

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>
/// Packs integers side by side, least significant bit first (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"), eight values at a time.
/// </summary>
internal static unsafe class BitPacker
{
    /// <summary>Bytes that packing may write behind what it returns.</summary>
    public const int Overshoot = 16;

    /// <summary>Bits needed for the numbers 0 to <paramref name="largest"/>.</summary>
    /// <param name="largest">The largest number.</param>
    public static int WidthOf(ulong largest) => 64 - BitOperations.LeadingZeroCount(largest);

    /// <summary>Packs groups of eight 16-bit values.</summary>
    /// <param name="values">The values; none needs more than <paramref name="width"/> bits.</param>
    /// <param name="groups">Number of groups.</param>
    /// <param name="width">Bits per value, 1 to 16.</param>
    /// <param name="target">Takes <paramref name="groups"/> * <paramref name="width"/> bytes, and <see cref="Overshoot"/> more of no meaning.</param>
    /// <returns>The end of what was written.</returns>
    public static byte* Pack16(ushort* values, int groups, int width, byte* target)
    {
        Debug.Assert(width is >= 1 and <= 16);
        if (Bmi2.X64.IsSupported)
            return Pack16Extracting(values, groups, width, target);
        for (var i = 0; i < groups; i++, values += 8, target += width)
        {
            var low = Gather(*(ulong*)values, width);
            var high = Gather(*(ulong*)(values + 4), width);
            Store(low, high, width, target);
        }
        return target;
    }

    private static byte* Pack16Extracting(ushort* values, int groups, int width, byte* target)
    {
        var mask = ((1UL << width) - 1) * 0x0001_0001_0001_0001;
        for (var i = 0; i < groups; i++, values += 8, target += width)
        {
            var low = Bmi2.X64.ParallelBitExtract(*(ulong*)values, mask);
            var high = Bmi2.X64.ParallelBitExtract(*(ulong*)(values + 4), mask);
            Store(low, high, width, target);
        }
        return target;
    }

    /// <summary>Packs 64-bit values, least significant bit first.</summary>
    /// <param name="values">The values; none needs more than <paramref name="width"/> bits.</param>
    /// <param name="count">Number of values, a multiple of eight.</param>
    /// <param name="width">Bits per value, 1 to 64.</param>
    /// <param name="target">Takes <paramref name="count"/> * <paramref name="width"/> / 8 bytes, and <see cref="Overshoot"/> more of no meaning.</param>
    /// <returns>The end of what was written.</returns>
    public static byte* Pack64(ulong* values, int count, int width, byte* target)
    {
        Debug.Assert(width is >= 1 and <= 64 && count % 8 == 0);
        var (word, used) = (0UL, 0);
        for (var i = 0; i < count; i++)
        {
            var value = values[i];
            word |= value << used;
            used += width;
            if (used < 64)
                continue;
            *(ulong*)target = word;
            target += sizeof(ulong);
            used -= 64;
            word = used == 0 ? 0 : value >> (width - used);
        }
        *(ulong*)target = word;
        return target + used / 8;
    }

    /// <summary>Moves the low bits of four 16-bit lanes together.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Gather(ulong lanes, int width)
    {
        var mask = (1UL << width) - 1;
        return lanes & mask | (lanes >> 16 & mask) << width | (lanes >> 32 & mask) << 2 * width | (lanes >> 48 & mask) << 3 * width;
    }

    /// <summary>Writes two halves of four values each; the second begins in the middle of a byte where the width is odd.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ulong low, ulong high, int width, byte* target)
    {
        var half = 4 * width;
        if (half == 64)
        {
            *(ulong*)target = low;
            *(ulong*)(target + 8) = high;
            return;
        }
        *(ulong*)target = low | high << half;
        *(ulong*)(target + 8) = high >> (64 - half);
    }
}

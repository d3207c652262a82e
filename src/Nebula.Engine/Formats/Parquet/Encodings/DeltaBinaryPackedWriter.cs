using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>
/// Writes integers as differences, packed in blocks of 128 (Encodings.md, "Delta encoding"). Differences wrap around at the width of the type, as the
/// format wants.
/// </summary>
internal static unsafe class DeltaBinaryPackedWriter
{
    /// <summary>Values of a block.</summary>
    public const int BlockSize = 128;

    private const int MiniblocksPerBlock = 4;
    private const int MiniblockSize = BlockSize / MiniblocksPerBlock;

    /// <summary>Writes values.</summary>
    /// <typeparam name="T">Their type: <see cref="int"/> or <see cref="long"/>.</typeparam>
    /// <param name="values">The values.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="output">Takes the bytes.</param>
    public static void Write<T>(T* values, int count, GrowingBuffer output) where T : unmanaged, IBinaryInteger<T>
    {
        RleBitPackedWriter.WriteVarint(BlockSize, output);
        RleBitPackedWriter.WriteVarint(MiniblocksPerBlock, output);
        RleBitPackedWriter.WriteVarint((uint)count, output);
        WriteZigZag(count == 0 ? 0 : long.CreateTruncating(values[0]), output);
        var deltas = stackalloc ulong[BlockSize];
        for (var start = 1; start < count; start += BlockSize)
            WriteBlock(values + start, Math.Min(BlockSize, count - start), deltas, output);
    }

    /// <summary>Bytes that values will take, as far as their differences tell; the head is left out.</summary>
    /// <typeparam name="T">Their type.</typeparam>
    /// <param name="values">The values; one more before them must be readable.</param>
    /// <param name="count">Number of values, at most <see cref="BlockSize"/>.</param>
    public static int SizeOf<T>(T* values, int count) where T : unmanaged, IBinaryInteger<T>
    {
        var deltas = stackalloc ulong[BlockSize];
        var min = Subtract(values, count, deltas);
        var size = (BitPacker.WidthOf((ulong)(min << 1 ^ min >> 63)) + 6) / 7 + MiniblocksPerBlock;
        for (var start = 0; start < count; start += MiniblockSize)
            size += MiniblockSize / 8 * WidthOf(deltas + start);
        return size;
    }

    private static void WriteBlock<T>(T* values, int count, ulong* deltas, GrowingBuffer output) where T : unmanaged, IBinaryInteger<T>
    {
        var min = Subtract(values, count, deltas);
        WriteZigZag(min, output);
        // bits per value of each miniblock, then the miniblocks; those without values are left out, their width is 0
        var start = output.Reserve(MiniblocksPerBlock + BlockSize * sizeof(ulong) + BitPacker.Overshoot);
        var target = start + MiniblocksPerBlock;
        for (var i = 0; i < MiniblocksPerBlock; i++)
        {
            var width = i * MiniblockSize < count ? WidthOf(deltas + i * MiniblockSize) : 0;
            start[i] = (byte)width;
            if (width > 0)
                target = BitPacker.Pack64(deltas + i * MiniblockSize, MiniblockSize, width, target);
        }
        output.Extend((int)(target - start));
    }

    /// <summary>Replaces values by their differences above the smallest one; what is missing to a block becomes 0.</summary>
    /// <returns>The smallest difference.</returns>
    private static long Subtract<T>(T* values, int count, ulong* deltas) where T : unmanaged, IBinaryInteger<T>
    {
        var smallest = Difference(values, 0);
        for (var i = 1; i < count; i++)
            smallest = T.Min(smallest, Difference(values, i));
        // the distance of two differences is below 2^bits, so it is exact without a sign
        if (sizeof(T) == sizeof(int))
            for (var i = 0; i < count; i++)
                deltas[i] = (uint)int.CreateTruncating(Difference(values, i) - smallest);
        else
            for (var i = 0; i < count; i++)
                deltas[i] = ulong.CreateTruncating(Difference(values, i) - smallest);
        new Span<ulong>(deltas + count, BlockSize - count).Clear();
        return long.CreateTruncating(smallest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Difference<T>(T* values, int i) where T : unmanaged, IBinaryInteger<T> => unchecked(values[i] - values[i - 1]);

    private static int WidthOf(ulong* deltas)
    {
        var all = 0UL;
        for (var i = 0; i < MiniblockSize; i++)
            all |= deltas[i];
        return BitPacker.WidthOf(all);
    }

    private static void WriteZigZag(long value, GrowingBuffer output) => RleBitPackedWriter.WriteVarint((ulong)(value << 1 ^ value >> 63), output);
}

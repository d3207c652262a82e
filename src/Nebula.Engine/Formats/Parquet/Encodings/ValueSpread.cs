using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Moves values that lie without gaps to the slots that are not null, in place.</summary>
internal static unsafe class ValueSpread
{
    /// <summary>Spreads values of fixed width. Slots that are null get some value that was there.</summary>
    /// <param name="values">The values; room for all slots.</param>
    /// <param name="width">Bytes of a value: 1, 2, 4, 8, 12 or 16.</param>
    /// <param name="validity">Bit per slot, as many set as there are values; whole words.</param>
    /// <param name="slots">Number of slots.</param>
    /// <param name="count">Number of values.</param>
    public static void Spread(byte* values, int width, byte* validity, int slots, int count)
    {
        switch (width)
        {
            case 1:
                Spread(values, validity, slots, count);
                break;
            case 2:
                Spread((ushort*)values, validity, slots, count);
                break;
            case 4:
                Spread((uint*)values, validity, slots, count);
                break;
            case 8:
                Spread((ulong*)values, validity, slots, count);
                break;
            case 12:
                Spread((Int96*)values, validity, slots, count);
                break;
            default:
                Spread((Vector128<byte>*)values, validity, slots, count);
                break;
        }
    }

    /// <summary>Spreads the offsets of byte arrays: those that are null become empty.</summary>
    /// <param name="offsets">Count + 1 offsets; room for slots + 1.</param>
    /// <param name="validity">Bit per slot, as many set as there are values.</param>
    /// <param name="slots">Number of slots.</param>
    /// <param name="count">Number of values.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void SpreadOffsets(int* offsets, byte* validity, int slots, int count)
    {
        var end = offsets[count];
        for (var i = slots - 1; i >= 0; i--)
        {
            offsets[i + 1] = end;
            if ((validity[i >> 3] >> (i & 7) & 1) != 0)
                end = offsets[--count];
        }
    }

    /// <summary>Spreads bits.</summary>
    /// <param name="bits">Bit per value; room for all slots; whole words.</param>
    /// <param name="validity">Bit per slot, as many set as there are values.</param>
    /// <param name="slots">Number of slots.</param>
    /// <param name="count">Number of values.</param>
    public static void SpreadBits(byte* bits, byte* validity, int slots, int count)
    {
        for (var i = slots - 1; i >= 0; i--)
        {
            var bit = 0;
            if ((validity[i >> 3] >> (i & 7) & 1) != 0)
            {
                count--;
                bit = bits[count >> 3] >> (count & 7) & 1;
            }
            bits[i >> 3] = (byte)(bits[i >> 3] & ~(1 << (i & 7)) | bit << (i & 7));
        }
    }

    // From the back, so that no value is overwritten before it is moved. A slot that is null takes a copy of the value before it, or of the first.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Spread<T>(T* values, byte* validity, int slots, int count) where T : unmanaged
    {
        for (var word = slots - 1 >> 6; word >= 0; word--)
        {
            var bits = ((ulong*)validity)[word];
            var first = word << 6;
            var inWord = Math.Min(64, slots - first);
            if (inWord < 64)
                bits &= (1UL << inWord) - 1;
            var set = BitOperations.PopCount(bits);
            if (set == inWord)
            {
                count -= set;
                Buffer.MemoryCopy(values + count, values + first, (long)inWord * sizeof(T), (long)inWord * sizeof(T));
                continue;
            }
            var next = count - 1;
            for (var i = inWord - 1; i >= 0; i--)
            {
                values[first + i] = next >= 0 ? values[next] : default;
                next -= (int)(bits >> i & 1);
            }
            count -= set;
        }
    }

    [InlineArray(3)]
    private struct Int96
    {
        private uint _part;
    }
}

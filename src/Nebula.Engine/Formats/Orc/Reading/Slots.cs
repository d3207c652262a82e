using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Moves values, which lie one behind the other in streams, into the slots of a column, which has one for every null too.</summary>
internal static unsafe class Slots
{
    /// <summary>Spreads values in place. Slots without value keep what happens to be there.</summary>
    /// <typeparam name="T">A type as wide as the values.</typeparam>
    /// <param name="values">The values, followed by room for all slots.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="validity">Bit per slot, set where a value belongs; <paramref name="count"/> are.</param>
    /// <param name="slots">Number of slots.</param>
    public static void Spread<T>(T* values, int count, ReadOnlySpan<byte> validity, int slots) where T : unmanaged
    {
        // from the end, so that no value is overwritten before it was moved
        var words = MemoryMarshal.Cast<byte, ulong>(validity);
        var source = count;
        for (var word = (slots + 63) / 64 - 1; word >= 0 && source > 0; word--)
        {
            var mask = words[word];
            var target = values + 64L * word;
            if (mask == ulong.MaxValue)
            {
                source -= 64;
                new Span<T>(values + source, 64).CopyTo(new Span<T>(target, 64));
                continue;
            }
            while (mask != 0)
            {
                var slot = 63 - BitOperations.LeadingZeroCount(mask);
                target[slot] = values[--source];
                mask ^= 1ul << slot;
            }
        }
    }

    /// <summary>Spreads bits.</summary>
    /// <param name="bits">One bit per slot that has one.</param>
    /// <param name="mask">Bit per slot, set where a bit belongs.</param>
    /// <param name="target">Takes a bit per slot; 0 where none belongs.</param>
    /// <param name="slots">Number of slots.</param>
    public static void SpreadBits(ReadOnlySpan<byte> bits, ReadOnlySpan<byte> mask, Span<byte> target, int slots)
    {
        var position = 0;
        for (var i = 0; i < Bitmap.ByteCount(slots); i += sizeof(ulong))
        {
            var places = BinaryPrimitives.ReadUInt64LittleEndian(mask[i..]);
            var count = BitOperations.PopCount(places);
            var word = count == 0 ? 0 : Deposit(BitRange.Read(bits, position, count), places);
            BinaryPrimitives.WriteUInt64LittleEndian(target[i..], word);
            position += count;
        }
    }

    private static ulong Deposit(ulong bits, ulong places)
    {
        if (Bmi2.X64.IsSupported)
            return Bmi2.X64.ParallelBitDeposit(bits, places);
        var result = 0ul;
        for (; places != 0; places &= places - 1, bits >>= 1)
            if ((bits & 1) != 0)
                result |= places & (0 - places);
        return result;
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Packs integers into a fixed number of bits, most significant first and one behind the other.</summary>
internal static class BitPacker
{
    /// <summary>Appends packed values, padded to whole bytes.</summary>
    /// <param name="values">The values; bits above the width are 0.</param>
    /// <param name="width">Bits per value: 1 to 64.</param>
    /// <param name="target">Takes the bytes.</param>
    public static void Pack(ReadOnlySpan<ulong> values, int width, GrowingBuffer target)
    {
        var bytes = BitUnpacking.ByteCount(values.Length, width);
        // words are written whole, so there is room for one more than is needed
        var room = target.Extend(bytes + sizeof(ulong));
        ref var output = ref MemoryMarshal.GetReference(room);
        var (word, free) = (0ul, 64);
        foreach (var value in values)
        {
            if (width <= free)
            {
                free -= width;
                word |= value << free;
                if (free > 0)
                    continue;
                Write(ref output, word);
                output = ref Unsafe.Add(ref output, sizeof(ulong));
                (word, free) = (0, 64);
                continue;
            }
            word |= value >> (width - free);
            Write(ref output, word);
            output = ref Unsafe.Add(ref output, sizeof(ulong));
            free += 64 - width;
            word = value << free;
        }
        if (free < 64)
            Write(ref output, word);
        target.Shrink(sizeof(ulong));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(ref byte output, ulong word) => Unsafe.WriteUnaligned(ref output, BinaryPrimitives.ReverseEndianness(word));
}

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Nebula.Engine.Columns;

/// <summary>Bits packed least significant first, as Apache Arrow lays out validity and booleans.</summary>
public static class Bitmap
{
    /// <summary>Bytes needed for a number of bits, rounded up to whole 64-bit words so that words can be read and written.</summary>
    /// <param name="bits">Number of bits.</param>
    public static int ByteCount(int bits) => (int)(((uint)bits + 63) / 64 * 8);

    /// <summary>Reads one bit.</summary>
    /// <param name="bits">The bitmap.</param>
    /// <param name="index">Position of the bit.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Get(ReadOnlySpan<byte> bits, int index) => (bits[index >> 3] >> (index & 7) & 1) != 0;

    /// <summary>Writes one bit.</summary>
    /// <param name="bits">The bitmap.</param>
    /// <param name="index">Position of the bit.</param>
    /// <param name="value">The bit.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(Span<byte> bits, int index, bool value)
    {
        ref var target = ref bits[index >> 3];
        var mask = 1 << (index & 7);
        target = (byte)(value ? target | mask : target & ~mask);
    }

    /// <summary>Counts the bits that are set among the first <paramref name="length"/>.</summary>
    /// <param name="bits">The bitmap.</param>
    /// <param name="length">Number of bits looked at.</param>
    public static int CountSet(ReadOnlySpan<byte> bits, int length)
    {
        var count = 0;
        var words = MemoryMarshal.Cast<byte, ulong>(bits)[..(length >> 6)];
        foreach (var word in words)
            count += BitOperations.PopCount(word);
        for (var i = words.Length * 64; i < length; i++)
            count += Get(bits, i) ? 1 : 0;
        return count;
    }
}

using System.Buffers.Binary;
using System.Numerics;

namespace Nebula.Engine.Columns;

/// <summary>Operations on bits that start anywhere in a bitmap, 64 at a time.</summary>
internal static class BitRange
{
    /// <summary>Counts the bits that are set in a range.</summary>
    /// <param name="bits">The bitmap, in whole 64-bit words.</param>
    /// <param name="start">First bit.</param>
    /// <param name="count">Number of bits.</param>
    public static int CountSet(ReadOnlySpan<byte> bits, int start, int count)
    {
        var set = 0;
        for (var i = 0; i < count; i += 64)
            set += BitOperations.PopCount(Read(bits, start + i, Math.Min(64, count - i)));
        return set;
    }

    /// <summary>Copies bits.</summary>
    /// <param name="source">Bitmap copied from, in whole 64-bit words.</param>
    /// <param name="sourceStart">First bit copied.</param>
    /// <param name="target">Bitmap copied to, in whole 64-bit words.</param>
    /// <param name="targetStart">Where the first bit goes.</param>
    /// <param name="count">Number of bits.</param>
    public static void Copy(ReadOnlySpan<byte> source, int sourceStart, Span<byte> target, int targetStart, int count)
    {
        for (var i = 0; i < count; i += 64)
        {
            var step = Math.Min(64, count - i);
            Write(target, targetStart + i, step, Read(source, sourceStart + i, step));
        }
    }

    /// <summary>Sets bits.</summary>
    /// <param name="target">The bitmap, in whole 64-bit words.</param>
    /// <param name="start">First bit.</param>
    /// <param name="count">Number of bits.</param>
    public static void SetAll(Span<byte> target, int start, int count)
    {
        for (var i = 0; i < count; i += 64)
            Write(target, start + i, Math.Min(64, count - i), ulong.MaxValue);
    }

    /// <summary>Clears bits.</summary>
    /// <param name="target">The bitmap, in whole 64-bit words.</param>
    /// <param name="start">First bit.</param>
    /// <param name="count">Number of bits.</param>
    public static void ClearAll(Span<byte> target, int start, int count)
    {
        for (var i = 0; i < count; i += 64)
            Write(target, start + i, Math.Min(64, count - i), 0);
    }

    /// <summary>Reads up to 64 bits; the rest of the result is zero.</summary>
    public static ulong Read(ReadOnlySpan<byte> bits, int start, int count)
    {
        var at = start >> 6 << 3;
        var shift = start & 63;
        var word = BinaryPrimitives.ReadUInt64LittleEndian(bits[at..]) >> shift;
        if (shift + count > 64)
            word |= BinaryPrimitives.ReadUInt64LittleEndian(bits[(at + 8)..]) << (64 - shift);
        return word & Mask(count);
    }

    private static void Write(Span<byte> bits, int start, int count, ulong value)
    {
        var at = start >> 6 << 3;
        var shift = start & 63;
        var mask = Mask(count);
        value &= mask;
        Merge(bits[at..], value << shift, mask << shift);
        if (shift + count > 64)
            Merge(bits[(at + 8)..], value >> (64 - shift), mask >> (64 - shift));
    }

    private static void Merge(Span<byte> word, ulong value, ulong mask) =>
        BinaryPrimitives.WriteUInt64LittleEndian(word, (BinaryPrimitives.ReadUInt64LittleEndian(word) & ~mask) | value);

    private static ulong Mask(int count) => ulong.MaxValue >> (64 - count);
}

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Nebula.Engine.Formats.Avro.Reading;

/// <summary>
/// Reads the parts of values (Avro specification, "Binary Encoding"). Nothing here checks the end of the input: a few bytes behind it are readable, and the
/// caller looks where it got to.
/// </summary>
internal static unsafe class AvroBinary
{
    /// <summary>Most bytes of a number.</summary>
    public const int MaxVarint = 10;

    private const ulong Continuation = 0x8080808080808080;
    private const ulong Payload = 0x7F7F7F7F7F7F7F7F;

    /// <summary>Reads an int or long.</summary>
    /// <param name="p">Where it is; behind it afterwards.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ReadLong(ref byte* p)
    {
        var word = *(ulong*)p;
        if ((word & 0x80) == 0)
        {
            p++;
            return ZigZag(word & 0x7F);
        }
        var ends = ~word & Continuation;
        if (ends == 0)
            return ReadLongest(ref p, word);
        var bits = (word & (ends ^ ends - 1)) & Payload;
        p += (BitOperations.TrailingZeroCount(ends) >> 3) + 1;
        return ZigZag(Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitExtract(bits, Payload) : Compact(bits));
    }

    /// <summary>Passes over a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* SkipLong(byte* p)
    {
        var ends = ~*(ulong*)p & Continuation;
        return p + (ends != 0 ? (BitOperations.TrailingZeroCount(ends) >> 3) + 1 : (p[8] & 0x80) == 0 ? 9 : MaxVarint);
    }

    /// <summary>Reads a two's complement number, most significant byte first.</summary>
    /// <returns>Whether it fits 8 bytes.</returns>
    public static bool TryReadInt64(byte* p, long length, out long value)
    {
        value = 0;
        if (length == 0)
            return true;
        var sign = (byte)((sbyte)*p >> 7);
        for (; length > sizeof(long); length--)
            if (*p++ != sign)
                return false;
        value = BinaryPrimitives.ReverseEndianness(*(long*)p) >> (int)(64 - 8 * length);
        return (value < 0) == (sign != 0);
    }

    /// <summary>Reads a two's complement number, most significant byte first.</summary>
    /// <returns>Whether it fits 16 bytes.</returns>
    public static bool TryReadInt128(byte* p, long length, out Int128 value)
    {
        value = 0;
        if (length == 0)
            return true;
        var sign = (byte)((sbyte)*p >> 7);
        for (; length > sizeof(long) * 2; length--)
            if (*p++ != sign)
                return false;
        value = new Int128(BinaryPrimitives.ReverseEndianness(*(ulong*)p), BinaryPrimitives.ReverseEndianness(((ulong*)p)[1])) >> (int)(128 - 8 * length);
        return (value < 0) == (sign != 0);
    }

    /// <summary>Numbers of nine and ten bytes. What goes beyond 64 bits is cut off, as other readers do.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long ReadLongest(ref byte* p, ulong word)
    {
        var value = Compact(word & Payload) | (p[8] & 0x7FUL) << 56;
        if ((p[8] & 0x80) != 0)
        {
            value |= (ulong)p[9] << 63;
            p++;
        }
        p += 9;
        return ZigZag(value);
    }

    /// <summary>Moves groups of seven bits together.</summary>
    private static ulong Compact(ulong bits)
    {
        bits = (bits & 0x007F007F007F007F) | (bits & 0x7F007F007F007F00) >> 1;
        bits = (bits & 0x00003FFF00003FFF) | (bits & 0x3FFF00003FFF0000) >> 2;
        return (bits & 0x000000000FFFFFFF) | (bits & 0x0FFFFFFF00000000) >> 4;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long ZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}

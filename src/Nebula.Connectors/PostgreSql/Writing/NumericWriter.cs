using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Writes values of <c>numeric</c>: groups of four decimal digits with the weight of the first (src/backend/utils/adt/numeric.c,
/// numeric_recv).</summary>
internal static unsafe class NumericWriter
{
    /// <summary>Most bytes of a value: the header, and eleven groups (of 38 digits, and two that the point divides).</summary>
    public const int MaxLength = HeaderSize + MostGroups * sizeof(short);

    private const int HeaderSize = 8;
    private const int MostGroups = 11;
    private const int GroupDigits = 4;
    private const uint GroupBase = 10_000;
    private const ulong FourGroups = 10_000_000_000_000_000;
    private const ushort Negative = 0x4000;

    private static ReadOnlySpan<uint> Powers => [1, 10, 100, 1000, GroupBase];

    /// <summary>Writes a number.</summary>
    /// <param name="p">Where to; <see cref="MaxLength"/> bytes are writable.</param>
    /// <param name="unscaled">The number times ten to the power of the scale.</param>
    /// <param name="scale">Digits behind the point.</param>
    /// <returns>Behind what was written.</returns>
    public static byte* Write(byte* p, Int128 unscaled, int scale)
    {
        var rest = (UInt128)(unscaled < 0 ? -unscaled : unscaled);
        if (rest <= ulong.MaxValue)
            return Write(p, (ulong)rest, unscaled < 0, scale);
        // from the last group to the first
        var groups = stackalloc ushort[MostGroups + GroupDigits];
        var count = 0;
        var odd = scale % GroupDigits;
        if (odd > 0)
        {
            groups[count++] = (ushort)((uint)(rest % Powers[odd]) * Powers[GroupDigits - odd]);
            rest /= Powers[odd];
        }
        while (rest > ulong.MaxValue)
        {
            var (quotient, low) = UInt128.DivRem(rest, FourGroups);
            var four = (ulong)low;
            for (var i = 0; i < 4; i++, four /= GroupBase)
                groups[count++] = (ushort)(four % GroupBase);
            rest = quotient;
        }
        for (var high = (ulong)rest; high > 0; high /= GroupBase)
            groups[count++] = (ushort)(high % GroupBase);
        return Write(p, groups, count, unscaled < 0, scale);
    }

    /// <inheritdoc cref="Write(byte*, Int128, int)"/>
    public static byte* Write(byte* p, long unscaled, int scale) => Write(p, unscaled < 0 ? (ulong)-unscaled : (ulong)unscaled, unscaled < 0, scale);

    private static byte* Write(byte* p, ulong rest, bool isNegative, int scale)
    {
        var groups = stackalloc ushort[MostGroups];
        var count = 0;
        var odd = scale % GroupDigits;
        if (odd > 0)
        {
            (rest, var low) = Math.DivRem(rest, Powers[odd]);
            groups[count++] = (ushort)((uint)low * Powers[GroupDigits - odd]);
        }
        for (; rest > 0; rest /= GroupBase)
            groups[count++] = (ushort)(rest % GroupBase);
        return Write(p, groups, count, isNegative, scale);
    }

    private static byte* Write(byte* p, ushort* groups, int count, bool isNegative, int scale)
    {
        while (count > 0 && groups[count - 1] == 0)
            count--;
        var first = 0;
        while (first < count && groups[first] == 0)
            first++;
        var behindPoint = (scale + GroupDigits - 1) / GroupDigits;
        var length = count - first;
        Put(p, (ushort)length);
        Put(p + 2, (ushort)(length == 0 ? 0 : count - behindPoint - 1));
        Put(p + 4, isNegative && length > 0 ? Negative : (ushort)0);
        Put(p + 6, (ushort)scale);
        p += HeaderSize;
        for (var i = count - 1; i >= first; i--, p += sizeof(short))
            Put(p, groups[i]);
        return p;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(byte* p, ushort value) => Unsafe.WriteUnaligned(p, BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(value) : value);
}

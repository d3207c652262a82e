using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Nebula.Engine.Formats.Text;

/// <summary>
/// Checks that bytes are UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF). The vector kernels classify every
/// pair of neighbouring bytes by three table look-ups (Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte", 2021).
/// </summary>
internal static unsafe class Utf8Validator
{
    private const int Stride = 64;

    // one bit per way in which a pair of bytes can be wrong
    private const byte TooShort = 1, TooLong = 2, Overlong3 = 4, TooLarge = 8;
    private const byte Surrogate = 16, Overlong2 = 32, TooLarge1000 = 64, Overlong4 = 64, TwoContinuations = 128;
    private const byte Carry = TooShort | TooLong | TwoContinuations;
    private const byte Large = Carry | TooLarge | TooLarge1000;

    private static Vector128<byte> FirstHigh => Vector128.Create(
        TooLong, TooLong, TooLong, TooLong, TooLong, TooLong, TooLong, TooLong, TwoContinuations, TwoContinuations, TwoContinuations, TwoContinuations,
        TooShort | Overlong2, TooShort, TooShort | Overlong3 | Surrogate, TooShort | TooLarge | TooLarge1000 | Overlong4);

    private static Vector128<byte> FirstLow => Vector128.Create(
        Carry | Overlong3 | Overlong2 | Overlong4, Carry | Overlong2, Carry, Carry, Carry | TooLarge, Large, Large, Large, Large, Large, Large, Large, Large,
        Large | Surrogate, Large, Large);

    private static Vector128<byte> SecondHigh => Vector128.Create(
        TooShort, TooShort, TooShort, TooShort, TooShort, TooShort, TooShort, TooShort,
        TooLong | Overlong2 | TwoContinuations | Overlong3 | TooLarge1000 | Overlong4,
        TooLong | Overlong2 | TwoContinuations | Overlong3 | TooLarge,
        TooLong | Overlong2 | TwoContinuations | Surrogate | TooLarge,
        TooLong | Overlong2 | TwoContinuations | Surrogate | TooLarge,
        TooShort, TooShort, TooShort, TooShort);

    /// <summary>Finds the first byte of the first sequence that is not UTF-8.</summary>
    /// <param name="bytes">The bytes; only these are read.</param>
    /// <returns>Its position, or -1 when all is well.</returns>
    public static int FindInvalid(ReadOnlySpan<byte> bytes) => FindInvalid(bytes, Simd.Level);

    /// <inheritdoc cref="FindInvalid(ReadOnlySpan{byte})"/>
    /// <param name="bytes">The bytes.</param>
    /// <param name="level">The kernel; one that the machine lacks is replaced by the scalar one.</param>
    public static int FindInvalid(ReadOnlySpan<byte> bytes, SimdLevel level)
    {
        fixed (byte* start = &MemoryMarshal.GetReference(bytes))
        {
            var checkedTo = 0;
            // the kernels look three bytes back, so the first bytes are the scalar loop's
            if (bytes.Length >= 2 * Stride && Head(start) is > 0 and var head)
                checkedTo = level switch
                {
                    SimdLevel.Vector512 when Avx512BW.IsSupported => Check512(start, head, bytes.Length),
                    >= SimdLevel.Vector256 when Avx2.IsSupported => Check256(start, head, bytes.Length),
                    >= SimdLevel.Vector128 when Vector128.IsHardwareAccelerated => Check128(start, head, bytes.Length),
                    _ => 0,
                };
            return FindInvalidScalar(start, StartOfCharacter(start, checkedTo), bytes.Length);
        }
    }

    /// <summary>Steps back to the start of the character that may be unfinished before a position.</summary>
    private static int StartOfCharacter(byte* p, int at)
    {
        for (var back = 1; back <= 3 && back <= at; back++)
            if (p[at - back] >= 0xC0)
                return at - back;
            else if (p[at - back] < 0x80)
                break;
        return at;
    }

    private static int FindInvalidScalar(byte* p, int at, int length)
    {
        while (at < length)
        {
            if (at + 8 <= length && (*(ulong*)(p + at) & 0x8080808080808080UL) == 0)
            {
                at += 8;
                continue;
            }
            var lead = p[at];
            if (lead < 0x80)
            {
                at++;
                continue;
            }
            var size = lead switch { < 0xC2 => 0, < 0xE0 => 2, < 0xF0 => 3, < 0xF5 => 4, _ => 0 };
            if (size == 0 || at + size > length)
                return at;
            // the second byte is the only one whose range depends on the first
            var low = lead switch { 0xE0 => 0xA0, 0xF0 => 0x90, _ => 0x80 };
            var high = lead switch { 0xED => 0x9F, 0xF4 => 0x8F, _ => 0xBF };
            if (p[at + 1] < low || p[at + 1] > high)
                return at;
            for (var i = 2; i < size; i++)
                if ((p[at + i] & 0xC0) != 0x80)
                    return at;
            at += size;
        }
        return -1;
    }

    /// <summary>Whether the last three bytes promise more than they have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool EndsUnfinished(byte* end) => end[-1] >= 0xC0 || end[-2] >= 0xE0 || end[-3] >= 0xF0;

    /// <returns>Where the scalar loop must go on: at the stride with the first error or at the end of the last whole stride.</returns>
    private static int Check512(byte* p, int at, int length)
    {
        var firstHigh = Vector512.Create(Vector256.Create(FirstHigh, FirstHigh), Vector256.Create(FirstHigh, FirstHigh));
        var firstLow = Vector512.Create(Vector256.Create(FirstLow, FirstLow), Vector256.Create(FirstLow, FirstLow));
        var secondHigh = Vector512.Create(Vector256.Create(SecondHigh, SecondHigh), Vector256.Create(SecondHigh, SecondHigh));
        var nibble = Vector512.Create((byte)0x0F);
        var plain = true;
        for (; at + Stride <= length; at += Stride)
        {
            var input = Vector512.Load(p + at);
            if (input.ExtractMostSignificantBits() == 0)
            {
                if (!plain && EndsUnfinished(p + at))
                    return at;
                plain = true;
                continue;
            }
            plain = false;
            var before1 = Vector512.Load(p + at - 1);
            var special = Avx512BW.Shuffle(firstHigh, (before1.AsUInt16() >>> 4).AsByte() & nibble)
                & Avx512BW.Shuffle(firstLow, before1 & nibble)
                & Avx512BW.Shuffle(secondHigh, (input.AsUInt16() >>> 4).AsByte() & nibble);
            var third = Avx512BW.SubtractSaturate(Vector512.Load(p + at - 2), Vector512.Create((byte)(0xE0 - 0x80)));
            var fourth = Avx512BW.SubtractSaturate(Vector512.Load(p + at - 3), Vector512.Create((byte)(0xF0 - 0x80)));
            if ((((third | fourth) & Vector512.Create((byte)0x80)) ^ special) != Vector512<byte>.Zero)
                return at;
        }
        return at;
    }

    private static int Check256(byte* p, int at, int length)
    {
        var plain = true;
        for (; at + Stride <= length; at += Stride)
        {
            var low = Vector256.Load(p + at);
            var high = Vector256.Load(p + at + 32);
            if ((low | high).ExtractMostSignificantBits() == 0)
            {
                if (!plain && EndsUnfinished(p + at))
                    return at;
                plain = true;
                continue;
            }
            plain = false;
            if ((Errors256(p + at, low) | Errors256(p + at + 32, high)) != Vector256<byte>.Zero)
                return at;
        }
        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Errors256(byte* p, Vector256<byte> input)
    {
        var nibble = Vector256.Create((byte)0x0F);
        var before1 = Vector256.Load(p - 1);
        var special = Avx2.Shuffle(Vector256.Create(FirstHigh, FirstHigh), (before1.AsUInt16() >>> 4).AsByte() & nibble)
            & Avx2.Shuffle(Vector256.Create(FirstLow, FirstLow), before1 & nibble)
            & Avx2.Shuffle(Vector256.Create(SecondHigh, SecondHigh), (input.AsUInt16() >>> 4).AsByte() & nibble);
        var third = Avx2.SubtractSaturate(Vector256.Load(p - 2), Vector256.Create((byte)(0xE0 - 0x80)));
        var fourth = Avx2.SubtractSaturate(Vector256.Load(p - 3), Vector256.Create((byte)(0xF0 - 0x80)));
        return ((third | fourth) & Vector256.Create((byte)0x80)) ^ special;
    }

    private static int Check128(byte* p, int at, int length)
    {
        var plain = true;
        for (; at + Stride <= length; at += Stride)
        {
            var all = Vector128.Load(p + at) | Vector128.Load(p + at + 16) | Vector128.Load(p + at + 32) | Vector128.Load(p + at + 48);
            if (all.ExtractMostSignificantBits() == 0)
            {
                if (!plain && EndsUnfinished(p + at))
                    return at;
                plain = true;
                continue;
            }
            plain = false;
            if ((Errors128(p + at) | Errors128(p + at + 16) | Errors128(p + at + 32) | Errors128(p + at + 48)) != Vector128<byte>.Zero)
                return at;
        }
        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Errors128(byte* p)
    {
        var nibble = Vector128.Create((byte)0x0F);
        var input = Vector128.Load(p);
        var before1 = Vector128.Load(p - 1);
        var special = Vector128.ShuffleNative(FirstHigh, (before1.AsUInt16() >>> 4).AsByte() & nibble)
            & Vector128.ShuffleNative(FirstLow, before1 & nibble)
            & Vector128.ShuffleNative(SecondHigh, (input.AsUInt16() >>> 4).AsByte() & nibble);
        var third = Vector128.SubtractSaturate(Vector128.Load(p - 2), Vector128.Create((byte)(0xE0 - 0x80)));
        var fourth = Vector128.SubtractSaturate(Vector128.Load(p - 3), Vector128.Create((byte)(0xF0 - 0x80)));
        return ((third | fourth) & Vector128.Create((byte)0x80)) ^ special;
    }

    /// <summary>Finds where the kernels may start: at least three bytes in, between two characters. -1 when the first bytes are wrong.</summary>
    private static int Head(byte* p)
    {
        for (var length = 3; length <= 6; length++)
            if (FindInvalidScalar(p, 0, length) < 0)
                return length;
        return -1;
    }
}

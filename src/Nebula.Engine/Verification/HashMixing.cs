using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Verification;

/// <summary>The arithmetic of content hashes: mixing of words, of bytes, and of the values of a row. All of it modulo 2^64.</summary>
internal static class HashMixing
{
    /// <summary>The hash of null, of every type.</summary>
    public const ulong Null = 0xA0761D6478BD642F;

    /// <summary>What a row, a list or a struct starts from before its first value.</summary>
    public const ulong Start = 0xE7037ED1A0B428DB;

    private const ulong Step = 0x9E3779B97F4A7C15;
    private const ulong First = 0xBF58476D1CE4E5B9;
    private const ulong Second = 0x94D049BB133111EB;
    private const ulong Factor = 0xD6E8FEB86659FD93;
    private const int Turn = 27;

    /// <summary>From position 16 - n on: a mask of the first n of 16 bytes.</summary>
    private static ReadOnlySpan<byte> Masks =>
    [
        255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    /// <summary>
    /// Mixes the bits of a word so that every one of them has an effect on every one of the result: the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong word)
    {
        word += Step;
        word = (word ^ (word >> 30)) * First;
        word = (word ^ (word >> 27)) * Second;
        return word ^ (word >> 31);
    }

    /// <summary>Puts the hash of one more value behind what is there: the order of values counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Fold(ulong before, ulong value) => (ulong.RotateLeft(before, Turn) + value) * Factor;

    /// <summary>Mixes every word in its place.</summary>
    public static void MixAll(Span<ulong> words)
    {
        ref var start = ref MemoryMarshal.GetReference(words);
        var i = 0;
        for (; i <= words.Length - Vector256<ulong>.Count; i += Vector256<ulong>.Count)
        {
            var word = Vector256.LoadUnsafe(ref start, (nuint)i) + Vector256.Create(Step);
            word = (word ^ (word >>> 30)) * Vector256.Create(First);
            word = (word ^ (word >>> 27)) * Vector256.Create(Second);
            (word ^ (word >>> 31)).StoreUnsafe(ref start, (nuint)i);
        }
        for (; i < words.Length; i++)
            words[i] = Mix(words[i]);
    }

    /// <summary>Puts one more value behind each of what is there.</summary>
    /// <param name="before">What is there, and takes the result.</param>
    /// <param name="values">The hashes of the values.</param>
    /// <returns>The sum of the values.</returns>
    public static ulong FoldAll(Span<ulong> before, ReadOnlySpan<ulong> values)
    {
        before = before[..values.Length];
        ref var target = ref MemoryMarshal.GetReference(before);
        ref var source = ref MemoryMarshal.GetReference(values);
        var sums = Vector256<ulong>.Zero;
        var i = 0;
        for (; i <= values.Length - Vector256<ulong>.Count; i += Vector256<ulong>.Count)
        {
            var value = Vector256.LoadUnsafe(ref source, (nuint)i);
            var old = Vector256.LoadUnsafe(ref target, (nuint)i);
            sums += value;
            ((((old << Turn) | (old >>> (64 - Turn))) + value) * Vector256.Create(Factor)).StoreUnsafe(ref target, (nuint)i);
        }
        var sum = Vector256.Sum(sums);
        for (; i < values.Length; i++)
        {
            before[i] = Fold(before[i], values[i]);
            sum += values[i];
        }
        return sum;
    }

    /// <summary>Adds up words.</summary>
    public static ulong Sum(ReadOnlySpan<ulong> words)
    {
        var sum = 0UL;
        foreach (var word in words)
            sum += word;
        return sum;
    }

    /// <summary>Hashes bytes.</summary>
    /// <param name="bytes">The first byte; 16 from there on, and as many behind the last one, are readable, though they have no effect.</param>
    /// <param name="length">Number of bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe ulong Bytes(byte* bytes, int length)
    {
        var hash = Start ^ ((ulong)length * Step);
        for (; length > 16; length -= 16, bytes += 16)
            hash = Multiply(Load(bytes) ^ First, Load(bytes + 8) ^ hash);
        // lengths cannot be foreseen, so that no branch may depend on them
        var last = Vector128.LoadUnsafe(ref *bytes) & Vector128.LoadUnsafe(ref MemoryMarshal.GetReference(Masks), (nuint)(16 - length));
        hash = Multiply(last.AsUInt64()[0] ^ Second, last.AsUInt64()[1] ^ hash);
        return (hash ^ (hash >> 32)) * Factor;
    }

    /// <summary>Both halves of a product of 128 bits, laid over each other: a step of wyhash (Wang Yi).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Multiply(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe ulong Load(byte* bytes) => Unsafe.ReadUnaligned<ulong>(bytes);
}

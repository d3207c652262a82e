using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Nebula.Engine.Storage.Packing;

/// <summary>Chooses the packer and checks its arguments once per call, so that the packers need no checks in their loops.</summary>
internal static class BitPacking
{
    /// <summary>Values packed side by side.</summary>
    public const int Lanes = 8;

    /// <summary>Every packer this machine can run, fastest first.</summary>
    public static IReadOnlyList<IBitPacker> Available { get; } = List();

    private static IBitPacker Best { get; } = Available[0];

    /// <summary>Bits needed for the numbers 0 to <paramref name="largest"/>.</summary>
    /// <param name="largest">The largest number.</param>
    public static int WidthOf(ulong largest) => 64 - BitOperations.LeadingZeroCount(largest);

    /// <summary>Rounds a number of values up to whole rows of <see cref="Lanes"/>.</summary>
    /// <param name="count">The number.</param>
    public static int RoundUp(int count) => count + Lanes - 1 & -Lanes;

    /// <summary>64-bit words that a number of values takes.</summary>
    /// <param name="count">Number of values.</param>
    /// <param name="width">Bits per value.</param>
    public static int WordCount(int count, int width) => checked((int)(((long)(RoundUp(count) / Lanes) * width + 63) / 64 * Lanes));

    /// <inheritdoc cref="IBitPacker.Pack"/>
    public static void Pack(ReadOnlySpan<long> values, long reference, int width, Span<ulong> words) => Pack(Best, values, reference, width, words);

    /// <inheritdoc cref="IBitPacker.Unpack"/>
    public static void Unpack(ReadOnlySpan<ulong> words, int width, int start, long reference, long factor, Span<long> values) =>
        Unpack(Best, words, width, start, reference, factor, values);

    /// <summary>Packs with a given packer.</summary>
    public static void Pack(IBitPacker packer, ReadOnlySpan<long> values, long reference, int width, Span<ulong> words)
    {
        CheckWidth(width);
        if (values.Length % Lanes != 0 || words.Length != WordCount(values.Length, width))
            throw new ArgumentException("Values must fill whole rows, and words must be as many as these rows need.", nameof(words));
        if (!values.IsEmpty)
            packer.Pack(values, reference, width, words);
    }

    /// <summary>Unpacks with a given packer.</summary>
    public static void Unpack(IBitPacker packer, ReadOnlySpan<ulong> words, int width, int start, long reference, long factor, Span<long> values)
    {
        CheckWidth(width);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        if (start % Lanes != 0 || values.Length % Lanes != 0 || words.Length < WordCount(checked(start + values.Length), width))
            throw new ArgumentException("Values must be whole rows, and words must be as many as these rows need.", nameof(words));
        if (!values.IsEmpty)
            packer.Unpack(words, width, start, reference, factor, values);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CheckWidth(int width)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, 64);
    }

    private static List<IBitPacker> List()
    {
        var packers = new List<IBitPacker>();
        if (Vector512.IsHardwareAccelerated)
            packers.Add(new Vector512BitPacker());
        if (Vector256.IsHardwareAccelerated)
            packers.Add(new Vector256BitPacker());
        packers.Add(new ScalarBitPacker());
        return packers;
    }
}

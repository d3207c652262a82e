namespace Nebula.Engine.Storage.Packing;

/// <summary>Packs integers into a fixed number of bits each. The only door to vector code in storage.</summary>
/// <remarks>
/// Eight lanes side by side: value i goes to lane i mod 8, and each lane packs its values one behind the other, least significant bit first, into 64-bit words.
/// Word k of lane l is word 8k + l. So eight values take the same steps, on one register of 512 bits, two of 256, or one by one.
/// </remarks>
internal interface IBitPacker
{
    /// <summary>Packs <c>values[i] - reference</c>.</summary>
    /// <param name="values">The values, a multiple of <see cref="BitPacking.Lanes"/>.</param>
    /// <param name="reference">What is subtracted; each difference must fit in <paramref name="width"/> bits.</param>
    /// <param name="width">Bits per value, 1 to 64.</param>
    /// <param name="words">Exactly <see cref="BitPacking.WordCount"/> words.</param>
    void Pack(ReadOnlySpan<long> values, long reference, int width, Span<ulong> words);

    /// <summary>Unpacks <c>packed * factor + reference</c>, wrapping around.</summary>
    /// <param name="words">All words of the sequence.</param>
    /// <param name="width">Bits per value, 1 to 64.</param>
    /// <param name="start">First value, a multiple of <see cref="BitPacking.Lanes"/>.</param>
    /// <param name="reference">What is added.</param>
    /// <param name="factor">What each packed number is multiplied with.</param>
    /// <param name="values">The values, a multiple of <see cref="BitPacking.Lanes"/>.</param>
    void Unpack(ReadOnlySpan<ulong> words, int width, int start, long reference, long factor, Span<long> values);
}

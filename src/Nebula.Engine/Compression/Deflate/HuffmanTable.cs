using System.Numerics;
using System.Runtime.CompilerServices;

namespace Nebula.Engine.Compression.Deflate;

/// <summary>
/// Builds decoding tables for the Huffman codes of RFC 1951. The next bits of the input, least significant first, index the primary table; codes longer
/// than it continue in a sub-table.
/// </summary>
/// <remarks>
/// An entry is 32 bits. Bits 0-7: input bits to consume. Then
/// a literal has bit 31 set, bits 24-25 say whether it is one or two literals, and they stand in bits 8-15 and 16-23;
/// a length or distance has its base in bits 16-30 (16-31 for distances) and the code's own bits, without extra bits, in bits 8-11;
/// an exception has bit 15 set: a sub-table (bit 14; its start in bits 16-31, its index bits in 8-11), the end of the block (bit 13), or a code that does
/// not exist.
/// </remarks>
internal static unsafe class HuffmanTable
{
    public const uint Literal = 0x8000_0000;
    public const uint Exception = 0x8000;
    public const uint SubTable = 0x4000;
    public const uint EndOfBlock = 0x2000;
    private const int MaxCodeLength = 15;

    /// <summary>Builds a table.</summary>
    /// <param name="lengths">Code length of each symbol, 0 to 15; 0 for symbols without code.</param>
    /// <param name="results">What each symbol decodes to: an entry whose bits 0-7 are only the extra bits.</param>
    /// <param name="table">Where the table goes.</param>
    /// <param name="capacity">Entries there.</param>
    /// <param name="primaryBits">Bits that index the primary table.</param>
    /// <returns>Whether the lengths make up a code that RFC 1951 allows: complete, or a single code of one bit, or none at all.</returns>
    public static bool Build(ReadOnlySpan<byte> lengths, ReadOnlySpan<uint> results, uint* table, int capacity, int primaryBits)
    {
        Span<int> counts = stackalloc int[MaxCodeLength + 1];
        counts.Clear();
        foreach (var length in lengths)
            counts[length]++;
        counts[0] = 0;

        Span<int> starts = stackalloc int[MaxCodeLength + 1];
        var free = 1;
        var longest = 0;
        for (var length = 1; length <= MaxCodeLength; length++)
        {
            starts[length] = length == 1 ? 0 : starts[length - 1] + counts[length - 1];
            free = (free << 1) - counts[length];
            if (free < 0)
                return false;
            if (counts[length] > 0)
                longest = length;
        }
        var codes = starts[MaxCodeLength] + counts[MaxCodeLength];
        if (free > 0)
        {
            if (codes > 1 || longest > 1)
                return false;
            new Span<uint>(table, 1 << primaryBits).Fill(Exception | 1);
            if (codes == 0)
                return true;
        }

        Span<ushort> sorted = stackalloc ushort[320];
        for (var symbol = 0; symbol < lengths.Length; symbol++)
            if (lengths[symbol] != 0)
                sorted[starts[lengths[symbol]]++] = (ushort)symbol;

        if (free > 0)
        {
            var only = Entry(results[sorted[0]], 1);
            for (var i = 0; i < 1 << primaryBits; i += 2)
                table[i] = only;
            return true;
        }
        return Fill(counts, sorted[..codes], results, table, capacity, primaryBits);
    }

    /// <summary>
    /// Merges literals that follow each other into entries for two where both codes fit the primary table. Goes downwards: an entry's successor has a
    /// smaller index and is still single.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PairLiterals(uint* table, int primaryBits)
    {
        for (var i = (1 << primaryBits) - 1; i > 0; i--)
        {
            var first = table[i];
            if ((first & Literal) == 0)
                continue;
            var bits = first & 0xFF;
            var second = table[i >> (int)bits];
            if ((second & Literal) != 0 && bits + (second & 0xFF) <= (uint)primaryBits)
                table[i] = Literal | 2u << 24 | (second & 0xFF00) << 8 | (first & 0xFF00) | bits + (second & 0xFF);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Fill(Span<int> counts, ReadOnlySpan<ushort> sorted, ReadOnlySpan<uint> results, uint* table, int capacity, int primaryBits)
    {
        var next = 0;
        var code = 0u; // bits reversed: the first bit of the code is bit 0
        for (var length = 1; length <= primaryBits; length++)
        {
            // Up to here the table has 2^length entries; doubling it is cheaper than writing every entry many times.
            for (var left = counts[length]; left > 0; left--)
            {
                table[code] = Entry(results[sorted[next++]], length);
                code = NextCode(code, length);
            }
            if (length < primaryBits)
                new ReadOnlySpan<uint>(table, 1 << length).CopyTo(new Span<uint>(table + (1 << length), 1 << length));
        }

        var end = 1 << primaryBits;
        var prefixMask = (uint)end - 1;
        var prefix = uint.MaxValue;
        var start = 0;
        var subBits = 0;
        for (var length = primaryBits + 1; length <= MaxCodeLength; length++)
            for (var left = counts[length]; left > 0; left--)
            {
                if ((code & prefixMask) != prefix)
                {
                    prefix = code & prefixMask;
                    start = end;
                    subBits = length - primaryBits;
                    // As wide as the codes need that share this prefix: those of this length, and longer ones while there is room.
                    var used = left;
                    while (used < 1 << subBits && primaryBits + subBits < MaxCodeLength)
                        used = (used << 1) + counts[primaryBits + ++subBits];
                    end += 1 << subBits;
                    if (end > capacity)
                        return false;
                    table[prefix] = Exception | SubTable | (uint)start << 16 | (uint)subBits << 8 | (uint)primaryBits;
                }
                var entry = Entry(results[sorted[next++]], length - primaryBits);
                for (var i = (int)(code >> primaryBits); i < 1 << subBits; i += 1 << (length - primaryBits))
                    table[start + i] = entry;
                code = NextCode(code, length);
            }
        return true;
    }

    /// <summary>Completes an entry with the bits of its code; both fields at once, except where bits 8-15 hold a literal.</summary>
    private static uint Entry(uint result, int length) =>
        (result & Literal) != 0 ? result | (uint)length : result + ((uint)length << 8 | (uint)length);

    /// <summary>Adds one to a code whose bits are reversed; after the last code the value is not used.</summary>
    private static uint NextCode(uint code, int length)
    {
        var zeros = code ^ ((1u << length) - 1);
        if (zeros == 0)
            return code;
        var highestZero = 1u << BitOperations.Log2(zeros);
        return (code & (highestZero - 1)) | highestZero;
    }
}

namespace Nebula.Engine.Compression.Deflate;

/// <summary>The alphabets of RFC 1951 as results for <see cref="HuffmanTable"/>.</summary>
internal static class DeflateCodes
{
    public const int LiteralsAndLengths = 288;
    public const int Distances = 32;
    public const int CodeLengths = 19;

    /// <summary>Literals, the end of the block and match lengths (section 3.2.5).</summary>
    public static readonly uint[] LiteralLengthResults = MakeLiteralLengthResults();

    /// <summary>Match distances (section 3.2.5).</summary>
    public static readonly uint[] DistanceResults = MakeDistanceResults();

    /// <summary>Code lengths of the other alphabets (section 3.2.7): the symbol itself.</summary>
    public static readonly uint[] CodeLengthResults = [.. Enumerable.Range(0, CodeLengths).Select(symbol => (uint)symbol << 16)];

    /// <summary>Code lengths of a block with fixed codes (section 3.2.6): literals and lengths, then distances.</summary>
    public static readonly byte[] FixedLengths =
    [
        .. Enumerable.Range(0, LiteralsAndLengths).Select(symbol => (byte)(symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
        .. Enumerable.Repeat((byte)5, Distances),
    ];

    /// <summary>The order in which the lengths of the code length alphabet are stored (section 3.2.7).</summary>
    public static ReadOnlySpan<byte> CodeLengthOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private static uint[] MakeLiteralLengthResults()
    {
        var results = new uint[LiteralsAndLengths];
        for (var symbol = 0u; symbol < 256; symbol++)
            results[symbol] = HuffmanTable.Literal | 1u << 24 | symbol << 8;
        results[256] = HuffmanTable.Exception | HuffmanTable.EndOfBlock;
        var length = 3u;
        for (var symbol = 257; symbol < 285; symbol++)
        {
            var extraBits = symbol < 265 ? 0 : (symbol - 261) / 4;
            results[symbol] = length << 16 | (uint)extraBits;
            length += 1u << extraBits;
        }
        results[285] = 258 << 16;
        results[286] = results[287] = HuffmanTable.Exception;
        return results;
    }

    private static uint[] MakeDistanceResults()
    {
        var results = new uint[Distances];
        var distance = 1u;
        for (var symbol = 0; symbol < 30; symbol++)
        {
            var extraBits = symbol < 4 ? 0 : (symbol - 2) / 2;
            results[symbol] = distance << 16 | (uint)extraBits;
            distance += 1u << extraBits;
        }
        results[30] = results[31] = HuffmanTable.Exception;
        return results;
    }
}

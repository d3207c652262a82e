namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>The table of bit widths that headers of runs refer to with 5 bits (ORC v1, "Direct").</summary>
internal static class BitWidths
{
    private static ReadOnlySpan<byte> Table => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 28, 30, 32, 40, 48,
        56, 64];

    /// <summary>The width of a code.</summary>
    /// <param name="code">0 to 31.</param>
    public static int Decode(int code) => Table[code];

    /// <summary>The code of the least width in the table that holds a number of bits.</summary>
    /// <param name="bits">0 to 64.</param>
    public static int Encode(int bits) => bits switch
    {
        <= 1 => 0,
        <= 24 => bits - 1,
        <= 30 => 24 + (bits - 25) / 2,
        <= 32 => 27,
        _ => 27 + (bits - 25) / 8,
    };

    /// <summary>The least width in the table that holds a number of bits.</summary>
    /// <param name="bits">0 to 64.</param>
    public static int Closest(int bits) => Decode(Encode(bits));
}

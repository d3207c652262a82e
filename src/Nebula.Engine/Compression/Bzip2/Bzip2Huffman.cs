namespace Nebula.Engine.Compression.Bzip2;

/// <summary>
/// One of the up to six prefix codes of a block: codes of up to 20 bits, shorter ones first, those of a length in the order of their symbols.
/// </summary>
internal sealed class Bzip2Huffman
{
    /// <summary>Most bits of a code.</summary>
    public const int MaxLength = 20;

    private readonly uint[] _ends = new uint[MaxLength + 2];
    private readonly int[] _bases = new int[MaxLength + 2];
    private readonly ushort[] _symbols = new ushort[Bzip2Block.MaxSymbols];

    /// <summary>Makes the code.</summary>
    /// <param name="lengths">The length of each symbol's code, 1 to 20.</param>
    /// <exception cref="CompressionFault">No such code exists.</exception>
    public void Build(ReadOnlySpan<byte> lengths)
    {
        var (code, filled) = (0u, 0);
        for (var length = 1; length <= MaxLength; length++)
        {
            _bases[length] = filled - (int)code;
            for (var symbol = 0; symbol < lengths.Length; symbol++)
                if (lengths[symbol] == length)
                {
                    _symbols[filled++] = (ushort)symbol;
                    code++;
                }
            if (code > 1u << length)
                throw new CompressionFault("a prefix code has more codes than there can be");
            _ends[length] = code << (MaxLength - length);
            code <<= 1;
        }
    }

    /// <summary>Decodes a symbol; -1 when the bits are no code.</summary>
    public int Decode(ref Bzip2Bits bits)
    {
        var window = bits.Peek20();
        for (var length = 1; length <= MaxLength; length++)
            if (window < _ends[length])
            {
                bits.Drop(length);
                return _symbols[_bases[length] + (int)(window >> (MaxLength - length))];
            }
        return -1;
    }
}

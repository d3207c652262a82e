namespace Nebula.Engine.Compression.Deflate;

/// <summary>Reads bits of a deflate stream, least significant first, never beyond the input's end. A copy of it is a place to go back to.</summary>
internal unsafe ref struct BitReader(ulong bits, int count, byte* input, byte* end)
{
    private ulong _bits = bits;
    private int _count = count;
    private byte* _input = input;
    private readonly byte* _end = end;

    /// <summary>Reads up to 32 bits; false, and nothing read, when there are not so many.</summary>
    public bool TryRead(int width, out uint value)
    {
        Fill();
        value = (uint)(_bits & ((1ul << width) - 1));
        if (_count < width)
            return false;
        Drop(width);
        return true;
    }

    /// <summary>Decodes a symbol without extra bits of an alphabet without literals.</summary>
    public bool TryDecode(uint* table, int primaryBits, out uint symbol)
    {
        if (!TryDecodeEntry(table, primaryBits, out var entry, out _))
        {
            symbol = 0;
            return false;
        }
        if ((entry & HuffmanTable.Exception) != 0)
            throw new CompressionFault("a code for a code length does not exist");
        symbol = entry >> 16;
        return true;
    }

    /// <summary>Decodes one entry; false when its bits are not all there.</summary>
    /// <param name="table">A table of <see cref="HuffmanTable"/>.</param>
    /// <param name="primaryBits">Bits that index it.</param>
    /// <param name="entry">The entry, never that of a sub-table.</param>
    /// <param name="value">Base plus extra bits, for lengths and distances.</param>
    public bool TryDecodeEntry(uint* table, int primaryBits, out uint entry, out uint value)
    {
        Fill();
        value = 0;
        var before = 0;
        entry = table[_bits & ((1ul << primaryBits) - 1)];
        if ((entry & (HuffmanTable.Literal | HuffmanTable.Exception)) == HuffmanTable.Exception && (entry & HuffmanTable.SubTable) != 0)
        {
            before = primaryBits;
            entry = table[(entry >> 16) + ((_bits >> before) & ((1ul << (int)(entry >> 8 & 15)) - 1))];
        }
        var width = (int)(entry & 0xFF);
        if (_count < before + width)
            return false;
        value = (entry >> 16) + ((uint)((_bits >> before) & ((1ul << width) - 1)) >> (int)(entry >> 8 & 15));
        Drop(before + width);
        return true;
    }

    /// <summary>Drops the bits before the next byte boundary.</summary>
    public void SkipToByte() => Drop(_count & 7);

    /// <summary>The state to go on from: fewer than 8 bits, and the byte that follows them.</summary>
    public readonly void Save(out ulong bits, out int count, out byte* input)
    {
        input = _input - (_count >> 3);
        count = _count & 7;
        bits = _bits & ((1ul << count) - 1);
    }

    private void Fill()
    {
        while (_count <= 56 && _input < _end)
        {
            _bits |= (ulong)*_input++ << _count;
            _count += 8;
        }
    }

    private void Drop(int width)
    {
        _bits >>= width;
        _count -= width;
    }
}

using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Bzip2;

/// <summary>Decodes one block: prefix codes, move to front, the sorted text put back in order, runs.</summary>
internal sealed unsafe class Bzip2Block : IDisposable
{
    /// <summary>Most symbols of a prefix code: 256 bytes, two of runs and the end of the block, less the byte that needs none.</summary>
    public const int MaxSymbols = 258;

    private const int GroupSize = 50;
    private const int MaxSelectors = 18_002;
    private const int RunLength = 4;
    private readonly PooledBuffer _links;
    private readonly int _capacity;
    private readonly byte[] _selectors = new byte[MaxSelectors];
    private readonly Bzip2Huffman[] _codes = [new(), new(), new(), new(), new(), new()];
    private uint _expected;
    private uint _crc;
    private uint _next;
    private int _left;
    private int _previous;
    private int _same;
    private int _repeats;

    /// <summary>Makes a decoder.</summary>
    /// <param name="capacity">Most bytes of a block before its runs are written out.</param>
    /// <param name="pool">Where its memory comes from.</param>
    public Bzip2Block(int capacity, BufferPool pool)
    {
        _capacity = capacity;
        _links = pool.Rent(capacity * sizeof(uint));
    }

    /// <summary>Whether all content of the block was written.</summary>
    public bool IsFinished => _left == 0 && _repeats == 0;

    /// <summary>The checksum of the block, once it is finished.</summary>
    public uint Checksum => _expected;

    /// <summary>Reads a block behind its magic number.</summary>
    /// <returns>False when the input ends before the block does; it must then be read again from its start.</returns>
    /// <exception cref="CompressionFault">The block is corrupt.</exception>
    public bool TryRead(ref Bzip2Bits bits)
    {
        _expected = bits.Read(32);
        if (bits.Read(1) != 0 && !bits.IsExhausted)
            throw new CompressionFault("a block is randomised, which no writer has done since 1997");
        var origin = bits.Read(24);
        Span<byte> order = stackalloc byte[256];
        var used = ReadUsedBytes(ref bits, order);
        if (bits.IsExhausted)
            return false;
        if (used == 0)
            throw new CompressionFault("a block uses no bytes at all");
        var codes = (int)bits.Read(3);
        var selectors = (int)bits.Read(15);
        if (bits.IsExhausted)
            return false;
        if (codes is < 2 or > 6 || selectors == 0)
            throw new CompressionFault("a block has a wrong number of prefix codes");
        if (!TryReadSelectors(ref bits, codes, selectors) || !TryReadCodes(ref bits, codes, used + 2))
            return false;
        var count = ReadSymbols(ref bits, order, used, Math.Min(selectors, MaxSelectors));
        if (bits.IsExhausted)
            return false;
        if (origin >= count)
            throw new CompressionFault("a block begins outside of itself");
        Start(origin, count);
        return true;
    }

    /// <summary>Writes content.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="CompressionFault">The block is finished and its checksum is wrong.</exception>
    public int Write(Span<byte> output)
    {
        var links = (uint*)_links.Pointer;
        var written = 0;
        var crc = _crc;
        while (written < output.Length)
        {
            if (_repeats > 0)
            {
                var run = Math.Min(_repeats, output.Length - written);
                output.Slice(written, run).Fill((byte)_previous);
                for (var i = 0; i < run; i++)
                    crc = Bzip2Checksum.Update(crc, (byte)_previous);
                written += run;
                _repeats -= run;
                continue;
            }
            if (_left == 0)
                break;
            _next = links[_next >> 8];
            _left--;
            var value = (int)(_next & 0xFF);
            if (_same == RunLength)
            {
                _repeats = value;
                _same = 0;
                continue;
            }
            _same = value == _previous ? _same + 1 : 1;
            _previous = value;
            output[written++] = (byte)value;
            crc = Bzip2Checksum.Update(crc, (byte)value);
        }
        _crc = crc;
        if (IsFinished && ~_crc != _expected)
            throw new CompressionFault($"the checksum of a block's content is 0x{~_crc:X8}, but 0x{_expected:X8} is stored");
        return written;
    }

    public void Dispose() => _links.Dispose();

    private static int ReadUsedBytes(ref Bzip2Bits bits, scoped Span<byte> order)
    {
        var ranges = bits.Read(16);
        var used = 0;
        for (var range = 0; range < 16; range++)
        {
            if ((ranges >> (15 - range) & 1) == 0)
                continue;
            var members = bits.Read(16);
            for (var i = 0; i < 16; i++)
                if ((members >> (15 - i) & 1) != 0)
                    order[used++] = (byte)(16 * range + i);
        }
        return used;
    }

    private bool TryReadSelectors(ref Bzip2Bits bits, int codes, int selectors)
    {
        Span<byte> recent = [0, 1, 2, 3, 4, 5];
        for (var i = 0; i < selectors; i++)
        {
            var position = 0;
            while (bits.Read(1) != 0)
                if (++position >= codes)
                    throw new CompressionFault("a block chooses a prefix code that it does not have");
            if (bits.IsExhausted)
                return false;
            var chosen = recent[position];
            recent[..position].CopyTo(recent[1..]);
            recent[0] = chosen;
            // some writers add selectors that nothing needs
            if (i < MaxSelectors)
                _selectors[i] = chosen;
        }
        return true;
    }

    private bool TryReadCodes(ref Bzip2Bits bits, int codes, int symbols)
    {
        Span<byte> lengths = stackalloc byte[MaxSymbols];
        for (var code = 0; code < codes; code++)
        {
            var length = (int)bits.Read(5);
            for (var symbol = 0; symbol < symbols; symbol++)
            {
                while (true)
                {
                    if (bits.IsExhausted)
                        return false;
                    if (length is < 1 or > Bzip2Huffman.MaxLength)
                        throw new CompressionFault("a prefix code has a wrong length");
                    if (bits.Read(1) == 0)
                        break;
                    length += bits.Read(1) == 0 ? 1 : -1;
                }
                lengths[symbol] = (byte)length;
            }
            if (bits.IsExhausted)
                return false;
            _codes[code].Build(lengths[..symbols]);
        }
        return true;
    }

    /// <summary>Reads the symbols: runs of the most recent byte, and positions among the recent bytes.</summary>
    /// <returns>Bytes of the block; meaningless when the input was exhausted.</returns>
    private int ReadSymbols(ref Bzip2Bits bits, scoped Span<byte> order, int used, int selectors)
    {
        var links = (uint*)_links.Pointer;
        var end = used + 1;
        var (count, run, weight) = (0, 0L, 1L);
        for (var group = 0; group < selectors; group++)
        {
            var code = _codes[_selectors[group]];
            for (var i = 0; i < GroupSize; i++)
            {
                var symbol = code.Decode(ref bits);
                if (bits.IsExhausted)
                    return 0;
                if (symbol < 0)
                    throw new CompressionFault("a block has bits that are no code");
                if (symbol < 2)
                {
                    run += weight << symbol;
                    weight <<= 1;
                    if (run > _capacity - count)
                        throw new CompressionFault("a block is larger than announced");
                    continue;
                }
                for (; run > 0; run--)
                    links[count++] = order[0];
                weight = 1;
                if (symbol == end)
                    return count;
                if (count == _capacity)
                    throw new CompressionFault("a block is larger than announced");
                var value = order[symbol - 1];
                order[..(symbol - 1)].CopyTo(order[1..]);
                order[0] = value;
                links[count++] = value;
            }
        }
        throw new CompressionFault("a block has no end");
    }

    /// <summary>Turns the sorted bytes into a chain: each entry gets, above its byte, the position of the one that follows it.</summary>
    private void Start(uint origin, int count)
    {
        var links = (uint*)_links.Pointer;
        Span<int> starts = stackalloc int[256];
        starts.Clear();
        for (var i = 0; i < count; i++)
            starts[(byte)links[i]]++;
        var sum = 0;
        for (var i = 0; i < starts.Length; i++)
            (starts[i], sum) = (sum, sum + starts[i]);
        for (var i = 0; i < count; i++)
            links[starts[(byte)links[i]]++] |= (uint)i << 8;
        _next = links[origin];
        _left = count;
        _previous = -1;
        _same = 0;
        _repeats = 0;
        _crc = uint.MaxValue;
    }
}

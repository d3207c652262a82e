namespace Nebula.Engine.Compression.Bzip2;

/// <summary>Reads bits, most significant first. Running out of input is told apart from wrong input: the caller comes again with more.</summary>
internal unsafe ref struct Bzip2Bits(byte* input, byte* end)
{
    private readonly byte* _start = input;
    private readonly byte* _end = end;
    private byte* _at = input;
    private ulong _bits;
    private int _count;

    /// <summary>Whether bits were asked for that are not there; what was read since is meaningless.</summary>
    public bool IsExhausted { get; private set; }

    /// <summary>Bits read.</summary>
    public readonly long Position => 8L * (_at - _start) - _count;

    /// <summary>Reads up to 32 bits.</summary>
    public uint Read(int width)
    {
        Require(width);
        _count -= width;
        return (uint)(_bits >> _count & ((1UL << width) - 1));
    }

    /// <summary>Looks at the next 20 bits, zeros where the input ends.</summary>
    public uint Peek20()
    {
        Fill(20);
        return (uint)((_count >= 20 ? _bits >> (_count - 20) : _bits << (20 - _count)) & 0xFFFFF);
    }

    /// <summary>Passes over bits that were looked at.</summary>
    public void Drop(int width)
    {
        Require(width);
        _count -= width;
    }

    private void Require(int width)
    {
        Fill(width);
        if (_count >= width)
            return;
        IsExhausted = true;
        _bits = 0;
        _count = 64;
    }

    private void Fill(int width)
    {
        while (_count < width && _at < _end)
        {
            _bits = _bits << 8 | *_at++;
            _count += 8;
        }
    }
}

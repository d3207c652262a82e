using System.Numerics;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Bzip2;

/// <summary>Decodes bzip2 streams, one after the other. There is no specification; the format is that of bzip2 1.0.</summary>
/// <remarks>A block is decoded when all of it is there, so that up to about a megabyte of input is needed at once.</remarks>
/// <param name="pool">Where working memory comes from: four bytes per byte of the largest block.</param>
internal sealed unsafe class Bzip2Decompressor(BufferPool pool) : Decompressor
{
    private const int HeaderSize = 4;
    private const int BlockUnit = 100_000;
    private const ulong BlockMagic = 0x314159265359;
    private const ulong EndMagic = 0x177245385090;
    private Bzip2Block? _block;
    private int _capacity;
    private int _usedBits;
    private uint _checksum;
    private bool _isInBlock;
    private bool _isInStream;
    private bool _hasEnded;

    /// <inheritdoc/>
    public override bool IsComplete => _hasEnded && !_isInStream;

    /// <inheritdoc/>
    public override int Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Consumed = 0;
        while (true)
        {
            if (_isInBlock)
            {
                var written = _block!.Write(output);
                if (_block.IsFinished)
                {
                    _isInBlock = false;
                    _checksum = BitOperations.RotateLeft(_checksum, 1) ^ _block.Checksum;
                }
                if (written > 0)
                    return written;
            }
            if (!(_isInStream ? TryReadBlock(input[Consumed..]) : TryReadHeader(input[Consumed..])))
                return 0;
        }
    }

    public override void Dispose() => _block?.Dispose();

    private bool TryReadHeader(ReadOnlySpan<byte> input)
    {
        if (input.Length < HeaderSize)
            return false;
        if (!input.StartsWith("BZh"u8) || input[3] is < (byte)'1' or > (byte)'9')
            throw new CompressionFault("a bzip2 stream is expected here, but the bytes are not one");
        var capacity = (input[3] - '0') * BlockUnit;
        if (_block is null || capacity > _capacity)
        {
            _block?.Dispose();
            _block = null;
            _block = new Bzip2Block(capacity, pool);
            _capacity = capacity;
        }
        Consumed += HeaderSize;
        _usedBits = 0;
        _checksum = 0;
        _isInStream = true;
        return true;
    }

    private bool TryReadBlock(ReadOnlySpan<byte> input)
    {
        fixed (byte* start = input)
        {
            var bits = new Bzip2Bits(start, start + input.Length);
            bits.Drop(_usedBits);
            var magic = (ulong)bits.Read(24) << 24 | bits.Read(24);
            if (bits.IsExhausted)
                return false;
            if (magic == EndMagic)
            {
                var stored = bits.Read(32);
                if (bits.IsExhausted)
                    return false;
                if (stored != _checksum)
                    throw new CompressionFault($"the checksum of all blocks is 0x{_checksum:X8}, but 0x{stored:X8} is stored");
                Consumed += (int)((bits.Position + 7) / 8);
                _isInStream = false;
                _hasEnded = true;
                return true;
            }
            if (magic != BlockMagic)
                throw new CompressionFault("a block does not begin as blocks do");
            if (!_block!.TryRead(ref bits))
                return false;
            _isInBlock = true;
            _usedBits = (int)(bits.Position % 8);
            Consumed += (int)(bits.Position / 8);
            return true;
        }
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Nebula.Engine.Compression.Xz;

/// <summary>Decodes LZMA data (LZMA specification of the LZMA SDK): a range coder under adaptive models of literals, matches and repeated distances.</summary>
internal sealed unsafe class LzmaDecoder
{
    private const int States = 12;
    private const int FirstLiteralStates = 7;
    private const int PositionStates = 1 << 4;
    private const int LengthStates = 4;
    private const int MinMatch = 2;
    private const int SlotBits = 6;
    private const int AlignBits = 4;
    private const int FirstModelled = 4;
    private const int FirstDirect = 14;
    private const int LiteralModels = 0x300;
    private const int MaxLiteralBits = 4;
    private const ushort Even = 1 << 10;

    private readonly ushort[] _isMatch = new ushort[States * PositionStates];
    private readonly ushort[] _isRepeat = new ushort[States];
    private readonly ushort[] _isRepeat0 = new ushort[States];
    private readonly ushort[] _isRepeat0Long = new ushort[States * PositionStates];
    private readonly ushort[] _isRepeat1 = new ushort[States];
    private readonly ushort[] _isRepeat2 = new ushort[States];
    private readonly ushort[] _slots = new ushort[LengthStates << SlotBits];
    private readonly ushort[] _distances = new ushort[128];
    private readonly ushort[] _align = new ushort[1 << AlignBits];
    private readonly ushort[] _literals = new ushort[LiteralModels << MaxLiteralBits];
    private readonly LengthModel _matchLength = new();
    private readonly LengthModel _repeatLength = new();
    private int _literalContextBits;
    private int _literalPositionMask;
    private int _positionMask;
    private int _state;
    private uint _rep0, _rep1, _rep2, _rep3;
    private uint _range;
    private uint _code;
    private byte* _input;
    private byte* _inputEnd;

    /// <summary>Takes over the properties of a chunk, which also resets the models.</summary>
    /// <exception cref="CompressionFault">They are not valid for LZMA2.</exception>
    public void SetProperties(byte properties)
    {
        if (properties >= 9 * 5 * 5)
            throw new CompressionFault("LZMA data has wrong properties");
        _literalContextBits = properties % 9;
        var literalPositionBits = properties / 9 % 5;
        _literalPositionMask = (1 << literalPositionBits) - 1;
        _positionMask = (1 << properties / 45) - 1;
        if (_literalContextBits + literalPositionBits > MaxLiteralBits)
            throw new CompressionFault("LZMA data has wrong properties");
        Reset();
    }

    /// <summary>Forgets what was learnt.</summary>
    public void Reset()
    {
        foreach (var models in (ushort[][])[_isMatch, _isRepeat, _isRepeat0, _isRepeat0Long, _isRepeat1, _isRepeat2, _slots, _distances, _align, _literals])
            Array.Fill(models, Even);
        _matchLength.Reset();
        _repeatLength.Reset();
        _state = 0;
        _rep0 = _rep1 = _rep2 = _rep3 = 0;
    }

    /// <summary>Decodes a chunk.</summary>
    /// <param name="input">Its compressed bytes, all of which must be used.</param>
    /// <param name="dictionary">The first byte that matches may refer to.</param>
    /// <param name="output">Where the content goes, right behind what came before.</param>
    /// <param name="length">Bytes of content.</param>
    /// <param name="position">Bytes of content since the dictionary was reset.</param>
    /// <exception cref="CompressionFault">The chunk is corrupt.</exception>
    public void Decode(ReadOnlySpan<byte> input, byte* dictionary, byte* output, int length, long position)
    {
        if (input.Length < 5 || input[0] != 0)
            throw new CompressionFault("LZMA data begins wrongly");
        fixed (byte* start = input)
        {
            _input = start + 5;
            _inputEnd = start + input.Length;
            _range = uint.MaxValue;
            _code = BinaryPrimitives.ReadUInt32BigEndian(input[1..]);
            Run(dictionary, output, output + length, position - (output - dictionary));
            Normalize();
            if (_input != _inputEnd || _code != 0)
                throw new CompressionFault("LZMA data ends wrongly");
        }
    }

    private void Run(byte* dictionary, byte* output, byte* end, long before)
    {
        while (output < end)
        {
            var position = (int)(before + (output - dictionary));
            var positionState = position & _positionMask;
            if (ReadBit(ref _isMatch[_state * PositionStates + positionState]) == 0)
            {
                *output = ReadLiteral(dictionary, output, position);
                output++;
                _state = _state < 4 ? 0 : _state < 10 ? _state - 3 : _state - 6;
                continue;
            }
            int length;
            if (ReadBit(ref _isRepeat[_state]) == 0)
            {
                (_rep3, _rep2, _rep1) = (_rep2, _rep1, _rep0);
                length = ReadLength(_matchLength, positionState);
                _rep0 = ReadDistance(length);
                _state = _state < FirstLiteralStates ? 7 : 10;
            }
            else if (ReadBit(ref _isRepeat0[_state]) != 0)
            {
                TakeOlderDistance();
                length = ReadRepeatLength(positionState);
            }
            else if (ReadBit(ref _isRepeat0Long[_state * PositionStates + positionState]) != 0)
            {
                length = ReadRepeatLength(positionState);
            }
            else
            {
                length = 1;
                _state = _state < FirstLiteralStates ? 9 : 11;
            }
            if (_rep0 >= output - dictionary)
                throw new CompressionFault("LZMA data refers to what is not there");
            if (length > end - output)
                throw new CompressionFault("LZMA data is longer than announced");
            var source = output - _rep0 - 1;
            for (; length > 0; length--)
                *output++ = *source++;
        }
    }

    private void TakeOlderDistance()
    {
        uint distance;
        if (ReadBit(ref _isRepeat1[_state]) == 0)
        {
            distance = _rep1;
        }
        else
        {
            if (ReadBit(ref _isRepeat2[_state]) == 0)
            {
                distance = _rep2;
            }
            else
            {
                distance = _rep3;
                _rep3 = _rep2;
            }
            _rep2 = _rep1;
        }
        _rep1 = _rep0;
        _rep0 = distance;
    }

    private int ReadRepeatLength(int positionState)
    {
        var length = ReadLength(_repeatLength, positionState);
        _state = _state < FirstLiteralStates ? 8 : 11;
        return length;
    }

    private byte ReadLiteral(byte* dictionary, byte* output, int position)
    {
        var previous = output > dictionary ? output[-1] : (byte)0;
        var context = ((position & _literalPositionMask) << _literalContextBits) + (previous >> (8 - _literalContextBits));
        var models = _literals.AsSpan(LiteralModels * context, LiteralModels);
        var symbol = 1;
        if (_state >= FirstLiteralStates)
        {
            if (_rep0 >= output - dictionary)
                throw new CompressionFault("LZMA data refers to what is not there");
            int match = output[-(long)_rep0 - 1];
            while (symbol < 0x100)
            {
                var expected = match >> 7 & 1;
                match <<= 1;
                var bit = ReadBit(ref models[(1 + expected << 8) + symbol]);
                symbol = symbol << 1 | bit;
                if (bit != expected)
                    break;
            }
        }
        while (symbol < 0x100)
            symbol = symbol << 1 | ReadBit(ref models[symbol]);
        return (byte)symbol;
    }

    private int ReadLength(LengthModel model, int positionState)
    {
        if (ReadBit(ref model.Choice) == 0)
            return MinMatch + ReadTree(model.Low.AsSpan(positionState << 3, 8), 3);
        return ReadBit(ref model.Choice2) == 0
            ? MinMatch + 8 + ReadTree(model.Mid.AsSpan(positionState << 3, 8), 3)
            : MinMatch + 16 + ReadTree(model.High, 8);
    }

    private uint ReadDistance(int length)
    {
        var lengthState = Math.Min(length - MinMatch, LengthStates - 1);
        var slot = ReadTree(_slots.AsSpan(lengthState << SlotBits, 1 << SlotBits), SlotBits);
        if (slot < FirstModelled)
            return (uint)slot;
        var bits = (slot >> 1) - 1;
        var distance = (uint)(2 | slot & 1) << bits;
        if (slot < FirstDirect)
            return distance + (uint)ReadReverseTree(_distances.AsSpan((int)distance - slot), bits);
        return distance + (ReadDirect(bits - AlignBits) << AlignBits) + (uint)ReadReverseTree(_align, AlignBits);
    }

    private int ReadTree(Span<ushort> models, int bits)
    {
        var symbol = 1;
        for (var i = 0; i < bits; i++)
            symbol = symbol << 1 | ReadBit(ref models[symbol]);
        return symbol - (1 << bits);
    }

    private int ReadReverseTree(Span<ushort> models, int bits)
    {
        var (node, symbol) = (1, 0);
        for (var i = 0; i < bits; i++)
        {
            var bit = ReadBit(ref models[node]);
            node = node << 1 | bit;
            symbol |= bit << i;
        }
        return symbol;
    }

    private uint ReadDirect(int bits)
    {
        var value = 0u;
        for (; bits > 0; bits--)
        {
            Normalize();
            _range >>= 1;
            var isSet = _code >= _range;
            if (isSet)
                _code -= _range;
            value = value << 1 | (isSet ? 1u : 0);
        }
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int ReadBit(ref ushort model)
    {
        Normalize();
        var bound = (_range >> 11) * model;
        if (_code < bound)
        {
            _range = bound;
            model += (ushort)((1 << 11) - model >> 5);
            return 0;
        }
        _range -= bound;
        _code -= bound;
        model -= (ushort)(model >> 5);
        return 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Normalize()
    {
        if (_range >= 1u << 24)
            return;
        if (_input == _inputEnd)
            throw new CompressionFault("LZMA data ends too early");
        _range <<= 8;
        _code = _code << 8 | *_input++;
    }

    private sealed class LengthModel
    {
        public ushort Choice;
        public ushort Choice2;
        public readonly ushort[] Low = new ushort[PositionStates << 3];
        public readonly ushort[] Mid = new ushort[PositionStates << 3];
        public readonly ushort[] High = new ushort[1 << 8];

        public void Reset()
        {
            Choice = Choice2 = Even;
            Array.Fill(Low, Even);
            Array.Fill(Mid, Even);
            Array.Fill(High, Even);
        }
    }
}

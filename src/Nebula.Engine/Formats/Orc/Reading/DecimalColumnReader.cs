using System.Numerics;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>decimal: a number of any length and a scale per value (ORC v1, "Decimal Columns").</summary>
internal sealed unsafe class DecimalColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : FixedReader(block, type, dataType, path)
{
    // 128 bits in groups of 7
    private const int MaxVarintLength = 19;
    private const int SliceLength = 2048;
    private readonly int _column = type.Id;
    private readonly ByteStream? _data = block.OpenBytes(type.Id, StreamKind.Data);
    private readonly IntegerReader? _scales = block.OpenIntegers(type.Id, StreamKind.Secondary, isSigned: true);
    private readonly Int128 _limit = PowerOfTen(dataType.Precision);
    private PooledBuffer? _scratch;

    protected override void Decode(byte* target, int count)
    {
        if (_data is null)
            throw BlockStreams.Missing(StreamKind.Data);
        if (_scales is null)
            throw BlockStreams.Missing(StreamKind.Secondary);
        _scratch ??= Block.Rent(SliceLength * sizeof(long));
        var scales = (long*)_scratch.Pointer;
        for (var done = 0; done < count;)
        {
            var step = Math.Min(SliceLength, count - done);
            _scales.Read(scales, step);
            if (DataType.ByteWidth == sizeof(long))
                DecodeNarrow((long*)target + done, scales, step, _data);
            else
                DecodeWide((Int128*)target + done, scales, step, _data);
            done += step;
        }
    }

    protected override void VerifyStreams()
    {
        Block.VerifyEnd(_data, _column, StreamKind.Data);
        _scales?.VerifyEnd();
    }

    private static Int128 PowerOfTen(int exponent)
    {
        var power = Int128.One;
        for (var i = 0; i < exponent; i++)
            power *= 10;
        return power;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void DecodeNarrow(long* target, long* scales, int count, ByteStream data)
    {
        long scale = DataType.Scale;
        var limit = (long)_limit;
        for (var i = 0; i < count; i++)
        {
            data.Ensure(MaxVarintLength);
            var position = data.Position;
            var word = Unsafe.ReadUnaligned<ulong>(position);
            var ends = ~word & 0x8080_8080_8080_8080;
            // up to 56 bits lie in the first 8 bytes, which are readable in any case
            if (ends != 0 && scales[i] == scale)
            {
                var length = (BitOperations.TrailingZeroCount(ends) >> 3) + 1;
                if (length <= data.Available)
                {
                    word &= ulong.MaxValue >> (64 - 8 * length);
                    word &= 0x7F7F_7F7F_7F7F_7F7F;
                    // pairs of groups, then fours, then all
                    word = (word & 0x007F_007F_007F_007F) | (word & 0x7F00_7F00_7F00_7F00) >> 1;
                    word = (word & 0x0000_3FFF_0000_3FFF) | (word & 0x3FFF_0000_3FFF_0000) >> 2;
                    word = (word & 0x0000_0000_0FFF_FFFF) | (word & 0x0FFF_FFFF_0000_0000) >> 4;
                    var value = Varint.Unzigzag(word);
                    if (value < limit && value > -limit)
                    {
                        data.Position = position + length;
                        target[i] = value;
                        continue;
                    }
                }
            }
            target[i] = (long)ReadAny(data, scales[i]);
        }
    }

    private void DecodeWide(Int128* target, long* scales, int count, ByteStream data)
    {
        for (var i = 0; i < count; i++)
            target[i] = ReadAny(data, scales[i]);
    }

    private Int128 ReadAny(ByteStream data, long scale)
    {
        if (!data.Ensure(MaxVarintLength) && data.Available == 0)
            data.ThrowEnded("a decimal");
        var position = data.Position;
        var (low, high) = (0ul, 0ul);
        for (var shift = 0; ; shift += 7)
        {
            if (position == data.End || shift == 7 * MaxVarintLength)
                throw new OrcFault("a decimal has more than 128 bits, or its stream ends within it");
            ulong next = *position++;
            var bits = next & 0x7F;
            if (shift < 63)
                low |= bits << shift;
            else if (shift == 63)
                (low, high) = (low | bits << 63, bits >> 1);
            else if (shift == 126 && bits > 3)
                throw new OrcFault("a decimal has more than 128 bits", "Leave out the column, or write the file again with decimals of up to 38 digits.");
            else
                high |= bits << (shift - 64);
            if (next < 0x80)
                break;
        }
        data.Position = position;
        var magnitude = new UInt128(high, low);
        var value = (Int128)(magnitude >> 1) ^ -(Int128)(magnitude & 1);
        return Rescale(value, scale);
    }

    /// <summary>Brings a value to the scale of the column. Digits that the column has no place for are an error, unless they are zeros.</summary>
    private Int128 Rescale(Int128 value, long scale)
    {
        var result = value;
        for (; scale < DataType.Scale && result > -_limit && result < _limit && scale >= -38; scale++)
            result *= 10;
        for (; scale > DataType.Scale && result % 10 == 0 && result != 0; scale--)
            result /= 10;
        if (result == 0)
            return 0;
        if (scale != DataType.Scale || result >= _limit || result <= -_limit)
            throw new OrcFault($"the decimal {value} * 10^{-scale} does not fit decimal({DataType.Precision},{DataType.Scale})",
                "Leave out the column, or write the file again.");
        return result;
    }
}

/// <summary>decimal of up to 18 digits as the drafts of version 2 store it: plain integers of the column's scale (ORC v2, "Decimal Columns").</summary>
internal sealed unsafe class DecimalIntegerColumnReader(BlockStreams block, OrcType type, DataType dataType, string path)
    : FixedReader(block, type, dataType, path)
{
    // whatever the column's encoding says, the drafts know only version 2 of the run length encoding
    private readonly IntegerReader? _data = block.OpenIntegers(type.Id, StreamKind.Data, isSigned: true);

    protected override void Decode(byte* target, int count) => (_data ?? throw BlockStreams.Missing(StreamKind.Data)).Read((long*)target, count);

    protected override void VerifyStreams() => _data?.VerifyEnd();
}

using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Reads runs and bit-packed groups (Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"): levels, dictionary indices, booleans.</summary>
/// <remarks>A last group may be cut off behind the last value that is needed, as some writers do.</remarks>
internal unsafe struct RleBitPackedReader
{
    private readonly byte* _start;
    private readonly byte* _end;
    private readonly int _width;
    private byte* _at;
    private byte* _packed;
    private int _packedPosition;
    private int _left;
    private uint _value;

    /// <summary>Starts reading.</summary>
    /// <param name="start">First byte of the first run.</param>
    /// <param name="end">Behind the last byte.</param>
    /// <param name="width">Bits per value, 0 to 32.</param>
    /// <exception cref="ParquetFault">The width is impossible.</exception>
    public RleBitPackedReader(byte* start, byte* end, int width)
    {
        if (width is < 0 or > 32)
            throw new ParquetFault($"values are packed in {width} bits, where at most 32 are possible");
        _start = start;
        _at = start;
        _end = end;
        _width = width;
        _packed = null;
        _packedPosition = 0;
        _left = 0;
        _value = 0;
    }

    /// <summary>Reads values.</summary>
    /// <param name="target">Where they go; up to 15 more may be written behind.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">There are not so many.</exception>
    public void Read(uint* target, int count)
    {
        while (count > 0)
        {
            var step = Step(count);
            if (_packed is null)
                new Span<uint>(target, step).Fill(_value);
            else
                BitUnpacker.Unpack(_packed, _packedPosition, _width, target, step);
            Advance(step);
            target += step;
            count -= step;
        }
    }

    /// <summary>Reads values of one bit into a bitmap.</summary>
    /// <param name="target">The bitmap, in whole words with a word to spare.</param>
    /// <param name="start">Where the first bit goes.</param>
    /// <param name="count">Number of bits.</param>
    /// <exception cref="ParquetFault">There are not so many, or a value is above 1.</exception>
    public void ReadBits(Span<byte> target, int start, int count)
    {
        while (count > 0)
        {
            var step = Step(count);
            if (_packed is not null)
                BitRange.Copy(new ReadOnlySpan<byte>(_packed, (_packedPosition + step >> 3) + 16), _packedPosition, target, start, step);
            else if (_value == 1)
                BitRange.SetAll(target, start, step);
            else if (_value == 0)
                BitRange.ClearAll(target, start, step);
            else
                throw Fault($"the value {_value} is repeated where only 0 and 1 are possible");
            Advance(step);
            start += step;
            count -= step;
        }
    }

    /// <summary>How many of the next values are the same, as far as the current run tells: its length, or 0 when values are packed.</summary>
    /// <param name="value">The value.</param>
    public int PeekRun(out uint value)
    {
        if (_left == 0)
            NextRun();
        value = _value;
        return _packed is null ? _left : 0;
    }

    /// <summary>Passes over values of a run that <see cref="PeekRun"/> told.</summary>
    /// <param name="count">Number of values, at most as many as it told.</param>
    public void SkipRun(int count) => Advance(count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Step(int count)
    {
        if (_left == 0)
            NextRun();
        return Math.Min(count, _left);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Advance(int count)
    {
        _left -= count;
        _packedPosition += count;
    }

    private void NextRun()
    {
        do
        {
            var head = ReadHead();
            if ((head & 1) == 0)
                StartRepeated(head >> 1);
            else
                StartPacked(head >> 1);
        }
        while (_left == 0);
    }

    private void StartRepeated(uint count)
    {
        if (count > int.MaxValue)
            throw Fault($"a run has {count} values");
        var bytes = _width + 7 >> 3;
        if (_end - _at < bytes)
            throw Fault("a run ends too early");
        _value = 0;
        for (var i = 0; i < bytes; i++)
            _value |= (uint)_at[i] << (8 * i);
        if (_width < 32 && _value >> _width != 0)
            throw Fault($"a run repeats the value {_value}, which does not fit {_width} bits");
        _at += bytes;
        _packed = null;
        _left = (int)count;
    }

    private void StartPacked(uint groups)
    {
        var bytes = groups * (long)_width;
        var count = groups * 8L;
        if (bytes > _end - _at)
        {
            bytes = _end - _at;
            count = bytes * 8 / _width;
            if (count == 0)
                throw Fault("packed values end too early");
        }
        if (count > int.MaxValue)
            throw Fault($"{groups} groups of packed values are announced");
        _packed = _at;
        _packedPosition = 0;
        _at += bytes;
        _left = (int)count;
    }

    private uint ReadHead()
    {
        var value = 0U;
        for (var shift = 0; shift < 35; shift += 7)
        {
            if (_at >= _end)
                throw Fault("there are fewer values than announced");
            var next = *_at++;
            value |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        throw Fault("the head of a run has more than 5 bytes");
    }

    private readonly ParquetFault Fault(string reason) => new(reason, _at - _start);
}

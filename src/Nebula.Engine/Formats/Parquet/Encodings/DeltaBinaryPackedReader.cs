using System.Runtime.CompilerServices;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Reads integers stored as differences in blocks (Encodings.md, "Delta Encoding"). A copy reads on independently.</summary>
internal unsafe struct DeltaBinaryPackedReader
{
    private const int MaxBlockValues = 1 << 24;
    private readonly byte* _start;
    private readonly byte* _end;
    private readonly int _miniblocks;
    private readonly int _miniblockValues;
    private byte* _at;
    private byte* _widths;
    private byte* _packed;
    private int _miniblock;
    private int _position;
    private int _width;
    private long _minDelta;
    private long _last;
    private int _given;

    /// <summary>Reads the header.</summary>
    /// <param name="start">Its first byte.</param>
    /// <param name="end">Behind the last byte there is.</param>
    /// <exception cref="ParquetFault">It is impossible.</exception>
    public DeltaBinaryPackedReader(byte* start, byte* end)
    {
        _start = start;
        _at = start;
        _end = end;
        var blockValues = ReadVarint();
        var miniblocks = ReadVarint();
        var count = ReadVarint();
        if (blockValues is 0 or > MaxBlockValues || miniblocks == 0 || blockValues % miniblocks != 0 || blockValues / miniblocks % 8 != 0)
            throw Fault($"blocks of {blockValues} differences in {miniblocks} parts are announced");
        if (count > int.MaxValue)
            throw Fault($"{count} integers are announced");
        _miniblocks = (int)miniblocks;
        _miniblockValues = (int)(blockValues / miniblocks);
        _last = ReadZigzag();
        _miniblock = _miniblocks;
        _position = _miniblockValues;
        Count = (int)count;
    }

    /// <summary>Number of values in all.</summary>
    public int Count { get; }

    /// <summary>Number of values not yet read.</summary>
    public readonly int Remaining => Count - _given;

    /// <summary>Reads values of 64 bits.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">There are not so many.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(long* target, int count)
    {
        for (var done = 0; done < count;)
        {
            if (TakeFirst(count))
            {
                target[done++] = _last;
                continue;
            }
            var step = NextPiece(count - done);
            var (value, width) = (_last, _width);
            var packed = _packed;
            if (width == 0)
                for (var i = 0; i < step; i++)
                    target[done + i] = value += _minDelta;
            else
                for (var i = 0; i < step; i++)
                    target[done + i] = value += (long)BitUnpacker.Read(packed, _position + i, width) + _minDelta;
            _last = value;
            _position += step;
            _given += step;
            done += step;
        }
    }

    /// <summary>Reads values of 32 bits; sums wrap around.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">There are not so many.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(int* target, int count)
    {
        var deltas = stackalloc uint[64 + 16];
        for (var done = 0; done < count;)
        {
            if (TakeFirst(count))
            {
                target[done++] = (int)_last;
                continue;
            }
            var step = NextPiece(count - done);
            var (value, min, width) = ((int)_last, (int)_minDelta, _width);
            if (width == 0)
                for (var i = 0; i < step; i++)
                    target[done + i] = value += min;
            else if (width <= 32)
            {
                for (var i = 0; i < step; i += 64)
                {
                    var piece = Math.Min(64, step - i);
                    BitUnpacker.Unpack(_packed, _position + i, width, deltas, piece);
                    for (var j = 0; j < piece; j++)
                        target[done + i + j] = value += (int)deltas[j] + min;
                }
            }
            else
                for (var i = 0; i < step; i++)
                    target[done + i] = value += (int)BitUnpacker.Read(_packed, _position + i, width) + min;
            _last = value;
            _position += step;
            _given += step;
            done += step;
        }
    }

    /// <summary>Passes over all values.</summary>
    /// <returns>The first byte behind them.</returns>
    /// <exception cref="ParquetFault">They end too early.</exception>
    public byte* SkipAll()
    {
        if (_given == 0 && Count > 0)
            _given = 1;
        while (_given < Count)
        {
            var step = NextPiece(Count - _given);
            _position += step;
            _given += step;
        }
        return _at;
    }

    private bool TakeFirst(int wanted)
    {
        if (_given > 0)
            return false;
        if (wanted > Count)
            throw Fault($"{Count} integers are there where {wanted} are needed");
        _given = 1;
        return true;
    }

    /// <summary>Makes values of a part of a block available, and tells how many of those wanted.</summary>
    private int NextPiece(int wanted)
    {
        if (wanted > Count - _given)
            throw Fault($"{Count} integers are there, and more are needed");
        if (_position == _miniblockValues)
        {
            if (_miniblock == _miniblocks)
                StartBlock();
            StartMiniblock();
        }
        return Math.Min(wanted, _miniblockValues - _position);
    }

    private void StartBlock()
    {
        _minDelta = ReadZigzag();
        if (_end - _at < _miniblocks)
            throw Fault("a block of differences ends too early");
        _widths = _at;
        _at += _miniblocks;
        _miniblock = 0;
    }

    private void StartMiniblock()
    {
        _width = _widths[_miniblock++];
        if (_width > 64)
            throw Fault($"differences are packed in {_width} bits, where at most 64 are possible");
        // the values behind the last need not be there
        var needed = ((long)Math.Min(_miniblockValues, Count - _given) * _width + 7) / 8;
        if (_end - _at < needed)
            throw Fault("packed differences end too early");
        _packed = _at;
        _at += Math.Min((long)_miniblockValues * _width / 8, _end - _at);
        _position = 0;
    }

    private long ReadZigzag()
    {
        var value = ReadVarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    private ulong ReadVarint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (_at >= _end)
                throw Fault("a number ends too early");
            var next = *_at++;
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return value;
        }
        throw Fault("a number has more than 10 bytes");
    }

    private readonly ParquetFault Fault(string reason) => new(reason, _at - _start);
}

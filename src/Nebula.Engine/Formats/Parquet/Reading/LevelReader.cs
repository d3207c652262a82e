using System.Buffers.Binary;
using System.Numerics;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Reads the definition or repetition levels of a page.</summary>
internal unsafe struct LevelReader
{
    private readonly int _max;
    private readonly bool _isLegacy;
    private RleBitPackedReader _hybrid;
    private LegacyBitPackedReader _legacy;

    private LevelReader(int max, byte* start, byte* end, bool isLegacy)
    {
        (_max, _isLegacy) = (max, isLegacy);
        var width = 32 - BitOperations.LeadingZeroCount((uint)max);
        if (isLegacy)
            _legacy = new LegacyBitPackedReader(start, end, width);
        else
            _hybrid = new RleBitPackedReader(start, end, width);
    }

    /// <summary>Starts the levels of a page of version 1, which tell their length themselves.</summary>
    /// <param name="encoding">How they are encoded.</param>
    /// <param name="max">Greatest level.</param>
    /// <param name="valueCount">Number of values in the page.</param>
    /// <param name="at">First byte of the levels; becomes the first behind them.</param>
    /// <param name="end">Behind the last byte of the page.</param>
    /// <exception cref="ParquetFault">The levels reach beyond the page, or are encoded impossibly.</exception>
    public static LevelReader Start(PageEncoding encoding, int max, int valueCount, ref byte* at, byte* end)
    {
        if (max == 0)
            return default;
        long length;
        switch (encoding)
        {
            case PageEncoding.Rle:
                if (end - at < sizeof(int))
                    throw new ParquetFault("a page ends within its levels", 0);
                length = BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(at, sizeof(int)));
                at += sizeof(int);
                break;
            case PageEncoding.BitPacked:
                length = ((long)valueCount * (32 - BitOperations.LeadingZeroCount((uint)max)) + 7) / 8;
                break;
            default:
                throw new ParquetFault($"levels are encoded as {encoding}, which is not possible", 0);
        }
        if (length > end - at)
            throw new ParquetFault($"levels of {length} bytes are announced where {end - at} are left", 0);
        var start = at;
        at += length;
        return new LevelReader(max, start, at, encoding == PageEncoding.BitPacked);
    }

    /// <summary>Starts the levels of a page of version 2.</summary>
    /// <param name="max">Greatest level.</param>
    /// <param name="start">First byte.</param>
    /// <param name="length">Their bytes.</param>
    public static LevelReader Start(int max, byte* start, int length) => max == 0 ? default : new LevelReader(max, start, start + length, isLegacy: false);

    /// <summary>Reads levels.</summary>
    /// <param name="target">Where they go; up to 15 more may be written behind.</param>
    /// <param name="count">Number of levels.</param>
    /// <exception cref="ParquetFault">There are not so many, or one is too great.</exception>
    public void Read(uint* target, int count)
    {
        if (_max == 0)
        {
            new Span<uint>(target, count).Clear();
            return;
        }
        if (_isLegacy)
            _legacy.Read(target, count);
        else
            _hybrid.Read(target, count);
        if (count > 0 && DictionaryGather.Max(target, count) > _max)
            throw new ParquetFault($"a level is {DictionaryGather.Max(target, count)} where the schema allows {_max} at most");
    }

    /// <summary>Reads levels that are 0 or 1 into a bitmap.</summary>
    /// <param name="target">The bitmap, in whole words with a word to spare.</param>
    /// <param name="start">Where the first bit goes.</param>
    /// <param name="count">Number of levels.</param>
    /// <returns>How many of them are 1.</returns>
    /// <exception cref="ParquetFault">There are not so many, or one is too great.</exception>
    public int ReadBits(Span<byte> target, int start, int count)
    {
        if (_isLegacy)
        {
            uint* level = stackalloc uint[1];
            for (var i = 0; i < count; i++)
            {
                _legacy.Read(level, 1);
                Bitmap.Set(target, start + i, *level != 0);
            }
        }
        else
            _hybrid.ReadBits(target, start, count);
        return BitRange.CountSet(target, start, count);
    }
}

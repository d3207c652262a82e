using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Reads values whose first bytes come first, then their second bytes, and so on (Encodings.md, "Byte Stream Split").</summary>
internal unsafe struct ByteStreamSplitReader
{
    private readonly byte* _start;
    private readonly int _width;
    private readonly int _count;
    private int _position;

    /// <summary>Starts a page.</summary>
    /// <param name="start">First byte of its values.</param>
    /// <param name="end">Behind the last byte.</param>
    /// <param name="width">Bytes of a value.</param>
    /// <exception cref="ParquetFault">The bytes are not whole values.</exception>
    public ByteStreamSplitReader(byte* start, byte* end, int width)
    {
        if ((end - start) % width != 0)
            throw new ParquetFault($"{end - start} bytes are no whole number of values of {width} bytes", 0);
        _start = start;
        _width = width;
        _count = (int)((end - start) / width);
    }

    /// <summary>Checks that values are there.</summary>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">There are not so many.</exception>
    public readonly void Require(int count)
    {
        if (count > _count - _position)
            throw new ParquetFault("there are fewer values than announced", (long)_count * _width);
    }

    /// <summary>Reads values that <see cref="Require"/> found.</summary>
    /// <param name="target">Where they go.</param>
    /// <param name="count">Number of values.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Read(byte* target, int count)
    {
        var source = _start + _position;
        var done = 0;
        if (_width == 4)
            for (; count - done >= 16; done += 16)
                Interleave4(source + done, target + 4 * done);
        else if (_width == 8)
            for (; count - done >= 16; done += 16)
                Interleave8(source + done, target + 8 * done);
        for (; done < count; done++)
            for (var b = 0; b < _width; b++)
                target[(long)done * _width + b] = source[(long)b * _count + done];
        _position += count;
    }

    private readonly void Interleave4(byte* source, byte* target)
    {
        var (low, high) = Zip(Vector128.Load(source), Vector128.Load(source + _count));
        var (low2, high2) = Zip(Vector128.Load(source + 2L * _count), Vector128.Load(source + 3L * _count));
        Store(low.AsUInt16(), low2.AsUInt16(), target);
        Store(high.AsUInt16(), high2.AsUInt16(), target + 32);
    }

    private readonly void Interleave8(byte* source, byte* target)
    {
        var pairs = stackalloc byte[128];
        // halves of four bytes first, then both halves of each value
        Interleave4(source, pairs);
        Interleave4(source + 4L * _count, pairs + 64);
        for (var i = 0; i < 64; i += 16)
        {
            var (first, second) = (Vector128.Load((uint*)(pairs + i)), Vector128.Load((uint*)(pairs + 64 + i)));
            ZipLow(first, second).Store((uint*)(target + 2 * i));
            ZipHigh(first, second).Store((uint*)(target + 2 * i + 16));
        }
    }

    private static void Store(Vector128<ushort> first, Vector128<ushort> second, byte* target)
    {
        var low = Vector128.WidenLower(first) | Vector128.WidenLower(second) << 16;
        var high = Vector128.WidenUpper(first) | Vector128.WidenUpper(second) << 16;
        low.AsByte().Store(target);
        high.AsByte().Store(target + 16);
    }

    private static (Vector128<ushort> Low, Vector128<ushort> High) Zip(Vector128<byte> first, Vector128<byte> second) =>
        (Vector128.WidenLower(first) | Vector128.WidenLower(second) << 8, Vector128.WidenUpper(first) | Vector128.WidenUpper(second) << 8);

    private static Vector128<uint> ZipLow(Vector128<uint> first, Vector128<uint> second) =>
        (Vector128.WidenLower(first) | Vector128.WidenLower(second) << 32).AsUInt32();

    private static Vector128<uint> ZipHigh(Vector128<uint> first, Vector128<uint> second) =>
        (Vector128.WidenUpper(first) | Vector128.WidenUpper(second) << 32).AsUInt32();
}

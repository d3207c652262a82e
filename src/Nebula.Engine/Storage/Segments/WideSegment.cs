using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Storage.Packing;

namespace Nebula.Engine.Storage.Segments;

/// <summary>Values of 16 bytes (decimals of more than 18 digits, UUIDs): their halves packed apart.</summary>
/// <remarks>So the upper half of small numbers takes next to nothing.</remarks>
internal sealed class WideSegment : ColumnSegment
{
    private readonly PackedIntegers _low;
    private readonly PackedIntegers _high;

    private WideSegment(Column column, PooledBuffer? validity, PackedIntegers low, PackedIntegers high)
        : base(column.Type, column.Length, column.NullCount, validity)
    {
        _low = low;
        _high = high;
    }

    protected override long ValueBytes => _low.BufferBytes + _high.BufferBytes;

    public static WideSegment Encode(BufferPool pool, Column column, PooledBuffer? validity)
    {
        using var scope = new BufferScope();
        var low = scope.Add(EncodeHalf(pool, column, 0));
        var high = scope.Add(EncodeHalf(pool, column, 1));
        scope.Release();
        return new WideSegment(column, validity, low, high);
    }

    protected override Column DecodeValues(BufferPool pool, int nulls, PooledBuffer? validityCopy)
    {
        using var scope = new BufferScope();
        var values = scope.Add(pool.Rent(checked(Length * 16)));
        DecodeHalf(_low, values.As<long>()[..(2 * Length)]);
        DecodeHalf(_high, values.As<long>().Slice(Length > 0 ? 1 : 0, Math.Max(2 * Length - 1, 0)));
        scope.Release();
        return new Column(Type, Length, nulls, validityCopy, values);
    }

    protected override void DisposeValues()
    {
        _low.Dispose();
        _high.Dispose();
    }

    private static PackedIntegers EncodeHalf(BufferPool pool, Column column, int half)
    {
        using var scratch = new IntegerScratch(pool, column.Length);
        var source = MemoryMarshal.Cast<byte, long>(ColumnLayouts.FixedBytes(column));
        var values = scratch.Values;
        for (var i = 0; i < values.Length; i++)
            values[i] = source[2 * i + half];
        scratch.FillNulls(column);
        return scratch.Pack();
    }

    /// <summary>Writes every second integer of <paramref name="target"/>.</summary>
    private static void DecodeHalf(PackedIntegers half, Span<long> target)
    {
        Span<long> piece = stackalloc long[PackedIntegerReader.PieceLength];
        var reader = half.Read();
        for (var done = 0; done < half.Count; done += piece.Length)
        {
            var count = Math.Min(piece.Length, half.Count - done);
            reader.Next(piece[..BitPacking.RoundUp(count)]);
            for (var i = 0; i < count; i++)
                target[2 * (done + i)] = piece[i];
        }
    }
}

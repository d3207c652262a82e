using System.Numerics;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage.Packing;

namespace Nebula.Engine.Storage.Segments;

/// <summary>
/// Numbers, dates and times of up to 8 bytes as packed integers; floating point scaled to integers where that loses no bit, else as its bits.
/// </summary>
internal sealed class NumberSegment : ColumnSegment
{
    private readonly PackedIntegers _integers;
    private readonly DecimalScaling? _scaling;

    private NumberSegment(Column column, PooledBuffer? validity, PackedIntegers integers, DecimalScaling? scaling)
        : base(column.Type, column.Length, column.NullCount, validity)
    {
        _integers = integers;
        _scaling = scaling;
    }

    protected override long ValueBytes => _integers.BufferBytes;

    public static NumberSegment Encode(BufferPool pool, Column column, PooledBuffer? validity)
    {
        using var scratch = new IntegerScratch(pool, column.Length);
        switch (column.Type.Kind)
        {
            case TypeKind.UInt8:
                scratch.Widen(column.Values<byte>());
                break;
            case TypeKind.UInt16:
                scratch.Widen(column.Values<ushort>());
                break;
            case TypeKind.UInt32:
                scratch.Widen(column.Values<uint>());
                break;
            default:
                switch (column.Type.ByteWidth)
                {
                    case 1:
                        scratch.Widen(column.Values<sbyte>());
                        break;
                    case 2:
                        scratch.Widen(column.Values<short>());
                        break;
                    case 4:
                        scratch.Widen(column.Values<int>());
                        break;
                    default:
                        scratch.Widen(column.Values<long>());
                        break;
                }
                break;
        }
        scratch.FillNulls(column);
        var scaling = column.Type.Kind switch
        {
            TypeKind.Float64 => DecimalScaling.Apply<Float64Bits>(pool, scratch.Values),
            TypeKind.Float32 => DecimalScaling.Apply<Float32Bits>(pool, scratch.Values),
            _ => null,
        };
        return new NumberSegment(column, validity, scratch.Pack(), scaling);
    }

    protected override Column DecodeValues(BufferPool pool, int nulls, PooledBuffer? validityCopy)
    {
        using var scope = new BufferScope();
        var values = scope.Add(pool.Rent(checked(Length * Type.ByteWidth)));
        if (_scaling is { } scaling && Type.Kind == TypeKind.Float64)
            Scale<double>(values.As<double>()[..Length], scaling.Divisor);
        else if (_scaling is { } narrow)
            Scale<float>(values.As<float>()[..Length], narrow.Divisor);
        else
            DecodeIntegers(values);
        scope.Release();
        return new Column(Type, Length, nulls, validityCopy, values);
    }

    protected override void DisposeValues() => _integers.Dispose();

    private void DecodeIntegers(PooledBuffer values)
    {
        switch (Type.ByteWidth)
        {
            case 1:
                Narrow(values.As<byte>()[..Length]);
                break;
            case 2:
                Narrow(values.As<ushort>()[..Length]);
                break;
            case 4:
                Narrow(values.As<uint>()[..Length]);
                break;
            default:
                _integers.Decode(values.As<long>()[..Length]);
                break;
        }
    }

    private void Narrow<T>(Span<T> target) where T : unmanaged, IBinaryInteger<T>
    {
        Span<long> piece = stackalloc long[PackedIntegerReader.PieceLength];
        var reader = _integers.Read();
        while (!target.IsEmpty)
        {
            var count = Math.Min(piece.Length, target.Length);
            reader.Next(piece[..BitPacking.RoundUp(count)]);
            for (var i = 0; i < count; i++)
                target[i] = T.CreateTruncating(piece[i]);
            target = target[count..];
        }
    }

    private void Scale<T>(Span<T> target, double divisor) where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Span<long> piece = stackalloc long[PackedIntegerReader.PieceLength];
        var reader = _integers.Read();
        while (!target.IsEmpty)
        {
            var count = Math.Min(piece.Length, target.Length);
            reader.Next(piece[..BitPacking.RoundUp(count)]);
            if (typeof(T) == typeof(double))
                DecimalScaling.Divide(piece[..count], divisor, MemoryMarshal.Cast<T, double>(target));
            else
                DecimalScaling.Divide(piece[..count], divisor, MemoryMarshal.Cast<T, float>(target));
            target = target[count..];
        }
    }
}

using System.Numerics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Conversion;

/// <summary>Makes the converters between booleans, integers, floats and decimals: one loop for each pair of widths.</summary>
internal static class NumberConverters
{
    /// <summary>Makes a converter between two types of numbers, of which <see cref="ConversionTable"/> says that they can be converted.</summary>
    public static ColumnConverter Make(DataType from, DataType to, bool allowsLoss) => from.Kind switch
    {
        TypeKind.Bool => FromBool(to),
        TypeKind.Int8 => FromInteger<sbyte>(to, allowsLoss),
        TypeKind.Int16 => FromInteger<short>(to, allowsLoss),
        TypeKind.Int32 => FromInteger<int>(to, allowsLoss),
        TypeKind.Int64 => FromInteger<long>(to, allowsLoss),
        TypeKind.UInt8 => FromInteger<byte>(to, allowsLoss),
        TypeKind.UInt16 => FromInteger<ushort>(to, allowsLoss),
        TypeKind.UInt32 => FromInteger<uint>(to, allowsLoss),
        TypeKind.UInt64 => FromInteger<ulong>(to, allowsLoss),
        TypeKind.Float32 => FromFloat<float>(to, allowsLoss),
        TypeKind.Float64 => FromFloat<double>(to, allowsLoss),
        _ when from.ByteWidth == 8 => FromDecimal<long>(from, to, allowsLoss),
        _ => FromDecimal<Int128>(from, to, allowsLoss),
    };

    private static ColumnConverter FromBool(DataType to) => to.Kind switch
    {
        TypeKind.Int8 => new BoolToIntegerConverter<sbyte>(to),
        TypeKind.Int16 => new BoolToIntegerConverter<short>(to),
        TypeKind.Int32 => new BoolToIntegerConverter<int>(to),
        TypeKind.Int64 => new BoolToIntegerConverter<long>(to),
        TypeKind.UInt8 => new BoolToIntegerConverter<byte>(to),
        TypeKind.UInt16 => new BoolToIntegerConverter<ushort>(to),
        TypeKind.UInt32 => new BoolToIntegerConverter<uint>(to),
        _ => new BoolToIntegerConverter<ulong>(to),
    };

    private static ColumnConverter FromInteger<T>(DataType to, bool allowsLoss) where T : unmanaged, IBinaryInteger<T> => to.Kind switch
    {
        TypeKind.Bool => new IntegerToBoolConverter<T>(),
        TypeKind.Int8 => new FixedConverter<T, sbyte, IntegerMap<T, sbyte>>(to, default, allowsLoss),
        TypeKind.Int16 => new FixedConverter<T, short, IntegerMap<T, short>>(to, default, allowsLoss),
        TypeKind.Int32 => new FixedConverter<T, int, IntegerMap<T, int>>(to, default, allowsLoss),
        TypeKind.Int64 => new FixedConverter<T, long, IntegerMap<T, long>>(to, default, allowsLoss),
        TypeKind.UInt8 => new FixedConverter<T, byte, IntegerMap<T, byte>>(to, default, allowsLoss),
        TypeKind.UInt16 => new FixedConverter<T, ushort, IntegerMap<T, ushort>>(to, default, allowsLoss),
        TypeKind.UInt32 => new FixedConverter<T, uint, IntegerMap<T, uint>>(to, default, allowsLoss),
        TypeKind.UInt64 => new FixedConverter<T, ulong, IntegerMap<T, ulong>>(to, default, allowsLoss),
        TypeKind.Float32 => new FixedConverter<T, float, IntegerToFloat<T, float>>(to, default, allowsLoss),
        TypeKind.Float64 => new FixedConverter<T, double, IntegerToFloat<T, double>>(to, default, allowsLoss),
        _ when to.ByteWidth == 8 => new FixedConverter<T, long, IntegerToDecimal<T, long>>(to, new IntegerToDecimal<T, long>(to.Precision, to.Scale),
            allowsLoss),
        _ => new FixedConverter<T, Int128, IntegerToDecimal<T, Int128>>(to, new IntegerToDecimal<T, Int128>(to.Precision, to.Scale), allowsLoss),
    };

    private static ColumnConverter FromFloat<T>(DataType to, bool allowsLoss) where T : unmanaged, IBinaryFloatingPointIeee754<T> => to.Kind switch
    {
        TypeKind.Int8 => new FixedConverter<T, sbyte, FloatToInteger<T, sbyte>>(to, default, allowsLoss),
        TypeKind.Int16 => new FixedConverter<T, short, FloatToInteger<T, short>>(to, default, allowsLoss),
        TypeKind.Int32 => new FixedConverter<T, int, FloatToInteger<T, int>>(to, default, allowsLoss),
        TypeKind.Int64 => new FixedConverter<T, long, FloatToInteger<T, long>>(to, default, allowsLoss),
        TypeKind.UInt8 => new FixedConverter<T, byte, FloatToInteger<T, byte>>(to, default, allowsLoss),
        TypeKind.UInt16 => new FixedConverter<T, ushort, FloatToInteger<T, ushort>>(to, default, allowsLoss),
        TypeKind.UInt32 => new FixedConverter<T, uint, FloatToInteger<T, uint>>(to, default, allowsLoss),
        TypeKind.UInt64 => new FixedConverter<T, ulong, FloatToInteger<T, ulong>>(to, default, allowsLoss),
        TypeKind.Float32 => new FixedConverter<double, float, DoubleToSingle>(to, default, allowsLoss),
        TypeKind.Float64 => new FixedConverter<float, double, SingleToDouble>(to, default, allowsLoss),
        _ when to.ByteWidth == 8 => new FixedConverter<T, long, FloatToDecimal<T, long>>(to, new FloatToDecimal<T, long>(to.Precision, to.Scale), allowsLoss),
        _ => new FixedConverter<T, Int128, FloatToDecimal<T, Int128>>(to, new FloatToDecimal<T, Int128>(to.Precision, to.Scale), allowsLoss),
    };

    private static ColumnConverter FromDecimal<T>(DataType from, DataType to, bool allowsLoss) where T : unmanaged, IBinaryInteger<T> => to.Kind switch
    {
        TypeKind.Int8 => ToInteger<T, sbyte>(from, to, allowsLoss),
        TypeKind.Int16 => ToInteger<T, short>(from, to, allowsLoss),
        TypeKind.Int32 => ToInteger<T, int>(from, to, allowsLoss),
        TypeKind.Int64 => ToInteger<T, long>(from, to, allowsLoss),
        TypeKind.UInt8 => ToInteger<T, byte>(from, to, allowsLoss),
        TypeKind.UInt16 => ToInteger<T, ushort>(from, to, allowsLoss),
        TypeKind.UInt32 => ToInteger<T, uint>(from, to, allowsLoss),
        TypeKind.UInt64 => ToInteger<T, ulong>(from, to, allowsLoss),
        TypeKind.Float32 => new FixedConverter<T, float, DecimalToFloat<T, float>>(to, new DecimalToFloat<T, float>(from.Scale), allowsLoss),
        TypeKind.Float64 => new FixedConverter<T, double, DecimalToFloat<T, double>>(to, new DecimalToFloat<T, double>(from.Scale), allowsLoss),
        _ when to.ByteWidth == 8 => Rescale<T, long>(from, to, allowsLoss),
        _ => Rescale<T, Int128>(from, to, allowsLoss),
    };

    private static FixedConverter<TIn, TOut, DecimalToInteger<TIn, TOut>> ToInteger<TIn, TOut>(DataType from, DataType to, bool allowsLoss)
        where TIn : unmanaged, IBinaryInteger<TIn>
        where TOut : unmanaged, IBinaryInteger<TOut> => new(to, new DecimalToInteger<TIn, TOut>(from.Scale), allowsLoss);

    private static ColumnConverter Rescale<TIn, TOut>(DataType from, DataType to, bool allowsLoss)
        where TIn : unmanaged, IBinaryInteger<TIn>
        where TOut : unmanaged, IBinaryInteger<TOut> => to.Scale >= from.Scale
            ? new FixedConverter<TIn, TOut, DecimalScaleUp<TIn, TOut>>(to, new DecimalScaleUp<TIn, TOut>(to.Precision, to.Scale - from.Scale), allowsLoss)
            : new FixedConverter<TIn, TOut, DecimalScaleDown<TIn, TOut>>(to, new DecimalScaleDown<TIn, TOut>(to.Precision, from.Scale - to.Scale), allowsLoss);
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Formats.Parquet.Encodings;

/// <summary>Turns stored values of fixed width into values of a column.</summary>
/// <param name="sourceWidth">Bytes of a stored value.</param>
/// <param name="targetWidth">Bytes of a value of the column.</param>
internal abstract unsafe class ValueConversion(int sourceWidth, int targetWidth)
{
    /// <summary>Bytes of a stored value.</summary>
    public int SourceWidth => sourceWidth;

    /// <summary>Bytes of a value of the column.</summary>
    public int TargetWidth => targetWidth;

    /// <summary>Converts values.</summary>
    /// <param name="source">The stored values.</param>
    /// <param name="target">Where the converted ones go.</param>
    /// <param name="count">Number of values.</param>
    /// <exception cref="ParquetFault">A value is outside the range of the column's type.</exception>
    public abstract void Convert(byte* source, byte* target, int count);
}

/// <summary>Takes the low bytes of 32-bit integers whose type has fewer bits.</summary>
/// <param name="width">Bytes that the type has: 1 or 2.</param>
/// <param name="isSigned">Whether it has a sign.</param>
internal sealed unsafe class NarrowInt32(int width, bool isSigned) : ValueConversion(sizeof(int), width)
{
    /// <inheritdoc/>
    public override void Convert(byte* source, byte* target, int count)
    {
        var (least, greatest) = isSigned ? (-(1 << (8 * TargetWidth - 1)), (1 << (8 * TargetWidth - 1)) - 1) : (0, (1 << (8 * TargetWidth)) - 1);
        var wrong = false;
        if (TargetWidth == 1)
            for (var i = 0; i < count; i++)
            {
                var value = Unsafe.ReadUnaligned<int>(source + 4L * i);
                wrong |= value < least | value > greatest;
                target[i] = (byte)value;
            }
        else
            for (var i = 0; i < count; i++)
            {
                var value = Unsafe.ReadUnaligned<int>(source + 4L * i);
                wrong |= value < least | value > greatest;
                ((short*)target)[i] = (short)value;
            }
        if (wrong)
            throw Outside(source, count, least, greatest);
    }

    private ParquetFault Outside(byte* source, int count, int least, int greatest)
    {
        var value = 0;
        for (var i = 0; i < count; i++)
            if (Unsafe.ReadUnaligned<int>(source + 4L * i) is var candidate && (candidate < least || candidate > greatest))
                value = candidate;
        var type = $"{(isSigned ? "signed" : "unsigned")} {8 * TargetWidth}-bit integer";
        return new ParquetFault($"the value {value} does not fit the {type} that the column declares");
    }
}

/// <summary>Widens 32-bit integers to 64 bits and multiplies them: times in milliseconds, decimals.</summary>
/// <param name="factor">What they are multiplied with.</param>
internal sealed unsafe class WidenInt32(int factor) : ValueConversion(sizeof(int), sizeof(long))
{
    /// <inheritdoc/>
    public override void Convert(byte* source, byte* target, int count)
    {
        for (var i = 0; i < count; i++)
            ((long*)target)[i] = (long)Unsafe.ReadUnaligned<int>(source + 4L * i) * factor;
    }
}

/// <summary>Widens decimals of up to 64 bits to 128.</summary>
/// <param name="sourceWidth">Bytes of a stored value: 4 or 8.</param>
internal sealed unsafe class WidenToInt128(int sourceWidth) : ValueConversion(sourceWidth, sizeof(Int128))
{
    /// <inheritdoc/>
    public override void Convert(byte* source, byte* target, int count)
    {
        for (var i = 0; i < count; i++)
            ((Int128*)target)[i] = SourceWidth == sizeof(int) ? Unsafe.ReadUnaligned<int>(source + 4L * i) : Unsafe.ReadUnaligned<long>(source + 8L * i);
    }
}

/// <summary>Turns milliseconds since 1970 into microseconds.</summary>
internal sealed unsafe class MillisecondsToMicroseconds() : ValueConversion(sizeof(long), sizeof(long))
{
    private const long Greatest = long.MaxValue / 1000;

    /// <inheritdoc/>
    public override void Convert(byte* source, byte* target, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var value = Unsafe.ReadUnaligned<long>(source + 8L * i);
            if (value is > Greatest or < -Greatest)
                throw new ParquetFault($"the timestamp of {value} milliseconds since 1970 is outside the range of microseconds in 64 bits", -1,
                    "Leave out the column, or write the file again without the value.");
            ((long*)target)[i] = value * 1000;
        }
    }
}

/// <summary>Turns INT96 (nanoseconds of the day, Julian day) into a timestamp.</summary>
/// <param name="isMicroseconds">Whether into microseconds, which cuts off nanoseconds but reaches any year; else into nanoseconds.</param>
internal sealed unsafe class Int96ToTimestamp(bool isMicroseconds) : ValueConversion(12, sizeof(long))
{
    private const int JulianDayOf1970 = 2_440_588;
    private const long SecondsPerDay = 86_400;

    /// <inheritdoc/>
    public override void Convert(byte* source, byte* target, int count)
    {
        for (var i = 0; i < count; i++, source += 12)
        {
            var ofDay = Unsafe.ReadUnaligned<long>(source);
            var days = Unsafe.ReadUnaligned<int>(source + 8) - (long)JulianDayOf1970;
            if (isMicroseconds)
            {
                var microseconds = (Int128)days * SecondsPerDay * 1_000_000 + Math.DivRem(ofDay, 1000).Quotient - (ofDay % 1000 < 0 ? 1 : 0);
                if (microseconds > long.MaxValue || microseconds < long.MinValue)
                    throw Outside(days, ofDay, "the range of microseconds in 64 bits", "Leave out the column.");
                ((long*)target)[i] = (long)microseconds;
                continue;
            }
            var nanoseconds = (Int128)days * SecondsPerDay * 1_000_000_000 + ofDay;
            if (nanoseconds > long.MaxValue || nanoseconds < long.MinValue)
                throw Outside(days, ofDay, "the years 1677 to 2262, which nanoseconds in 64 bits can tell",
                    "Set 'int96: us' to read such columns in microseconds.");
            ((long*)target)[i] = (long)nanoseconds;
        }
    }

    private static ParquetFault Outside(long days, long ofDay, string range, string advice) =>
        new($"the timestamp of Julian day {days + JulianDayOf1970} and {ofDay} nanoseconds is outside {range}", -1, advice);
}

/// <summary>Turns half precision into single precision.</summary>
internal sealed unsafe class Float16ToFloat32() : ValueConversion(2, sizeof(float))
{
    /// <inheritdoc/>
    public override void Convert(byte* source, byte* target, int count)
    {
        for (var i = 0; i < count; i++)
            ((float*)target)[i] = (float)BitConverter.UInt16BitsToHalf(Unsafe.ReadUnaligned<ushort>(source + 2L * i));
    }
}

/// <summary>Turns decimals stored as big-endian two's complement of a fixed length into integers.</summary>
/// <param name="sourceWidth">Bytes of a stored value.</param>
/// <param name="targetWidth">8 or 16.</param>
internal sealed unsafe class BigEndianDecimal(int sourceWidth, int targetWidth) : ValueConversion(sourceWidth, targetWidth)
{
    /// <inheritdoc/>
    public override void Convert(byte* source, byte* target, int count)
    {
        if (SourceWidth <= sizeof(long) && TargetWidth == sizeof(long))
        {
            var shift = 64 - 8 * SourceWidth;
            for (var i = 0; i < count; i++, source += SourceWidth)
                ((long*)target)[i] = BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<long>(source)) >> shift;
            return;
        }
        for (var i = 0; i < count; i++, source += SourceWidth)
            Write(new ReadOnlySpan<byte>(source, SourceWidth), target + (long)i * TargetWidth, TargetWidth);
    }

    /// <summary>Writes one value.</summary>
    /// <param name="bytes">Big-endian two's complement of any length; none is 0.</param>
    /// <param name="target">Where the integer goes.</param>
    /// <param name="targetWidth">Its width: 8 or 16.</param>
    /// <exception cref="ParquetFault">The value does not fit.</exception>
    public static void Write(ReadOnlySpan<byte> bytes, byte* target, int targetWidth)
    {
        var value = bytes.IsEmpty ? Int128.Zero : (sbyte)bytes[0] < 0 ? Int128.NegativeOne : Int128.Zero;
        var sign = (byte)value;
        var start = Math.Max(0, bytes.Length - 16);
        foreach (var leading in bytes[..start])
            if (leading != sign)
                throw TooLarge(bytes);
        foreach (var next in bytes[start..])
            value = value << 8 | next;
        if (start > 0 && (byte)(value >> 127) != sign)
            throw TooLarge(bytes);
        if (targetWidth == sizeof(Int128))
            Unsafe.WriteUnaligned(target, value);
        else if (value >= long.MinValue && value <= long.MaxValue)
            Unsafe.WriteUnaligned(target, (long)value);
        else
            throw TooLarge(bytes);
    }

    private static ParquetFault TooLarge(ReadOnlySpan<byte> bytes) =>
        new($"the decimal 0x{System.Convert.ToHexString(bytes[..Math.Min(bytes.Length, 64)])} has more digits than the column's type can hold", -1,
            "Leave out the column, or write the value as text.");
}

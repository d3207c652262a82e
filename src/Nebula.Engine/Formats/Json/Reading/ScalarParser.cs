using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using Nebula.Engine.Formats.Text;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>Turns the text of one scalar into a value of a column's type.</summary>
internal static unsafe class ScalarParser
{
    private const NumberStyles JsonNumber = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>Appends a scalar.</summary>
    /// <param name="column">The column.</param>
    /// <param name="text">A number or literal as it stands, or the content of a string; up to 128 bytes behind may be read.</param>
    /// <param name="length">Bytes of the text.</param>
    /// <param name="isQuoted">Whether it was a string.</param>
    /// <returns>Whether the text is a value of the type.</returns>
    public static bool TryAppend(JsonColumn column, byte* text, int length, bool isQuoted) =>
        TryAppendOwn(column, text, length, isQuoted) || (length > 0 && column.Cast is { } cast && cast.TryAppend(column, text, length, isQuoted));

    private static bool TryAppendOwn(JsonColumn column, byte* text, int length, bool isQuoted)
    {
        switch (column.Kind)
        {
            case JsonValueKind.Date or JsonValueKind.TimeMicroseconds or JsonValueKind.TimeNanoseconds or JsonValueKind.TimestampMicroseconds
                or JsonValueKind.TimestampNanoseconds or JsonValueKind.Uuid or JsonValueKind.Binary:
                return isQuoted && TryAppendQuoted(column, text, length);
            case JsonValueKind.Bool or (>= JsonValueKind.Int8 and <= JsonValueKind.Decimal128) when length > 0 && (!isQuoted || column.Casts):
                return TryAppendNumber(column, text, length);
            default:
                return false;
        }
    }

    private static bool TryAppendQuoted(JsonColumn column, byte* text, int length)
    {
        switch (column.Kind)
        {
            case JsonValueKind.Date:
                if (!Temporal.TryParseDate(text, length, out var days))
                    return false;
                column.Append(days);
                return true;
            case JsonValueKind.TimeMicroseconds or JsonValueKind.TimeNanoseconds:
                if (!Temporal.TryParseTime(text, length, column.Kind == JsonValueKind.TimeNanoseconds, out var time))
                    return false;
                column.Append(time);
                return true;
            case JsonValueKind.Uuid:
                UInt128 uuid;
                if (!UuidText.TryParse(text, length, (byte*)&uuid))
                    return false;
                column.Append(uuid);
                return true;
            case JsonValueKind.Binary:
                var target = column.ReserveBytes(length);
                var decoded = Base64.DecodeFromUtf8(new ReadOnlySpan<byte>(text, length), new Span<byte>(target, length), out var consumed, out var written);
                if (decoded != OperationStatus.Done || consumed != length)
                    return false;
                column.AppendBytes(target + written);
                return true;
            default:
                var nanoseconds = column.Kind == JsonValueKind.TimestampNanoseconds;
                long instant;
                if (column.Casts ? !TryParseAnyTimestamp(text, length, nanoseconds, out instant)
                    : !(JsonTemporal.TryParseCanonical(text, length, nanoseconds, out instant, out var hasZone) && hasZone == (column.Type.Zone is not null)))
                    return false;
                column.Append(instant);
                return true;
        }
    }

    /// <summary>A date is its midnight where the user asked for timestamps.</summary>
    private static bool TryParseAnyTimestamp(byte* text, int length, bool nanoseconds, out long instant)
    {
        if (Temporal.TryParseTimestamp(text, length, nanoseconds, out instant, out _))
            return true;
        if (!Temporal.TryParseDate(text, length, out var days))
            return false;
        var value = days * (Int128)Temporal.DayMicroseconds * (nanoseconds ? 1000 : 1);
        instant = (long)value;
        return instant == value;
    }

    private static bool TryAppendNumber(JsonColumn column, byte* text, int length)
    {
        long integer;
        switch (column.Kind)
        {
            case JsonValueKind.Int8 when TryParseInteger(text, length, sbyte.MinValue, sbyte.MaxValue, out integer):
                column.Append((sbyte)integer);
                return true;
            case JsonValueKind.Int16 when TryParseInteger(text, length, short.MinValue, short.MaxValue, out integer):
                column.Append((short)integer);
                return true;
            case JsonValueKind.Int32 when TryParseInteger(text, length, int.MinValue, int.MaxValue, out integer):
                column.Append((int)integer);
                return true;
            case JsonValueKind.Int64 when NumberParser.TryParseInt64(text, length, out integer):
                column.Append(integer);
                return true;
            case JsonValueKind.UInt8 when TryParseInteger(text, length, 0, byte.MaxValue, out integer):
                column.Append((byte)integer);
                return true;
            case JsonValueKind.UInt16 when TryParseInteger(text, length, 0, ushort.MaxValue, out integer):
                column.Append((ushort)integer);
                return true;
            case JsonValueKind.UInt32 when TryParseInteger(text, length, 0, uint.MaxValue, out integer):
                column.Append((uint)integer);
                return true;
            case JsonValueKind.UInt64 when NumberParser.TryParseUInt64(text, length, out var unsigned):
                column.Append(unsigned);
                return true;
            case JsonValueKind.Decimal64 when NumberParser.TryParseDecimal64(text, length, column.Type.Precision, column.Type.Scale, out integer):
                column.Append(integer);
                return true;
            case JsonValueKind.Decimal128 when NumberParser.TryParseDecimal128(text, length, column.Type.Precision, column.Type.Scale, out var wide):
                column.Append(wide);
                return true;
            case JsonValueKind.Float64 when TryParseDouble(column, text, length, out var number):
                column.Append(number);
                return true;
            case JsonValueKind.Float32 when TryParseSingle(column, text, length, out var single):
                column.Append(single);
                return true;
            case JsonValueKind.Bool when column.Casts && new ReadOnlySpan<byte>(text, length).SequenceEqual("true"u8):
                column.Append(true);
                return true;
            case JsonValueKind.Bool when column.Casts && new ReadOnlySpan<byte>(text, length).SequenceEqual("false"u8):
                column.Append(false);
                return true;
            default:
                return false;
        }
    }

    private static bool TryParseInteger(byte* text, int length, long least, long greatest, out long value) =>
        NumberParser.TryParseInt64(text, length, out value) && value >= least && value <= greatest;

    /// <summary>A double that the user asked for may round; one that was inferred may not.</summary>
    private static bool TryParseDouble(JsonColumn column, byte* text, int length, out double value)
    {
        if (NumberParser.TryParseExactDouble(text, length, out value))
            return true;
        var span = new ReadOnlySpan<byte>(text, length);
        return column.Casts && (TryParseNotFinite(span, out value)
            || (NumberShape.TryRead(span, out _) && double.TryParse(span, JsonNumber, CultureInfo.InvariantCulture, out value) && double.IsFinite(value)));
    }

    private static bool TryParseSingle(JsonColumn column, byte* text, int length, out float value)
    {
        var span = new ReadOnlySpan<byte>(text, length);
        if (column.Casts && TryParseNotFinite(span, out var special))
        {
            value = (float)special;
            return true;
        }
        value = 0;
        return NumberShape.TryRead(span, out _) && float.TryParse(span, JsonNumber, CultureInfo.InvariantCulture, out value) && float.IsFinite(value);
    }

    /// <summary>The texts that <see cref="Writing.JsonRowWriter{TKernel}"/> writes for what JSON has no numbers for.</summary>
    private static bool TryParseNotFinite(ReadOnlySpan<byte> text, out double value)
    {
        value = text.SequenceEqual("NaN"u8) ? double.NaN : text.SequenceEqual("Infinity"u8) ? double.PositiveInfinity : double.NegativeInfinity;
        return !double.IsNegativeInfinity(value) || text.SequenceEqual("-Infinity"u8);
    }
}

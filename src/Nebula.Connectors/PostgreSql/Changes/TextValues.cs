using System.Globalization;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Reads the text that types print into the values that a snapshot has of them.</summary>
internal static unsafe class TextValues
{
    private const long SecondsPerDay = 86_400;
    private const long MicrosecondsPerSecond = 1_000_000;
    private const int ClockLength = 8;

    // of years before the first
    private static ReadOnlySpan<byte> Era => " BC"u8;

    private static ReadOnlySpan<byte> Utc => "+00"u8;

    /// <summary>Appends a value.</summary>
    /// <param name="column">The column.</param>
    /// <param name="form">What the text is.</param>
    /// <param name="p">The text, with a pool's padding behind it.</param>
    /// <param name="length">Its length.</param>
    /// <returns>False when the column cannot hold it; nothing is appended then.</returns>
    public static bool TryAppend(ColumnBuilder column, TextForm form, byte* p, int length)
    {
        switch (form)
        {
            case TextForm.Text or TextForm.Structured:
                column.AppendPadded(p, length);
                return true;
            case TextForm.Int16 when NumberParser.TryParseInt64(p, length, out var number) && number == (short)number:
                column.Append((short)number);
                return true;
            case TextForm.Int32 when NumberParser.TryParseInt64(p, length, out var number) && number == (int)number:
                column.Append((int)number);
                return true;
            case TextForm.Int64 when NumberParser.TryParseInt64(p, length, out var number):
                column.Append(number);
                return true;
            case TextForm.Timestamp:
                return TryAppendTimestamp(column, p, length);
            case TextForm.Decimal64 when NumberParser.TryParseDecimal64(p, length, column.Type.Precision, column.Type.Scale, out var number):
                column.Append(number);
                return true;
            default:
                return TryAppendRarer(column, form, p, length);
        }
    }

    /// <summary>Says why a column cannot hold a value.</summary>
    /// <param name="type">The type of the column.</param>
    /// <param name="text">The value.</param>
    public static string Fault(DataType type, ReadOnlySpan<byte> text) =>
        $"{DataFormatException.Show(text, 60)} is no {type}; 'type: string' for the column keeps what PostgreSQL prints.";

    private static bool TryAppendRarer(ColumnBuilder column, TextForm form, byte* p, int length)
    {
        var text = new ReadOnlySpan<byte>(p, length);
        switch (form)
        {
            case TextForm.Bool when length == 1 && (*p is (byte)'t' or (byte)'f'):
                column.AppendBool(*p == 't');
                return true;
            case TextForm.UInt32 when NumberParser.TryParseUInt64(p, length, out var number) && number == (uint)number:
                column.Append((uint)number);
                return true;
            case TextForm.Float32 when float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number):
                column.Append(number);
                return true;
            case TextForm.Float64 when NumberParser.TryParseShortDouble(p, length, out var number)
                || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number):
                column.Append(number);
                return true;
            case TextForm.Decimal128 when NumberParser.TryParseDecimal128(p, length, column.Type.Precision, column.Type.Scale, out var number):
                column.Append(number);
                return true;
            case TextForm.Date when TryReadDate(text, out var days, out var end) && (end == length || text[end..].SequenceEqual(Era)):
                column.Append(days);
                return true;
            case TextForm.Time when Temporal.TryParseTime(p, length, nanoseconds: false, out var time):
                column.Append(time);
                return true;
            case TextForm.Uuid:
                UInt128 uuid;
                if (!UuidText.TryParse(p, length, (byte*)&uuid))
                    return false;
                column.Append(uuid);
                return true;
            case TextForm.Hexadecimal:
                return TryAppendHexadecimal(column, text);
            default:
                return false;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryAppendTimestamp(ColumnBuilder column, byte* p, int length)
    {
        if (!Temporal.TryParseTimestamp(p, length, nanoseconds: false, out var value, out _) && !TryReadLongTimestamp(p, length, out value))
            return false;
        column.Append(value);
        return true;
    }

    private static bool TryAppendHexadecimal(ColumnBuilder column, ReadOnlySpan<byte> text)
    {
        if (text.Length < 2 || text.Length % 2 != 0 || text[0] != '\\' || text[1] != 'x')
            return false;
        var digits = text[2..];
        var bytes = System.Buffers.ArrayPool<byte>.Shared.Rent(digits.Length / 2);
        try
        {
            if (Convert.FromHexString(digits, bytes, out _, out var written) != System.Buffers.OperationStatus.Done)
                return false;
            column.AppendBytes(bytes.AsSpan(0, written));
            return true;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>Reads <c>Y+-MM-DD</c> and tells where it ends; years have four digits or more.</summary>
    private static bool TryReadDate(ReadOnlySpan<byte> text, out int days, out int end)
    {
        days = 0;
        end = text.IndexOf((byte)'-') + 6;
        if (end < 10 || end > text.Length || text[end - 3] != '-'
            || !int.TryParse(text[..(end - 6)], NumberStyles.None, CultureInfo.InvariantCulture, out var year)
            || !int.TryParse(text[(end - 5)..(end - 3)], NumberStyles.None, CultureInfo.InvariantCulture, out var month)
            || !int.TryParse(text[(end - 2)..end], NumberStyles.None, CultureInfo.InvariantCulture, out var day) || month is < 1 or > 12 || day is < 1 or > 31)
            return false;
        if (text.EndsWith(Era))
            year = 1 - year;
        days = Temporal.ToDays(year, month, day);
        return true;
    }

    private static bool TryReadLongTimestamp(byte* p, int length, out long value)
    {
        value = 0;
        var text = new ReadOnlySpan<byte>(p, length);
        if (!TryReadDate(text, out var days, out var end) || length - end <= ClockLength || text[end] != ' ')
            return false;
        var clock = text[(end + 1)..];
        if (clock.EndsWith(Era))
            clock = clock[..^Era.Length];
        if (clock.EndsWith(Utc))
            clock = clock[..^Utc.Length];
        if (!Temporal.TryParseTime(p + end + 1, clock.Length, nanoseconds: false, out var time))
            return false;
        var exact = (Int128)days * SecondsPerDay * MicrosecondsPerSecond + time;
        value = (long)exact;
        return value == exact;
    }
}

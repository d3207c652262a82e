using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Conformance.Tests.Containers;

/// <summary>Renders rows as the expectations of the fixtures are written (section "Rendering rules" of their README).</summary>
internal static class FixtureRows
{
    private const long LargestExactInteger = (1L << 53) - 1;

    /// <summary>Appends one row, without line end.</summary>
    public static void Render(StringBuilder text, Schema schema, ImmutableArray<Column> columns, int row)
    {
        text.Append('{');
        for (var i = 0; i < columns.Length; i++)
        {
            if (i > 0)
                text.Append(',');
            RenderString(text, schema.Fields[i].Name);
            text.Append(':');
            RenderValue(text, columns[i], row);
        }
        text.Append('}');
    }

    private static void RenderValue(StringBuilder text, Column column, int row)
    {
        if (column.IsNull(row))
        {
            text.Append("null");
            return;
        }
        var type = column.Type;
        switch (type.Kind)
        {
            case TypeKind.Bool:
                text.Append(Bitmap.Get(column.Bits, row) ? "true" : "false");
                break;
            case TypeKind.Float32:
                RenderNumber(text, column.Values<float>()[row]);
                break;
            case TypeKind.Float64:
                RenderNumber(text, column.Values<double>()[row]);
                break;
            case TypeKind.Decimal:
                RenderDecimal(text, type.ByteWidth == 8 ? column.Values<long>()[row] : column.Values<Int128>()[row], type.Scale);
                break;
            case TypeKind.Date:
                text.Append('"');
                RenderDate(text, column.Values<int>()[row]);
                text.Append('"');
                break;
            case TypeKind.Time:
                text.Append('"');
                var time = column.Values<long>()[row];
                if (time < 0)
                    text.Append('-');
                RenderTime(text, Math.Abs(time), type.Unit);
                text.Append('"');
                break;
            case TypeKind.Timestamp:
                RenderTimestamp(text, column.Values<long>()[row], type);
                break;
            case TypeKind.String or TypeKind.Json:
                var bytes = column.GetBytes(row);
                if (Utf8.IsValid(bytes))
                    RenderString(text, Encoding.UTF8.GetString(bytes));
                else
                    text.Append("\"base64:").Append(Convert.ToBase64String(bytes)).Append('"');
                break;
            case TypeKind.Binary:
                text.Append('"').Append(Convert.ToBase64String(column.GetBytes(row))).Append('"');
                break;
            case TypeKind.Uuid:
                text.Append('"').Append(new Guid(column.Values<UInt128>().Slice(row, 1).ToBytes(), bigEndian: true).ToString("D")).Append('"');
                break;
            case TypeKind.List:
                text.Append('[');
                for (var i = column.Offsets[row]; i < column.Offsets[row + 1]; i++)
                {
                    if (i > column.Offsets[row])
                        text.Append(',');
                    RenderValue(text, column.Children[0], i);
                }
                text.Append(']');
                break;
            case TypeKind.Map:
                text.Append('[');
                for (var i = column.Offsets[row]; i < column.Offsets[row + 1]; i++)
                {
                    text.Append(i > column.Offsets[row] ? ",{\"key\":" : "{\"key\":");
                    RenderValue(text, column.Children[0], i);
                    text.Append(",\"value\":");
                    RenderValue(text, column.Children[1], i);
                    text.Append('}');
                }
                text.Append(']');
                break;
            case TypeKind.Struct:
                Render(text, new Schema(type.Fields), column.Children, row);
                break;
            default:
                RenderInteger(text, Integer(column, row));
                break;
        }
    }

    private static Int128 Integer(Column column, int row) => column.Type.Kind switch
    {
        TypeKind.Int8 => column.Values<sbyte>()[row],
        TypeKind.Int16 => column.Values<short>()[row],
        TypeKind.Int32 => column.Values<int>()[row],
        TypeKind.Int64 => column.Values<long>()[row],
        TypeKind.UInt8 => column.Values<byte>()[row],
        TypeKind.UInt16 => column.Values<ushort>()[row],
        TypeKind.UInt32 => column.Values<uint>()[row],
        TypeKind.UInt64 => column.Values<ulong>()[row],
        _ => throw new InvalidOperationException(column.Type.ToString()),
    };

    /// <summary>Appends an integer.</summary>
    public static void RenderInteger(StringBuilder text, Int128 value)
    {
        var isExact = Int128.Abs(value) <= LargestExactInteger;
        text.Append(isExact ? "" : "\"").Append(value.ToString(CultureInfo.InvariantCulture)).Append(isExact ? "" : "\"");
    }

    /// <summary>As ECMAScript prints numbers (ECMA-262, Number::toString).</summary>
    public static void RenderNumber(StringBuilder text, double value)
    {
        if (!double.IsFinite(value))
        {
            text.Append(double.IsNaN(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
            return;
        }
        if (value == 0)
        {
            text.Append(double.IsNegative(value) ? "-0.0" : "0");
            return;
        }
        if (value < 0)
            text.Append('-');
        var parts = Math.Abs(value).ToString("E16", CultureInfo.InvariantCulture);
        var shortest = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        var mantissa = shortest.Split('E')[0];
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        // n: position of the point behind the first digit, counted as ECMAScript does
        var n = int.Parse(parts[(parts.IndexOf('E', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture) + 1;
        if (shortest.Contains('E', StringComparison.Ordinal))
            n = int.Parse(shortest[(shortest.IndexOf('E', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture) + mantissa.Split('.')[0].Length;
        else if (Math.Abs(value) >= 1)
            n = mantissa.Split('.')[0].Length;
        var k = digits.Length;
        if (k <= n && n <= 21)
            text.Append(digits).Append('0', n - k);
        else if (n is > 0 and <= 21)
            text.Append(digits.AsSpan(0, n)).Append('.').Append(digits.AsSpan(n));
        else if (n is > -6 and <= 0)
            text.Append("0.").Append('0', -n).Append(digits);
        else
        {
            text.Append(digits[0]);
            if (k > 1)
                text.Append('.').Append(digits.AsSpan(1));
            text.Append('e').Append(n > 0 ? '+' : '-').Append(Math.Abs(n - 1));
        }
    }

    private static void RenderDecimal(StringBuilder text, Int128 unscaled, int scale)
    {
        var digits = (unscaled < 0 ? (UInt128)(-(unscaled + 1)) + 1 : (UInt128)unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        text.Append('"');
        if (unscaled < 0)
            text.Append('-');
        text.Append(digits.AsSpan(0, digits.Length - scale));
        if (scale > 0)
            text.Append('.').Append(digits.AsSpan(digits.Length - scale));
        text.Append('"');
    }

    private static void RenderTimestamp(StringBuilder text, long value, DataType type)
    {
        var perDay = type.Unit == TimeUnit.Nanosecond ? 86_400_000_000_000L : 86_400_000_000L;
        var days = Math.DivRem(value, perDay, out var time);
        if (time < 0)
            (days, time) = (days - 1, time + perDay);
        text.Append('"');
        RenderDate(text, days);
        text.Append('T');
        RenderTime(text, time, type.Unit);
        text.Append(type.Zone is null ? "\"" : "Z\"");
    }

    private static void RenderTime(StringBuilder text, long value, TimeUnit unit)
    {
        var (perSecond, digits) = unit == TimeUnit.Nanosecond ? (1_000_000_000L, "D9") : (1_000_000L, "D6");
        var seconds = Math.DivRem(value, perSecond, out var fraction);
        text.Append(CultureInfo.InvariantCulture, $"{seconds / 3600:D2}:{seconds / 60 % 60:D2}:{seconds % 60:D2}.").Append(fraction.ToString(digits,
            CultureInfo.InvariantCulture));
    }

    /// <summary>Days since 1970-01-01 as a date of the proleptic Gregorian calendar, for any year.</summary>
    private static void RenderDate(StringBuilder text, long days)
    {
        // counted in eras of 400 years that start on a 1st of March
        var shifted = days + 719_468;
        var era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097;
        var dayOfEra = shifted - era * 146_097;
        var yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        var dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        var shiftedMonth = (5 * dayOfYear + 2) / 153;
        var day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1;
        var month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
        var year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
        if (year is >= 0 and <= 9999)
            text.Append(year.ToString("D4", CultureInfo.InvariantCulture));
        else
            text.Append(year < 0 ? '-' : '+').Append(Math.Abs(year).ToString("D6", CultureInfo.InvariantCulture));
        text.Append(CultureInfo.InvariantCulture, $"-{month:D2}-{day:D2}");
    }

    /// <summary>Appends a text in quotes.</summary>
    public static void RenderString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        text.Append('"');
    }

    private static ReadOnlySpan<byte> ToBytes<T>(this ReadOnlySpan<T> values) where T : unmanaged =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(values);
}

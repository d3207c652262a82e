using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.ConnectorTestKit;

/// <summary>Values as texts that are the same where the values are, whether they come from a column or from what others read them with.</summary>
internal static class ValueText
{
    private const int MicrosecondDigits = 6;
    private const int NanosecondDigits = 9;

    /// <summary>The text of a value of a column.</summary>
    /// <returns>Null for a null.</returns>
    public static string? Of(Column column, int row) => column.IsNull(row) ? null : column.Type.Kind switch
    {
        TypeKind.Bool => Of((object)Bitmap.Get(column.Bits, row)),
        TypeKind.Int8 => Of((object)column.Values<sbyte>()[row]),
        TypeKind.Int16 => Of((object)column.Values<short>()[row]),
        TypeKind.Int32 => Of((object)column.Values<int>()[row]),
        TypeKind.Int64 => Of((object)column.Values<long>()[row]),
        TypeKind.UInt8 => Of((object)column.Values<byte>()[row]),
        TypeKind.UInt16 => Of((object)column.Values<ushort>()[row]),
        TypeKind.UInt32 => Of((object)column.Values<uint>()[row]),
        TypeKind.UInt64 => Of((object)column.Values<ulong>()[row]),
        TypeKind.Float32 => Of((object)column.Values<float>()[row]),
        TypeKind.Float64 => Of((object)column.Values<double>()[row]),
        TypeKind.Decimal => Unscaled(column.Type.ByteWidth == sizeof(long) ? column.Values<long>()[row] : column.Values<Int128>()[row], column.Type.Scale),
        TypeKind.Date => Of((object)DateOnly.FromDayNumber(DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber + column.Values<int>()[row])),
        TypeKind.Time => Instant(column, row, "HH:mm:ss"),
        TypeKind.Timestamp => Instant(column, row, "yyyy-MM-ddTHH:mm:ss"),
        TypeKind.Uuid => Of((object)new Guid(MemoryMarshal.AsBytes(column.Values<Int128>().Slice(row, 1)), bigEndian: true)),
        TypeKind.Binary => Of((object)column.GetBytes(row).ToArray()),
        TypeKind.Json => Json(System.Text.Encoding.UTF8.GetString(column.GetBytes(row))),
        TypeKind.String => System.Text.Encoding.UTF8.GetString(column.GetBytes(row)),
        _ => Node(column, row)!.ToJsonString(),
    };

    /// <summary>The text of a value as .NET has it.</summary>
    /// <param name="value">The value; null and <see cref="DBNull"/> are nulls.</param>
    public static string? Of(object? value) => value switch
    {
        null or DBNull => null,
        string text => text,
        bool flag => flag ? "true" : "false",
        float number => number.ToString("R", CultureInfo.InvariantCulture),
        double number => number.ToString("R", CultureInfo.InvariantCulture),
        decimal number => number.ToString("0.#############################", CultureInfo.InvariantCulture),
        DateOnly date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        TimeOnly time => time.ToString("HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
        TimeSpan time => Of((object)TimeOnly.FromTimeSpan(time)),
        DateTime time => time.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
        DateTimeOffset time => Of((object)time.UtcDateTime),
        byte[] bytes => Convert.ToHexStringLower(bytes),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    /// <summary>The text of a value that was read with other means than columns.</summary>
    /// <param name="value">The value.</param>
    /// <param name="type">Type of its column.</param>
    public static string? Of(object? value, DataType type) =>
        Of(value) is { } text && (type.Kind == TypeKind.Json || type.IsNested) ? Json(text) : Of(value);

    private static string Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return JsonSerializer.Serialize(document.RootElement);
    }

    private static string Unscaled(Int128 value, int scale)
    {
        var digits = Int128.Abs(value).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        var fraction = digits[^scale..].TrimEnd('0');
        return (value < 0 ? "-" : "") + digits[..^scale] + (fraction.Length == 0 ? "" : "." + fraction);
    }

    private static string Instant(Column column, int row, string format)
    {
        var digits = column.Type.Unit == TimeUnit.Nanosecond ? NanosecondDigits : MicrosecondDigits;
        var unitsPerSecond = digits == NanosecondDigits ? 1_000_000_000L : 1_000_000L;
        var (seconds, units) = Math.DivRem(column.Values<long>()[row], unitsPerSecond);
        if (units < 0)
            (seconds, units) = (seconds - 1, units + unitsPerSecond);
        var fraction = units.ToString(CultureInfo.InvariantCulture).PadLeft(digits, '0').TrimEnd('0');
        return DateTime.UnixEpoch.AddSeconds(seconds).ToString(format, CultureInfo.InvariantCulture) + (fraction.Length == 0 ? "" : "." + fraction);
    }

    private static JsonNode? Node(Column column, int row)
    {
        if (column.IsNull(row))
            return null;
        switch (column.Type.Kind)
        {
            case TypeKind.List:
                return new JsonArray([.. Elements(column, row).Select(i => Node(column.Children[0], i))]);
            case TypeKind.Map:
                return new JsonObject(Elements(column, row).Select(i => KeyValuePair.Create(Of(column.Children[0], i)!, Node(column.Children[1], i))));
            case TypeKind.Struct:
                return new JsonObject(column.Type.Fields.Select((field, i) => KeyValuePair.Create(field.Name, Node(column.Children[i], row))));
            default:
                var text = Of(column, row);
                return column.Type.IsInteger || column.Type.Kind is TypeKind.Bool or TypeKind.Json ? JsonNode.Parse(text!) : JsonValue.Create(text);
        }
    }

    private static IEnumerable<int> Elements(Column column, int row)
    {
        var (start, end) = (column.Offsets[row], column.Offsets[row + 1]);
        return Enumerable.Range(start, end - start);
    }
}

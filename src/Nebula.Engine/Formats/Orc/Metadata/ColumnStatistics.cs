using System.Globalization;

namespace Nebula.Engine.Formats.Orc.Metadata;

/// <summary>What is known about the values of a column in a file, stripe or row group (ORC v1, "Column Statistics"), as far as people and the choice of types
/// need it.</summary>
internal sealed record ColumnStatistics
{
    /// <summary>Number of values that are not null; null when unknown.</summary>
    public ulong? Values { get; init; }

    /// <summary>Whether there are nulls; null when unknown.</summary>
    public bool? HasNull { get; init; }

    /// <summary>Bytes of the column as stored; null when unknown.</summary>
    public ulong? BytesOnDisk { get; init; }

    /// <summary>Least value, as text.</summary>
    public string? Minimum { get; init; }

    /// <summary>Greatest value, as text.</summary>
    public string? Maximum { get; init; }

    /// <summary>Sum of numbers, of lengths of strings, or number of <c>true</c>.</summary>
    public string? Sum { get; init; }

    /// <summary>Least timestamp in milliseconds since 1970.</summary>
    public long? MinimumMilliseconds { get; init; }

    /// <summary>Greatest timestamp in milliseconds since 1970.</summary>
    public long? MaximumMilliseconds { get; init; }

    /// <summary>Reads the message.</summary>
    public static ColumnStatistics Parse(ReadOnlySpan<byte> message)
    {
        var result = new ColumnStatistics();
        var reader = new ProtobufReader(message);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    result = result with { Values = reader.UInt64() };
                    break;
                case 2:
                    result = result.WithIntegers(reader.Bytes());
                    break;
                case 3:
                    result = result.WithDoubles(reader.Bytes());
                    break;
                case 4:
                    result = result.WithTexts(reader.Bytes(), sumIsText: false);
                    break;
                case 5:
                    result = result.WithBuckets(reader.Bytes());
                    break;
                case 6:
                    result = result.WithTexts(reader.Bytes(), sumIsText: true);
                    break;
                case 7:
                    result = result.WithDates(reader.Bytes());
                    break;
                case 8:
                    result = result.WithIntegerSum(reader.Bytes());
                    break;
                case 9:
                    result = result.WithTimestamps(reader.Bytes());
                    break;
                case 10:
                    result = result with { HasNull = reader.UInt64() != 0 };
                    break;
                case 11:
                    result = result with { BytesOnDisk = reader.UInt64() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return result;
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private ColumnStatistics WithIntegers(ReadOnlySpan<byte> message)
    {
        var result = this;
        var reader = new ProtobufReader(message);
        while (reader.Next())
            result = reader.Field switch
            {
                1 => result with { Minimum = Text(reader.SInt64()) },
                2 => result with { Maximum = Text(reader.SInt64()) },
                3 => result with { Sum = Text(reader.SInt64()) },
                _ => Skipped(ref reader, result),
            };
        return result;
    }

    private ColumnStatistics WithDoubles(ReadOnlySpan<byte> message)
    {
        var result = this;
        var reader = new ProtobufReader(message);
        while (reader.Next())
            result = reader.Field switch
            {
                1 => result with { Minimum = Text(reader.Double()) },
                2 => result with { Maximum = Text(reader.Double()) },
                3 => result with { Sum = Text(reader.Double()) },
                _ => Skipped(ref reader, result),
            };
        return result;
    }

    private ColumnStatistics WithTexts(ReadOnlySpan<byte> message, bool sumIsText)
    {
        var result = this;
        var reader = new ProtobufReader(message);
        while (reader.Next())
            result = reader.Field switch
            {
                1 or 4 => result with { Minimum = ShownText(reader.Bytes()) },
                2 or 5 => result with { Maximum = ShownText(reader.Bytes()) },
                3 => result with { Sum = sumIsText ? ShownText(reader.Bytes()) : Text(reader.SInt64()) },
                _ => Skipped(ref reader, result),
            };
        return result;
    }

    /// <summary>Statistics of strings may be cut anywhere, so they need not be UTF-8.</summary>
    private static string ShownText(ReadOnlySpan<byte> bytes) => System.Text.Encoding.UTF8.GetString(bytes);

    private ColumnStatistics WithBuckets(ReadOnlySpan<byte> message)
    {
        var counts = new List<ulong>();
        var reader = new ProtobufReader(message);
        while (reader.Next())
            if (reader.Field == 1)
                reader.UInt64s(counts);
            else
                reader.Skip();
        return counts.Count == 0 ? this : this with { Sum = counts[0].ToString(CultureInfo.InvariantCulture) };
    }

    private ColumnStatistics WithDates(ReadOnlySpan<byte> message)
    {
        var result = this;
        var reader = new ProtobufReader(message);
        while (reader.Next())
            result = reader.Field switch
            {
                1 => result with { Minimum = DateText(reader.SInt64()) },
                2 => result with { Maximum = DateText(reader.SInt64()) },
                _ => Skipped(ref reader, result),
            };
        return result;
    }

    private ColumnStatistics WithIntegerSum(ReadOnlySpan<byte> message)
    {
        var result = this;
        var reader = new ProtobufReader(message);
        while (reader.Next())
            result = reader.Field == 1 ? result with { Sum = Text(reader.SInt64()) } : Skipped(ref reader, result);
        return result;
    }

    private ColumnStatistics WithTimestamps(ReadOnlySpan<byte> message)
    {
        var result = this;
        var reader = new ProtobufReader(message);
        while (reader.Next())
            result = reader.Field switch
            {
                // those of fields 1 and 2 may be off by a zone, which does not matter for what they are used for
                1 => result with { MinimumMilliseconds = reader.SInt64() },
                2 => result with { MaximumMilliseconds = reader.SInt64() },
                3 => result with { MinimumMilliseconds = reader.SInt64() },
                4 => result with { MaximumMilliseconds = reader.SInt64() },
                _ => Skipped(ref reader, result),
            };
        return result with { Minimum = TimestampText(result.MinimumMilliseconds), Maximum = TimestampText(result.MaximumMilliseconds) };
    }

    private static ColumnStatistics Skipped(ref ProtobufReader reader, ColumnStatistics result)
    {
        reader.Skip();
        return result;
    }

    private static string DateText(long days) => days is >= -719162 and <= 2932896
        ? DateTime.UnixEpoch.AddDays(days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)
        : $"day {days}";

    private static string? TimestampText(long? milliseconds) => milliseconds switch
    {
        null => null,
        >= -62135596800000 and <= 253402300799999 =>
            DateTime.UnixEpoch.AddMilliseconds(milliseconds.Value).ToString("yyyy-MM-dd'T'HH:mm:ss.fff", CultureInfo.InvariantCulture),
        _ => $"{milliseconds} ms",
    };
}

using System.Globalization;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Reading;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Writes timestamps as seconds since 2015 and nanoseconds (ORC v1, "Timestamp Columns"). The writer's zone is UTC.</summary>
internal static class TimestampColumnWriter
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const long NanosecondsPerMillisecond = 1_000_000;

    /// <summary>Writes the values of a column.</summary>
    /// <exception cref="NebulaException">A value is one that readers of the format cannot tell from another.</exception>
    public static void Write(StripeWriter stripe, ColumnOutput output, Column column, Selection valid)
    {
        var isNanoseconds = column.Type.Unit == TimeUnit.Nanosecond;
        using var seconds = stripe.Pool.Rent(Math.Max(valid.Count, 1) * sizeof(long));
        using var fractions = stripe.Pool.Rent(Math.Max(valid.Count, 1) * sizeof(long));
        using var gathered = stripe.Pool.Rent(Math.Max(NumberColumnWriter.LargestGroup(valid), 1) * sizeof(long));
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            var values = valid.Gather(column.Values<long>(), start, end, gathered.Span);
            var (least, greatest) = (long.MaxValue, long.MinValue);
            for (var i = 0; i < values.Length; i++)
            {
                var perSecond = isNanoseconds ? NanosecondsPerSecond : 1_000_000;
                var whole = FloorDivide(values[i], perSecond);
                var nanoseconds = (values[i] - whole * perSecond) * (NanosecondsPerSecond / perSecond);
                var milliseconds = whole * 1000 + nanoseconds / NanosecondsPerMillisecond;
                (least, greatest) = (Math.Min(least, milliseconds), Math.Max(greatest, milliseconds));
                if (output.BloomFilters.Length > 0)
                    output.BloomFilters[group].Add(milliseconds);
                // Readers subtract a second where there are milliseconds before 1970: the writers they were made for rounded towards zero.
                if (whole < 0 && nanoseconds >= NanosecondsPerMillisecond && ++whole == 0)
                    throw LastSecond(values[i], isNanoseconds);
                seconds.As<long>()[start + i] = whole - TimestampColumnReader.Epoch;
                fractions.As<long>()[start + i] = Code(nanoseconds);
            }
            if (!values.IsEmpty)
                output.Statistics[group].AddRange(least, greatest, 0);
        }
        WriteStream(stripe, output, StreamKind.Data, isSigned: true, seconds, valid);
        WriteStream(stripe, output, StreamKind.Secondary, isSigned: false, fractions, valid);
    }

    private static void WriteStream(StripeWriter stripe, ColumnOutput output, StreamKind kind, bool isSigned, PooledBuffer values, Selection valid)
    {
        var stream = stripe.Begin(output, kind, PositionForm.Runs, valid.Groups);
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            stream.GroupStarts(group, stripe.Content.Length);
            IntegerWriter.Write(values.As<long>()[start..end], isSigned, stripe.Content);
        }
        stripe.End(stream);
    }

    /// <summary>Takes zeros off the end of a fraction, two at least, and notes in the lowest three bits one less than there were.</summary>
    private static long Code(long nanoseconds)
    {
        if (nanoseconds % 100 != 0 || nanoseconds == 0)
            return nanoseconds << 3;
        var zeros = 1;
        for (nanoseconds /= 100; nanoseconds % 10 == 0 && zeros < 7; zeros++)
            nanoseconds /= 10;
        return nanoseconds << 3 | (long)zeros;
    }

    private static long FloorDivide(long value, long divisor)
    {
        var quotient = value / divisor;
        return value < quotient * divisor ? quotient - 1 : quotient;
    }

    private static DataFormatException LastSecond(long value, bool isNanoseconds) => new(string.Create(CultureInfo.InvariantCulture,
        $"The timestamp {value} {(isNanoseconds ? "ns" : "us")} since 1970 lies in the last second before 1970 with milliseconds, "
        + $"which ORC cannot tell from the second after it. Write it as another type, or in another format."));
}

using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Writes decimals as numbers of any length and the same scale for each (ORC v1, "Decimal Columns"), also unsigned integers of 64 bits.</summary>
internal static class DecimalColumnWriter
{
    private const int MaxVarintLength = 19;

    /// <summary>Writes the values of a column.</summary>
    public static void Write(StripeWriter stripe, ColumnOutput output, Column column, Selection valid)
    {
        var stream = stripe.Begin(output, StreamKind.Data, PositionForm.Bytes, valid.Groups);
        using var gathered = stripe.Pool.Rent(Math.Max(NumberColumnWriter.LargestGroup(valid), 1) * 16);
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            stream.GroupStarts(group, stripe.Content.Length);
            if (column.Type.Kind == TypeKind.UInt64)
                WriteUnsigned(valid.Gather(column.Values<ulong>(), start, end, gathered.Span), stripe.Content, output.Statistics[group]);
            else if (column.Type.ByteWidth == sizeof(long))
                WriteNarrow(valid.Gather(column.Values<long>(), start, end, gathered.Span), stripe.Content, output.Statistics[group]);
            else
                WriteWide(valid.Gather(column.Values<Int128>(), start, end, gathered.Span), stripe.Content, output.Statistics[group]);
        }
        stripe.End(stream);
        WriteScales(stripe, output, valid);
    }

    private static void WriteScales(StripeWriter stripe, ColumnOutput output, Selection valid)
    {
        var stream = stripe.Begin(output, StreamKind.Secondary, PositionForm.Runs, valid.Groups);
        using var scales = stripe.Pool.Rent(Math.Max(NumberColumnWriter.LargestGroup(valid), 1) * sizeof(long));
        scales.As<long>().Fill(output.Type.Scale);
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            stream.GroupStarts(group, stripe.Content.Length);
            IntegerWriter.Write(scales.As<long>()[..(end - start)], isSigned: true, stripe.Content);
        }
        stripe.End(stream);
    }

    private static void WriteNarrow(ReadOnlySpan<long> values, GrowingBuffer target, StatisticsBuilder statistics)
    {
        NumberColumnWriter.AddStatistics(values, statistics);
        var room = target.Extend(values.Length * MaxVarintLength);
        var written = 0;
        foreach (var value in values)
        {
            var code = Varint.Zigzag(value);
            for (; code >= 0x80; code >>= 7)
                room[written++] = (byte)(code | 0x80);
            room[written++] = (byte)code;
        }
        target.Shrink(room.Length - written);
    }

    private static void WriteUnsigned(ReadOnlySpan<ulong> values, GrowingBuffer target, StatisticsBuilder statistics)
    {
        foreach (var value in values)
        {
            statistics.AddRange(value, value, value);
            Append((UInt128)value << 1, target);
        }
    }

    private static void WriteWide(ReadOnlySpan<Int128> values, GrowingBuffer target, StatisticsBuilder statistics)
    {
        foreach (var value in values)
        {
            statistics.AddRange(value, value, value);
            Append((UInt128)(value << 1 ^ value >> 127), target);
        }
    }

    private static void Append(UInt128 code, GrowingBuffer target)
    {
        for (; code >= 0x80; code >>= 7)
            target.Append((byte)((byte)code | 0x80));
        target.Append((byte)code);
    }
}

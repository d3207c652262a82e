using System.Numerics;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Writes columns of integers, dates and floating point numbers.</summary>
internal static class NumberColumnWriter
{
    /// <summary>Writes smallint, int, bigint and date.</summary>
    public static void WriteIntegers(StripeWriter stripe, ColumnOutput output, Column column, Selection valid)
    {
        var stream = stripe.Begin(output, StreamKind.Data, PositionForm.Runs, valid.Groups);
        using var widened = stripe.Pool.Rent(Math.Max(LargestGroup(valid), 1) * sizeof(long));
        using var gathered = stripe.Pool.Rent(Math.Max(LargestGroup(valid), 1) * sizeof(long));
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            stream.GroupStarts(group, stripe.Content.Length);
            var values = Widen(column, valid, start, end, widened.As<long>()[..(end - start)], gathered.Span);
            AddStatistics(values, output.Statistics[group]);
            if (output.BloomFilters.Length > 0)
                foreach (var value in values)
                    output.BloomFilters[group].Add(value);
            IntegerWriter.Write(values, isSigned: true, stripe.Content);
        }
        stripe.End(stream);
    }

    /// <summary>Writes tinyint.</summary>
    public static void WriteBytes(StripeWriter stripe, ColumnOutput output, Column column, Selection valid)
    {
        var stream = stripe.Begin(output, StreamKind.Data, PositionForm.Runs, valid.Groups);
        using var gathered = stripe.Pool.Rent(Math.Max(LargestGroup(valid), 1));
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            stream.GroupStarts(group, stripe.Content.Length);
            var values = valid.Gather(column.Values<sbyte>(), start, end, gathered.Span);
            var (least, greatest, sum) = (sbyte.MaxValue, sbyte.MinValue, 0L);
            foreach (var value in values)
                (least, greatest, sum) = (Math.Min(least, value), Math.Max(greatest, value), sum + value);
            if (!values.IsEmpty)
                output.Statistics[group].AddRange(least, greatest, sum);
            if (output.BloomFilters.Length > 0)
                foreach (var value in values)
                    output.BloomFilters[group].Add(value);
            ByteRunWriter.Write(MemoryMarshal.AsBytes(values), stripe.Content);
        }
        stripe.End(stream);
    }

    /// <summary>Writes float and double.</summary>
    public static void WriteFloats<T>(StripeWriter stripe, ColumnOutput output, Column column, Selection valid) where T : unmanaged, IFloatingPointIeee754<T>
    {
        var stream = stripe.Begin(output, StreamKind.Data, PositionForm.Bytes, valid.Groups);
        using var gathered = stripe.Pool.Rent(Math.Max(LargestGroup(valid), 1) * sizeof(double));
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            stream.GroupStarts(group, stripe.Content.Length);
            var values = valid.Gather(column.Values<T>(), start, end, gathered.Span);
            output.Statistics[group].AddDoubles(values);
            if (output.BloomFilters.Length > 0)
                foreach (var value in values)
                    output.BloomFilters[group].Add(BitConverter.DoubleToInt64Bits(double.CreateTruncating(value)));
            var bytes = MemoryMarshal.AsBytes(values);
            bytes.CopyTo(stripe.Content.Extend(bytes.Length));
        }
        stripe.End(stream);
    }

    /// <summary>Slots of the largest row group: so much scratch is needed.</summary>
    public static int LargestGroup(Selection valid)
    {
        var largest = 0;
        for (var group = 0; group < valid.Groups; group++)
            largest = Math.Max(largest, valid.Group(group).End - valid.Group(group).Start);
        return largest;
    }

    /// <summary>Adds least, greatest and sum of values.</summary>
    public static void AddStatistics(ReadOnlySpan<long> values, StatisticsBuilder statistics)
    {
        if (values.IsEmpty)
            return;
        var (least, greatest) = (Vector.Create(long.MaxValue), Vector.Create(long.MinValue));
        var (low, high) = (long.MaxValue, long.MinValue);
        var i = 0;
        for (; i + Vector<long>.Count <= values.Length; i += Vector<long>.Count)
        {
            var some = Vector.Create(values[i..]);
            (least, greatest) = (Vector.Min(least, some), Vector.Max(greatest, some));
        }
        for (var lane = 0; lane < Vector<long>.Count; lane++)
            (low, high) = (Math.Min(low, least[lane]), Math.Max(high, greatest[lane]));
        for (; i < values.Length; i++)
            (low, high) = (Math.Min(low, values[i]), Math.Max(high, values[i]));
        statistics.AddRange(low, high, Sum(values, low, high));
    }

    private static Int128 Sum(ReadOnlySpan<long> values, long least, long greatest)
    {
        if (least > long.MinValue / values.Length && greatest < long.MaxValue / values.Length)
        {
            var sum = 0L;
            foreach (var value in values)
                sum += value;
            return sum;
        }
        Int128 wide = 0;
        foreach (var value in values)
            wide += value;
        return wide;
    }

    private static ReadOnlySpan<long> Widen(Column column, Selection valid, int start, int end, Span<long> target, Span<byte> gathered)
    {
        switch (column.Type.Kind)
        {
            case TypeKind.Int64:
                return valid.Gather(column.Values<long>(), start, end, gathered);
            case TypeKind.Int32 or TypeKind.Date:
                Widen(valid.Gather(column.Values<int>(), start, end, gathered), target);
                return target;
            case TypeKind.UInt32:
                Widen(valid.Gather(column.Values<uint>(), start, end, gathered), target);
                return target;
            case TypeKind.Int16:
                Widen(valid.Gather(column.Values<short>(), start, end, gathered), target);
                return target;
            case TypeKind.UInt16:
                Widen(valid.Gather(column.Values<ushort>(), start, end, gathered), target);
                return target;
            default:
                Widen(valid.Gather(column.Values<byte>(), start, end, gathered), target);
                return target;
        }
    }

    private static void Widen<T>(ReadOnlySpan<T> source, Span<long> target) where T : unmanaged, INumber<T>
    {
        target = target[..source.Length];
        for (var i = 0; i < source.Length; i++)
            target[i] = long.CreateTruncating(source[i]);
    }
}

using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>
/// Makes columns of the buffers of a batch. Where a column has the layout of the file it gets slices of the body's memory; only what differs is copied.
/// </summary>
/// <param name="body">The batch.</param>
/// <param name="dictionaries">The dictionaries' values, by their ids.</param>
/// <param name="pool">Where other memory comes from.</param>
/// <param name="budget">What may be used of it for values that the file does not have bytes for.</param>
internal sealed partial class ColumnDecoder(BatchBody body, IReadOnlyDictionary<long, Column> dictionaries, BufferPool pool, DecodeBudget budget)
{
    private const int ValidityBuffer = 0;
    private const int ValuesBuffer = 1;

    /// <summary>Reads values of a column.</summary>
    /// <param name="plan">The column.</param>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    /// <returns>The column, which the caller disposes of.</returns>
    /// <exception cref="ArrowFault">The values are damaged, or do not fit the column's type.</exception>
    /// <exception cref="BatchTooLargeException">The budget does not suffice for so many values.</exception>
    public Column Read(ColumnPlan plan, long start, int count)
    {
        if (plan.Refusal is { } refusal)
            throw new ArrowFault($"its values cannot be read: {refusal}", column: plan.Path,
                advice: "Leave the column out, or have it written with fewer digits.");
        if (body.NodeOf(plan).Length - count < start)
            throw new ArrowFault($"{count} values from {start} on are needed, but it has {body.NodeOf(plan).Length}", column: plan.Path);
        if (plan.Values is not null)
            return ReadDictionaryEncoded(plan, start, count);
        var declared = plan.Declared;
        return declared.Id switch
        {
            ArrowTypeId.Null => ReadNulls(plan, count),
            ArrowTypeId.Bool => ReadBits(plan, start, count),
            ArrowTypeId.FloatingPoint when (ArrowPrecision)declared.Unit == ArrowPrecision.Half => ReadConverted<Half, float, HalfToSingle>(plan, start, count),
            ArrowTypeId.Date when (ArrowDateUnit)declared.Unit == ArrowDateUnit.Millisecond => ReadConverted<long, long, MillisecondsToMicroseconds>(plan,
                start, count),
            ArrowTypeId.Time => (ArrowTimeUnit)declared.Unit switch
            {
                ArrowTimeUnit.Second => ReadConverted<int, long, TimeSecondsToMicroseconds>(plan, start, count),
                ArrowTimeUnit.Millisecond => ReadConverted<int, long, TimeMillisecondsToMicroseconds>(plan, start, count),
                _ => ReadFixed(plan, start, count),
            },
            ArrowTypeId.Timestamp => (ArrowTimeUnit)declared.Unit switch
            {
                ArrowTimeUnit.Second => ReadConverted<long, long, SecondsToMicroseconds>(plan, start, count),
                ArrowTimeUnit.Millisecond => ReadConverted<long, long, MillisecondsToMicroseconds>(plan, start, count),
                _ => ReadFixed(plan, start, count),
            },
            ArrowTypeId.Decimal => ReadDecimals(plan, start, count),
            ArrowTypeId.Interval => ReadIntervals(plan, start, count),
            ArrowTypeId.Utf8 or ArrowTypeId.Binary => ReadBytes<int>(plan, start, count),
            ArrowTypeId.LargeUtf8 or ArrowTypeId.LargeBinary => ReadBytes<long>(plan, start, count),
            ArrowTypeId.Utf8View or ArrowTypeId.BinaryView => ReadViews(plan, start, count),
            ArrowTypeId.FixedSizeBinary => plan.Type.Kind == TypeKind.Uuid ? ReadFixed(plan, start, count) : ReadFixedSizeBinary(plan, start, count),
            ArrowTypeId.List or ArrowTypeId.Map => ReadList<int>(plan, start, count),
            ArrowTypeId.LargeList => ReadList<long>(plan, start, count),
            ArrowTypeId.FixedSizeList => ReadFixedSizeList(plan, start, count),
            ArrowTypeId.ListView => ReadListViews<int>(plan, start, count),
            ArrowTypeId.LargeListView => ReadListViews<long>(plan, start, count),
            ArrowTypeId.Struct => ReadStruct(plan, start, count),
            ArrowTypeId.Union => ReadUnion(plan, start, count),
            ArrowTypeId.RunEndEncoded => ReadRuns(plan, start, count),
            _ => ReadFixed(plan, start, count),
        };
    }

    /// <summary>Reads which values are null.</summary>
    /// <param name="plan">The column.</param>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    /// <param name="nulls">How many of them are null.</param>
    /// <returns>The validity bitmap, which the caller disposes of; null when none is null.</returns>
    public PooledBuffer? ReadValidity(ColumnPlan plan, long start, int count, out int nulls)
    {
        nulls = 0;
        // A count below zero is what some writers put for "not counted".
        if (count == 0 || body.NodeOf(plan).NullCount == 0)
            return null;
        if (!body.Has(body.IndexOf(plan, ValidityBuffer)))
            return body.NodeOf(plan).NullCount < 0 ? null
                : throw new ArrowFault($"{body.NodeOf(plan).NullCount} values are null, but there is no bitmap that says which", column: plan.Path);
        var validity = CopyBits(plan, ValidityBuffer, start, count);
        nulls = count - Bitmap.CountSet(validity.Span, count);
        if (nulls > 0)
            return validity;
        validity.Dispose();
        return null;
    }

    private PooledBuffer CopyBits(ColumnPlan plan, int which, long start, int count)
    {
        var bytes = Bitmap.ByteCount(count);
        if ((start & 7) == 0 && body.Share(plan, which, start >> 3, (count + 7L) >> 3, bytes, 1) is { } shared)
            return shared;
        var bits = body.Bits(plan, which, start, count, out var shift);
        var copy = pool.Rent(bytes);
        copy.Length = bytes;
        BitRange.Copy(bits, shift, copy.Span, 0, count);
        return copy;
    }

    private Column ReadNulls(ColumnPlan plan, int count)
    {
        budget.Charge(4L * count);
        return NullColumns.Create(plan.Type, count, pool);
    }

    private Column ReadBits(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var values = count == 0 ? pool.Rent(0) : CopyBits(plan, ValuesBuffer, start, count);
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, values);
    }

    /// <summary>Values that are stored as columns store them.</summary>
    private Column ReadFixed(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var values = CopyValues(plan, start, count, plan.Type.ByteWidth);
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, values);
    }

    private PooledBuffer CopyValues(ColumnPlan plan, long start, int count, int width)
    {
        var length = (long)count * width;
        if (body.Share(plan, ValuesBuffer, Times(start, width, plan), length, (int)Math.Min(length, int.MaxValue), Math.Min(width, sizeof(long))) is { } shared)
            return shared;
        var bytes = body.Bytes(plan, ValuesBuffer, Times(start, width, plan), length);
        var copy = pool.Rent(bytes.Length);
        copy.Length = bytes.Length;
        bytes.CopyTo(copy.Span);
        return copy;
    }

    /// <summary>The values buffer as values of a type, wherever they are aligned.</summary>
    private ReadOnlySpan<T> Values<T>(ColumnPlan plan, int which, long start, int count) where T : unmanaged =>
        MemoryMarshal.Cast<byte, T>(body.Bytes(plan, which, Times(start, Unsafe.SizeOf<T>(), plan), (long)count * Unsafe.SizeOf<T>()));

    private Column ReadConverted<TFrom, TTo, TMap>(ColumnPlan plan, long start, int count)
        where TFrom : unmanaged
        where TTo : unmanaged
        where TMap : struct, IValueConversion<TFrom, TTo>
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var source = Values<TFrom>(plan, ValuesBuffer, start, count);
        var values = scope.Add(pool.Rent(count * Unsafe.SizeOf<TTo>()));
        var target = values.As<TTo>()[..count];
        var fits = true;
        for (var i = 0; i < source.Length; i++)
            fits &= TMap.TryConvert(source[i], out target[i]);
        if (!fits)
            for (var i = 0; i < source.Length; i++)
                if (!TMap.TryConvert(source[i], out _) && (validity is null || Bitmap.Get(validity.Span, i)))
                    throw new ArrowFault($"the {plan.Declared} value {source[i]} is outside of the range of {plan.Type}", column: plan.Path, value: start + i,
                        advice: "Correct the value, or leave the column out.");
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, values);
    }

    private Column ReadIntervals(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var children = ImmutableArray.CreateBuilder<Column>(plan.Type.Fields.Length);
        if ((ArrowIntervalUnit)plan.Declared.Unit == ArrowIntervalUnit.YearMonth)
            children.Add(scope.Add(new Column(DataType.Int32, count, 0, null, CopyValues(plan, start, count, sizeof(int)))));
        else
        {
            var isDayTime = (ArrowIntervalUnit)plan.Declared.Unit == ArrowIntervalUnit.DayTime;
            var width = isDayTime ? 8 : 16;
            var bytes = body.Bytes(plan, ValuesBuffer, Times(start, width, plan), (long)count * width);
            for (var i = 0; i < plan.Type.Fields.Length; i++)
                children.Add(scope.Add(Member(plan.Type.Fields[i].Type, bytes, width, i * sizeof(int), count)));
        }
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, null, children: children.MoveToImmutable());
    }

    private Column Member(DataType type, ReadOnlySpan<byte> values, int stride, int offset, int count)
    {
        var width = type.ByteWidth;
        var target = pool.Rent(count * width);
        target.Length = count * width;
        var span = target.Span;
        for (var i = 0; i < count; i++)
            values.Slice(i * stride + offset, width).CopyTo(span[(i * width)..]);
        return new Column(type, count, 0, null, target);
    }

    /// <summary>Bytes of values.</summary>
    /// <exception cref="ArrowFault">There are more than a number can tell.</exception>
    public static long Times(long count, int width, ColumnPlan plan) =>
        count <= long.MaxValue / Math.Max(width, 1) ? count * width : throw new ArrowFault($"{count} values have more bytes than a file can have",
            column: plan.Path);
}

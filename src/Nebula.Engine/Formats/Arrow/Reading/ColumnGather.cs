using System.Collections.Immutable;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>Picks values of a column by their positions.</summary>
internal static class ColumnGather
{
    /// <summary>Makes a column of picked values.</summary>
    /// <param name="source">The column.</param>
    /// <param name="positions">Position of each value; -1 for null.</param>
    /// <param name="pool">Where memory comes from.</param>
    /// <param name="budget">What may be used of it.</param>
    /// <returns>The column, which the caller disposes of.</returns>
    public static Column Take(Column source, ReadOnlySpan<int> positions, BufferPool pool, DecodeBudget budget)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(TakeValidity(source, positions, pool, out var nulls));
        var layout = ColumnLayouts.Of(source.Type);
        if (layout == ColumnLayout.Fixed || source.Dictionary is not null)
        {
            var width = source.Dictionary is null ? source.Type.ByteWidth : sizeof(int);
            var values = TakeFixed(source, positions, width, pool, budget);
            scope.Release();
            return new Column(source.Type, positions.Length, nulls, validity, values, dictionary: source.Dictionary?.Share());
        }
        switch (layout)
        {
            case ColumnLayout.Bits:
                var bits = TakeBits(source, positions, pool);
                scope.Release();
                return new Column(source.Type, positions.Length, nulls, validity, bits);
            case ColumnLayout.Bytes:
                var ends = scope.Add(TakeOffsets(source, positions, pool, budget, out var length));
                var bytes = TakeBytes(source, positions, length, pool, budget);
                scope.Release();
                return new Column(source.Type, positions.Length, nulls, validity, bytes, ends);
            case ColumnLayout.List:
                var offsets = scope.Add(TakeOffsets(source, positions, pool, budget, out var elements));
                var lists = TakeElements(source, positions, elements, pool, budget);
                scope.Release();
                return new Column(source.Type, positions.Length, nulls, validity, null, offsets, lists);
            default:
                var children = TakeAll(source.Children, positions, pool, budget);
                scope.Release();
                return new Column(source.Type, positions.Length, nulls, validity, null, children: children);
        }
    }

    private static ImmutableArray<Column> TakeAll(ImmutableArray<Column> columns, ReadOnlySpan<int> positions, BufferPool pool, DecodeBudget budget)
    {
        using var scope = new BufferScope();
        var taken = ImmutableArray.CreateBuilder<Column>(columns.Length);
        foreach (var column in columns)
            taken.Add(scope.Add(Take(column, positions, pool, budget)));
        scope.Release();
        return taken.MoveToImmutable();
    }

    private static PooledBuffer? TakeValidity(Column source, ReadOnlySpan<int> positions, BufferPool pool, out int nulls)
    {
        nulls = 0;
        for (var i = 0; i < positions.Length; i++)
            if (positions[i] < 0 || source.IsNull(positions[i]))
                nulls++;
        if (nulls == 0)
            return null;
        var validity = NullColumns.Zeros(Bitmap.ByteCount(positions.Length), pool);
        for (var i = 0; i < positions.Length; i++)
            if (positions[i] >= 0 && !source.IsNull(positions[i]))
                Bitmap.Set(validity.Span, i, true);
        return validity;
    }

    private static PooledBuffer TakeFixed(Column source, ReadOnlySpan<int> positions, int width, BufferPool pool, DecodeBudget budget)
    {
        var bytes = (long)positions.Length * width;
        budget.Charge(bytes);
        var target = pool.Rent(checked((int)bytes));
        target.Length = (int)bytes;
        switch (width)
        {
            case 1:
                Pick(source.Values<byte>(), positions, target.As<byte>());
                break;
            case 2:
                Pick(source.Values<short>(), positions, target.As<short>());
                break;
            case 4:
                Pick(source.Values<int>(), positions, target.As<int>());
                break;
            case 8:
                Pick(source.Values<long>(), positions, target.As<long>());
                break;
            default:
                Pick(source.Values<Int128>(), positions, target.As<Int128>());
                break;
        }
        return target;
    }

    private static void Pick<T>(ReadOnlySpan<T> source, ReadOnlySpan<int> positions, Span<T> target) where T : unmanaged
    {
        target = target[..positions.Length];
        for (var i = 0; i < positions.Length; i++)
            target[i] = positions[i] < 0 ? default : source[positions[i]];
    }

    private static PooledBuffer TakeBits(Column source, ReadOnlySpan<int> positions, BufferPool pool)
    {
        var target = NullColumns.Zeros(Bitmap.ByteCount(positions.Length), pool);
        for (var i = 0; i < positions.Length; i++)
            if (positions[i] >= 0 && Bitmap.Get(source.Bits, positions[i]))
                Bitmap.Set(target.Span, i, true);
        return target;
    }

    private static PooledBuffer TakeOffsets(Column source, ReadOnlySpan<int> positions, BufferPool pool, DecodeBudget budget, out int total)
    {
        var bytes = (positions.Length + 1L) * sizeof(int);
        budget.Charge(bytes);
        var target = pool.Rent(checked((int)bytes));
        var ends = target.As<int>();
        var offsets = source.Offsets;
        var end = 0L;
        ends[0] = 0;
        for (var i = 0; i < positions.Length; i++)
        {
            if (positions[i] >= 0 && !source.IsNull(positions[i]))
                end += offsets[positions[i] + 1] - offsets[positions[i]];
            ends[i + 1] = (int)Math.Min(end, int.MaxValue);
        }
        if (end > BufferPool.MaxCapacity / sizeof(int))
        {
            target.Dispose();
            throw new BatchTooLargeException();
        }
        total = (int)end;
        return target;
    }

    private static PooledBuffer TakeBytes(Column source, ReadOnlySpan<int> positions, int length, BufferPool pool, DecodeBudget budget)
    {
        budget.Charge(length);
        var target = pool.Rent(length);
        target.Length = length;
        var rest = target.Span;
        var offsets = source.Offsets;
        var bytes = source.Bytes;
        foreach (var position in positions)
            if (position >= 0 && !source.IsNull(position))
            {
                var value = bytes[offsets[position]..offsets[position + 1]];
                value.CopyTo(rest);
                rest = rest[value.Length..];
            }
        return target;
    }

    private static ImmutableArray<Column> TakeElements(Column source, ReadOnlySpan<int> positions, int length, BufferPool pool, DecodeBudget budget)
    {
        budget.Charge(length * (long)sizeof(int));
        using var indices = pool.Rent(Math.Max(length, 1) * sizeof(int));
        var elements = indices.As<int>();
        var offsets = source.Offsets;
        var at = 0;
        foreach (var position in positions)
            if (position >= 0 && !source.IsNull(position))
                for (var i = offsets[position]; i < offsets[position + 1]; i++)
                    elements[at++] = i;
        return TakeAll(source.Children, elements[..length], pool, budget);
    }
}

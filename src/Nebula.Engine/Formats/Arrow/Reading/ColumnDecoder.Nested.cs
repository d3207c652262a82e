using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Reading;

internal sealed partial class ColumnDecoder
{
    private const int SizesBuffer = 2;

    private Column ReadStruct(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var children = ImmutableArray.CreateBuilder<Column>(plan.Children.Length);
        foreach (var child in plan.Children)
            children.Add(scope.Add(Read(child, start, count)));
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, null, children: children.MoveToImmutable());
    }

    private Column ReadList<TOffset>(ColumnPlan plan, long start, int count) where TOffset : unmanaged
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var offsets = scope.Add(ReadOffsets<TOffset>(plan, start, count, out var first, out var length));
        var children = ReadElements(plan, first, length, scope);
        if (nulls > 0 && HasHiddenElements(validity!, offsets.As<int>()[..(count + 1)]))
            return WithoutHiddenElements(plan, count, nulls, validity!, offsets.As<int>()[..(count + 1)], children, scope);
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, null, offsets, children);
    }

    private Column ReadFixedSizeList(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var size = plan.Declared.Size;
        if ((long)size * count > BufferPool.MaxCapacity)
            throw new BatchTooLargeException();
        var offsets = scope.Add(FixedOffsets(count, size));
        var children = ReadElements(plan, Times(start, size, plan), size * count, scope);
        if (nulls > 0 && size > 0)
            return WithoutHiddenElements(plan, count, nulls, validity!, offsets.As<int>()[..(count + 1)], children, scope);
        scope.Release();
        return new Column(plan.Type, count, nulls, validity, null, offsets, children);
    }

    /// <summary>The element column of a list, or the key and value columns of a map.</summary>
    private ImmutableArray<Column> ReadElements(ColumnPlan plan, long start, int count, BufferScope scope)
    {
        if (plan.Declared.Id != ArrowTypeId.Map)
            return [scope.Add(Read(plan.Children[0], start, count))];
        var entries = plan.Children[0];
        if (body.NodeOf(entries).Length - count < start)
            throw new ArrowFault($"{count} entries from {start} on are needed, but there are {body.NodeOf(entries).Length}", column: entries.Path);
        ReadValidity(entries, start, count, out var nulls)?.Dispose();
        if (nulls > 0)
            throw new ArrowFault($"{nulls} entries of a map are null", column: entries.Path,
                advice: "Have the file written with null values instead of null entries.");
        var keys = scope.Add(Read(entries.Children[0], start, count));
        if (keys.NullCount > 0)
            throw new ArrowFault($"{keys.NullCount} keys of a map are null", column: entries.Children[0].Path, advice: "Have the file written without them.");
        return [keys, scope.Add(Read(entries.Children[1], start, count))];
    }

    private static bool HasHiddenElements(PooledBuffer validity, ReadOnlySpan<int> offsets)
    {
        for (var i = 0; i < offsets.Length - 1; i++)
            if (offsets[i] != offsets[i + 1] && !Bitmap.Get(validity.Span, i))
                return true;
        return false;
    }

    /// <summary>Leaves out elements of lists that are null: nobody must take them for values.</summary>
    private Column WithoutHiddenElements(ColumnPlan plan, int count, int nulls, PooledBuffer validity, ReadOnlySpan<int> offsets,
        ImmutableArray<Column> elements, BufferScope scope)
    {
        var kept = scope.Add(pool.Rent((count + 1) * sizeof(int)));
        using var indices = pool.Rent(Math.Max(elements[0].Length, 1) * sizeof(int));
        var ends = kept.As<int>();
        var positions = indices.As<int>();
        var length = 0;
        ends[0] = 0;
        for (var i = 0; i < count; i++)
        {
            if (Bitmap.Get(validity.Span, i))
                for (var at = offsets[i]; at < offsets[i + 1]; at++)
                    positions[length++] = at;
            ends[i + 1] = length;
        }
        return Gathered(plan, count, nulls, validity, kept, elements, positions[..length], scope);
    }

    /// <summary>A list of picked elements. Ends the scope: what the result does not own is returned.</summary>
    private Column Gathered(ColumnPlan plan, int count, int nulls, PooledBuffer? validity, PooledBuffer offsets, ImmutableArray<Column> elements,
        ReadOnlySpan<int> positions, BufferScope scope)
    {
        using var taken = new BufferScope();
        var children = ImmutableArray.CreateBuilder<Column>(elements.Length);
        foreach (var element in elements)
            children.Add(taken.Add(ColumnGather.Take(element, positions, pool, budget)));
        taken.Release();
        var owned = validity?.Slice(0, validity.Capacity);
        var ownedOffsets = offsets.Slice(0, offsets.Capacity);
        scope.Dispose();
        return new Column(plan.Type, count, nulls, owned, null, ownedOffsets, children.MoveToImmutable());
    }

    /// <summary>Lists with an offset and a size each, in any order and overlapping (Columnar Format, "ListView Layout").</summary>
    private Column ReadListViews<TOffset>(ColumnPlan plan, long start, int count) where TOffset : unmanaged
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var range = ListViewRange<TOffset>(body, plan, start, count, validity);
        var offsets = Values<TOffset>(plan, OffsetsBuffer, start, count);
        var sizes = Values<TOffset>(plan, SizesBuffer, start, count);
        if (range.Elements > BufferPool.MaxCapacity / sizeof(int) || range.Count > int.MaxValue)
            throw new BatchTooLargeException();
        budget.Charge(range.Elements * sizeof(int));
        var kept = scope.Add(pool.Rent((count + 1) * sizeof(int)));
        using var indices = pool.Rent((int)Math.Max(range.Elements, 1) * sizeof(int));
        var ends = kept.As<int>();
        var positions = indices.As<int>();
        var length = 0;
        ends[0] = 0;
        for (var i = 0; i < count; i++)
        {
            if (validity is null || Bitmap.Get(validity.Span, i))
            {
                var first = (int)(Widen(offsets[i]) - range.Start);
                var size = (int)Widen(sizes[i]);
                for (var k = 0; k < size; k++)
                    positions[length++] = first + k;
            }
            ends[i + 1] = length;
        }
        var elements = ReadElements(plan, range.Start, (int)range.Count, scope);
        return Gathered(plan, count, nulls, validity, kept, elements, positions[..length], scope);
    }

    /// <summary>The part of the child that list views refer to, checked to lie in it.</summary>
    /// <returns>Where it starts, its length, and the sum of all sizes.</returns>
    public static (long Start, long Count, long Elements) ListViewRange<TOffset>(BatchBody body, ColumnPlan plan, long start, int count,
        PooledBuffer? validity) where TOffset : unmanaged
    {
        var width = typeof(TOffset) == typeof(int) ? sizeof(int) : sizeof(long);
        var offsets = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, TOffset>(body.Bytes(plan, OffsetsBuffer, Times(start, width, plan),
            (long)count * width));
        var sizes = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, TOffset>(body.Bytes(plan, SizesBuffer, Times(start, width, plan),
            (long)count * width));
        var available = body.NodeOf(plan.Children[0]).Length;
        var (first, end, elements) = (long.MaxValue, 0L, 0L);
        for (var i = 0; i < count; i++)
        {
            if (validity is not null && !Bitmap.Get(validity.Span, i))
                continue;
            var (offset, size) = (Widen(offsets[i]), Widen(sizes[i]));
            if (offset < 0 || size < 0 || size > available || offset > available - size)
                throw new ArrowFault($"a list of {size} elements begins at {offset}, but there are {available} elements", column: plan.Path, value: start + i);
            if (size == 0)
                continue;
            (first, end) = (Math.Min(first, offset), Math.Max(end, offset + size));
            elements = elements > long.MaxValue - size ? long.MaxValue : elements + size;
        }
        return elements == 0 ? (0, 0, 0) : (first, end - first, elements);
    }
}

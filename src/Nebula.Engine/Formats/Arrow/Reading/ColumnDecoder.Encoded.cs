using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <content>Values that stand elsewhere: in dictionaries, runs and the children of unions.</content>
internal sealed partial class ColumnDecoder
{
    private Column ReadDictionaryEncoded(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var validity = scope.AddIfAny(ReadValidity(plan, start, count, out var nulls));
        var dictionary = dictionaries.GetValueOrDefault(plan.Field.Dictionary!.Id);
        using var indices = pool.Rent(Math.Max(count, 1) * sizeof(int));
        indices.Length = count * sizeof(int);
        var positions = indices.As<int>()[..count];
        ReadIndices(plan, start, positions, validity, dictionary?.Length ?? 0);
        if (dictionary is null)
            return AllNull(plan, count);
        // A dictionary larger than the batch would only be carried along.
        if (dictionary.Type.Kind != TypeKind.String || dictionary.Dictionary is not null || dictionary.Length == 0 || dictionary.Length > count)
            return ColumnGather.Take(dictionary, positions, pool, budget);
        if (dictionary.NullCount > 0 || nulls > 0)
        {
            validity = scope.Add(pool.Rent(Bitmap.ByteCount(count)));
            nulls = 0;
            validity.Span[..Bitmap.ByteCount(count)].Clear();
            for (var i = 0; i < positions.Length; i++)
            {
                var isNull = positions[i] < 0 || dictionary.IsNull(positions[i]);
                nulls += isNull ? 1 : 0;
                Bitmap.Set(validity.Span, i, !isNull);
                positions[i] = Math.Max(positions[i], 0);
            }
        }
        return new Column(plan.Type, count, nulls, validity?.Slice(0, validity.Capacity), indices.Slice(0, indices.Capacity), dictionary: dictionary.Share());
    }

    private Column AllNull(ColumnPlan plan, int count)
    {
        budget.Charge(4L * count);
        using var builder = new ColumnBuilder(pool, plan.Type);
        for (var i = 0; i < count; i++)
            builder.AppendNull();
        return builder.Build();
    }

    /// <summary>Reads positions in a dictionary; -1 where the value is null.</summary>
    private void ReadIndices(ColumnPlan plan, long start, Span<int> target, PooledBuffer? validity, int dictionaryLength)
    {
        switch (plan.Field.Dictionary!.IndexType)
        {
            case { BitWidth: 8, IsSigned: true }:
                Widen<sbyte>(this, target);
                break;
            case { BitWidth: 8 }:
                Widen<byte>(this, target);
                break;
            case { BitWidth: 16, IsSigned: true }:
                Widen<short>(this, target);
                break;
            case { BitWidth: 16 }:
                Widen<ushort>(this, target);
                break;
            case { BitWidth: 32 }:
                Widen<uint>(this, target);
                break;
            default:
                Widen<ulong>(this, target);
                break;
        }

        void Widen<T>(ColumnDecoder decoder, Span<int> positions) where T : unmanaged, System.Numerics.IBinaryInteger<T>
        {
            var source = decoder.Values<T>(plan, ValuesBuffer, start, positions.Length);
            for (var i = 0; i < source.Length; i++)
            {
                var position = long.CreateTruncating(source[i]);
                if (validity is not null && !Bitmap.Get(validity.Span, i))
                    positions[i] = -1;
                else if ((ulong)position < (ulong)dictionaryLength)
                    positions[i] = (int)position;
                else
                    throw new ArrowFault($"entry {source[i]} of dictionary {plan.Field.Dictionary!.Id} is referred to, which has {dictionaryLength} entries",
                        column: plan.Path, value: start + i);
            }
        }
    }

    /// <summary>Run-end encoded values (Columnar Format, "Run-End Encoded Layout").</summary>
    private Column ReadRuns(ColumnPlan plan, long start, int count)
    {
        var (ends, values) = (plan.Children[0], plan.Children[1]);
        if (count == 0)
            return Read(values, 0, 0);
        using var indices = pool.Rent(count * sizeof(int));
        budget.Charge(count * sizeof(int));
        var positions = indices.As<int>()[..count];
        var (first, runs) = ends.Declared.BitWidth switch
        {
            16 => RunRange<short>(body, plan, start, count, positions),
            32 => RunRange<int>(body, plan, start, count, positions),
            _ => RunRange<long>(body, plan, start, count, positions),
        };
        using var distinct = Read(values, first, runs);
        return ColumnGather.Take(distinct, positions, pool, budget);
    }

    /// <summary>Finds the runs that values lie in.</summary>
    /// <param name="body">The batch.</param>
    /// <param name="plan">The column.</param>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values, at least 1.</param>
    /// <param name="positions">Takes the run of each value, counted from the first; may be empty.</param>
    /// <returns>The first run and their number.</returns>
    public static (long First, int Count) RunRange<T>(BatchBody body, ColumnPlan plan, long start, int count, Span<int> positions)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>
    {
        var child = plan.Children[0];
        var available = body.NodeOf(child).Length;
        var width = System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
        if (available > BufferPool.MaxCapacity / width)
            throw new ArrowFault($"there are {available} runs, more than a batch can have", column: plan.Path);
        var ends = MemoryMarshal.Cast<byte, T>(body.Bytes(child, ValuesBuffer, 0, available * width));
        var (low, high) = (0, ends.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (long.CreateTruncating(ends[middle]) > start)
                high = middle;
            else
                low = middle + 1;
        }
        var run = low;
        for (var i = 0L; i < count;)
        {
            var end = run < ends.Length ? Math.Min(long.CreateTruncating(ends[run]), start + count) - start
                : throw new ArrowFault($"the runs end before value {start + i}", column: plan.Path, value: start + i);
            if (end <= i)
                throw new ArrowFault($"run {run} ends at {ends[run]}, not behind the one before", column: child.Path, value: run);
            if (!positions.IsEmpty)
                positions[(int)i..(int)end].Fill(run - low);
            i = end;
            run++;
        }
        return (low, run - low);
    }

    /// <summary>A union as a struct with a field for each kind of value, of which at most one is not null; where there is only one kind, as just
    /// that.</summary>
    private Column ReadUnion(ColumnPlan plan, long start, int count)
    {
        using var scope = new BufferScope();
        var isDense = (ArrowUnionMode)plan.Declared.Unit == ArrowUnionMode.Dense;
        var idsBuffer = plan.BufferCount - (isDense ? 2 : 1);
        var validity = idsBuffer > 0 ? scope.AddIfAny(ReadValidity(plan, start, count, out _)) : null;
        var ids = body.Bytes(plan, idsBuffer, start, count);
        var offsets = isDense ? Values<int>(plan, idsBuffer + 1, start, count) : default;
        using var indices = pool.Rent(Math.Max(count, 1) * sizeof(int));
        var positions = indices.As<int>()[..count];
        CheckTypeIds(plan, ids, start);
        var members = ArrowTypeMapping.UnionMembers(plan.Children);
        var columns = ImmutableArray.CreateBuilder<Column>(members.Length);
        foreach (var member in members)
        {
            var id = TypeIdOf(plan, plan.Children.IndexOf(member));
            var (first, length) = isDense ? DenseRange(body, plan, member, id, ids, offsets, start) : (start, count);
            for (var i = 0; i < count; i++)
                positions[i] = ids[i] != id || validity is not null && !Bitmap.Get(validity.Span, i) ? -1 : isDense ? (int)(offsets[i] - first) : i;
            using var values = Read(member, first, length);
            columns.Add(scope.Add(ColumnGather.Take(values, positions, pool, budget)));
        }
        if (members.Length == 1)
        {
            var only = columns[0].Share();
            return only;
        }
        var present = pool.Rent(Bitmap.ByteCount(count));
        var nulls = MarkPresent(columns, present, count);
        scope.Release();
        validity?.Dispose();
        return new Column(plan.Type, count, nulls, present, null, children: columns.MoveToImmutable());
    }

    /// <summary>The part of a dense union's child that is referred to.</summary>
    public static (long First, int Count) DenseRange(BatchBody body, ColumnPlan plan, ColumnPlan member, int id, ReadOnlySpan<byte> ids,
        ReadOnlySpan<int> offsets, long start)
    {
        var available = body.NodeOf(member).Length;
        var (first, last) = (int.MaxValue, -1);
        for (var i = 0; i < ids.Length; i++)
        {
            if (ids[i] != id)
                continue;
            if (offsets[i] < 0 || offsets[i] >= available)
                throw new ArrowFault($"value {offsets[i]} of '{member.Field.Name}' is referred to, which has {available} values", column: plan.Path,
                    value: start + i);
            (first, last) = (Math.Min(first, offsets[i]), Math.Max(last, offsets[i]));
        }
        return last < 0 ? (0, 0) : (first, last - first + 1);
    }

    /// <summary>The number that stands for a child of a union.</summary>
    public static int TypeIdOf(ColumnPlan plan, int child) => plan.Declared.TypeIds.IsEmpty ? child : plan.Declared.TypeIds[child];

    private static void CheckTypeIds(ColumnPlan plan, ReadOnlySpan<byte> ids, long start)
    {
        Span<bool> known = stackalloc bool[256];
        known.Clear();
        for (var i = 0; i < plan.Children.Length; i++)
            known[TypeIdOf(plan, i)] = true;
        for (var i = 0; i < ids.Length; i++)
            if (!known[ids[i]])
                throw new ArrowFault($"a value has the type id {(sbyte)ids[i]}, which the union does not have", column: plan.Path, value: start + i);
    }

    private static int MarkPresent(ImmutableArray<Column>.Builder members, PooledBuffer present, int count)
    {
        present.Span[..Bitmap.ByteCount(count)].Clear();
        var nulls = 0;
        for (var i = 0; i < count; i++)
        {
            var isNull = true;
            foreach (var member in members)
                isNull &= member.IsNull(i);
            nulls += isNull ? 1 : 0;
            Bitmap.Set(present.Span, i, !isNull);
        }
        return nulls;
    }
}

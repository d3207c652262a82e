using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>
/// Fetches what some rows of a batch need, so that batches of any size are read in small steps. Offsets are fetched first; they tell what else is needed.
/// </summary>
/// <param name="loader">Reads the file.</param>
/// <param name="body">The batch; takes the buffers' places.</param>
/// <param name="position">Where the body begins in the file.</param>
/// <param name="isBigEndian">Whether values have their most significant byte first.</param>
/// <param name="limit">Most bytes fetched.</param>
/// <param name="pool">Where memory comes from.</param>
internal sealed class RowLoader(BodyLoader loader, BatchBody body, long position, bool isBigEndian, long limit, BufferPool pool) : IDisposable
{
    private static readonly Dictionary<long, Column> NoDictionaries = [];

    private readonly ColumnDecoder _decoder = new(body, NoDictionaries, pool, new DecodeBudget(limit));
    private PooledBuffer _memory = pool.Rent((int)Math.Min(limit, 1 << 20) + BatchBody.Slack);
    private int _length;

    /// <summary>Fetches rows of columns.</summary>
    /// <param name="columns">The columns.</param>
    /// <param name="start">First row.</param>
    /// <param name="count">Number of rows.</param>
    /// <returns>The memory of the buffers, which the caller disposes of.</returns>
    /// <exception cref="ArrowFault">The batch is damaged.</exception>
    /// <exception cref="BatchTooLargeException">The rows need more than the limit.</exception>
    public PooledBuffer Load(IEnumerable<ColumnPlan> columns, long start, int count)
    {
        foreach (var column in columns)
            LoadValues(column, start, count);
        var memory = _memory;
        memory.Length = _length;
        _memory = pool.Rent(0);
        return memory;
    }

    /// <summary>Returns memory that was not given away.</summary>
    public void Dispose() => _memory.Dispose();

    private void LoadValues(ColumnPlan plan, long start, long count)
    {
        if (count > int.MaxValue)
            throw new BatchTooLargeException();
        if (body.NodeOf(plan).Length - count < start)
            throw new ArrowFault($"{count} values from {start} on are needed, but it has {body.NodeOf(plan).Length}", column: plan.Path);
        if (count == 0 || plan.Refusal is not null)
            return;
        if (plan.Values is not null)
        {
            LoadValidity(plan, start, count);
            LoadFixed(plan, start, count, plan.Field.Dictionary!.IndexType.BitWidth / 8);
            return;
        }
        switch (plan.Declared.Id)
        {
            case ArrowTypeId.Null:
                break;
            case ArrowTypeId.Bool:
                LoadValidity(plan, start, count);
                LoadBits(plan, 1, start, count);
                break;
            case ArrowTypeId.Utf8 or ArrowTypeId.Binary or ArrowTypeId.LargeUtf8 or ArrowTypeId.LargeBinary:
                LoadValidity(plan, start, count);
                var (first, length) = LoadOffsets(plan, start, count);
                Load(plan, 2, first, length);
                break;
            case ArrowTypeId.Utf8View or ArrowTypeId.BinaryView:
                LoadValidity(plan, start, count);
                LoadViews(plan, start, (int)count);
                break;
            case ArrowTypeId.List or ArrowTypeId.LargeList or ArrowTypeId.Map:
                LoadValidity(plan, start, count);
                var (element, elements) = LoadOffsets(plan, start, count);
                LoadValues(plan.Children[0], element, elements);
                break;
            case ArrowTypeId.FixedSizeList:
                LoadValidity(plan, start, count);
                LoadValues(plan.Children[0], ColumnDecoder.Times(start, plan.Declared.Size, plan), ColumnDecoder.Times(count, plan.Declared.Size, plan));
                break;
            case ArrowTypeId.ListView or ArrowTypeId.LargeListView:
                LoadListViews(plan, start, (int)count);
                break;
            case ArrowTypeId.Struct:
                LoadValidity(plan, start, count);
                foreach (var child in plan.Children)
                    LoadValues(child, start, count);
                break;
            case ArrowTypeId.Union:
                LoadUnion(plan, start, (int)count);
                break;
            case ArrowTypeId.RunEndEncoded:
                LoadRuns(plan, start, (int)count);
                break;
            default:
                LoadValidity(plan, start, count);
                LoadFixed(plan, start, count, FixedWidth.Of(plan.Declared));
                break;
        }
    }

    private void LoadFixed(ColumnPlan plan, long start, long count, int width) =>
        Load(plan, 1, ColumnDecoder.Times(start, width, plan), ColumnDecoder.Times(count, width, plan));

    private void LoadValidity(ColumnPlan plan, long start, long count)
    {
        if (body.NodeOf(plan).NullCount != 0 && body.Header.Buffers[body.IndexOf(plan, 0)].Length > 0)
            LoadBits(plan, 0, start, count);
    }

    private void LoadBits(ColumnPlan plan, int which, long start, long count) => Load(plan, which, start >> 3, ((start & 7) + count + 7) >> 3);

    private (long First, long Length) LoadOffsets(ColumnPlan plan, long start, long count)
    {
        var width = plan.Declared.Id is ArrowTypeId.LargeUtf8 or ArrowTypeId.LargeBinary or ArrowTypeId.LargeList ? sizeof(long) : sizeof(int);
        Load(plan, 1, ColumnDecoder.Times(start, width, plan), (count + 1) * width);
        var offsets = body.Loaded(body.IndexOf(plan, 1));
        var (first, last) = (ReadOffset(offsets[..width]), ReadOffset(offsets[^width..]));
        return first >= 0 && last >= first ? (first, last - first)
            : throw new ArrowFault($"the offsets go from {first} to {last}", column: plan.Path, value: start);
    }

    private static long ReadOffset(ReadOnlySpan<byte> bytes) => bytes.Length == sizeof(int) ? BinaryPrimitives.ReadInt32LittleEndian(bytes)
        : BinaryPrimitives.ReadInt64LittleEndian(bytes);

    private void LoadViews(ColumnPlan plan, long start, int count)
    {
        LoadFixed(plan, start, count, 16);
        var ranges = new (long First, long End)[body.DataBuffersOf(plan)];
        using var validity = _decoder.ReadValidity(plan, start, count, out _);
        var views = MemoryMarshal.Cast<byte, int>(body.Loaded(body.IndexOf(plan, 1)));
        for (var i = 0; i < count; i++)
        {
            var view = views.Slice(i * 4, 4);
            if (view[0] <= 12 || validity is not null && !Bitmap.Get(validity.Span, i))
                continue;
            if ((uint)view[2] >= (uint)ranges.Length || view[3] < 0)
                throw new ArrowFault($"a view points to byte {view[3]} of data buffer {view[2]}; there are {ranges.Length} data buffers", column: plan.Path,
                    value: start + i);
            ref var range = ref ranges[view[2]];
            range = range.End == 0 ? (view[3], view[3] + (long)view[0]) : (Math.Min(range.First, view[3]), Math.Max(range.End, view[3] + (long)view[0]));
        }
        for (var i = 0; i < ranges.Length; i++)
            Load(plan, 2 + i, ranges[i].First, ranges[i].End - ranges[i].First);
    }

    private void LoadListViews(ColumnPlan plan, long start, int count)
    {
        LoadValidity(plan, start, count);
        var width = plan.Declared.Id == ArrowTypeId.ListView ? sizeof(int) : sizeof(long);
        Load(plan, 1, ColumnDecoder.Times(start, width, plan), (long)count * width);
        Load(plan, 2, ColumnDecoder.Times(start, width, plan), (long)count * width);
        using var validity = _decoder.ReadValidity(plan, start, count, out _);
        var range = width == sizeof(int) ? ColumnDecoder.ListViewRange<int>(body, plan, start, count, validity)
            : ColumnDecoder.ListViewRange<long>(body, plan, start, count, validity);
        LoadValues(plan.Children[0], range.Start, range.Count);
    }

    private void LoadUnion(ColumnPlan plan, long start, int count)
    {
        var isDense = (ArrowUnionMode)plan.Declared.Unit == ArrowUnionMode.Dense;
        var idsBuffer = plan.BufferCount - (isDense ? 2 : 1);
        if (idsBuffer > 0)
            LoadValidity(plan, start, count);
        Load(plan, idsBuffer, start, count);
        if (!isDense)
        {
            foreach (var child in plan.Children)
                LoadValues(child, start, count);
            return;
        }
        Load(plan, idsBuffer + 1, ColumnDecoder.Times(start, sizeof(int), plan), (long)count * sizeof(int));
        foreach (var member in ArrowTypeMapping.UnionMembers(plan.Children))
        {
            var ids = body.Bytes(plan, idsBuffer, start, count);
            var offsets = MemoryMarshal.Cast<byte, int>(body.Bytes(plan, idsBuffer + 1, start * sizeof(int), (long)count * sizeof(int)));
            var (first, length) = ColumnDecoder.DenseRange(body, plan, member, ColumnDecoder.TypeIdOf(plan, plan.Children.IndexOf(member)), ids, offsets,
                start);
            LoadValues(member, first, length);
        }
    }

    private void LoadRuns(ColumnPlan plan, long start, int count)
    {
        var ends = plan.Children[0];
        Load(ends, 1, 0, ColumnDecoder.Times(body.NodeOf(ends).Length, ends.Declared.BitWidth / 8, plan));
        var (first, runs) = ends.Declared.BitWidth switch
        {
            16 => ColumnDecoder.RunRange<short>(body, plan, start, count, []),
            32 => ColumnDecoder.RunRange<int>(body, plan, start, count, []),
            _ => ColumnDecoder.RunRange<long>(body, plan, start, count, []),
        };
        LoadValues(plan.Children[1], first, runs);
    }

    /// <summary>Fetches bytes of a buffer.</summary>
    private void Load(ColumnPlan plan, int which, long start, long length)
    {
        if (length == 0)
            return;
        var index = body.IndexOf(plan, which);
        var range = body.Header.Buffers[index];
        if (start > range.Length - length)
            throw new ArrowFault($"bytes {start} to {start + length} of buffer {which} are needed, but it ends at byte {range.Length}", range.Offset,
                plan.Path);
        var at = _length + BufferPool.Alignment - 1 & -BufferPool.Alignment;
        if (at + length > limit)
            throw new BatchTooLargeException();
        Reserve(at, (int)length);
        var target = _memory.Span.Slice(at, (int)length);
        loader.Read(position + range.Offset + start, target);
        if (isBigEndian)
            ByteOrder.Reverse(plan, which, target);
        body.SetPart(index, _memory, at, start, length);
        _length = at + (int)length;
    }

    private void Reserve(int used, int length)
    {
        if (length <= _memory.Capacity - used - BatchBody.Slack)
            return;
        var larger = pool.Rent((int)Math.Min(Math.Max((long)used + length, 2L * _memory.Capacity) + BatchBody.Slack, BufferPool.MaxCapacity));
        _memory.Span[.._length].CopyTo(larger.Span);
        _memory.Dispose();
        _memory = larger;
        body.Move(larger);
    }
}

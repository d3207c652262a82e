using System.Numerics;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>
/// Which slots of a column are written, in order, and where row groups end among them. Streams have nothing for slots whose parent is null, and these can lie
/// anywhere; mostly the slots are a range.
/// </summary>
/// <param name="first">First slot of a range.</param>
/// <param name="count">Number of slots.</param>
/// <param name="slots">The slots when they are no range; stays the caller's.</param>
/// <param name="groupEnds">Per row group the number of slots up to its end.</param>
internal sealed class Selection(int first, int count, PooledBuffer? slots, int[] groupEnds)
{
    /// <summary>First slot of a range.</summary>
    public int First => first;

    /// <summary>Number of slots.</summary>
    public int Count => count;

    /// <summary>Whether the slots are a range.</summary>
    public bool IsRange => slots is null;

    /// <summary>Number of row groups.</summary>
    public int Groups => groupEnds.Length;

    /// <summary>The slots, when they are no range.</summary>
    public ReadOnlySpan<int> Slots => slots is null ? default : slots.As<int>()[..count];

    /// <summary>The slot at a position.</summary>
    public int this[int position] => slots is null ? first + position : slots.As<int>()[position];

    /// <summary>Positions of a row group.</summary>
    /// <param name="group">Number of the row group.</param>
    public (int Start, int End) Group(int group) => (group == 0 ? 0 : groupEnds[group - 1], groupEnds[group]);

    /// <summary>All rows of a batch.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="stride">Rows of a row group.</param>
    public static Selection OfRows(int rows, int stride)
    {
        var ends = new int[(rows + stride - 1) / stride];
        for (var i = 0; i < ends.Length; i++)
            ends[i] = (int)Math.Min((i + 1L) * stride, rows);
        return new Selection(0, rows, null, ends);
    }

    /// <summary>Those of the slots that are not null.</summary>
    /// <param name="column">The column.</param>
    /// <param name="scope">Takes what is rented.</param>
    /// <param name="pool">Where buffers come from.</param>
    public Selection Valid(Column column, BufferScope scope, BufferPool pool)
    {
        if (!column.HasValidity || column.NullCount == 0)
            return this;
        var valid = scope.Add(pool.Rent(Math.Max(count, 1) * sizeof(int)));
        var target = valid.As<int>();
        var ends = new int[groupEnds.Length];
        var written = 0;
        for (var group = 0; group < ends.Length; group++)
        {
            var (start, end) = Group(group);
            written = IsRange ? ValidOfRange(column.Validity, first + start, first + end, target, written)
                : ValidOfSlots(column.Validity, Slots[start..end], target, written);
            ends[group] = written;
        }
        return new Selection(0, written, valid, ends);
    }

    /// <summary>The elements of lists.</summary>
    /// <param name="offsets">Where the lists of the column start and end.</param>
    /// <param name="scope">Takes what is rented.</param>
    /// <param name="pool">Where buffers come from.</param>
    public Selection Elements(ReadOnlySpan<int> offsets, BufferScope scope, BufferPool pool)
    {
        var ends = new int[groupEnds.Length];
        if (IsRange)
        {
            var start = offsets[first];
            for (var group = 0; group < ends.Length; group++)
                ends[group] = offsets[first + groupEnds[group]] - start;
            return new Selection(start, offsets[first + count] - start, null, ends);
        }
        var total = 0L;
        foreach (var slot in Slots)
            total += offsets[slot + 1] - offsets[slot];
        var elements = scope.Add(pool.Rent(checked((int)Math.Max(total, 1) * sizeof(int))));
        var target = elements.As<int>();
        var written = 0;
        for (var group = 0; group < ends.Length; group++)
        {
            var (start, end) = Group(group);
            foreach (var slot in Slots[start..end])
                for (var element = offsets[slot]; element < offsets[slot + 1]; element++)
                    target[written++] = element;
            ends[group] = written;
        }
        return new Selection(0, written, elements, ends);
    }

    private static int ValidOfRange(ReadOnlySpan<byte> validity, int start, int end, Span<int> target, int written)
    {
        for (var i = start; i < end; i += 64)
            for (var word = BitRange.Read(validity, i, Math.Min(64, end - i)); word != 0; word &= word - 1)
                target[written++] = i + BitOperations.TrailingZeroCount(word);
        return written;
    }

    private static int ValidOfSlots(ReadOnlySpan<byte> validity, ReadOnlySpan<int> slots, Span<int> target, int written)
    {
        foreach (var slot in slots)
            if (Bitmap.Get(validity, slot))
                target[written++] = slot;
        return written;
    }

    /// <summary>Values of a range of positions: as they lie in the column, or gathered.</summary>
    /// <typeparam name="T">A type as wide as the values.</typeparam>
    /// <param name="values">The column's values.</param>
    /// <param name="start">First position.</param>
    /// <param name="end">Position behind the last.</param>
    /// <param name="scratch">Room for as many values.</param>
    public ReadOnlySpan<T> Gather<T>(ReadOnlySpan<T> values, int start, int end, Span<byte> scratch) where T : unmanaged
    {
        if (IsRange)
            return values[(first + start)..(first + end)];
        var target = MemoryMarshal.Cast<byte, T>(scratch)[..(end - start)];
        var from = Slots[start..end];
        for (var i = 0; i < from.Length; i++)
            target[i] = values[from[i]];
        return target;
    }
}

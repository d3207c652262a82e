using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Arrow.Metadata;

namespace Nebula.Engine.Formats.Arrow.Reading;

/// <summary>
/// The buffers of a batch, or of some of its rows, in memory. Positions are always those in the whole buffer as it stands in the file, whatever part of it
/// was loaded.
/// Nothing is read that was not loaded.
/// </summary>
internal sealed unsafe class BatchBody
{
    /// <summary>Bytes that the memory of buffers has behind their end, so that bitmaps can be read in whole words.</summary>
    public const int Slack = BufferPool.Alignment;

    private readonly BatchPlan _plan;
    private readonly Part[] _parts;
    private readonly int[] _dataBuffersBefore;

    /// <summary>Makes the body of a batch of which nothing is loaded yet.</summary>
    /// <param name="plan">What the batches of the file look like.</param>
    /// <param name="header">The batch.</param>
    /// <exception cref="ArrowFault">The batch does not look like that.</exception>
    public BatchBody(BatchPlan plan, BatchHeader header)
    {
        _plan = plan;
        Header = header;
        _dataBuffersBefore = CountDataBuffers(plan, header);
        var needed = plan.BufferCount + _dataBuffersBefore[^1];
        if (header.Nodes.Length < plan.NodeCount || header.Buffers.Length < needed)
            throw new ArrowFault($"the batch has {header.Nodes.Length} fields and {header.Buffers.Length} buffers, but its schema needs {plan.NodeCount} and "
                + $"{needed}", 0);
        foreach (var column in plan.Columns)
            if (header.Nodes[column.Node].Length != header.Length)
                throw new ArrowFault($"the column has {header.Nodes[column.Node].Length} values in a batch of {header.Length} rows", 0, column.Path);
        _parts = new Part[header.Buffers.Length];
    }

    private BatchBody(BatchBody other)
    {
        (_plan, Header, _dataBuffersBefore) = (other._plan, other.Header, other._dataBuffersBefore);
        _parts = new Part[other._parts.Length];
    }

    /// <summary>The batch.</summary>
    public BatchHeader Header { get; }

    /// <summary>The same batch with nothing loaded.</summary>
    public BatchBody CreateEmpty() => new(this);

    /// <summary>The node of a column.</summary>
    public FieldNode NodeOf(ColumnPlan column) => Header.Nodes[column.Node];

    /// <summary>Which of the batch's buffers is a column's.</summary>
    /// <param name="column">The column.</param>
    /// <param name="which">Which of its buffers, from 0.</param>
    public int IndexOf(ColumnPlan column, int which) => column.Buffer + _dataBuffersBefore[column.ViewsBefore] + which;

    /// <summary>Number of data buffers of a column of views.</summary>
    public int DataBuffersOf(ColumnPlan column) => _dataBuffersBefore[column.ViewsBefore + 1] - _dataBuffersBefore[column.ViewsBefore];

    /// <summary>Says where bytes of a buffer are.</summary>
    /// <param name="index">The buffer.</param>
    /// <param name="memory">What they lie in; it stays its owner's. <see cref="Slack"/> bytes behind them are readable.</param>
    /// <param name="offset">Where in there.</param>
    /// <param name="start">Position of the first of them in the whole buffer.</param>
    /// <param name="length">Number of bytes.</param>
    public void SetPart(int index, PooledBuffer memory, int offset, long start, long length) => _parts[index] = new Part(memory, offset, start, length);

    /// <summary>Exchanges the memory of all buffers for a larger copy of it.</summary>
    /// <param name="memory">The copy.</param>
    public void Move(PooledBuffer memory)
    {
        for (var i = 0; i < _parts.Length; i++)
            if (_parts[i].Memory is not null)
                _parts[i] = _parts[i] with { Memory = memory };
    }

    /// <summary>Whether a buffer has bytes.</summary>
    /// <param name="index">The buffer.</param>
    public bool Has(int index) => _parts[index].Length > 0;

    /// <summary>The loaded bytes of a buffer, which may be changed.</summary>
    /// <param name="index">The buffer.</param>
    public Span<byte> Loaded(int index)
    {
        var part = _parts[index];
        return part.Memory is null ? default : new Span<byte>(part.Memory.Pointer + part.Offset, checked((int)part.Length));
    }

    /// <summary>Where the loaded bytes of a buffer lie in their memory.</summary>
    /// <param name="index">The buffer.</param>
    public int OffsetOf(int index) => _parts[index].Offset;

    /// <summary>Bytes of a buffer.</summary>
    /// <param name="column">The column.</param>
    /// <param name="which">Which of its buffers.</param>
    /// <param name="position">First byte, in the whole buffer.</param>
    /// <param name="count">Number of bytes.</param>
    /// <exception cref="ArrowFault">The buffer does not have them.</exception>
    public ReadOnlySpan<byte> Bytes(ColumnPlan column, int which, long position, long count)
    {
        if (count == 0)
            return default;
        return new ReadOnlySpan<byte>(Locate(column, which, position, count, out var part) + part.Memory!.Pointer, (int)count);
    }

    /// <summary>Bits of a buffer, from the byte on in which the first lies, readable in whole 64-bit words.</summary>
    /// <param name="column">The column.</param>
    /// <param name="which">Which of its buffers.</param>
    /// <param name="start">First bit.</param>
    /// <param name="count">Number of bits.</param>
    /// <param name="shift">Which bit of the first byte it is.</param>
    public ReadOnlySpan<byte> Bits(ColumnPlan column, int which, long start, int count, out int shift)
    {
        shift = (int)(start & 7);
        var bits = Bytes(column, which, start >> 3, (shift + (long)count + 7) >> 3);
        fixed (byte* first = bits)
            return new ReadOnlySpan<byte>(first, Bitmap.ByteCount(shift + count));
    }

    /// <summary>Bytes of a buffer as a buffer of their own, in the same memory, if they are aligned there.</summary>
    /// <param name="column">The column.</param>
    /// <param name="which">Which of its buffers.</param>
    /// <param name="position">First byte, in the whole buffer.</param>
    /// <param name="count">Number of bytes.</param>
    /// <param name="capacity">Bytes that must be readable, at most <see cref="Slack"/> more.</param>
    /// <param name="alignment">What the address must be a multiple of, at least.</param>
    /// <returns>The buffer, which the caller disposes of; null when they are not aligned.</returns>
    /// <exception cref="ArrowFault">The buffer does not have them.</exception>
    public PooledBuffer? Share(ColumnPlan column, int which, long position, long count, int capacity, int alignment)
    {
        if (count == 0)
            return null;
        var offset = (int)Locate(column, which, position, count, out var part);
        var memory = part.Memory!;
        if (((nint)(memory.Pointer + offset) & (alignment - 1)) != 0 || capacity > memory.Capacity - offset)
            return null;
        var slice = memory.Slice(offset, capacity);
        slice.Length = (int)count;
        return slice;
    }

    private nint Locate(ColumnPlan column, int which, long position, long count, out Part part)
    {
        part = _parts[IndexOf(column, which)];
        if (position < part.Start || count < 0 || position > part.Start + part.Length - count)
            throw new ArrowFault($"bytes {position} to {position + count} of buffer {which} are needed, but it ends at byte {part.Start + part.Length}",
                Header.Buffers[IndexOf(column, which)].Offset, column.Path);
        return (nint)(part.Offset + (position - part.Start));
    }

    private static int[] CountDataBuffers(BatchPlan plan, BatchHeader header)
    {
        var before = new int[plan.ViewCount + 1];
        if (plan.ViewCount > header.VariadicCounts.Length)
            throw new ArrowFault($"the batch counts the data buffers of {header.VariadicCounts.Length} columns of views; its schema has {plan.ViewCount}", 0);
        for (var i = 0; i < plan.ViewCount; i++)
        {
            var count = header.VariadicCounts[i];
            if (count < 0 || count > header.Buffers.Length - before[i])
                throw new ArrowFault($"a column of views has {count} data buffers in a batch of {header.Buffers.Length} buffers", 0);
            before[i + 1] = before[i] + (int)count;
        }
        return before;
    }

    private readonly record struct Part(PooledBuffer? Memory, int Offset, long Start, long Length);
}

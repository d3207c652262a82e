using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Avro.Reading.Content;

/// <summary>A window that slides over the content of a block.</summary>
/// <param name="maxRecordSize">Most bytes of one record.</param>
/// <param name="history">Bytes before <see cref="AvroContent.End"/> that the codec may refer to.</param>
/// <param name="pool">Where the window comes from.</param>
internal abstract unsafe class WindowContent(int maxRecordSize, int history, BufferPool pool) : AvroContent
{
    // Fits the second-level cache together with the columns.
    private const int FirstSize = 256 << 10;
    private PooledBuffer? _window;

    /// <summary>The start of the window, up to which the codec may refer.</summary>
    protected byte* WindowStart { get; private set; }

    /// <summary>The block's data; null before the first block.</summary>
    protected AvroInput? Input { get; private set; }

    /// <inheritdoc/>
    public override void Open(AvroInput data)
    {
        Input = data;
        IsComplete = false;
        _window ??= pool.Rent(FirstSize);
        WindowStart = At = End = _window.Pointer;
        Fill();
    }

    /// <inheritdoc/>
    public override void Fill()
    {
        MakeRoom();
        var limit = _window!.Pointer + _window.Capacity;
        while (!IsComplete && limit - End >= FirstSize / 4)
            End = Produce(End, limit);
    }

    /// <inheritdoc/>
    public override void Dispose() => _window?.Dispose();

    /// <summary>Writes the next content.</summary>
    /// <param name="to">Where it goes.</param>
    /// <param name="limit">Where the room ends.</param>
    /// <returns>Where it ends; <paramref name="to"/> only when <see cref="Complete"/> was called.</returns>
    protected abstract byte* Produce(byte* to, byte* limit);

    /// <summary>Marks the end of the content.</summary>
    protected void Complete() => IsComplete = true;

    private void MakeRoom()
    {
        var window = _window!;
        var from = End - Math.Min(Math.Max(End - At, history), End - WindowStart);
        var kept = (int)(End - from);
        var tail = End - At;
        if (tail > maxRecordSize)
            throw new DataFormatException($"A record is larger than {Units.FormatSize(maxRecordSize)}. Raise the memory limit, or leave out the column that "
                + "makes it so large.");
        var target = window;
        if (window.Capacity - kept < FirstSize / 2)
            target = pool.Rent((int)Math.Min(2L * window.Capacity, BufferPool.MaxCapacity));
        if (target.Capacity - kept < FirstSize / 4)
        {
            target.Dispose();
            throw new DataFormatException($"A record is larger than the {Units.FormatSize(BufferPool.MaxCapacity)} that a buffer can hold.");
        }
        Buffer.MemoryCopy(from, target.Pointer, target.Capacity, kept);
        WindowStart = target.Pointer;
        End = target.Pointer + kept;
        At = End - tail;
        if (target == window)
            return;
        _window = target;
        window.Dispose();
    }
}

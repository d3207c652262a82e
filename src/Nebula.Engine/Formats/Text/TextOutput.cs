using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Text;

/// <summary>
/// The text of one block while it is written. Sized once, by a bound that counts every string as if it had nothing to escape; what escapes add beyond that
/// is taken from the slack, and the buffer moves when there is none left. So values are written without any check of the space.
/// </summary>
internal sealed unsafe class TextOutput : IDisposable
{
    private readonly BufferPool _pool;
    private readonly string _format;
    private PooledBuffer _buffer;
    private long _slack;

    /// <summary>Makes an output.</summary>
    /// <param name="pool">Where its buffer comes from.</param>
    /// <param name="bound">How many bytes it takes; <see cref="BufferPool.Padding"/> more may be touched behind them.</param>
    /// <param name="format">What the text is, for messages.</param>
    /// <exception cref="NebulaException">No buffer is that large.</exception>
    public TextOutput(BufferPool pool, long bound, string format)
    {
        _pool = pool;
        _format = format;
        if (bound > BufferPool.MaxCapacity)
            throw TooLarge();
        _buffer = pool.Rent((int)bound);
        _slack = _buffer.Capacity - bound;
        Start = _buffer.Pointer;
    }

    /// <summary>The first byte. It moves when strings with escapes outgrow the buffer: positions kept over a value are offsets.</summary>
    public byte* Start { get; private set; }

    /// <summary>Makes sure that <paramref name="extra"/> bytes beyond the bound can be written.</summary>
    /// <param name="p">How far it is written.</param>
    /// <param name="extra">Bytes.</param>
    /// <returns>How far it is written, perhaps elsewhere.</returns>
    /// <exception cref="NebulaException">No buffer is that large.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Spend(byte* p, int extra)
    {
        _slack -= extra;
        return _slack < 0 ? Grow(p) : p;
    }

    /// <summary>Ends the block and hands its buffer over.</summary>
    /// <param name="end">How far it is written.</param>
    public PooledBuffer Finish(byte* end)
    {
        var buffer = _buffer;
        buffer.Length = (int)(end - Start);
        _buffer = null!;
        return buffer;
    }

    /// <summary>Returns the buffer unless it was handed over.</summary>
    public void Dispose() => _buffer?.Dispose();

    private byte* Grow(byte* p)
    {
        var written = (int)(p - Start);
        var needed = _buffer.Capacity - _slack;
        if (needed > BufferPool.MaxCapacity)
            throw TooLarge();
        var larger = _pool.Rent((int)Math.Min(needed + Math.Max(_buffer.Capacity / 4, 4096), BufferPool.MaxCapacity));
        new ReadOnlySpan<byte>(Start, written).CopyTo(larger.Span);
        _slack += larger.Capacity - _buffer.Capacity;
        _buffer.Dispose();
        _buffer = larger;
        Start = larger.Pointer;
        return Start + written;
    }

    private NebulaException TooLarge() => new(ErrorKind.Limit,
        $"The rows of one batch need more than {Units.FormatSize(BufferPool.MaxCapacity)} as {_format}. Set a smaller 'performance.batch_size'.");
}

using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Json.Writing;

/// <summary>
/// The bytes of one block while it is written. Sized once, by a bound that counts every string as if it had nothing to escape; what escapes add beyond that
/// is taken from the slack, and the buffer moves when there is none left. So values are written without any check of the space.
/// </summary>
internal sealed unsafe class JsonOutput : IDisposable
{
    private readonly BufferPool _pool;
    private PooledBuffer _buffer;
    private long _slack;

    /// <summary>Makes an output that takes <paramref name="bound"/> bytes.</summary>
    /// <exception cref="NebulaException">No buffer is that large.</exception>
    public JsonOutput(BufferPool pool, long bound)
    {
        _pool = pool;
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

    private static NebulaException TooLarge() => new(ErrorKind.Limit,
        $"The rows of one batch need more than {Units.FormatSize(BufferPool.MaxCapacity)} as JSON. Read smaller blocks, so that a batch has fewer rows.");
}

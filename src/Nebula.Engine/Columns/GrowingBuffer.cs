using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Columns;

/// <summary>Bytes appended to a pooled buffer that is exchanged for one of twice the size when it is full.</summary>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class GrowingBuffer(BufferPool pool) : IDisposable
{
    private PooledBuffer? _buffer;
    private byte* _memory;
    private int _capacity;

    /// <summary>Bytes appended.</summary>
    public int Length { get; private set; }

    /// <summary>Bytes on loan.</summary>
    public int Capacity => _capacity;

    /// <summary>The bytes appended.</summary>
    public Span<byte> Content => new(_memory, Length);

    /// <summary>The bytes appended as values of a type.</summary>
    /// <typeparam name="T">The type of the values.</typeparam>
    public Span<T> As<T>() where T : unmanaged => MemoryMarshal.Cast<byte, T>(Content);

    /// <summary>Appends bytes of undefined content.</summary>
    /// <param name="count">Number of bytes.</param>
    /// <returns>The new bytes.</returns>
    /// <exception cref="DataFormatException">The buffer would exceed <see cref="BufferPool.MaxCapacity"/>.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Extend(int count)
    {
        if ((uint)count > (uint)(_capacity - Length))
            Grow(count);
        var added = new Span<byte>(_memory + Length, count);
        Length += count;
        return added;
    }

    /// <summary>Makes room without appending; what is written there can then be appended by <see cref="Extend"/>.</summary>
    /// <param name="count">Number of bytes.</param>
    /// <returns>Where the next byte goes. Good until more is appended.</returns>
    /// <exception cref="DataFormatException">The buffer would exceed <see cref="BufferPool.MaxCapacity"/>.</exception>
    public byte* Reserve(int count)
    {
        if ((uint)count > (uint)(_capacity - Length))
            Grow(count);
        return _memory + Length;
    }

    /// <summary>Makes room for what will probably come.</summary>
    /// <param name="count">Number of bytes.</param>
    public void Prepare(int count) => _ = Reserve(count);

    /// <summary>Takes back what was appended last.</summary>
    /// <param name="length">Bytes that stay, at most <see cref="Length"/>.</param>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)Length);
        Length = length;
    }

    /// <summary>Appends a value.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="value">The value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Append<T>(T value) where T : unmanaged
    {
        if (sizeof(T) > _capacity - Length)
            Grow(sizeof(T));
        Unsafe.WriteUnaligned(_memory + Length, value);
        Length += sizeof(T);
    }

    /// <summary>Takes the last bytes back.</summary>
    /// <param name="count">Number of bytes, at most <see cref="Length"/>.</param>
    public void Shrink(int count) => Length -= count;

    /// <summary>Takes all bytes back and keeps the buffer.</summary>
    public void Clear() => Length = 0;

    /// <summary>Appends zero words until a bitmap of this many bits fits.</summary>
    /// <param name="bits">Number of bits.</param>
    public void ExtendBits(int bits)
    {
        var missing = Bitmap.ByteCount(bits) - Length;
        if (missing > 0)
            Extend(missing).Clear();
    }

    /// <summary>Hands the buffer over and starts anew.</summary>
    /// <returns>The buffer, its <see cref="PooledBuffer.Length"/> set.</returns>
    public PooledBuffer Detach()
    {
        var buffer = _buffer ?? pool.Rent(0);
        buffer.Length = Length;
        _buffer = null;
        Forget();
        return buffer;
    }

    /// <summary>Returns the buffer. Further appends rent a new one.</summary>
    public void Dispose()
    {
        _buffer?.Dispose();
        _buffer = null;
        Forget();
    }

    private void Forget()
    {
        _memory = null;
        _capacity = 0;
        Length = 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var needed = (long)Length + count;
        if (needed > BufferPool.MaxCapacity)
            throw new DataFormatException($"Values of one column need {Units.FormatSize(needed)} in one batch, more than the "
                + $"{Units.FormatSize(BufferPool.MaxCapacity)} that a buffer can hold. Use smaller batches, or leave out the column.");
        var larger = pool.Rent((int)Math.Min(Math.Max(needed, 2L * _capacity), BufferPool.MaxCapacity));
        Content.CopyTo(larger.Span);
        _buffer?.Dispose();
        _buffer = larger;
        _memory = larger.Pointer;
        _capacity = larger.Capacity;
    }
}

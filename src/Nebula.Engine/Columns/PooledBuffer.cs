using System.Runtime.CompilerServices;

namespace Nebula.Engine.Columns;

/// <summary>
/// A buffer on loan from a <see cref="BufferPool"/>. Its memory does not move; <see cref="Dispose"/> returns it. Each loan is an object of its own, so that
/// returning twice, or using after returning, can never touch what somebody else has borrowed since.
/// </summary>
public sealed unsafe class PooledBuffer : IDisposable
{
    private readonly BufferPool _pool;
    private readonly int _sizeClass;
    private readonly nint _loan;
    private readonly PooledBuffer? _whole;
    private nint _memory;
    private int _holders = 1;

    internal PooledBuffer(BufferPool pool, nint memory, int capacity, int sizeClass)
    {
        _pool = pool;
        _memory = _loan = memory;
        Capacity = capacity;
        _sizeClass = sizeClass;
    }

    private PooledBuffer(PooledBuffer whole, nint memory, int capacity)
    {
        _pool = whole._pool;
        _whole = whole;
        _memory = memory;
        Capacity = Length = capacity;
    }

    /// <summary>Bytes that the borrower may use. <see cref="BufferPool.Padding"/> more are readable behind them, and writable if the buffer is no
    /// slice.</summary>
    public int Capacity { get; }

    /// <summary>Bytes of the buffer that hold content; for the borrower to keep.</summary>
    public int Length { get; set; }

    /// <summary>First byte; 64-byte aligned unless the buffer is a slice.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was returned.</exception>
    public byte* Pointer
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            var memory = _memory;
            if (memory == 0)
                ThrowReturned();
            return (byte*)memory;
        }
    }

    /// <summary>All bytes that the borrower may use.</summary>
    public Span<byte> Span => new(Pointer, Capacity);

    /// <summary>The bytes that hold content.</summary>
    public Span<byte> Content => new(Pointer, Length);

    /// <summary>The whole capacity as values of a type.</summary>
    /// <typeparam name="T">The type of the values.</typeparam>
    public Span<T> As<T>() where T : unmanaged => new(Pointer, Capacity / sizeof(T));

    /// <summary>
    /// Part of the buffer as a buffer of its own, in the same memory, which goes back to the pool when the buffer and all slices of it are disposed of, in any
    /// order. For reading only: whoever writes into a slice writes into all that share the memory.
    /// </summary>
    /// <param name="offset">First byte of the slice.</param>
    /// <param name="length">Number of bytes; capacity and length of the slice.</param>
    /// <exception cref="ArgumentOutOfRangeException">The slice reaches beyond the capacity.</exception>
    /// <exception cref="ObjectDisposedException">The buffer was returned.</exception>
    public PooledBuffer Slice(int offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)offset, (uint)Capacity, nameof(offset));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)(Capacity - offset), nameof(length));
        var first = (nint)Pointer + offset;
        var whole = _whole ?? this;
        Interlocked.Increment(ref whole._holders);
        return new PooledBuffer(whole, first, length);
    }

    /// <summary>Returns the buffer; its memory goes back to the pool once no slice is left. Further calls do nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _memory, 0) != 0)
            (_whole ?? this).Release();
    }

    private void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
            _pool.Return(_loan, Capacity, _sizeClass);
    }

    private static void ThrowReturned() => throw new ObjectDisposedException(nameof(PooledBuffer), "The buffer was returned to its pool.");
}

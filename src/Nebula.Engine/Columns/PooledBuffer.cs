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
    private nint _memory;

    internal PooledBuffer(BufferPool pool, nint memory, int capacity, int sizeClass)
    {
        _pool = pool;
        _memory = memory;
        Capacity = capacity;
        _sizeClass = sizeClass;
    }

    /// <summary>Bytes that the borrower may use. <see cref="BufferPool.Padding"/> more are readable and writable behind them.</summary>
    public int Capacity { get; }

    /// <summary>Bytes of the buffer that hold content; for the borrower to keep.</summary>
    public int Length { get; set; }

    /// <summary>First byte, 64-byte aligned.</summary>
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

    /// <summary>Returns the buffer. Further calls do nothing.</summary>
    public void Dispose()
    {
        var memory = Interlocked.Exchange(ref _memory, 0);
        if (memory != 0)
            _pool.Return(memory, Capacity, _sizeClass);
    }

    private static void ThrowReturned() => throw new ObjectDisposedException(nameof(PooledBuffer), "The buffer was returned to its pool.");
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Nebula.Engine.Columns;

/// <summary>A buffer on loan from a <see cref="BufferPool"/>. Its memory does not move; <see cref="Dispose"/> returns it.</summary>
public sealed unsafe class PooledBuffer : IDisposable
{
    private readonly BufferPool _pool;
    private byte* _memory;
    private int _lent;

    internal PooledBuffer(BufferPool pool, byte* memory, int capacity, int sizeClass)
    {
        _pool = pool;
        _memory = memory;
        Capacity = capacity;
        SizeClass = sizeClass;
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
            if (_lent == 0)
                ThrowReturned();
            return _memory;
        }
    }

    /// <summary>All bytes that the borrower may use.</summary>
    public Span<byte> Span => new(Pointer, Capacity);

    /// <summary>The bytes that hold content.</summary>
    public Span<byte> Content => new(Pointer, Length);

    internal int SizeClass { get; }

    /// <summary>The whole capacity as values of a type.</summary>
    /// <typeparam name="T">The type of the values.</typeparam>
    public Span<T> As<T>() where T : unmanaged => new(Pointer, Capacity / sizeof(T));

    /// <summary>Returns the buffer. Further calls do nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _lent, 0) == 0)
            return;
        _pool.Return(this);
    }

    internal void Lend()
    {
        Length = 0;
        _lent = 1;
    }

    internal void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }

    private static void ThrowReturned() => throw new ObjectDisposedException(nameof(PooledBuffer), "The buffer was returned to its pool.");
}

using System.Collections.Concurrent;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Nebula.Engine.Columns;

/// <summary>
/// Lends buffers of native memory, 64-byte aligned and never moved, and takes them back when they are disposed of. Every loan is counted,
/// so a test can show that none is left out.
/// </summary>
/// <remarks>Sizes are rounded up to four classes per power of two, so that at most a fifth of a buffer is slack. Buffers above
/// <see cref="LargestCached"/> go back to the system at once: keeping a few giants would eat the memory budget. A loan of more than half of what may be kept
/// frees what is.</remarks>
public sealed unsafe class BufferPool : IDisposable
{
    /// <summary>Alignment of every buffer, in bytes: one cache line, one AVX-512 register.</summary>
    public const int Alignment = 64;

    /// <summary>Bytes behind the capacity of every buffer that may be read or written by vector code, so that no loop needs a tail.</summary>
    public const int Padding = 128;

    private const int SmallestShift = 8;
    private const int LargestCached = 16 << 20;
    private readonly ConcurrentStack<nint>[] _cached = new ConcurrentStack<nint>[4 * (32 - SmallestShift)];
    private readonly long _cacheLimit;
    private long _outstanding;
    private long _outstandingBytes;
    private long _peakBytes;
    private long _cachedBytes;

    /// <summary>Makes an empty pool.</summary>
    /// <param name="cacheLimit">Most bytes kept for the next loan; what comes back beyond that is freed.</param>
    public BufferPool(long cacheLimit = 256 << 20)
    {
        LinuxMemory.ReturnLargeBlocks();
        _cacheLimit = cacheLimit;
        for (var i = 0; i < _cached.Length; i++)
            _cached[i] = [];
    }

    /// <summary>The pool of the process.</summary>
    public static BufferPool Shared { get; } = new();

    /// <summary>Number of buffers lent and not yet returned.</summary>
    public long Outstanding => Interlocked.Read(ref _outstanding);

    /// <summary>Bytes lent and not yet returned.</summary>
    public long OutstandingBytes => Interlocked.Read(ref _outstandingBytes);

    /// <summary>Bytes kept for the next loan.</summary>
    public long CachedBytes => Interlocked.Read(ref _cachedBytes);

    /// <summary>Most bytes that were ever lent at once.</summary>
    public long PeakBytes => Interlocked.Read(ref _peakBytes);

    /// <summary>Lends a buffer. Its content is undefined.</summary>
    /// <param name="capacity">Bytes needed; the buffer may be larger.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capacity"/> is negative or above <see cref="MaxCapacity"/>.</exception>
    /// <exception cref="OutOfMemoryException">The system has no memory left.</exception>
    public PooledBuffer Rent(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, MaxCapacity);
        var sizeClass = ClassOf(capacity, out var size);
        if (_cached[sizeClass].TryPop(out var memory))
            Interlocked.Add(ref _cachedBytes, -size);
        else
        {
            // what is kept for small loans is the room that a giant needs
            if (size > _cacheLimit / 2)
                Trim();
            memory = Allocate(size);
        }
        return Lend(memory, size, sizeClass);
    }

    /// <summary>Lends a buffer of just the size asked for (rounded up to <see cref="Alignment"/>), for what is kept long. It is freed when returned.</summary>
    /// <param name="capacity">Bytes needed.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capacity"/> is negative or above <see cref="MaxCapacity"/>.</exception>
    public PooledBuffer RentExact(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, MaxCapacity);
        var size = Math.Max(capacity + Alignment - 1 & -Alignment, Alignment);
        return Lend(Allocate(size), size, sizeClass: -1);
    }

    /// <summary>Largest buffer that can be lent, in bytes.</summary>
    public const int MaxCapacity = 0x7FFF_0000;

    /// <summary>Frees what is kept for the next loan.</summary>
    public void Trim()
    {
        for (var i = 0; i < _cached.Length; i++)
            while (_cached[i].TryPop(out var memory))
            {
                Interlocked.Add(ref _cachedBytes, -SizeOf(i));
                NativeMemory.AlignedFree((void*)memory);
            }
    }

    /// <summary>Frees what is kept. Buffers still lent stay valid until they are returned.</summary>
    public void Dispose() => Trim();

    internal void Return(nint memory, int capacity, int sizeClass)
    {
        Interlocked.Decrement(ref _outstanding);
        Interlocked.Add(ref _outstandingBytes, -capacity);
        if (sizeClass < 0 || capacity > LargestCached || Interlocked.Read(ref _cachedBytes) + capacity > _cacheLimit)
        {
            NativeMemory.AlignedFree((void*)memory);
            return;
        }
        Interlocked.Add(ref _cachedBytes, capacity);
        _cached[sizeClass].Push(memory);
    }

    private static nint Allocate(int size)
    {
        var memory = NativeMemory.AlignedAlloc((nuint)size + Padding, Alignment);
        LinuxMemory.PreferHugePages(memory, (nuint)size + Padding);
        return (nint)memory;
    }

    private PooledBuffer Lend(nint memory, int size, int sizeClass)
    {
        Interlocked.Increment(ref _outstanding);
        var now = Interlocked.Add(ref _outstandingBytes, size);
        long peak;
        while (now > (peak = Interlocked.Read(ref _peakBytes)) && Interlocked.CompareExchange(ref _peakBytes, now, peak) != peak)
        {
        }
        return new PooledBuffer(this, memory, size, sizeClass);
    }

    /// <summary>Rounds a size up to its class: 2^n, 1.25 * 2^n, 1.5 * 2^n or 1.75 * 2^n.</summary>
    private static int ClassOf(int capacity, out int size)
    {
        var minus = (uint)Math.Max(capacity, (1 << SmallestShift) + 1) - 1;
        var shift = BitOperations.Log2(minus);
        var sizeClass = 4 * (shift - SmallestShift) + ((int)(minus >> (shift - 2)) & 3);
        size = SizeOf(sizeClass);
        return sizeClass;
    }

    private static int SizeOf(int sizeClass)
    {
        var shift = SmallestShift + sizeClass / 4;
        return (int)Math.Min((1L << shift) + ((sizeClass % 4 + 1L) << (shift - 2)), MaxCapacity);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Zstd;

/// <summary>Gives libzstd its working memory out of a pool, so that it counts against the memory budget. Belongs to one context, which is freed
/// first.</summary>
internal sealed unsafe class ZstdMemory : IDisposable
{
    private readonly BufferPool _pool;
    private readonly List<PooledBuffer> _lent = [];
    private GCHandle _self;

    public ZstdMemory(BufferPool pool)
    {
        _pool = pool;
        _self = GCHandle.Alloc(this);
    }

    public ZstdNative.Allocator Allocator => new() { Allocate = &Allocate, Free = &Free, State = GCHandle.ToIntPtr(_self) };

    public void Dispose()
    {
        foreach (var buffer in _lent)
            buffer.Dispose();
        _lent.Clear();
        if (_self.IsAllocated)
            _self.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Allocate(nint state, nuint size)
    {
        // An exception must not cross native frames; null makes libzstd report that memory is short.
        try
        {
            var memory = (ZstdMemory)GCHandle.FromIntPtr(state).Target!;
            if (size > BufferPool.MaxCapacity)
                return 0;
            var buffer = memory._pool.Rent((int)size);
            memory._lent.Add(buffer);
            return (nint)buffer.Pointer;
        }
        catch (OutOfMemoryException)
        {
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(nint state, nint address)
    {
        var lent = ((ZstdMemory)GCHandle.FromIntPtr(state).Target!)._lent;
        for (var i = lent.Count - 1; i >= 0; i--)
            if ((nint)lent[i].Pointer == address)
            {
                lent[i].Dispose();
                lent.RemoveAt(i);
                return;
            }
    }
}

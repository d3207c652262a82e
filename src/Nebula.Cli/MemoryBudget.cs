using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli;

/// <summary>Keeps the whole process within the memory that the user allows: the runtime itself, the managed heap, and the pool of buffers.</summary>
internal static class MemoryBudget
{
    /// <summary>Least that a run can work with.</summary>
    public const long Least = 96_000_000;

    private const long LeastHeap = 24 << 20;

    /// <summary>Limits the managed heap.</summary>
    /// <param name="memory">Bytes for the process; null for no limit.</param>
    /// <exception cref="NebulaException">It is too little.</exception>
    public static void Apply(long? memory)
    {
        if (memory is not { } limit)
            return;
        if (limit < Least)
            throw NebulaException.Configuration($"{Units.FormatSize(limit)} of memory are too few; the least is {Units.FormatSize(Least)}.");
        // data lives in the pool; the heap holds what describes it, a small part
        AppContext.SetData("GCHeapHardLimit", (ulong)Math.Max(LeastHeap, limit / 4));
        GC.RefreshMemoryLimit();
    }

    /// <summary>Makes the pool of a run. What it keeps for later counts too.</summary>
    /// <param name="memory">Bytes for the process; null for no limit.</param>
    public static BufferPool CreatePool(long? memory) => memory is { } limit ? new BufferPool(limit / 4) : new BufferPool();
}

using System.Buffers;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression;

/// <summary>A pooled buffer as <see cref="Memory{T}"/>, for asynchronous reads. Does not own the buffer.</summary>
/// <param name="buffer">The buffer; it must stay on loan while the memory is used.</param>
internal sealed unsafe class PooledMemory(PooledBuffer buffer) : MemoryManager<byte>
{
    public override Span<byte> GetSpan() => buffer.Span;

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)buffer.Capacity);
        return new MemoryHandle(buffer.Pointer + elementIndex);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}

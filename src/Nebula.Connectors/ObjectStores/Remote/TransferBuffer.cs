using System.Buffers;
using System.Runtime.InteropServices;
using Nebula.Engine.Columns;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>A piece of an object on its way, in native memory: under a memory limit, the managed heap has room for what describes data, not for data.</summary>
internal sealed unsafe class TransferBuffer : MemoryManager<byte>
{
    private static readonly Lazy<BufferPool> Pool = new(static () => new BufferPool(TransferMemory.Kept));
    private readonly PooledBuffer _buffer;

    private TransferBuffer(PooledBuffer buffer) => _buffer = buffer;

    /// <summary>Buffers that are in use.</summary>
    public static long Outstanding => Pool.Value.Outstanding;

    /// <summary>Bytes of it.</summary>
    public int Length => _buffer.Capacity;

    /// <summary>Lends a buffer until it is disposed of. Its content is undefined.</summary>
    /// <param name="size">Bytes needed; there may be more.</param>
    public static TransferBuffer Rent(int size) => new(Pool.Value.Rent(size));

    /// <summary>Opens content for reading.</summary>
    /// <param name="content">The content; has to stay until the stream is read.</param>
    public static Stream Open(ReadOnlyMemory<byte> content)
    {
        if (MemoryMarshal.TryGetMemoryManager<byte, TransferBuffer>(content, out var buffer, out var start, out var length))
            return new UnmanagedMemoryStream(buffer._buffer.Pointer + start, length);
        return MemoryMarshal.TryGetArray(content, out var bytes)
            ? new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false) : new MemoryStream(content.ToArray(), writable: false);
    }

    /// <summary>Returns the buffer. Nothing may use it any more.</summary>
    public void Return() => ((IDisposable)this).Dispose();

    /// <inheritdoc/>
    public override Span<byte> GetSpan() => _buffer.Span;

    /// <inheritdoc/>
    public override MemoryHandle Pin(int elementIndex = 0) => new(_buffer.Pointer + elementIndex);

    /// <inheritdoc/>
    public override void Unpin()
    {
        // it never moves
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _buffer.Dispose();
    }
}

using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// Lends the buffers of a block's columns and bounds them by the size of the block: two characters of JSON can ask for a row of a thousand nested columns, so
/// that a small file could otherwise need any amount of memory.
/// </summary>
internal sealed class ReadBudget(BufferPool pool)
{
    private const long Base = 64 << 20;
    private const long PerByte = 128;
    private long _left;

    /// <summary>Starts a block.</summary>
    /// <param name="length">Its bytes.</param>
    public void Begin(int length) => _left = Base + (length * PerByte);

    /// <summary>Lends a buffer.</summary>
    /// <param name="capacity">Bytes needed.</param>
    /// <exception cref="NebulaException">The block asks for too much.</exception>
    public PooledBuffer Rent(long capacity)
    {
        if (capacity > _left || capacity > BufferPool.MaxCapacity)
            throw new NebulaException(ErrorKind.Limit,
                "The records of one block need far more memory as columns than as JSON: they have lists of objects with many keys that are rarely there. "
                + "Fix the type of those columns as json.");
        var buffer = pool.Rent((int)capacity);
        _left -= buffer.Capacity;
        return buffer;
    }

    /// <summary>Takes a buffer back.</summary>
    public void Return(PooledBuffer buffer)
    {
        _left += buffer.Capacity;
        buffer.Dispose();
    }
}

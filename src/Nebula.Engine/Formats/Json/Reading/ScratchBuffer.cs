using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>A place for one string at a time.</summary>
internal sealed unsafe class ScratchBuffer(BufferPool pool)
{
    private PooledBuffer? _buffer;

    /// <summary>Makes room; what was there before is gone. <see cref="BufferPool.Padding"/> more bytes may be overwritten.</summary>
    /// <param name="length">Bytes needed.</param>
    public byte* Reserve(int length)
    {
        if (_buffer is null || _buffer.Capacity < length)
        {
            _buffer?.Dispose();
            _buffer = null;
            _buffer = pool.Rent(length);
        }
        return _buffer.Pointer;
    }

    /// <summary>Returns the memory until it is needed again.</summary>
    public void Release()
    {
        _buffer?.Dispose();
        _buffer = null;
    }
}

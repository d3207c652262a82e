using Nebula.Engine.Columns;

namespace Nebula.Engine.Connectors;

/// <summary>Bytes fetched from a source that can be decoded on their own: whole records, whatever came before. Owns its buffer.</summary>
/// <param name="buffer">The bytes; <see cref="PooledBuffer.Length"/> of them are content.</param>
/// <param name="position">Where they start in the source.</param>
public sealed class RawBlock(PooledBuffer buffer, SourcePosition position) : IDisposable
{
    private const int Giant = 4 << 20;

    /// <summary>The bytes. <see cref="BufferPool.Padding"/> bytes behind the content are readable.</summary>
    public PooledBuffer Buffer { get; } = buffer;

    /// <summary>Where the first byte stands in the source.</summary>
    public SourcePosition Position { get; } = position;

    /// <summary>
    /// What the one who cut the block must tell the one who decodes it (whether it lies inside a JSON array, for example); the format gives it meaning.
    /// </summary>
    public int Context { get; init; }

    /// <summary>
    /// What a container format's reader says about the block to its own decoder; null for text. Disposed of with the block where it is disposable.
    /// </summary>
    public object? Detail { get; init; }

    /// <summary>
    /// Returns the buffer when it is large: such a block is one giant value, which its decoder should not hold any longer once it has read it.
    /// </summary>
    public void ReleaseGiant()
    {
        if (Buffer.Length > Giant)
            Buffer.Dispose();
    }

    /// <summary>Returns the buffer and what <see cref="Detail"/> owns.</summary>
    public void Dispose()
    {
        Buffer.Dispose();
        (Detail as IDisposable)?.Dispose();
    }
}

/// <summary>A place in a source, as far as the source can tell.</summary>
/// <param name="Name">The file or object.</param>
/// <param name="ByteOffset">Zero-based offset in the uncompressed bytes.</param>
/// <param name="FileIndex">Which of the chunk's files it is, from 0.</param>
public readonly record struct SourcePosition(string Name, long ByteOffset, int FileIndex = 0);

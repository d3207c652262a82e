using Nebula.Engine.Columns;

namespace Nebula.Engine.Connectors;

/// <summary>Rows in the form in which they are written. Owns its buffer.</summary>
/// <param name="buffer">The bytes; <see cref="PooledBuffer.Length"/> of them are content.</param>
/// <param name="rows">Number of rows in them.</param>
public sealed class EncodedBlock(PooledBuffer buffer, int rows) : IDisposable
{
    /// <summary>The bytes.</summary>
    public PooledBuffer Buffer { get; } = buffer;

    /// <summary>Number of rows in them.</summary>
    public int Rows { get; } = rows;

    /// <summary>
    /// What the format's writer needs besides the bytes (statistics of a row group, for example); null when nothing. Disposed
    /// of with the block where it is disposable.
    /// </summary>
    public object? Metadata { get; init; }

    /// <summary>Returns the buffer and what <see cref="Metadata"/> owns.</summary>
    public void Dispose()
    {
        Buffer.Dispose();
        (Metadata as IDisposable)?.Dispose();
    }
}

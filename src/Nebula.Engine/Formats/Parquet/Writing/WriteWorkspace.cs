using Nebula.Engine.Columns;

namespace Nebula.Engine.Formats.Parquet.Writing;

/// <summary>Working memory of one row group, used again for each of its columns.</summary>
/// <param name="pool">Where it comes from.</param>
internal sealed class WriteWorkspace(BufferPool pool) : IDisposable
{
    /// <summary>Starts of byte strings that had to be made.</summary>
    public GrowingBuffer Offsets { get; } = new(pool);

    /// <summary>Values that had to be moved together.</summary>
    public GrowingBuffer Gathered { get; } = new(pool);

    /// <summary>Values that had to be converted, or bytes that had to be moved.</summary>
    public GrowingBuffer Converted { get; } = new(pool);

    /// <summary>Positions in the dictionary.</summary>
    public GrowingBuffer Ids { get; } = new(pool);

    /// <summary>The dictionary's entries.</summary>
    public GrowingBuffer Dictionary { get; } = new(pool);

    /// <summary>What is needed while a dictionary is built or a page is encoded.</summary>
    public GrowingBuffer Scratch { get; } = new(pool);

    /// <summary>A page before it is compressed.</summary>
    public GrowingBuffer Page { get; } = new(pool);

    /// <summary>A page after it.</summary>
    public GrowingBuffer Compressed { get; } = new(pool);

    /// <inheritdoc/>
    public void Dispose()
    {
        Offsets.Dispose();
        Gathered.Dispose();
        Converted.Dispose();
        Ids.Dispose();
        Dictionary.Dispose();
        Scratch.Dispose();
        Page.Dispose();
        Compressed.Dispose();
    }
}

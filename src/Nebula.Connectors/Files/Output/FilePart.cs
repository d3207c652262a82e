using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files.Output;

/// <summary>Writes one staged file: the format's frame around encoded blocks, and the codec around both.</summary>
/// <param name="frame">The frame of the file.</param>
/// <param name="codec">The codec; null for none.</param>
/// <param name="blocksAreCompressed">Whether blocks come compressed already; see <see cref="FileEncoding"/>.</param>
/// <param name="staged">Takes the bytes.</param>
/// <param name="pool">Where buffers come from.</param>
/// <param name="isContinued">Whether the file's beginning is written already, by the chunks before.</param>
internal sealed class FilePart(
    IFileFrame frame, ICompressor? codec, bool blocksAreCompressed, IStagedObject staged, BufferPool pool, bool isContinued)
    : IFileOutput, IDisposable
{
    private bool _isStarted = isContinued;
    private bool _needsEnd = !blocksAreCompressed;

    /// <summary>Rows written so far.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes written so far, as stored.</summary>
    public long Length => staged.Length;

    /// <summary>Where the file is staged.</summary>
    public string Location => staged.Location;

    long IFileOutput.Position => staged.Length;

    /// <summary>Writes a block.</summary>
    /// <param name="block">The block. It stays the caller's.</param>
    public void Add(EncodedBlock block)
    {
        Start();
        if (block.Rows == 0)
            return;
        frame.Add(block, this);
        Rows += block.Rows;
    }

    /// <summary>Ends a write that waits for the store.</summary>
    public void Interrupt() => staged.Interrupt();

    /// <summary>Hands on what was written, where somebody reads along.</summary>
    public void Flush() => staged.Flush();

    /// <summary>Ends the file: it is durable, and not visible.</summary>
    public void Complete()
    {
        Start();
        frame.End(this);
        // where all blocks were complete units of the codec, there is nothing to end
        if (codec is not null && (_needsEnd || staged.Length == 0))
        {
            using var end = codec.Finish(pool);
            staged.Write(end.Content);
        }
        staged.Complete();
    }

    /// <summary>Removes the file unless it was completed.</summary>
    public void Dispose()
    {
        codec?.Dispose();
        staged.Dispose();
    }

    void IFileOutput.Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        if (codec is null)
        {
            staged.Write(bytes);
            return;
        }
        _needsEnd = true;
        using var compressed = codec.Compress(bytes, pool);
        staged.Write(compressed.Content);
    }

    void IFileOutput.Write(EncodedBlock block)
    {
        if (blocksAreCompressed)
            staged.Write(block.Buffer.Content);
        else
            ((IFileOutput)this).Write(block.Buffer.Content);
    }

    private void Start()
    {
        if (_isStarted)
            return;
        _isStarted = true;
        frame.Begin(this);
    }
}

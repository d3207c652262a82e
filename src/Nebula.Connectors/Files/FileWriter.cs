using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>Writes one staged file: the format's frame around encoded blocks, and the codec around both. Where the codec allows it, blocks are compressed by the threads that encode them.</summary>
/// <param name="encoder">The format.</param>
/// <param name="compressor">The codec; null for none.</param>
/// <param name="staged">Takes the bytes.</param>
/// <param name="chunk">The chunk that the file holds.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class FileWriter(IBlockEncoder encoder, ICompressor? compressor, IStagedObject staged, Chunk chunk, BufferPool pool) : IDestinationWriter, IFileOutput
{
    private readonly bool _isParallel = compressor?.IsParallel ?? false;
    private readonly IFileFrame _frame = encoder.CreateFrame();
    private long _rows;
    private bool _started;

    public RowTarget? Target => encoder.Target;

    long IFileOutput.Position => staged.Length;

    public EncodedBlock Encode(RecordBatch batch)
    {
        var block = encoder.Encode(batch);
        if (!_isParallel || block.Rows == 0)
            return block;
        using (block)
            return new EncodedBlock(compressor!.Compress(block.Buffer.Content, pool), block.Rows) { Metadata = block.Metadata };
    }

    public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Start();
        if (block.Rows == 0)
            return default;
        _frame.Add(block, this);
        _rows += block.Rows;
        return default;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        staged.Flush();
        return default;
    }

    public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken)
    {
        Start();
        _frame.End(this);
        if (compressor is not null)
        {
            using var end = compressor.Finish(pool);
            staged.Write(end.Content);
        }
        staged.Complete();
        return Task.FromResult(new StagedPart(chunk.Index, staged.Location, _rows, staged.Length));
    }

    public ValueTask DisposeAsync()
    {
        compressor?.Dispose();
        staged.Dispose();
        return default;
    }

    void IFileOutput.Write(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        if (compressor is null)
        {
            staged.Write(bytes);
            return;
        }
        using var compressed = compressor.Compress(bytes, pool);
        staged.Write(compressed.Content);
    }

    void IFileOutput.Write(EncodedBlock block)
    {
        if (_isParallel)
            staged.Write(block.Buffer.Content);
        else
            ((IFileOutput)this).Write(block.Buffer.Content);
    }

    private void Start()
    {
        if (_started)
            return;
        _started = true;
        _frame.Begin(this);
    }
}

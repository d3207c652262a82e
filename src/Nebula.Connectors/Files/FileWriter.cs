using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>Writes one staged file: the format's frame around encoded blocks.</summary>
internal sealed class FileWriter(IBlockEncoder encoder, IStagedObject staged, Chunk chunk) : IDestinationWriter
{
    private long _rows;
    private bool _started;

    public EncodedBlock Encode(RecordBatch batch) => encoder.Encode(batch);

    public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Start();
        if (block.Rows == 0)
            return default;
        if (_rows > 0)
            Write(encoder.Separator.Span);
        staged.Write(block.Buffer.Content);
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
        Write((_rows > 0 ? encoder.Epilogue : encoder.EmptyEpilogue).Span);
        staged.Complete();
        return Task.FromResult(new StagedPart(chunk.Index, staged.Location, _rows, staged.Length));
    }

    public ValueTask DisposeAsync()
    {
        staged.Dispose();
        return default;
    }

    private void Start()
    {
        if (_started)
            return;
        _started = true;
        Write(encoder.Prologue.Span);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty)
            staged.Write(bytes);
    }
}

using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.Files.Output;

/// <summary>Writes a chunk into one staged file, or behind the chunks before in it.</summary>
/// <param name="encoding">Format and codec.</param>
/// <param name="staged">Takes the bytes.</param>
/// <param name="chunk">The chunk that the file holds.</param>
internal sealed class FileWriter(FileEncoding encoding, IStagedObject staged, Chunk chunk) : IDestinationWriter
{
    private readonly FilePart _part = encoding.Start(staged, isContinued: chunk.Index > 0);
    private readonly long _before = staged.Length;
    private CancellationTokenRegistration _interruption;

    public RowTarget? Target => encoding.Target;

    public EncodedBlock Encode(RecordBatch batch) => encoding.Encode(batch);

    public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_interruption == default)
            _interruption = cancellationToken.UnsafeRegister(static part => ((FilePart)part!).Interrupt(), _part);
        _part.Add(block);
        return default;
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        _part.Flush();
        return default;
    }

    public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken)
    {
        _part.Complete();
        return Task.FromResult(new StagedPart(chunk.Index, _part.Location, _part.Rows, _part.Length - _before));
    }

    public ValueTask DisposeAsync()
    {
        _interruption.Dispose();
        _part.Dispose();
        encoding.Dispose();
        return default;
    }
}

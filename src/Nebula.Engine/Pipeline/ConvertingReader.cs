using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;

namespace Nebula.Engine.Pipeline;

/// <summary>Reads a chunk with its columns converted to what the destination stores.</summary>
/// <param name="inner">Reads the chunk; disposed of with this.</param>
/// <param name="read">The columns as they are read.</param>
/// <param name="written">The columns as they are written.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class ConvertingReader(ISourceReader inner, StreamPlan read, StreamPlan written, BufferPool pool) : ISourceReader
{
    private readonly BatchConverter _converter = new(read.Schema, written.Schema, [.. Enumerable.Range(0, read.Columns.Length)], read.Lossy, pool);

    public long? TotalBytes => inner.TotalBytes;

    public long BytesRead => inner.BytesRead;

    public string? Note => inner.Note;

    public long CountLinesBefore() => inner.CountLinesBefore();

    public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken) => inner.FetchAsync(cancellationToken);

    public void Decode(RawBlock block, IDecodeSink sink) => inner.Decode(block, new ConvertingSink(_converter, sink, block.Position));

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}

using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Pipeline;

/// <summary>Reads a chunk of the snapshot of a captured stream, as the changes that come behind it look.</summary>
/// <param name="inner">Reads the chunk; disposed of with this.</param>
/// <param name="read">The columns as they are read.</param>
/// <param name="written">The columns as they are written.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class SnapshotReader(ISourceReader inner, StreamPlan read, StreamPlan written, BufferPool pool) : ISourceReader
{
    private readonly BatchConverter _converter = new(
        read.Schema, new Schema(written.Schema.Fields.Take(read.Columns.Length)), [.. Enumerable.Range(0, read.Columns.Length)], read.Lossy, pool);

    public long? TotalBytes => inner.TotalBytes;

    public long BytesRead => inner.BytesRead;

    public string? Note => inner.Note;

    public long CountLinesBefore() => inner.CountLinesBefore();

    public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken) => inner.FetchAsync(cancellationToken);

    public void Decode(RawBlock block, IDecodeSink sink)
    {
        var adding = new AddingSink(sink, written.Schema, pool);
        inner.Decode(block, _converter.IsIdentity ? adding : new ConvertingSink(_converter, adding, block.Position));
    }

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class AddingSink(IDecodeSink sink, Schema schema, BufferPool pool) : IDecodeSink
    {
        public void Add(RecordBatch batch) => sink.Add(ChangeRows.OfSnapshot(batch, schema, pool));

        public void Reject(RejectedRow row) => sink.Reject(row);

        public void Lines(long count) => sink.Lines(count);
    }
}

using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Storage.Rows;

/// <summary>Holds records as compact rows in pooled segments: the store for small and streaming loads.</summary>
internal sealed class RowBuffer : IRecordStore
{
    // A null takes a bit in a row and up to 16 bytes in a column: with this many bytes of rows no column of a batch outgrows its buffer.
    private const int BatchBytes = 8 << 20;
    private readonly BufferPool _pool;
    private readonly List<PooledBuffer> _segments = [];
    private readonly RowWriter _writer;

    /// <summary>Makes an empty store. It rents nothing yet.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="schema">Names and types of the columns.</param>
    public RowBuffer(BufferPool pool, Schema schema)
    {
        _pool = pool;
        Schema = schema;
        _writer = new RowWriter(pool, _segments);
    }

    /// <inheritdoc/>
    public Schema Schema { get; }

    /// <inheritdoc/>
    public long Records { get; private set; }

    /// <inheritdoc/>
    public long LiveBytes
    {
        get
        {
            var bytes = 0L;
            foreach (var segment in _segments)
                bytes += segment.Capacity;
            return bytes;
        }
    }

    /// <inheritdoc/>
    public void Append(RecordBatch batch)
    {
        RecordStores.CheckSchema(this, batch);
        for (var row = 0; row < batch.Length; row++)
        {
            _writer.WriteRow(batch.Columns, row);
            Records++;
        }
    }

    /// <summary>Does nothing: rows are in their final form once appended.</summary>
    public void Complete()
    {
    }

    /// <inheritdoc/>
    public IEnumerable<RecordBatch> ToBatches(int maxRows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxRows, 1);
        return Read(maxRows);
    }

    /// <summary>Returns all buffers.</summary>
    public void Dispose()
    {
        foreach (var segment in _segments)
            segment.Dispose();
        _segments.Clear();
        _writer.Reset();
        Records = 0;
    }

    private IEnumerable<RecordBatch> Read(int maxRows)
    {
        using var builder = new RecordBatchBuilder(_pool, Schema);
        var reader = new RowReader(_segments);
        for (var left = Records; left > 0;)
        {
            var limit = reader.BytesRead + BatchBytes;
            for (; left > 0 && builder.Length < maxRows && reader.BytesRead < limit; left--)
            {
                reader.ReadRow(builder.Columns);
                builder.Length++;
            }
            yield return builder.Build();
        }
    }
}

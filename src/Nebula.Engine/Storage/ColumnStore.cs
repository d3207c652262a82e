using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage.Segments;

namespace Nebula.Engine.Storage;

/// <summary>
/// Holds records as compressed columns: collects up to <see cref="SegmentRows"/> of them, then seals each column in the encoding that suits it.
/// </summary>
internal sealed class ColumnStore : IRecordStore
{
    /// <summary>Most records of a segment.</summary>
    public const int SegmentRows = 65_536;

    // Widths of records vary by orders of magnitude: a segment ends early rather than become a batch that no memory limit allows for.
    private const long SegmentBytes = 64 << 20;
    private readonly BufferPool _pool;
    private readonly List<(ImmutableArray<ColumnSegment> Columns, int Length)> _sealed = [];
    private readonly RecordBatchBuilder _pending;
    private long _pendingBytes;

    /// <summary>Makes an empty store. It rents nothing yet.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="schema">Names and types of the columns.</param>
    public ColumnStore(BufferPool pool, Schema schema)
    {
        _pool = pool;
        Schema = schema;
        _pending = new RecordBatchBuilder(pool, schema);
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
            var bytes = _pending.BufferBytes;
            foreach (var (columns, _) in _sealed)
                foreach (var column in columns)
                    bytes += column.BufferBytes;
            return bytes;
        }
    }

    /// <inheritdoc/>
    public void Append(RecordBatch batch)
    {
        RecordStores.CheckSchema(this, batch);
        for (var start = 0; start < batch.Length;)
        {
            var count = Math.Min(batch.Length - start, SegmentRows - _pending.Length);
            count = FitBytes(batch, start, count);
            _pending.AppendRange(batch, start, count);
            Records += count;
            start += count;
            if (_pending.Length == SegmentRows || _pendingBytes >= SegmentBytes)
                Seal();
        }
    }

    /// <summary>Seals what is pending.</summary>
    public void Complete()
    {
        if (_pending.Length > 0)
            Seal();
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
        foreach (var (columns, _) in _sealed)
            foreach (var column in columns)
                column.Dispose();
        _sealed.Clear();
        _pending.Dispose();
        _pendingBytes = 0;
        Records = 0;
    }

    /// <summary>Halves a range until it fits into the segment, and seals the segment when not even one row does.</summary>
    private int FitBytes(RecordBatch batch, int start, int count)
    {
        while (true)
        {
            var bytes = 0L;
            foreach (var column in batch.Columns)
                bytes += ColumnLayouts.SizeOf(column, start, count);
            if (_pendingBytes + bytes <= SegmentBytes || (count == 1 && _pending.Length == 0))
            {
                _pendingBytes += bytes;
                return count;
            }
            if (count > 1)
                count /= 2;
            else
                Seal();
        }
    }

    private void Seal()
    {
        using var batch = _pending.Build();
        _pendingBytes = 0;
        _sealed.Add((ColumnSegment.EncodeAll(_pool, batch.Columns), batch.Length));
    }

    private IEnumerable<RecordBatch> Read(int maxRows)
    {
        Complete();
        foreach (var (columns, length) in _sealed)
        {
            var batch = new RecordBatch(Schema, ColumnSegment.DecodeAll(_pool, columns), length);
            if (length <= maxRows)
            {
                yield return batch;
                continue;
            }
            using (batch)
                foreach (var part in Split(batch, maxRows))
                    yield return part;
        }
    }

    private IEnumerable<RecordBatch> Split(RecordBatch batch, int maxRows)
    {
        using var builder = new RecordBatchBuilder(_pool, Schema);
        for (var start = 0; start < batch.Length; start += maxRows)
        {
            builder.AppendRange(batch, start, Math.Min(maxRows, batch.Length - start));
            yield return builder.Build();
        }
    }
}

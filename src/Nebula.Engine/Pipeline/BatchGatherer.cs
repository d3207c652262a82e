using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Pipeline;

/// <summary>Puts rows together to groups of the size that a destination wants.</summary>
/// <param name="target">The size; null when every batch is a group of its own.</param>
/// <param name="largestBytes">Most bytes of a group that memory allows.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class BatchGatherer(RowTarget? target, long largestBytes, BufferPool pool) : IDisposable
{
    private readonly int _rows = target?.Rows ?? 1;
    private readonly long _bytes = Math.Min(target?.Bytes ?? 1, largestBytes);
    private RecordBatchBuilder? _builder;
    private Schema? _schema;
    private long _gathered;

    /// <summary>Takes the next rows.</summary>
    /// <param name="batch">The rows, and their ownership.</param>
    /// <returns>The groups that are full now; whoever takes them disposes of them.</returns>
    public IEnumerable<RecordBatch> Add(RecordBatch batch)
    {
        if (target is null || (_builder is null && (batch.Length == _rows || batch.Length <= _rows && batch.BufferBytes >= _bytes)))
        {
            yield return batch;
            yield break;
        }
        using (batch)
        {
            var bytesPerRow = (double)batch.BufferBytes / Math.Max(1, batch.Length);
            var next = 0;
            while (next < batch.Length)
            {
                _schema ??= batch.Schema;
                _builder ??= Start(batch, (int)Math.Min(_rows, _bytes / Math.Max(bytesPerRow, 1)));
                var fitting = Math.Max(1, (long)((_bytes - _gathered) / Math.Max(bytesPerRow, 1)));
                var count = (int)Math.Min(Math.Min(batch.Length - next, _rows - _builder.Length), fitting);
                _builder.AppendRange(batch, next, count);
                _gathered += (long)(count * bytesPerRow);
                next += count;
                if (_builder.Length >= _rows || _gathered + bytesPerRow > _bytes)
                    yield return Finish()!;
            }
        }
    }

    private RecordBatchBuilder Start(RecordBatch first, int rows)
    {
        var builder = new RecordBatchBuilder(pool, _schema!);
        for (var i = 0; i < builder.Columns.Length; i++)
            builder.Columns[i].Prepare(first.Columns[i], rows);
        return builder;
    }

    /// <summary>The rows that do not make a full group; null when there are none.</summary>
    public RecordBatch? Finish()
    {
        if (_builder is null)
            return null;
        using var builder = _builder;
        _builder = null;
        _gathered = 0;
        return builder.Build();
    }

    public void Dispose() => _builder?.Dispose();
}

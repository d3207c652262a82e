using Nebula.Engine.Columns;
using Nebula.Engine.Storage;
using Nebula.Engine.Storage.Rows;

namespace Nebula.Engine.Pipeline;

/// <summary>How the records of a run were held between decoding and encoding.</summary>
/// <param name="Mode">The last mode: <see cref="StorageMode.Row"/> or <see cref="StorageMode.Columnar"/>.</param>
/// <param name="Switches">How often the mode changed.</param>
/// <param name="Records">Records held in all.</param>
/// <param name="LiveBytes">Bytes of the buffers that held them, summed over the run.</param>
public sealed record StorageUse(StorageMode Mode, int Switches, long Records, long LiveBytes)
{
    /// <summary>Bytes of buffers on loan per record; 0 when there were none.</summary>
    public double BytesPerRecord => Records == 0 ? 0 : (double)LiveBytes / Records;
}

/// <summary>
/// Holds decoded records in the mode that the user asked for until they are encoded. Rows take less room than the columns of a small batch; columns are
/// what encoders read, so beyond the threshold they are passed on as they are.
/// </summary>
internal sealed class RecordHolding(StorageMode mode, BufferPool pool, PipelineMetrics metrics)
{
    private const long MostBytesOfRows = 16 << 20;
    private readonly Lock _lock = new();
    private StorageMode _current = mode == StorageMode.Columnar ? StorageMode.Columnar : StorageMode.Row;
    private int _switches;
    private long _records;
    private long _bytes;

    /// <summary>Takes a batch and gives back the same records, ready to be encoded.</summary>
    /// <param name="batch">The batch, which is disposed of or given back.</param>
    public IEnumerable<RecordBatch> Hold(RecordBatch batch)
    {
        if (Enter(batch) == StorageMode.Columnar)
        {
            Count(batch.Length, batch.BufferBytes);
            yield return batch;
            yield break;
        }
        using var rows = new RowBuffer(pool, batch.Schema);
        using (batch)
            rows.Append(batch);
        rows.Complete();
        Count(rows.Records, rows.LiveBytes);
        foreach (var part in rows.ToBatches(HybridStore.DefaultThreshold))
            yield return part;
    }

    private StorageMode Enter(RecordBatch batch)
    {
        lock (_lock)
        {
            // few records but large ones are no small load either: rows would be one more copy of them
            if (_current == StorageMode.Row && mode != StorageMode.Row
                && (_records + batch.Length > HybridStore.DefaultThreshold || _bytes + batch.BufferBytes > MostBytesOfRows))
            {
                _current = StorageMode.Columnar;
                _switches++;
            }
            return _current;
        }
    }

    private void Count(long records, long bytes)
    {
        lock (_lock)
        {
            _records += records;
            _bytes += bytes;
            metrics.Storage = new StorageUse(_current, _switches, _records, _bytes);
        }
    }
}

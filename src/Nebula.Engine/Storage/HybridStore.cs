using System.Diagnostics;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Storage.Rows;

namespace Nebula.Engine.Storage;

/// <summary>Holds records the way a <see cref="StorageMode"/> asks for, and reports what that costs.</summary>
internal sealed class HybridStore : IRecordStore
{
    /// <summary>Records beyond which columns pay.</summary>
    public const int DefaultThreshold = 10_000;

    private readonly BufferPool _pool;
    private readonly long _threshold;
    private readonly List<StorageSwitch> _history = [];
    private IRecordStore _store;
    private StorageMode _mode;

    /// <summary>Makes an empty store.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="schema">Names and types of the columns.</param>
    /// <param name="mode">How records are to be held.</param>
    /// <param name="threshold">Records that are still held as rows in the modes hybrid and auto.</param>
    public HybridStore(BufferPool pool, Schema schema, StorageMode mode = StorageMode.Auto, long threshold = DefaultThreshold)
    {
        _pool = pool;
        _threshold = mode == StorageMode.Row ? long.MaxValue : threshold;
        _mode = mode == StorageMode.Columnar ? StorageMode.Columnar : StorageMode.Row;
        _store = _mode == StorageMode.Columnar ? new ColumnStore(pool, schema) : new RowBuffer(pool, schema);
    }

    /// <inheritdoc/>
    public Schema Schema => _store.Schema;

    /// <inheritdoc/>
    public long Records => _store.Records;

    /// <inheritdoc/>
    public long LiveBytes => _store.LiveBytes;

    /// <summary>What the records cost now.</summary>
    public StorageMetrics Metrics => new(_mode, Records, LiveBytes, [.. _history]);

    /// <inheritdoc/>
    public void Append(RecordBatch batch)
    {
        RecordStores.CheckSchema(this, batch);
        if (_mode == StorageMode.Row && Records + batch.Length > _threshold)
            SwitchToColumns();
        _store.Append(batch);
    }

    /// <inheritdoc/>
    public void Complete() => _store.Complete();

    /// <inheritdoc/>
    public IEnumerable<RecordBatch> ToBatches(int maxRows) => _store.ToBatches(maxRows);

    /// <summary>Returns all buffers.</summary>
    public void Dispose() => _store.Dispose();

    private void SwitchToColumns()
    {
        var started = Stopwatch.GetTimestamp();
        var bytesBefore = LiveBytes;
        var columns = new ColumnStore(_pool, Schema);
        try
        {
            _store.CopyTo(columns);
            columns.Complete();
        }
        catch
        {
            columns.Dispose();
            throw;
        }
        _store.Dispose();
        _store = columns;
        _mode = StorageMode.Columnar;
        _history.Add(new StorageSwitch(StorageMode.Row, StorageMode.Columnar, Records, bytesBefore, LiveBytes, Stopwatch.GetElapsedTime(started)));
    }
}

using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Pipeline;

/// <summary>
/// The counts of a stream's run while it goes on. Written by the pipeline, read by whoever shows progress. Every row read is in exactly one of written,
/// skipped, quarantined.
/// </summary>
public sealed class PipelineMetrics
{
    private readonly Lock _lock = new();
    private long _rowsWritten;
    private long _rowsSkipped;
    private long _rowsQuarantined;
    private long _bytesWritten;
    private long _bytesReadBefore;
    private long _rowsEarlier;
    private long _bytesReadEarlier;
    private ISourceReader? _reader;
    private ImmutableArray<PipelineMetrics> _parts = [];

    /// <summary>Rows handed to the destination.</summary>
    public long RowsWritten => Sum(static metrics => ref metrics._rowsWritten);

    /// <summary>Rows left out because they could not be read, under the policy "skip".</summary>
    public long RowsSkipped => Sum(static metrics => ref metrics._rowsSkipped);

    /// <summary>Rows put into quarantine.</summary>
    public long RowsQuarantined => Sum(static metrics => ref metrics._rowsQuarantined);

    /// <summary>Rows found in the source.</summary>
    public long RowsRead => RowsWritten + RowsSkipped + RowsQuarantined;

    /// <summary>Bytes of encoded rows given to the destination; compressed already where the codec works block by block.</summary>
    public long BytesWritten => Sum(static metrics => ref metrics._bytesWritten);

    /// <summary>Bytes read, as stored.</summary>
    public long BytesRead => Sum(static metrics => ref metrics._bytesReadBefore) + (Volatile.Read(ref _reader)?.BytesRead ?? 0)
        + _parts.Sum(static part => Volatile.Read(ref part._reader)?.BytesRead ?? 0);

    /// <summary>Rows, of those that were read, that an earlier attempt at the run had moved.</summary>
    public long RowsEarlier => Interlocked.Read(ref _rowsEarlier);

    /// <summary>Bytes, of those that were read, that an earlier attempt at the run had moved.</summary>
    public long BytesReadEarlier => Interlocked.Read(ref _bytesReadEarlier);

    /// <summary>Bytes that the stream has as stored; null when unknown.</summary>
    public long? TotalBytes { get; set; }

    /// <summary>How long changes took from their commit at the source to where readers see them; null where there were none.</summary>
    public ChangeLatency? Latency { get; private set; }

    /// <summary>How far source and destination were compared, so that only what differs is moved; null where nothing is compared.</summary>
    public ComparisonProgress? Repair { get; set; }

    /// <summary>How much of its log the source keeps; null where that is not known. All streams of a log have the same.</summary>
    public LogRetention? Retention { get; private set; }

    /// <summary>How records were held between decoding and encoding; null before any were.</summary>
    public StorageUse? Storage { get; internal set; }

    /// <summary>How the stream was read, where that is worth a word; else null.</summary>
    public string? Note { get; private set; }

    /// <summary>Starts the counts of a chunk, which are a part of these until it turns out that the chunk has to be moved again.</summary>
    /// <returns>The counts of the chunk.</returns>
    public PipelineMetrics Begin()
    {
        var part = new PipelineMetrics();
        ImmutableInterlocked.Update(ref _parts, static (parts, added) => parts.Add(added), part);
        return part;
    }

    /// <summary>Ends the counts of a chunk.</summary>
    /// <param name="part">What <see cref="Begin"/> gave.</param>
    /// <param name="counts">Whether the chunk was moved; if not, its counts are forgotten.</param>
    public void End(PipelineMetrics part, bool counts)
    {
        lock (_lock)
        {
            ImmutableInterlocked.Update(ref _parts, static (parts, removed) => parts.Remove(removed), part);
            if (!counts)
                return;
            Wrote(part._rowsWritten, part._bytesWritten);
            Skipped(part._rowsSkipped);
            _rowsQuarantined += part._rowsQuarantined;
            _bytesReadBefore += part._bytesReadBefore;
            Note ??= part.Note;
            if (part.Storage is { } storage)
                Storage = Storage is null
                    ? storage
                    : storage with { Records = Storage.Records + storage.Records, LiveBytes = Storage.LiveBytes + storage.LiveBytes };
        }
    }

    /// <summary>Adds what an earlier attempt at the run had moved.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="bytes">Bytes as stored at the destination.</param>
    /// <param name="bytesRead">Bytes of the source as stored.</param>
    public void AddEarlier(long rows, long bytes, long bytesRead)
    {
        Wrote(rows, bytes);
        Interlocked.Add(ref _bytesReadBefore, bytesRead);
        Interlocked.Add(ref _rowsEarlier, rows);
        Interlocked.Add(ref _bytesReadEarlier, bytesRead);
    }

    /// <summary>Takes how much of its log the source keeps.</summary>
    /// <param name="retention">What was found.</param>
    public void Keeps(LogRetention retention) => Retention = retention;

    /// <summary>Adds changes that readers can see from now on.</summary>
    /// <param name="batches">The changes.</param>
    /// <param name="columns">Number of columns before <see cref="ChangeColumns.Written"/>.</param>
    public void Changed(IReadOnlyList<RecordBatch> batches, int columns)
    {
        if (batches.Count == 0)
            return;
        var latency = Latency ??= new ChangeLatency();
        foreach (var batch in batches)
        {
            Wrote(batch.Length, batch.BufferBytes);
            latency.Add(batch.Columns[columns + ChangeColumns.CommittedAtIndex], DateTime.UtcNow);
        }
    }

    internal void Start(ISourceReader reader) => Volatile.Write(ref _reader, reader);

    internal void Stop(ISourceReader reader)
    {
        Note ??= reader.Note;
        Volatile.Write(ref _reader, null);
        Interlocked.Add(ref _bytesReadBefore, reader.BytesRead);
    }

    internal void Wrote(long rows, long bytes)
    {
        Interlocked.Add(ref _rowsWritten, rows);
        Interlocked.Add(ref _bytesWritten, bytes);
    }

    internal void Skipped(long rows) => Interlocked.Add(ref _rowsSkipped, rows);

    internal void Quarantined() => Interlocked.Increment(ref _rowsQuarantined);

    /// <summary>Forgets all counts: the run starts again.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            _rowsWritten = _rowsSkipped = _rowsQuarantined = _bytesWritten = _bytesReadBefore = _rowsEarlier = _bytesReadEarlier = 0;
            _reader = null;
            _parts = [];
            Storage = null;
            Note = null;
        }
    }

    private delegate ref long Counter(PipelineMetrics metrics);

    private long Sum(Counter counter)
    {
        // a chunk that ends just now is counted once
        lock (_lock)
        {
            var sum = Interlocked.Read(ref counter(this));
            foreach (var part in _parts)
                sum += Interlocked.Read(ref counter(part));
            return sum;
        }
    }
}

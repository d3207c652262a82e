using System.Collections.Immutable;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Pipeline;

/// <summary>The counts of a stream's run while it goes on. Written by the pipeline, read by whoever shows progress. Every row read is in exactly one of written, skipped, quarantined.</summary>
public sealed class PipelineMetrics
{
    private long _rowsWritten;
    private long _rowsSkipped;
    private long _rowsQuarantined;
    private long _bytesWritten;
    private long _bytesReadBefore;
    private ImmutableArray<ISourceReader> _readers = [];

    /// <summary>Rows handed to the destination.</summary>
    public long RowsWritten => Interlocked.Read(ref _rowsWritten);

    /// <summary>Rows left out because they could not be read, under the policy "skip".</summary>
    public long RowsSkipped => Interlocked.Read(ref _rowsSkipped);

    /// <summary>Rows put into quarantine.</summary>
    public long RowsQuarantined => Interlocked.Read(ref _rowsQuarantined);

    /// <summary>Rows found in the source.</summary>
    public long RowsRead => RowsWritten + RowsSkipped + RowsQuarantined;

    /// <summary>Bytes of encoded rows given to the destination; compressed already where the codec works block by block.</summary>
    public long BytesWritten => Interlocked.Read(ref _bytesWritten);

    /// <summary>Bytes read, as stored.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesReadBefore) + _readers.Sum(static reader => reader.BytesRead);

    /// <summary>Bytes that the stream has as stored; null when unknown.</summary>
    public long? TotalBytes { get; set; }


    /// <summary>How records were held between decoding and encoding; null before any were.</summary>
    public StorageUse? Storage { get; internal set; }

    internal void Start(ISourceReader reader) => ImmutableInterlocked.Update(ref _readers, static (readers, added) => readers.Add(added), reader);

    internal void Stop(ISourceReader reader)
    {
        ImmutableInterlocked.Update(ref _readers, static (readers, removed) => readers.Remove(removed), reader);
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
    internal void Reset()
    {
        _rowsWritten = _rowsSkipped = _rowsQuarantined = _bytesWritten = _bytesReadBefore = 0;
        _readers = [];
        Storage = null;
    }
}

using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Pipeline;

/// <summary>One block on its way: fetched, then decoded by some worker and, where nothing else decides which rows belong together, encoded at once.</summary>
/// <param name="raw">The block; null for one that could not be fetched.</param>
/// <param name="cost">What it counts for while it is under way, in bytes.</param>
/// <param name="reader">Decodes it.</param>
/// <param name="holding">Holds its rows.</param>
/// <param name="writer">Encodes its rows; null when they are gathered first.</param>
internal sealed class BlockWork(RawBlock? raw, long cost, ISourceReader reader, RecordHolding holding, IDestinationWriter? writer) : IWork, IDecodeSink, IDisposable
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private RawBlock? _raw = raw;
    private List<RecordBatch> _batches = [];
    private bool _disposed;

    /// <summary>What the block counts for while it is under way, in bytes.</summary>
    public long Cost => cost;

    /// <summary>Where the block starts in the source.</summary>
    public SourcePosition Position { get; } = raw?.Position ?? default;

    /// <summary>Completes when the block was processed, also when that failed.</summary>
    public Task Done => _done.Task;

    /// <summary>What is to be written, unless the rows are gathered first.</summary>
    public List<EncodedBlock> Encoded { get; } = [];

    /// <summary>Rows that could not be read.</summary>
    public List<RejectedRow> Rejected { get; } = [];

    /// <summary>Line ends in the block.</summary>
    public long LineCount { get; private set; }

    /// <summary>Why the block could not be processed; null when it was.</summary>
    public Exception? Error { get; private set; }

    void IDecodeSink.Add(RecordBatch batch)
    {
        foreach (var held in holding.Hold(batch))
            if (writer is null)
                _batches.Add(held);
            else
                using (held)
                    Encoded.Add(writer.Encode(held));
    }

    void IDecodeSink.Reject(RejectedRow row) => Rejected.Add(row);

    void IDecodeSink.Lines(long count) => LineCount += count;

    public void Process()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            try
            {
                reader.Decode(_raw!, this);
                // the largest blocks are one giant value: it must not be held longer than needed
                _raw!.Dispose();
            }
            catch (Exception e)
            {
                Error = e;
            }
        }
        _done.TrySetResult();
    }

    /// <summary>Gives the decoded batches away; whoever takes them disposes of them.</summary>
    public IEnumerable<RecordBatch> TakeBatches()
    {
        while (_batches.Count > 0)
        {
            var batch = _batches[0];
            _batches.RemoveAt(0);
            yield return batch;
        }
    }

    /// <summary>Ends the block without processing.</summary>
    public void Fail(Exception error)
    {
        Error = error;
        _done.TrySetResult();
    }

    /// <summary>Returns all buffers.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _raw?.Dispose();
            _raw = null;
            foreach (var batch in _batches)
                batch.Dispose();
            _batches = [];
            foreach (var block in Encoded)
                block.Dispose();
        }
    }
}

using System.Threading.Channels;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Pipeline;

/// <summary>
/// One block on its way: fetched, then decoded by some worker and, where nothing else decides which rows belong together, encoded at once. What comes out can
/// be taken while the rest is still being decoded: a large block whose turn it is does not wait until it is complete.
/// </summary>
/// <param name="raw">The block; null for one that could not be fetched.</param>
/// <param name="cost">What it counts for while it is under way, in bytes.</param>
/// <param name="reader">Decodes it.</param>
/// <param name="holding">Holds its rows.</param>
/// <param name="writer">Encodes its rows; null when they are gathered first.</param>
/// <param name="output">Bounds what came out and was not taken yet.</param>
internal sealed class BlockWork(RawBlock? raw, long cost, ISourceReader reader, RecordHolding holding, IDestinationWriter? writer, OutputShare output)
    : IWork, IDecodeSink, IDisposable
{
    private readonly Channel<RecordBatch> _batches = NewChannel<RecordBatch>();
    private readonly Channel<EncodedBlock> _encoded = NewChannel<EncodedBlock>();
    private readonly Lock _lock = new();
    private RawBlock? _raw = raw;
    private volatile bool _isGivenUp;

    /// <summary>What the block counts for while it is under way, in bytes.</summary>
    public long Cost => cost;

    /// <summary>Where the block starts in the source.</summary>
    public SourcePosition Position { get; } = raw?.Position ?? default;

    /// <summary>
    /// The rows in order, unless they are encoded. Ends when the block was processed, also when that failed. Whoever takes them disposes of them.
    /// </summary>
    public ChannelReader<RecordBatch> Batches => _batches.Reader;

    /// <summary>The encoded rows in order. Ends when the block was processed, also when that failed. Whoever takes them disposes of them.</summary>
    public ChannelReader<EncodedBlock> Encoded => _encoded.Reader;

    /// <summary>Rows that could not be read; complete when the block was processed.</summary>
    public List<RejectedRow> Rejected { get; } = [];

    /// <summary>Line ends in the block; complete when the block was processed.</summary>
    public long LineCount { get; private set; }

    /// <summary>Why the block could not be processed; null when it was.</summary>
    public Exception? Error { get; private set; }

    void IDecodeSink.Add(RecordBatch batch)
    {
        foreach (var held in holding.Hold(batch))
            if (writer is null)
                Put(_batches, held, held.BufferBytes);
            else
                using (held)
                {
                    var encoded = writer.Encode(held);
                    Put(_encoded, encoded, encoded.Buffer.Capacity);
                }
        if (_isGivenUp)
            throw new OperationCanceledException();
    }

    void IDecodeSink.Reject(RejectedRow row) => Rejected.Add(row);

    void IDecodeSink.Lines(long count) => LineCount += count;

    public void Process()
    {
        lock (_lock)
        {
            if (_raw is null)
                return;
            try
            {
                reader.Decode(_raw, this);
                // the largest blocks are one giant value: it must not be held longer than needed
                _raw.Dispose();
            }
            catch (Exception e)
            {
                Error = e;
            }
        }
        Complete();
        if (_isGivenUp)
            Dispose();
    }

    /// <summary>Makes room for what is still to come out: encoded rows were written.</summary>
    /// <param name="block">The rows.</param>
    public void Written(EncodedBlock block) => output.Leave(block.Buffer.Capacity);

    /// <summary>Makes room for what is still to come out: rows were gathered.</summary>
    /// <param name="bytes">Bytes of their columns.</param>
    public void Gathered(long bytes) => output.Leave(bytes);

    /// <summary>Ends the block without processing.</summary>
    public void Fail(Exception error)
    {
        Error = error;
        Complete();
    }

    /// <summary>Returns all buffers: at once, or when the worker that is at it notices.</summary>
    public void Dispose()
    {
        _isGivenUp = true;
        // a worker may wait for room that only the caller's end will make
        if (!_lock.TryEnter())
            return;
        try
        {
            _raw?.Dispose();
            _raw = null;
            while (_batches.Reader.TryRead(out var batch))
                batch.Dispose();
            while (_encoded.Reader.TryRead(out var block))
                block.Dispose();
        }
        finally
        {
            _lock.Exit();
        }
    }

    private void Put<T>(Channel<T> channel, T item, long bytes) where T : IDisposable
    {
        try
        {
            output.Enter(bytes);
        }
        catch
        {
            item.Dispose();
            throw;
        }
        channel.Writer.TryWrite(item);
    }

    private void Complete()
    {
        _batches.Writer.TryComplete();
        _encoded.Writer.TryComplete();
    }

    private static Channel<T> NewChannel<T>() => Channel.CreateUnbounded<T>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
}

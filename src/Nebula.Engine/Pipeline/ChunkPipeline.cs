using System.Collections.Concurrent;
using System.Threading.Channels;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Pipeline;

/// <summary>
/// Moves one chunk: fetch (one thread, I/O), decode and encode (many threads, CPU), write (in order, I/O). What is under way is bounded in bytes, so that a slow
/// destination slows the source; the order of the source is kept; an error or cancellation stops all stages and returns every buffer.
/// </summary>
internal sealed class ChunkPipeline(ISourceReader reader, IDestinationWriter writer, PipelineOptions options, BufferPool pool, PipelineMetrics metrics)
{
    private readonly ByteGate _gate = new(options.WindowBytes);
    private readonly BlockingCollection<BlockWork> _work = [];
    private readonly Channel<BlockWork> _ordered = Channel.CreateUnbounded<BlockWork>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    private readonly BadRowHandler _badRows = new(options.BadRows, metrics);
    private readonly RecordHolding _holding = new(options.Storage, pool, metrics);
    private volatile bool _limitReached;

    /// <summary>Runs all stages to the end of the chunk.</summary>
    /// <exception cref="NebulaException">The first error in the order of the source.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        metrics.Start(reader);
        var fetch = StartThread("nebula-fetch", () => Fetch(stop.Token));
        var workers = Enumerable.Range(0, Math.Max(1, options.Workers)).Select(i => StartThread($"nebula-worker-{i}", () => Work(stop.Token))).ToArray();
        try
        {
            await WriteAllAsync(stop.Token).ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await fetch.ConfigureAwait(false);
            await Task.WhenAll(workers).ConfigureAwait(false);
            while (_ordered.Reader.TryRead(out var left))
                left.Dispose();
            _work.Dispose();
            metrics.Stop(reader);
        }
    }

    private void Fetch(CancellationToken cancellationToken)
    {
        var estimate = PipelineOptions.CostOf(options.BlockSize);
        try
        {
            while (!_limitReached)
            {
                Wait(_gate.EnterAsync(estimate, cancellationToken));
                var next = reader.FetchAsync(cancellationToken);
                var block = next.IsCompletedSuccessfully ? next.Result : next.AsTask().GetAwaiter().GetResult();
                if (block is null)
                    break;
                var work = new BlockWork(block, PipelineOptions.CostOf(block.Buffer.Length));
                _gate.Adjust(work.Cost - estimate);
                _ordered.Writer.TryWrite(work);
                _work.Add(work, cancellationToken);
            }
        }
        catch (Exception e)
        {
            // it takes its turn behind the blocks that were fetched before, so that the first error in the source is the one reported
            var failed = new BlockWork(null, 0);
            failed.Fail(e);
            _ordered.Writer.TryWrite(failed);
        }
        finally
        {
            _work.CompleteAdding();
            _ordered.Writer.Complete();
        }
    }

    private void Work(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var work in _work.GetConsumingEnumerable(cancellationToken))
                work.Process(reader, writer, _holding, encode: options.RowLimit is null);
        }
        catch (OperationCanceledException)
        {
            // what was not processed is disposed of by the one who started this thread
        }
    }

    private async Task WriteAllAsync(CancellationToken cancellationToken)
    {
        await foreach (var work in _ordered.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            using (work)
            {
                await work.Done.WaitAsync(cancellationToken).ConfigureAwait(false);
                _badRows.Handle(work);
                if (options.RowLimit is { } limit)
                    EncodeUpTo(work, limit - metrics.RowsWritten);
                foreach (var block in work.Encoded)
                {
                    await writer.WriteAsync(block, cancellationToken).ConfigureAwait(false);
                    metrics.Wrote(block.Rows, block.Buffer.Length);
                }
                if (options.PreferLatency)
                    await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            _gate.Leave(work.Cost);
            if (metrics.RowsWritten >= options.RowLimit)
            {
                _limitReached = true;
                return;
            }
        }
    }

    /// <summary>Encodes here, where the number of rows before is known.</summary>
    private void EncodeUpTo(BlockWork work, long rows)
    {
        foreach (var decoded in work.TakeBatches())
            foreach (var batch in _holding.Hold(decoded))
                using (batch)
                {
                    if (rows <= 0)
                        continue;
                    var part = batch.Length <= rows ? batch : batch.Truncate((int)rows);
                    work.Encoded.Add(writer.Encode(part));
                    rows -= part.Length;
                }
    }

    private static void Wait(ValueTask task)
    {
        if (!task.IsCompletedSuccessfully)
            task.AsTask().GetAwaiter().GetResult();
    }

    /// <summary>Threads of their own: they block on files and queues, which the thread pool's few threads must not.</summary>
    private static Task StartThread(string name, Action run)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                run();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        })
        { Name = name, IsBackground = true }.Start();
        return done.Task;
    }
}

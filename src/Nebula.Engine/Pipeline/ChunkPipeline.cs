using System.Threading.Channels;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Pipeline;

/// <summary>
/// Moves one chunk: fetch (one thread, I/O), decode and encode (many threads, CPU), write (in order, I/O). What is under way is bounded in bytes, so that a
/// slow
/// destination slows the source; the order of the source is kept; an error or cancellation stops all stages and returns every buffer.
/// </summary>
/// <remarks>Where a destination wants many rows at once, or a row limit must be kept, decoded rows are gathered in order to groups, and these encoded in
/// parallel.</remarks>
internal sealed class ChunkPipeline(ISourceReader reader, IDestinationWriter writer, PipelineOptions options, BufferPool pool, PipelineMetrics metrics)
{
    private readonly bool _gathers = writer.Target is not null || options.RowLimit is not null;
    private readonly int _workers = Math.Max(1, options.Workers);
    private readonly ByteGate _gate = new(options.WindowBytes, options.BlocksUnderWay);
    private readonly OutputWindow _output = new(options.OutputBytes);
    private readonly WorkQueue _work = new();
    private readonly Channel<BlockWork> _blocks = NewChannel<BlockWork>();
    private readonly Channel<GroupWork> _groups = NewChannel<GroupWork>();
    private readonly BadRowHandler _badRows = new(options.BadRows, metrics, reader);
    private readonly RecordHolding _holding = new(options.Storage, pool, metrics);
    private volatile bool _limitReached;

    /// <summary>Rows that were encoded and handed to the destination.</summary>
    public long RowsWritten { get; private set; }

    /// <summary>Runs all stages to the end of the chunk.</summary>
    /// <exception cref="NebulaException">The first error in the order of the source.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // beside the group that is being gathered, each worker encodes one and one waits to be written
        using var groupsAllowed = new SemaphoreSlim(_workers + 1);
        await using var stopping = stop.Token.UnsafeRegister(static pipeline => ((ChunkPipeline)pipeline!).Stop(), this);
        metrics.Start(reader);
        var fetch = StartThread("nebula-fetch", () => Fetch(stop.Token));
        var workers = new Task[_workers];
        for (var i = 0; i < workers.Length; i++)
            workers[i] = StartThread($"nebula-worker-{i}", Work);
        var gather = _gathers ? GatherAllAsync(groupsAllowed, stop.Token) : Task.CompletedTask;
        var succeeded = false;
        try
        {
            if (_gathers)
            {
                await WriteGroupsAsync(groupsAllowed, stop.Token).ConfigureAwait(false);
                await gather.ConfigureAwait(false);
            }
            else
                await WriteBlocksAsync(stop.Token).ConfigureAwait(false);
            succeeded = true;
        }
        finally
        {
            if (succeeded && !_limitReached)
                _work.Complete();
            else
                await stop.CancelAsync().ConfigureAwait(false);
            await fetch.ConfigureAwait(false);
            await Task.WhenAll(workers).ConfigureAwait(false);
            await gather.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (_blocks.Reader.TryRead(out var block))
                block.Dispose();
            while (_groups.Reader.TryRead(out var group))
                group.Dispose();
            metrics.Stop(reader);
        }
    }

    private void Stop()
    {
        _work.Stop();
        _gate.Stop();
        _output.Stop();
    }

    private void Fetch(CancellationToken cancellationToken)
    {
        var estimate = PipelineOptions.CostOf(options.BlockSize);
        try
        {
            for (var number = 0L; !_limitReached; number++)
            {
                if (!_gate.Enter(estimate))
                    throw new OperationCanceledException(cancellationToken);
                var next = reader.FetchAsync(cancellationToken);
                var block = next.IsCompletedSuccessfully ? next.Result : next.AsTask().GetAwaiter().GetResult();
                if (block is null)
                    break;
                var work = NewWork(block, PipelineOptions.CostOf(block.Buffer.Length), number);
                _gate.Adjust(work.Cost - estimate);
                _blocks.Writer.TryWrite(work);
                _work.AddBlock(work);
            }
        }
        catch (Exception e)
        {
            // it takes its turn behind the blocks that were fetched before, so that the first error in the source is the one reported
            var failed = NewWork(null, 0, number: 0);
            failed.Fail(e);
            _blocks.Writer.TryWrite(failed);
        }
        finally
        {
            _blocks.Writer.Complete();
        }
    }

    private BlockWork NewWork(RawBlock? block, long cost, long number) =>
        new(block, cost, reader, _holding, _gathers ? null : writer, new OutputShare(_output, number, _work));

    // what is not processed after a stop is disposed of by the one who started this thread
    private void Work()
    {
        while (_work.Take() is { } work)
            work.Process();
    }

    private async Task WriteBlocksAsync(CancellationToken cancellationToken)
    {
        await foreach (var work in _blocks.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            using (work)
            {
                await foreach (var block in work.Encoded.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                {
                    using (block)
                        await WriteAsync(block, cancellationToken).ConfigureAwait(false);
                    work.Written(block);
                }
                _badRows.Handle(work);
                if (options.PreferLatency)
                    await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            _output.NextTurn();
            _gate.Leave(work.Cost);
        }
    }

    private async Task WriteGroupsAsync(SemaphoreSlim groupsAllowed, CancellationToken cancellationToken)
    {
        await foreach (var group in _groups.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            using (group)
                await WriteAsync(await group.EncodedAsync(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            groupsAllowed.Release();
            if (options.PreferLatency)
                await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
    {
        await writer.WriteAsync(block, cancellationToken).ConfigureAwait(false);
        metrics.Wrote(block.Rows, block.Buffer.Length);
        RowsWritten += block.Rows;
    }

    /// <summary>Gathers rows in their order. What waits for room among the groups makes the source wait too.</summary>
    private async Task GatherAllAsync(SemaphoreSlim groupsAllowed, CancellationToken cancellationToken)
    {
        using var gatherer = new BatchGatherer(writer.Target, options.LargestGroup, pool);
        try
        {
            var left = options.RowLimit ?? long.MaxValue;
            await foreach (var work in _blocks.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
            {
                using (work)
                {
                    await foreach (var batch in work.Batches.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                    {
                        var bytes = batch.BufferBytes;
                        if (left <= 0)
                            batch.Dispose();
                        else
                        {
                            left -= batch.Length;
                            foreach (var group in gatherer.Add(left >= 0 ? batch : Cut(batch, batch.Length + (int)left)))
                                await EncodeAsync(group, groupsAllowed, cancellationToken).ConfigureAwait(false);
                        }
                        work.Gathered(bytes);
                    }
                    _badRows.Handle(work);
                }
                _output.NextTurn();
                _gate.Leave(work.Cost);
                if (left <= 0)
                {
                    _limitReached = true;
                    break;
                }
            }
            if (gatherer.Finish() is { } last)
                await EncodeAsync(last, groupsAllowed, cancellationToken).ConfigureAwait(false);
            _groups.Writer.Complete();
        }
        catch (Exception e)
        {
            _groups.Writer.Complete(e);
        }
    }

    private async ValueTask EncodeAsync(RecordBatch rows, SemaphoreSlim groupsAllowed, CancellationToken cancellationToken)
    {
        var group = new GroupWork(rows, writer);
        // buffers have room to spare, but not that much
        var isGiant = rows.BufferBytes / 2 > options.LargestGroup;
        try
        {
            await groupsAllowed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            group.Dispose();
            throw;
        }
        _groups.Writer.TryWrite(group);
        _work.AddGroup(group);
        _output.Wake();
        // it is more than is planned for a group: nothing else is fetched beside it
        if (isGiant)
            await group.GoneAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The first rows of a batch, which ends with this.</summary>
    private RecordBatch Cut(RecordBatch batch, int rows)
    {
        using (batch)
        using (var builder = new RecordBatchBuilder(pool, batch.Schema))
        {
            builder.AppendRange(batch, 0, rows);
            return builder.Build();
        }
    }

    private static Channel<T> NewChannel<T>() => Channel.CreateUnbounded<T>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

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

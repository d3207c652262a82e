using System.Diagnostics;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;

namespace Nebula.Orchestration.Sync;

/// <summary>
/// Moves changes from logs to destinations: window by window, each committed together with its position, and acknowledged once every stream of the log is
/// committed that far.
/// </summary>
/// <param name="task">The run.</param>
/// <param name="options">How it uses the process.</param>
/// <param name="plans">Keeps the plans of the streams.</param>
internal sealed class ChangeTransfer(CaptureTask task, SyncWorkerOptions options, RunPlans plans) : IAsyncDisposable
{
    // how long a stream without changes may stay behind, where each commit costs a call
    private static readonly TimeSpan LongestIdle = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RetentionInterval = TimeSpan.FromSeconds(5);

    // what is staged goes there in small windows, half of a usual row group each: the same memory serves all of them, and little is left to do behind the last
    private const int StagedWindowChanges = 61_440;
    private const long StagedWindowBytes = 16 << 20;

    // one commit takes so much; all streams are written at once until then, for which there must be room
    private const long MostStaged = 1_000_000;
    private const long MostStagedBytes = 256 << 20;
    private const long MostBuffers = 64 << 20;
    private const long LeastBuffer = 1 << 20;
    private readonly List<CapturingStream> _streams = [];
    private readonly Dictionary<string, IDestination> _shared = new(StringComparer.Ordinal);
    private readonly long _started = Stopwatch.GetTimestamp();
    private long _rows;
    private long _bytes;
    private long _windows;

    /// <summary>Takes a stream whose snapshot was committed; one whose snapshot failed is left out.</summary>
    /// <param name="index">Position of the stream in the run.</param>
    /// <param name="job">The stream.</param>
    /// <param name="findCommitted">Finds what is known to be committed where the destination keeps no account.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task AddAsync(int index, StreamJob job, Func<string, Task<Checkpoint?>> findCommitted, CancellationToken cancellationToken)
    {
        var key = new StreamTask(task.RunId, task.Pipeline, index);
        if (await plans.FindAsync(key, cancellationToken).ConfigureAwait(false) is not { Capture: not null } plan)
            return;
        var stream = new CapturingStream(key, job, DestinationOf(job), options.Pool);
        _streams.Add(stream);
        stream.SetPlan(plan);
        var checkpoint = await stream.Destination.PrepareAsync(stream.Written, cancellationToken).ConfigureAwait(false)
            ?? await findCommitted(job.Name).ConfigureAwait(false);
        if (checkpoint is not { Sequence: > 0 })
        {
            _streams.Remove(stream);
            return;
        }
        stream.Committed = checkpoint with { Stream = job.Name };
        options.Observer?.Captured(key);
    }

    /// <summary>Moves changes until there are no more, or the time of a slice is over.</summary>
    /// <param name="committed">Takes what is committed in the end.</param>
    /// <param name="cancellationToken">Stops the transfer; what is committed stays.</param>
    public async Task<CapturedSlice> RunAsync(Func<CommittedState, Task> committed, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            var logs = _streams.GroupBy(static stream => stream.Plan.Capture!.Log, StringComparer.Ordinal)
                .Select(log => RunAsync([.. log], stop, cancellationToken)).ToList();
            await Task.WhenAll(logs).ConfigureAwait(false);
            var isCaughtUp = logs.TrueForAll(static log => log.Result);
            if (isCaughtUp && !task.Follow)
                foreach (var stream in _streams)
                    options.Observer?.Completed(stream.Task);
            return Slice() with { IsCaughtUp = isCaughtUp };
        }
        catch (NebulaException e) when (e.Kind is ErrorKind.Transient or ErrorKind.Throttled && _windows > 0)
        {
            // it got somewhere: attempts are counted anew, or a log that is followed for weeks would run out of them
            return Slice();
        }
        catch (NebulaException e) when (e.Kind == ErrorKind.PositionLost && _streams.TrueForAll(IsReadAnew))
        {
            foreach (var stream in _streams)
                options.Observer?.Restarted(stream.Task, e.Message);
            return Slice() with { Lost = e.Message };
        }
        catch (NebulaException e) when (e.Kind == ErrorKind.PositionLost)
        {
            throw new NebulaException(ErrorKind.PositionLost, $"{e.Message} Set 'on_position_lost: repair' to read what differs from the target, or "
                + "'on_position_lost: resnapshot' to read everything anew, and run again.", inner: e);
        }
        finally
        {
            foreach (var stream in _streams)
                await committed(new CommittedState(stream.Committed, stream.Token)).ConfigureAwait(false);
        }

        CapturedSlice Slice() => new() { Rows = _rows, Bytes = _bytes, Windows = _windows };
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var stream in _streams)
            await ClearAsync(stream).ConfigureAwait(false);
        foreach (var destination in _streams.Select(static stream => stream.Destination).Concat(_shared.Values).Distinct())
            await destination.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Removes what was made ready for staging and was not needed, or was staged and not committed.</summary>
    private static async Task ClearAsync(CapturingStream stream)
    {
        try
        {
            await stream.DropStagedAsync().ConfigureAwait(false);
            await stream.Destination.AbortAsync(stream.Written, [], CancellationToken.None).ConfigureAwait(false);
        }
        catch (NebulaException)
        {
            // it cannot be reached: the preparation of the next slice does it
        }
    }

    /// <summary>Streams whose destination takes many at once share one.</summary>
    private IDestination DestinationOf(StreamJob job)
    {
        var settings = job.TargetKey;
        if (_shared.TryGetValue(settings, out var shared))
            return shared;
        var destination = job.OpenDestination();
        if (destination is IChangeDestination)
            _shared.Add(settings, destination);
        return destination;
    }

    /// <summary>Reads one log.</summary>
    /// <returns>Whether it was read to its end.</returns>
    private async Task<bool> RunAsync(List<CapturingStream> streams, CancellationTokenSource stop, CancellationToken cancellationToken)
    {
        try
        {
            var source = (IChangeSource)streams[0].Job.OpenSource();
            await using (source.ConfigureAwait(false))
                while (true)
                    try
                    {
                        return await ReadAsync(source, streams, stop.Token).ConfigureAwait(false);
                    }
                    catch (SchemaChangedException e)
                    {
                        await ReplanAsync(streams[e.Stream], e, source, stop.Token).ConfigureAwait(false);
                    }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // another log failed, which is what is told
            return false;
        }
        catch (Exception e)
        {
            foreach (var stream in streams)
                options.Observer?.Failed(stream.Task, e);
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    private async Task<bool> ReadAsync(IChangeSource source, List<CapturingStream> streams, CancellationToken cancellationToken)
    {
        var gathers = !task.Follow && CanGather(streams);
        var context = new ChangeContext(options.Pool) { Follow = task.Follow, FlushInterval = streams.Min(static stream => stream.Job.FlushInterval) };
        if (gathers)
            context = context with { MaxChanges = StagedWindowChanges, MaxBytes = StagedWindowBytes };
        var reader = await source.OpenChangesAsync(
            [.. streams.Select(static stream => new CapturedStream(stream.Plan, stream.Committed))], context, cancellationToken).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            var log = new LogPositions(streams);
            using var slice = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (options.SliceDuration is { } duration)
                slice.CancelAfter(Max(duration - Stopwatch.GetElapsedTime(_started), TimeSpan.FromMilliseconds(1)));
            var isOver = false;
            var isRead = false;
            using var gauge = new LogGauge();
            var asked = await FindRetentionAsync(reader, streams, gauge, cancellationToken).ConfigureAwait(false);
            Task<ChangeWindow?>? ahead = null;
            try
            {
                while (!isOver && !isRead)
                {
                    try
                    {
                        using var window = await NextAsync(ahead ?? reader.ReadAsync(slice.Token), streams, log).ConfigureAwait(false);
                        ahead = null;
                        if (Stopwatch.GetElapsedTime(asked) > RetentionInterval)
                            asked = await FindRetentionAsync(reader, streams, gauge, cancellationToken).ConfigureAwait(false);
                        isRead = window is null;
                        // while a window is committed the next one is read
                        if (window is { IsAwaited: false })
                            ahead = Task.Run(() => reader.ReadAsync(slice.Token), CancellationToken.None);
                        if (window is not null)
                            await TakeAsync(window, streams, log, gathers, cancellationToken).ConfigureAwait(false);
                        isOver = slice.IsCancellationRequested;
                    }
                    catch (OperationCanceledException) when (slice.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
                    {
                        isOver = true;
                    }
                    if (isOver || isRead)
                        await CommitIdleAsync(streams, log, cancellationToken).ConfigureAwait(false);
                    if (log.Reached() is { } position)
                        await reader.AcknowledgeAsync(position, cancellationToken).ConfigureAwait(false);
                }
            }
            finally
            {
                await DropAsync(ahead, slice).ConfigureAwait(false);
            }
            await FindRetentionAsync(reader, streams, gauge, cancellationToken).ConfigureAwait(false);
            return isRead;
        }
    }

    /// <summary>Gives up a window that is read ahead: it comes again. What went wrong with it does too.</summary>
    private static async Task DropAsync(Task<ChangeWindow?>? ahead, CancellationTokenSource slice)
    {
        if (ahead is null)
            return;
        await slice.CancelAsync().ConfigureAwait(false);
        await ((Task)ahead).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (ahead.IsCompletedSuccessfully)
            ahead.Result?.Dispose();
    }

    /// <summary>Finds how much of its log the source keeps.</summary>
    /// <returns>When that was.</returns>
    private async Task<long> FindRetentionAsync(
        IChangeReader reader, List<CapturingStream> streams, LogGauge gauge, CancellationToken cancellationToken)
    {
        if (await reader.FindRetentionAsync(cancellationToken).ConfigureAwait(false) is { } retention)
        {
            gauge.Set(retention);
            foreach (var stream in streams)
                options.Observer?.MetricsOf(stream.Task).Keeps(retention);
        }
        return Stopwatch.GetTimestamp();
    }

    /// <summary>Waits for a window. When none comes, those that were staged are committed first: they count.</summary>
    private async Task<ChangeWindow?> NextAsync(Task<ChangeWindow?> reading, List<CapturingStream> streams, LogPositions log)
    {
        try
        {
            return await reading.ConfigureAwait(false);
        }
        catch when (streams.Exists(static stream => stream.Staged > 0))
        {
            await CommitIdleAsync(streams, log, CancellationToken.None).ConfigureAwait(false);
            Interlocked.Increment(ref _windows);
            throw;
        }
    }

    /// <summary>Takes a window to the destinations.</summary>
    private async Task TakeAsync(ChangeWindow window, List<CapturingStream> streams, LogPositions log, bool gathers, CancellationToken cancellationToken)
    {
        log.Add(window.Position);
        var changed = new List<(CapturingStream Stream, IReadOnlyList<RecordBatch> Batches)>();
        try
        {
            foreach (var changes in window.Streams)
                changed.Add((streams[changes.Stream], streams[changes.Stream].Convert(changes.Batches)));
            foreach (var (stream, batches) in changed)
                if (stream.Destination is not IChangeDestination)
                    await stream.StageAsync(batches).ConfigureAwait(false);
            if (!(gathers && window.IsFull && HasRoom(streams)))
            {
                await CommitAsync(Due(changed, window.IsAwaited, streams), window.Position, log, cancellationToken).ConfigureAwait(false);
                Interlocked.Increment(ref _windows);
            }
            foreach (var (stream, batches) in changed)
                options.Observer?.MetricsOf(stream.Task).Changed(batches, stream.Plan.Columns.Length);
        }
        finally
        {
            foreach (var batch in changed.SelectMany(static changes => changes.Batches))
                batch.Dispose();
        }
    }

    /// <summary>Finds what a commit is about: streams with changes, and those whose position is to follow.</summary>
    private static List<(CapturingStream Stream, IReadOnlyList<RecordBatch> Batches)> Due(
        List<(CapturingStream Stream, IReadOnlyList<RecordBatch> Batches)> changed, bool all, List<CapturingStream> streams)
    {
        var due = changed.ToList();
        var known = changed.Select(static changes => changes.Stream).ToHashSet();
        var now = Stopwatch.GetTimestamp();
        foreach (var stream in streams)
            if (!known.Contains(stream) && (all || stream.Staged > 0 || Stopwatch.GetElapsedTime(stream.CommittedAt, now) > LongestIdle))
                due.Add((stream, NoBatches));
        return due;
    }

    private static bool HasRoom(List<CapturingStream> streams) => streams.Sum(static stream => stream.Staged) < MostStaged
        && streams.Sum(static stream => stream.StagedBytes) < MostStagedBytes;

    /// <summary>Whether several windows may be staged for one commit: each stream keeps its writer, with what that holds.</summary>
    private static bool CanGather(List<CapturingStream> streams) => streams.TrueForAll(static stream => stream.Destination is not IChangeDestination)
        && streams.Sum(static stream => Math.Max(stream.Destination.BufferBytes, LeastBuffer)) <= MostBuffers;

    private Task CommitIdleAsync(List<CapturingStream> streams, LogPositions log, CancellationToken cancellationToken)
    {
        if (log.Last is not { } position)
            return Task.CompletedTask;
        var behind = streams.Where(stream => stream.Committed.Position != position).Select(static stream => (stream, NoBatches)).ToList();
        return CommitAsync(behind, position, log, cancellationToken);
    }

    private static IReadOnlyList<RecordBatch> NoBatches => [];

    private static bool IsReadAnew(CapturingStream stream) => stream.Plan.Capture!.OnPositionLost != PositionLoss.Fail;

    private async Task CommitAsync(
        List<(CapturingStream Stream, IReadOnlyList<RecordBatch> Batches)> changes, string position, LogPositions log, CancellationToken cancellationToken)
    {
        // a commit that has begun ends: whether it counts would not be known
        foreach (var target in changes.GroupBy(static change => change.Stream.Destination))
            if (target.Key is IChangeDestination destination)
            {
                var commits = target.Select(change => change.Stream.Next(position, change.Batches)).ToList();
                await destination.ApplyAsync(commits, CancellationToken.None).ConfigureAwait(false);
                foreach (var (change, commit) in target.Zip(commits))
                {
                    change.Stream.Commit(commit);
                    log.Commit(change.Stream);
                    Interlocked.Add(ref _rows, commit.Batches.Sum(static batch => (long)batch.Length));
                }
            }
            else
                foreach (var (stream, _) in target)
                {
                    var (rows, bytes) = await stream.CommitStagedAsync(position).ConfigureAwait(false);
                    log.Commit(stream);
                    Interlocked.Add(ref _rows, rows);
                    Interlocked.Add(ref _bytes, bytes);
                }
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Plans a stream whose columns changed.</summary>
    private async Task ReplanAsync(CapturingStream stream, SchemaChangedException change, IChangeSource source, CancellationToken cancellationToken)
    {
        var run = new StreamRun(source, stream.Destination, stream.Job.Options, options.Pool, task.RunId);
        var plan = await run.PlanAsync(stream.Job.Request, readEverything: false, cancellationToken).ConfigureAwait(false);
        // nothing new to know, and nothing committed since the last time: it would go on like this for ever
        if (plan.Schema.Equals(stream.Plan.Schema) && stream.PlannedAt == stream.Committed.Sequence)
            throw new NebulaException(ErrorKind.Schema, change.Message);
        options.Observer?.Warned(stream.Task, change.Message);
        await plans.PutAsync(stream.Task, plan, cancellationToken).ConfigureAwait(false);
        stream.SetPlan(plan);
        await stream.Destination.PrepareAsync(stream.Written, cancellationToken).ConfigureAwait(false);
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}

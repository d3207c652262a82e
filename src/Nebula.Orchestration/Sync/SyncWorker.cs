using System.Collections.Concurrent;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;
using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Sync;

/// <summary>
/// Does the steps of a sync with the connectors that a pipeline names. What one step finds out and a later one needs, also
/// in another process, is in the state store.
/// </summary>
/// <param name="pipelines">The pipelines.</param>
/// <param name="connectors">The connectors that are there.</param>
/// <param name="store">Keeps what a run has planned.</param>
/// <param name="options">How it uses its process.</param>
public sealed class SyncWorker(
    IPipelineLibrary pipelines, ConnectorRegistry connectors, IStateStore store, SyncWorkerOptions options)
    : ISyncWorker, IAsyncDisposable
{
    private const int MostPlansKept = 64;
    private readonly RunPlans _plans = new(store);
    private readonly ConcurrentDictionary<string, Task<RunPlan>> _runs = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<StreamTask, Task<OpenStream>> _open = new();
    private readonly ConcurrentDictionary<(string RunId, int Stream), string> _contradictions = new();

    /// <summary>Finds what stands for the settings of a run that was planned; see <see cref="RunPlan.Fingerprint"/>.</summary>
    /// <param name="store">The state store.</param>
    /// <param name="runId">The run.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Null when it was never planned.</returns>
    public static async Task<string?> FindFingerprintAsync(IStateStore store, string runId, CancellationToken cancellationToken) =>
        (await new RunPlans(store).FindAsync(runId, cancellationToken).ConfigureAwait(false))?.Fingerprint;

    /// <inheritdoc/>
    public async Task<int> PlanAsync(SyncRequest request, CancellationToken cancellationToken)
    {
        var plan = options.Planned is { } made && made.RunId == request.RunId ? made
            : await new RunPlanner(pipelines.Load(request.Pipeline, request.Variables), connectors, request.RunId)
                .PlanAsync(request.Only, cancellationToken).ConfigureAwait(false);
        await _plans.AddAsync(PlannedSources.Of(plan) with { Variables = request.Variables }, request.RunId, cancellationToken).ConfigureAwait(false);
        _runs.TryRemove(request.RunId, out _);
        return (await RunOf(request.RunId, request.Pipeline, cancellationToken).ConfigureAwait(false)).Jobs.Count;
    }

    /// <inheritdoc/>
    public async Task<PlannedStream> PlanStreamAsync(StreamTask task, CancellationToken cancellationToken)
    {
        await CloseAsync(task with { ReadEverything = !task.ReadEverything }).ConfigureAwait(false);
        var job = await JobOf(task, cancellationToken).ConfigureAwait(false);
        var observer = options.Observer;
        if (task.ReadEverything)
        {
            observer?.MetricsOf(task).Reset();
            observer?.Restarted(task, _contradictions.GetValueOrDefault((task.RunId, task.Stream), "a value contradicted the sample"));
        }
        return await WithAsync(task, async stream =>
        {
            var run = stream.Run();
            run.Warned += warning => observer?.Warned(task, warning);
            run.Planned += plan => observer?.Planned(task, plan);
            var plan = await run.PlanAsync(job.Request, task.ReadEverything, cancellationToken).ConfigureAwait(false);
            await _plans.PutAsync(task, plan, cancellationToken).ConfigureAwait(false);
            var written = run.PlanWritten(plan);
            stream.SetPlan(InPlace(task, plan), InPlace(task, written));
            if (observer is not null)
                observer.MetricsOf(task).TotalBytes = plan.Stream.Bytes;
            return new PlannedStream(job.Name)
            {
                IsCaptured = plan.Capture is not null,
                TakesChunksInOrder = stream.Chunks != ChunkOrder.Any,
            };
        }, isPlanned: false, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<Checkpoint?> PrepareAsync(StreamTask task, CancellationToken cancellationToken)
    {
        var (checkpoint, isCaptured) = await WithAsync(task, async stream => (
            await stream.Destination.PrepareAsync(stream.Written, cancellationToken).ConfigureAwait(false)
                // what is added to keeps account of it: where there is none, nothing is there, whatever was committed elsewhere
                ?? (stream.Plan.Write == WriteMode.Replace ? null : new Checkpoint(stream.Job.Name, "", 0)),
            stream.Plan.Capture is not null), isPlanned: true, cancellationToken).ConfigureAwait(false);
        // its snapshot is done: it waits for all other streams, and holds no connections meanwhile
        if (isCaptured && checkpoint is { Sequence: > 0 })
            await CloseAsync(task).ConfigureAwait(false);
        return checkpoint;
    }

    /// <inheritdoc/>
    public Task<SplitStream> SplitAsync(
        StreamTask task, Checkpoint? from, Func<Chunk, ValueTask> add, CancellationToken cancellationToken) => WithAsync(task, async stream =>
    {
        var isRepaired = task.Anew && from is not null && stream.Plan.Capture is { OnPositionLost: PositionLoss.Repair };
        // what replaces everything has nothing before it
        if (!stream.Plan.IsIncremental)
            from = null;
        var position = await stream.Source.FindPositionAsync(stream.Plan, from, cancellationToken).ConfigureAwait(false);
        var isSplit = !task.ReadEverything && stream.Chunks != ChunkOrder.Single;
        if (stream.Plan.Capture is { ChangesOnly: true })
            return new SplitStream(position);
        var compared = isRepaired ? await CompareAsync(task, stream, cancellationToken).ConfigureAwait(false) : null;
        var request = new SplitRequest { From = from, ChunkBytes = isSplit ? stream.Job.ChunkBytes : null, Keys = compared?.Keys };
        await foreach (var chunk in stream.Source.SplitAsync(stream.Plan, request, cancellationToken).ConfigureAwait(false))
            await add(chunk).ConfigureAwait(false);
        return new SplitStream(position) { Compared = compared?.Rows };
    }, isPlanned: true, cancellationToken);

    /// <inheritdoc/>
    public Task<StagedPart> TransferAsync(
        StreamTask task, Chunk chunk, Func<CancellationToken, Task<StagedPart?>> findPrevious,
        CancellationToken cancellationToken) => WithAsync(task, async stream =>
    {
        var previous = chunk.Index > 0 && stream.Chunks == ChunkOrder.InOrder
            ? await findPrevious(cancellationToken).ConfigureAwait(false)
                ?? throw new NebulaException(ErrorKind.Fatal,
                    $"Chunk {chunk.Index - 1} has to be there before chunk {chunk.Index}, but its record is gone. Start the run again.")
            : null;
        var counts = options.Observer?.MetricsOf(task);
        var part = counts?.Begin();
        var moved = false;
        using var quarantine = stream.Job.QuarantinePath is { } path ? new QuarantineFile(path, task.RunId) : null;
        try
        {
            var staged = await stream.Run(part, quarantine)
                .TransferAsync(stream.Plan, stream.Written, chunk, previous, cancellationToken).ConfigureAwait(false);
            moved = true;
            return staged;
        }
        catch (SchemaContradictionException e)
        {
            _contradictions[(task.RunId, task.Stream)] = e.Message;
            throw;
        }
        finally
        {
            if (part is not null)
                counts!.End(part, moved);
            // also after a failure: what was found wrong helps to mend it
            if (quarantine?.Publish() is { } published)
                options.Observer?.Quarantined(task, published);
        }
    }, isPlanned: true, cancellationToken);

    /// <inheritdoc/>
    public Task<CommitReceipt> CommitAsync(StreamTask task, SyncCommit commit, CancellationToken cancellationToken) => WithAsync(task, async stream =>
    {
        var request = new CommitRequest(stream.Written, commit.Parts, commit.Checkpoint, commit.Token) { ExpectedSequence = commit.ExpectedSequence };
        var receipt = await stream.Destination.CommitAsync(request, cancellationToken).ConfigureAwait(false);
        options.Observer?.Committed(task, receipt, commit.Parts.Sum(static part => part.Bytes));
        return receipt;
    }, isPlanned: true, cancellationToken);

    /// <inheritdoc/>
    public async Task AcknowledgeAsync(StreamTask task, Checkpoint checkpoint, CancellationToken cancellationToken)
    {
        await WithAsync(task, async stream =>
        {
            await stream.Source.AcknowledgeAsync(checkpoint, cancellationToken).ConfigureAwait(false);
            return true;
        }, isPlanned: true, cancellationToken).ConfigureAwait(false);
        var isCaptured = (await JobOf(task, cancellationToken).ConfigureAwait(false)).Request.Capture is not null;
        await CloseAsync(task).ConfigureAwait(false);
        if (!isCaptured)
            options.Observer?.Completed(task);
    }

    /// <inheritdoc/>
    public async Task AbortAsync(StreamTask task, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        // a stream that was never planned has nothing in staging
        if (await _plans.FindAsync(task, cancellationToken).ConfigureAwait(false) is not null)
            await WithAsync(task, async stream =>
            {
                await stream.Destination.AbortAsync(stream.Written, parts, cancellationToken).ConfigureAwait(false);
                return true;
            }, isPlanned: true, cancellationToken).ConfigureAwait(false);
        await CloseAsync(task).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<CapturedSlice> CaptureAsync(
        CaptureTask task, Func<string, Task<Checkpoint?>> findCommitted, Func<CommittedState, Task> committed, CancellationToken cancellationToken)
    {
        var jobs = (await RunOf(task.RunId, task.Pipeline, cancellationToken).ConfigureAwait(false)).Jobs;
        // what was opened for their snapshots holds the locks of their targets
        foreach (var open in _open.Keys.Where(open => open.RunId == task.RunId && jobs[open.Stream].Request.Capture is not null).ToList())
            await CloseAsync(open).ConfigureAwait(false);
        var capture = new ChangeTransfer(task, options, _plans);
        await using (capture.ConfigureAwait(false))
        {
            for (var i = 0; i < jobs.Count; i++)
                if (jobs[i].Request.Capture is not null)
                    await capture.AddAsync(i, jobs[i], findCommitted, cancellationToken).ConfigureAwait(false);
            return await capture.RunAsync(committed, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Closes what is open.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var task in _open.Keys)
            await CloseAsync(task).ConfigureAwait(false);
    }

    private async Task<T> WithAsync<T>(StreamTask task, Func<OpenStream, Task<T>> step, bool isPlanned, CancellationToken cancellationToken)
    {
        var opening = options.KeepsOpen
            ? _open.GetOrAdd(task, static (key, worker) => worker.OpenAsync(key, CancellationToken.None), this)
            : OpenAsync(task, cancellationToken);
        OpenStream stream;
        try
        {
            stream = await opening.ConfigureAwait(false);
        }
        catch
        {
            _open.TryRemove(task, out _);
            throw;
        }
        try
        {
            if (isPlanned && !stream.IsPlanned)
                await LoadPlanAsync(task, stream, cancellationToken).ConfigureAwait(false);
            return await step(stream).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            options.Observer?.Failed(task, e);
            throw;
        }
        finally
        {
            if (!options.KeepsOpen)
                await stream.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task LoadPlanAsync(StreamTask task, OpenStream stream, CancellationToken cancellationToken)
    {
        await stream.Planning.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (stream.IsPlanned)
                return;
            var plan = await _plans.FindAsync(task, cancellationToken).ConfigureAwait(false)
                ?? throw new NebulaException(ErrorKind.Fatal, $"The plan of stream {task.Stream} of run '{task.RunId}' is gone. Start the run again.");
            var written = stream.Run().PlanWritten(plan);
            await ContinueAsync(task, plan, written, cancellationToken).ConfigureAwait(false);
            stream.SetPlan(InPlace(task, plan), InPlace(task, written));
        }
        finally
        {
            stream.Planning.Release();
        }
    }

    /// <summary>What is read anew as a whole takes the place of what was read before.</summary>
    private static StreamPlan InPlace(StreamTask task, StreamPlan plan) =>
        task.Anew && plan.Capture is not { OnPositionLost: PositionLoss.Repair } ? plan with { Write = WriteMode.Replace } : plan;

    /// <summary>Finds the rows of a stream in which the destination differs.</summary>
    private async Task<ComparedRows> CompareAsync(StreamTask task, OpenStream stream, CancellationToken cancellationToken)
    {
        var metrics = options.Observer?.MetricsOf(task);
        var there = await ((IRangeHashes)stream.Destination).OpenHashesAsync(stream.Plan, null, cancellationToken).ConfigureAwait(false);
        await using (there.ConfigureAwait(false))
        {
            var here = await ((IRangeHashes)stream.Source).OpenHashesAsync(stream.Plan, there.Columns, cancellationToken).ConfigureAwait(false);
            await using (here.ConfigureAwait(false))
            {
                var compared = await new RangeComparison(here, there, progress =>
                {
                    if (metrics is not null)
                        metrics.Repair = progress;
                }).RunAsync(cancellationToken).ConfigureAwait(false);
                // whoever resumes the run tells it
                if (metrics?.Repair is { } comparison)
                    await new SyncState(store).PutComparisonAsync(task, comparison, cancellationToken).ConfigureAwait(false);
                return compared;
            }
        }
    }

    private async Task ContinueAsync(StreamTask task, StreamPlan plan, StreamPlan written, CancellationToken cancellationToken)
    {
        if (options.Observer is not { } observer || !options.KeepsOpen)
            return;
        var (rows, bytes, bytesRead) = await new SyncState(store).ReadStagedAsync(task, cancellationToken).ConfigureAwait(false);
        observer.MetricsOf(task).AddEarlier(rows, bytes, bytesRead);
        observer.MetricsOf(task).Repair ??= await new SyncState(store).FindComparisonAsync(task, cancellationToken).ConfigureAwait(false);
        observer.MetricsOf(task).TotalBytes = plan.Stream.Bytes;
        observer.Continued(task, written);
    }

    private async Task<OpenStream> OpenAsync(StreamTask task, CancellationToken cancellationToken) =>
        new(await JobOf(task, cancellationToken).ConfigureAwait(false), task.RunId, options);

    private async Task CloseAsync(StreamTask task)
    {
        if (_open.TryRemove(task, out var opening) && opening.IsCompletedSuccessfully)
            await (await opening.ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
    }

    private async Task<StreamJob> JobOf(StreamTask task, CancellationToken cancellationToken)
    {
        var jobs = (await RunOf(task.RunId, task.Pipeline, cancellationToken).ConfigureAwait(false)).Jobs;
        return task.Stream < jobs.Count ? jobs[task.Stream]
            : throw new NebulaException(ErrorKind.Fatal,
                $"Run '{task.RunId}' has {jobs.Count} streams, not {task.Stream + 1}: its pipeline was changed. Start the run again.");
    }

    private async Task<RunPlan> RunOf(string runId, string pipeline, CancellationToken cancellationToken)
    {
        if (_runs.Count > MostPlansKept)
            _runs.Clear();
        // shared by many calls, so that the end of one must not end it
        var planning = _runs.GetOrAdd(
            runId, static (id, state) => state.worker.LoadAsync(id, state.pipeline, CancellationToken.None), (worker: this, pipeline));
        try
        {
            return await planning.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _runs.TryRemove(new KeyValuePair<string, Task<RunPlan>>(runId, planning));
            throw;
        }
    }

    private async Task<RunPlan> LoadAsync(string runId, string pipeline, CancellationToken cancellationToken)
    {
        var document = await _plans.FindAsync(runId, cancellationToken).ConfigureAwait(false)
            ?? throw new NebulaException(ErrorKind.Fatal, $"The plan of run '{runId}' is gone. Start the run again.");
        var plan = await PlanAsync(runId, pipeline, document).ConfigureAwait(false);
        return plan.Fingerprint.Value == document.Fingerprint ? plan
            : throw NebulaException.Configuration($"Pipeline '{pipeline}' was changed while its run '{runId}' was under way. Start the run again.");
    }

    private Task<RunPlan> PlanAsync(string runId, string pipeline, PlannedSources document) =>
        new RunPlanner(pipelines.Load(pipeline, document.Variables), connectors, runId, document.StartedAt).PlanAsync(document.Found, document.Only);
}

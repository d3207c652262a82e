using System.Diagnostics;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Planning;

namespace Nebula.Orchestration.Sync;

/// <summary>A stream whose changes are moved.</summary>
/// <param name="task">The stream in its run.</param>
/// <param name="job">The stream's settings.</param>
/// <param name="destination">Where its changes go.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class CapturingStream(StreamTask task, StreamJob job, IDestination destination, BufferPool pool)
{
    private ChangeRows _rows = null!;
    private StagedChanges? _staged;

    public StreamTask Task { get; } = task;

    public StreamJob Job { get; } = job;

    public IDestination Destination { get; } = destination;

    /// <summary>The stream as it is read.</summary>
    public StreamPlan Plan { get; private set; } = null!;

    /// <summary>The stream as it is written.</summary>
    public StreamPlan Written { get; private set; } = null!;

    /// <summary>What is committed.</summary>
    public Checkpoint Committed { get; set; } = new(job.Name, "", 0);

    /// <summary>Which commit did it; empty before the first one of this process.</summary>
    public string Token { get; private set; } = "";

    /// <summary>When that was, by <see cref="Stopwatch"/>.</summary>
    public long CommittedAt { get; private set; } = Stopwatch.GetTimestamp();

    /// <summary>The sequence at which it was planned.</summary>
    public long PlannedAt { get; private set; }

    /// <summary>Sets how it is read.</summary>
    public void SetPlan(StreamPlan plan)
    {
        Plan = plan;
        Written = new StreamRun(null!, Destination, Job.Options, pool, Task.RunId).PlanWritten(plan);
        _rows = new ChangeRows(plan, Written, pool);
        PlannedAt = Committed.Sequence;
    }

    /// <summary>Gives changes the types that they are written with.</summary>
    public IReadOnlyList<RecordBatch> Convert(IReadOnlyList<RecordBatch> batches) => _rows.Convert(batches, Plan.Stream.Name);

    /// <summary>Number of changes that are staged and not committed.</summary>
    public long Staged => _staged?.Rows ?? 0;

    /// <summary>Bytes of the columns that those came in.</summary>
    public long StagedBytes => _staged?.Bytes ?? 0;

    /// <summary>Stages changes for the next commit.</summary>
    /// <param name="batches">The changes, as they are written. They stay the caller's.</param>
    public async Task StageAsync(IReadOnlyList<RecordBatch> batches)
    {
        // the names of what is staged and committed come from the run, which has many commits here
        _staged ??= await StagedChanges.OpenAsync(Destination, PlanOf(Committed.Sequence + 1), pool).ConfigureAwait(false);
        await _staged.AddAsync(batches).ConfigureAwait(false);
    }

    /// <summary>Commits what is staged; where that is nothing, the position alone.</summary>
    /// <param name="position">Where the last window ends.</param>
    /// <returns>Rows and bytes.</returns>
    public async Task<(long Rows, long Bytes)> CommitStagedAsync(string position)
    {
        var commit = Next(position, []);
        var parts = new List<StagedPart>();
        if (_staged is not null)
            parts.Add(await _staged.CompleteAsync().ConfigureAwait(false));
        await Destination.CommitAsync(
            new CommitRequest(PlanOf(commit.Checkpoint.Sequence), parts, commit.Checkpoint, commit.Token) { ExpectedSequence = commit.ExpectedSequence },
            CancellationToken.None).ConfigureAwait(false);
        var rows = Staged;
        await DropStagedAsync().ConfigureAwait(false);
        Commit(commit);
        return (rows, parts.Sum(static part => part.Bytes));
    }

    /// <summary>The commit that follows on what is committed.</summary>
    public ChangeCommit Next(string position, IReadOnlyList<RecordBatch> batches)
    {
        var checkpoint = new Checkpoint(Job.Name, position, Committed.Sequence + 1);
        return new ChangeCommit(Written, batches, checkpoint, SyncActivities.TokenOf(Task.Pipeline, Task.RunId, checkpoint))
        {
            ExpectedSequence = Committed.Sequence,
        };
    }

    /// <summary>Remembers a commit.</summary>
    public void Commit(ChangeCommit commit) => (Committed, Token, CommittedAt) = (commit.Checkpoint, commit.Token, Stopwatch.GetTimestamp());

    /// <summary>Closes what stages, and gives up what is not committed.</summary>
    public async Task DropStagedAsync()
    {
        if (Interlocked.Exchange(ref _staged, null) is { } staged)
            await staged.DisposeAsync().ConfigureAwait(false);
    }

    private StreamPlan PlanOf(long sequence) => Written with { RunId = $"{Written.RunId}-{sequence:d6}" };
}

/// <summary>How far the streams of a log are committed, by the windows that were read.</summary>
internal sealed class LogPositions
{
    private readonly Dictionary<CapturingStream, long> _committed;
    private readonly Queue<(long Window, string Position)> _positions = [];
    private long _windows;

    public LogPositions(IEnumerable<CapturingStream> streams) => _committed = streams.ToDictionary(static stream => stream, static _ => 0L);

    /// <summary>Where the last window ends; null before the first.</summary>
    public string? Last { get; private set; }

    /// <summary>A window was read.</summary>
    public void Add(string position)
    {
        _positions.Enqueue((++_windows, position));
        Last = position;
    }

    /// <summary>A stream is committed to the end of the last window.</summary>
    public void Commit(CapturingStream stream) => _committed[stream] = _windows;

    /// <summary>Tells how far all streams are, once for each position.</summary>
    /// <returns>Null when that is no further than last time.</returns>
    public string? Reached()
    {
        var window = _committed.Values.Min();
        string? reached = null;
        while (_positions.TryPeek(out var next) && next.Window <= window)
            reached = _positions.Dequeue().Position;
        return reached;
    }
}

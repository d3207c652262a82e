using System.Collections.ObjectModel;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Sync;

/// <summary>How a run uses the machine and what it does about failures.</summary>
public sealed record SyncSettings
{
    /// <summary>Most streams at the same time.</summary>
    /// <value>4.</value>
    public int ParallelStreams { get; init; } = 4;

    /// <summary>Most chunks of one stream at the same time.</summary>
    /// <value>8.</value>
    public int ParallelChunks { get; init; } = 8;

    /// <summary>Chunks that one page has: the unit whose history is kept together. A page's history has about three events per chunk.</summary>
    /// <value>250; at most 500.</value>
    public int PageSize { get; init; } = 250;

    /// <summary>Most attempts at each step.</summary>
    /// <value>5.</value>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>Wait before the second attempt, in milliseconds.</summary>
    /// <value>1,000.</value>
    public int FirstDelay { get; init; } = 1_000;

    /// <summary>Longest wait between attempts, in milliseconds.</summary>
    /// <value>60,000.</value>
    public int MaxDelay { get; init; } = 60_000;

    /// <summary>Whether change capture ends once it has all that there was; otherwise it goes on until it is cancelled.</summary>
    /// <value>True.</value>
    public bool UntilCaughtUp { get; init; } = true;

    /// <summary>Wait between windows of change capture when there was nothing new, in milliseconds.</summary>
    /// <value>1,000.</value>
    public int IdleDelay { get; init; } = 1_000;

    internal RetryPolicy Retry => new()
    {
        MaxAttempts = Math.Max(1, MaxAttempts),
        FirstDelay = TimeSpan.FromMilliseconds(Math.Max(0, FirstDelay)),
        MaxDelay = TimeSpan.FromMilliseconds(Math.Max(0, MaxDelay)),
    };
}

/// <summary>A run of a pipeline.</summary>
/// <param name="RunId">Identity of the run: in names of staged things and in commit tokens. A run that is continued keeps it.</param>
/// <param name="Pipeline">Identity of the pipeline: what it has committed is remembered under this name.</param>
public sealed record SyncRequest(string RunId, string Pipeline)
{
    /// <summary>How it uses the machine and what it does about failures.</summary>
    public SyncSettings Settings { get; init; } = new();

    /// <summary>Names or wildcards of the streams that are wanted; empty for all.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>Variables of the run, which win over those of the process. They are kept in history and state: no place for secrets.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>What earlier generations of the run did; the run's own.</summary>
    internal SyncResult Progress { get; init; } = new();

    /// <summary>Number of streams, once planned; the run's own.</summary>
    internal int? Streams { get; init; }

    /// <summary>Whether captured streams are read anew, because their log does not reach back any more; the run's own.</summary>
    internal bool Anew { get; init; }
}

/// <summary>One stream of a run.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Stream">Position among the run's streams, from 0.</param>
public sealed record StreamTask(string RunId, string Pipeline, int Stream)
{
    /// <summary>Whether the stream is planned by every value instead of a sample, because a value contradicted the sample.</summary>
    public bool ReadEverything { get; init; }

    /// <summary>Whether a captured stream is read anew, as its position is lost: in place of all that the destination has of it, or of what differs.</summary>
    public bool Anew { get; init; }
}

/// <summary>What became of splitting a stream.</summary>
/// <param name="Position">The position of the source when all chunks are read. For a captured stream: of its log before the first chunk is read.</param>
public sealed record SplitStream(string Position)
{
    /// <summary>Rows of the source that were compared with the destination's, so that the chunks have only what differs; null when nothing was
    /// compared.</summary>
    public long? Compared { get; init; }
}

/// <summary>What a stream turned out to be.</summary>
/// <param name="Name">Its name, unique in the pipeline.</param>
public sealed record PlannedStream(string Name)
{
    /// <summary>Whether it is a snapshot followed by a log of changes.</summary>
    public bool IsCaptured { get; init; }

    /// <summary>Whether its chunks have to be moved one after the other.</summary>
    public bool TakesChunksInOrder { get; init; }
}

/// <summary>How a stream ended.</summary>
public enum SyncOutcome
{
    /// <summary>All is committed and acknowledged.</summary>
    Completed,

    /// <summary>It failed; the destination is as it was before the last commit.</summary>
    Failed,

    /// <summary>It was cancelled; the destination is as it was before the last commit.</summary>
    Cancelled,
}

/// <summary>What became of a stream.</summary>
/// <param name="Name">The stream.</param>
/// <param name="Outcome">How it ended.</param>
public sealed record StreamResult(string Name, SyncOutcome Outcome)
{
    /// <summary>Rows committed.</summary>
    public long Rows { get; init; }

    /// <summary>Bytes committed, as stored.</summary>
    public long Bytes { get; init; }

    /// <summary>Chunks moved, or windows of changes.</summary>
    public long Chunks { get; init; }

    /// <summary>Whether changes follow: it is completed when they are committed.</summary>
    public bool IsCaptured { get; init; }

    /// <summary>Rows of the source that were compared with the destination's, so that only those that differed were moved; null when nothing was
    /// compared.</summary>
    public long? Compared { get; init; }

    /// <summary>The class of its failure; null when it did not fail.</summary>
    public ErrorKind? FailureKind { get; init; }

    /// <summary>What failed and what to do.</summary>
    public string? Failure { get; init; }
}

/// <summary>What became of a run.</summary>
public sealed record SyncResult
{
    internal const int MaxFailures = 10;

    /// <summary>Streams that completed.</summary>
    public int Completed { get; init; }

    /// <summary>Streams that failed.</summary>
    public int Failed { get; init; }

    /// <summary>Streams that were cancelled, or that the run did not come to.</summary>
    public int Cancelled { get; init; }

    /// <summary>Rows committed.</summary>
    public long Rows { get; init; }

    /// <summary>Bytes committed, as stored.</summary>
    public long Bytes { get; init; }

    /// <summary>Chunks moved, or windows of changes.</summary>
    public long Chunks { get; init; }

    /// <summary>The first streams that failed.</summary>
    public IReadOnlyList<StreamResult> Failures { get; init; } = [];

    /// <summary>Streams whose snapshot is committed, and whose changes follow; the run's own.</summary>
    internal int Captured { get; init; }

    internal int Ended => Completed + Failed + Cancelled + Captured;

    internal SyncResult With(StreamResult stream) => this with
    {
        Completed = Completed + (stream is { Outcome: SyncOutcome.Completed, IsCaptured: false } ? 1 : 0),
        Captured = Captured + (stream is { Outcome: SyncOutcome.Completed, IsCaptured: true } ? 1 : 0),
        Failed = Failed + (stream.Outcome == SyncOutcome.Failed ? 1 : 0),
        Cancelled = Cancelled + (stream.Outcome == SyncOutcome.Cancelled ? 1 : 0),
        Rows = Rows + stream.Rows,
        Bytes = Bytes + stream.Bytes,
        Chunks = Chunks + stream.Chunks,
        Failures = stream.Outcome == SyncOutcome.Failed && Failures.Count < MaxFailures ? [.. Failures, stream] : Failures,
    };

    /// <summary>Adds what became of the changes of all captured streams.</summary>
    internal SyncResult With(CaptureResult changes) => this with
    {
        Completed = Completed + (changes.Outcome == SyncOutcome.Completed ? Captured : 0),
        Failed = Failed + (changes.Outcome == SyncOutcome.Failed ? Captured : 0),
        Cancelled = Cancelled + (changes.Outcome == SyncOutcome.Cancelled ? Captured : 0),
        Captured = 0,
        Rows = Rows + changes.Rows,
        Bytes = Bytes + changes.Bytes,
        Chunks = Chunks + changes.Windows,
        Failures = changes.Outcome != SyncOutcome.Failed || Failures.Count >= MaxFailures ? Failures
            : [.. Failures, new StreamResult("", SyncOutcome.Failed) { IsCaptured = true, FailureKind = changes.FailureKind, Failure = changes.Failure }],
    };
}

/// <summary>What a run or stream shows while it is under way.</summary>
/// <param name="State">running, paused, cancelling.</param>
public sealed record SyncStatus(string State)
{
    /// <summary>Parts of it: streams of a run, chunks of a stream.</summary>
    public long Total { get; init; }

    /// <summary>Parts that have ended.</summary>
    public long Done { get; init; }

    /// <summary>Parts that failed.</summary>
    public long Failed { get; init; }

    /// <summary>Rows so far.</summary>
    public long Rows { get; init; }

    /// <summary>Bytes so far, as stored.</summary>
    public long Bytes { get; init; }
}

/// <summary>What a run turned out to be.</summary>
/// <param name="Streams">Number of its streams.</param>
internal sealed record PlannedRun(int Streams);

/// <summary>A stream and how to run it.</summary>
internal sealed record StreamRequest(StreamTask Task, SyncSettings Settings)
{
    /// <summary>The name of the stream, once known.</summary>
    public string Name { get; init; } = "";
}

/// <summary>The chunks of a stream. They are in the state store, by pages.</summary>
/// <param name="Attempt">Names this way to split: another attempt at splitting has another name.</param>
/// <param name="Chunks">Number of chunks.</param>
/// <param name="Position">How far the source is read when all of them are.</param>
internal sealed record ChunkList(string Attempt, int Chunks, string Position)
{
    /// <summary>Rows that were compared to find them; null when nothing was.</summary>
    public long? Compared { get; init; }
}

/// <summary>One page of a stream's chunks.</summary>
internal sealed record PageTask(StreamTask Task, string Attempt, int Page, int First, int Count);

/// <summary>A page and how to run it.</summary>
internal sealed record PageRequest(PageTask Page, SyncSettings Settings);

/// <summary>One chunk of a page.</summary>
internal sealed record ChunkTask(PageTask Page, int Chunk);

/// <summary>What was staged.</summary>
internal sealed record Staged(long Rows, long Bytes, int Parts);

/// <summary>What is to be committed: all parts of an attempt.</summary>
internal sealed record CommitTask(StreamTask Task, string Stream, string Attempt, int Pages, string Position, long Sequence);

/// <summary>The changes of all captured streams of a run.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Pipeline">The pipeline.</param>
public sealed record CaptureTask(string RunId, string Pipeline)
{
    /// <summary>Whether logs are read as they grow; otherwise to where they end now.</summary>
    public bool Follow { get; init; }
}

/// <summary>Change capture and how to run it.</summary>
internal sealed record CaptureRequest(CaptureTask Task, SyncSettings Settings)
{
    /// <summary>What earlier generations did.</summary>
    public CaptureResult Progress { get; init; } = new();
}

/// <summary>A part of the changes that was committed and acknowledged.</summary>
public sealed record CapturedSlice
{
    /// <summary>Changes committed.</summary>
    public long Rows { get; init; }

    /// <summary>Bytes committed, as stored.</summary>
    public long Bytes { get; init; }

    /// <summary>Windows committed.</summary>
    public long Windows { get; init; }

    /// <summary>Whether there was no more.</summary>
    public bool IsCaughtUp { get; init; }

    /// <summary>Why a log does not reach back to what is committed, where everything is to be read anew then; else null.</summary>
    public string? Lost { get; init; }
}

/// <summary>What became of the changes.</summary>
internal sealed record CaptureResult
{
    /// <summary>How it ended.</summary>
    public SyncOutcome Outcome { get; init; }

    /// <summary>Changes committed.</summary>
    public long Rows { get; init; }

    /// <summary>Bytes committed, as stored.</summary>
    public long Bytes { get; init; }

    /// <summary>Windows committed.</summary>
    public long Windows { get; init; }

    /// <summary>Why everything has to be read anew; null when not.</summary>
    public string? Lost { get; init; }

    /// <summary>The class of its failure; null when it did not fail.</summary>
    public ErrorKind? FailureKind { get; init; }

    /// <summary>What failed and what to do.</summary>
    public string? Failure { get; init; }

    public CaptureResult With(CapturedSlice slice) =>
        this with { Rows = Rows + slice.Rows, Bytes = Bytes + slice.Bytes, Windows = Windows + slice.Windows, Lost = slice.Lost };
}

using Nebula.Engine.Columns;

namespace Nebula.Engine.Connectors;

/// <summary>
/// A source with a log of changes. A stream is captured by a snapshot whose position was taken first (<see cref="ISource.FindPositionAsync"/>: it also
/// makes what the log needs, so that nothing behind that position gets lost), and then by the changes behind that position.
/// </summary>
public interface IChangeSource : ISource
{
    /// <summary>Checks what the capture of streams needs (settings, rights, what keeps the log) and reports each with its remedy. Throws nothing for a failed
    /// check.</summary>
    /// <param name="streams">The streams. All have the same <see cref="ChangeCapture.Log"/>.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    Task<IReadOnlyList<CheckResult>> CheckChangesAsync(IReadOnlyList<StreamPlan> streams, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<CheckResult>>([]);

    /// <summary>Opens the log for all streams that share it, at the earliest of their positions. Their snapshots are read by then, and let go.</summary>
    /// <param name="streams">The streams, each with what is committed of it. All have the same <see cref="ChangeCapture.Log"/>.</param>
    /// <param name="context">What the run lends the reader.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <exception cref="Diagnostics.NebulaException">A position is not in the log any more, or it is the log of another server
    /// (<see cref="Diagnostics.ErrorKind.PositionLost"/>); or the log cannot be read.</exception>
    Task<IChangeReader> OpenChangesAsync(IReadOnlyList<CapturedStream> streams, ChangeContext context, CancellationToken cancellationToken);
}

/// <summary>Reads changes in the order in which they were committed. Used by one caller at a time, who may acknowledge a window while the next one is read.</summary>
public interface IChangeReader : IAsyncDisposable
{
    /// <summary>Reads the next window: as many changes as came within the bounds of the context. Waits for the first of them when the log is
    /// followed.</summary>
    /// <param name="cancellationToken">Stops the wait.</param>
    /// <returns>The window, which the caller disposes of; null at the end of a log that is not followed.</returns>
    /// <exception cref="SchemaChangedException">A stream's columns changed in a way that it cannot be read further as planned.</exception>
    /// <exception cref="Diagnostics.NebulaException">The connection broke, or a value cannot be read; what came before that was handed over.</exception>
    Task<ChangeWindow?> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Tells the log that every stream is committed up to a position, so that it need not be kept any longer.</summary>
    /// <param name="position">The position of a window that was read.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task AcknowledgeAsync(string position, CancellationToken cancellationToken);

    /// <summary>Finds how much of the log the server keeps for this reader.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>Null where that is not known.</returns>
    Task<LogRetention?> FindRetentionAsync(CancellationToken cancellationToken) => Task.FromResult<LogRetention?>(null);
}

/// <summary>How much of a log a server keeps for one that reads it.</summary>
/// <param name="Log">The log, for people: of PostgreSQL the slot.</param>
/// <param name="Bytes">Bytes that it keeps.</param>
/// <param name="BytesLeft">Bytes that may come until it keeps them no more; null when it keeps them whatever comes.</param>
public sealed record LogRetention(string Log, long Bytes, long? BytesLeft);

/// <summary>A stream whose changes are read.</summary>
/// <param name="Plan">The stream as it is read.</param>
/// <param name="From">What is committed of it.</param>
public sealed record CapturedStream(StreamPlan Plan, Checkpoint From);

/// <summary>What a run lends the reader of a log.</summary>
/// <param name="Pool">Where buffers come from.</param>
public sealed record ChangeContext(BufferPool Pool)
{
    /// <summary>Whether the log is read as it grows; otherwise up to where it ends when it is opened.</summary>
    public bool Follow { get; init; }

    /// <summary>Longest time from the first change of a window to its end.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most changes of a window. A transaction may be divided.</summary>
    public int MaxChanges { get; init; } = 250_000;

    /// <summary>About how many bytes of columns a window may have. There are two at a time: one is committed while the next is read.</summary>
    public long MaxBytes { get; init; } = 32L << 20;

    /// <summary>About how many messages of the log are asked for at a time, where the server collects them before it sends the first. Until they are
    /// acknowledged, they come again with each question.</summary>
    public int MaxAsked { get; init; } = 2_000_000;
}

/// <summary>Changes that are committed together. Owns its batches.</summary>
/// <param name="streams">The changes by stream.</param>
/// <param name="position">Where the window ends.</param>
public sealed class ChangeWindow(IReadOnlyList<StreamChanges> streams, string position) : IDisposable
{
    /// <summary>The streams that have changes.</summary>
    public IReadOnlyList<StreamChanges> Streams { get; } = streams;

    /// <summary>Where the window ends, in the words that a checkpoint of each of the streams keeps, also of those without changes.</summary>
    public string Position { get; } = position;

    /// <summary>Whether the log reads what follows only once more, beginning where was acknowledged: every stream should be committed with this window, and the
    /// position acknowledged.</summary>
    public bool IsAwaited { get; init; }

    /// <summary>Whether the window ended only because it was full, and the next one comes at once: both may be committed together.</summary>
    public bool IsFull { get; init; }

    /// <summary>Gives the batches back.</summary>
    public void Dispose()
    {
        foreach (var stream in Streams)
            foreach (var batch in stream.Batches)
                batch.Dispose();
    }
}

/// <summary>Changes of one stream.</summary>
/// <param name="Stream">Position of the stream among those that the log was opened for.</param>
/// <param name="Batches">Rows in the order of the changes: the columns of the plan as it is read, then those of <see cref="ChangeColumns.Of"/>.</param>
public sealed record StreamChanges(int Stream, IReadOnlyList<RecordBatch> Batches)
{
    /// <summary>Number of changes.</summary>
    public long Rows => Batches.Sum(static batch => (long)batch.Length);
}

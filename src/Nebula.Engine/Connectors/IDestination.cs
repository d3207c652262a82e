using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Connectors;

/// <summary>A system that rows are written to. What is written stays invisible to readers until <see cref="CommitAsync"/>.</summary>
public interface IDestination : IAsyncDisposable
{
    /// <summary>What the destination can and cannot do.</summary>
    DestinationCapabilities Capabilities { get; }

    /// <summary>Bytes that a writer holds on its own, beside what the pipeline lends: they count against a run's memory.</summary>
    long BufferBytes => 0;

    /// <summary>Bytes that are there once in a process, however many writers there are, such as the library of a service: they count against its memory.</summary>
    long LibraryBytes => 0;

    /// <summary>
    /// Names the object of a stream for which the user named none; empty when the destination's own settings say it all (the path of one file).
    /// </summary>
    /// <param name="stream">The stream's name in the source.</param>
    string NameObject(string stream) => stream;

    /// <summary>Where an object goes, for people, and to find streams that would go to the same place.</summary>
    /// <param name="objectName">The object's name; may be empty.</param>
    string LocationOf(string objectName) => objectName;

    /// <summary>
    /// How an object's columns are stored. What is lossy is refused, or converted, before the rows come; for nested types this is asked of the nesting alone,
    /// and of the children apart.
    /// </summary>
    /// <param name="objectName">The object's name; may be empty.</param>
    /// <param name="type">The type of a column, or of a child of one.</param>
    TypeMapping Map(string objectName, DataType type) => new(type.ToString());

    /// <summary>Tries everything a run will need and reports each with its remedy. Throws nothing for a failed check.</summary>
    /// <param name="cancellationToken">Stops the checks.</param>
    Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken);

    /// <summary>Tries what it takes to write streams. Throws nothing for a failed check.</summary>
    /// <param name="streams">The streams.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    /// <returns>What is missing, each with its remedy.</returns>
    Task<IReadOnlyList<CheckResult>> CheckStreamsAsync(IReadOnlyList<StreamTarget> streams, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<CheckResult>>([]);

    /// <summary>Whether a stream may come in several chunks.</summary>
    /// <param name="objectName">The object that it goes to; see <see cref="NameObject"/>.</param>
    /// <param name="write">How it is written.</param>
    /// <exception cref="Diagnostics.NebulaException">It cannot be written there at all.</exception>
    ChunkOrder ChunksOf(string objectName, WriteMode write) => ChunkOrder.Single;

    /// <summary>Readies the place that a stream goes to. What an earlier run that died left in staging goes, at the latest with the commit. The same run may
    /// call it once more, and late: what it has staged since must stay.</summary>
    /// <param name="plan">The stream as it will be written.</param>
    /// <param name="cancellationToken">Stops the preparation.</param>
    /// <returns>What was committed last, where the destination keeps account of it; else null.</returns>
    Task<Checkpoint?> PrepareAsync(StreamPlan plan, CancellationToken cancellationToken);

    /// <summary>Opens staging for a chunk. A second attempt at the same chunk replaces the first.</summary>
    /// <param name="plan">The stream as it will be written.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="context">What the run lends its writers.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken);

    /// <summary>Publishes staged parts atomically. Repeating a commit with the same token does nothing and says so.</summary>
    /// <param name="request">The parts, the checkpoint that goes with them, and the token.</param>
    /// <param name="cancellationToken">Stops the commit; it is then done or not done, never half.</param>
    Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken);

    /// <summary>Removes staged parts of a run that will not be committed.</summary>
    /// <param name="plan">The stream.</param>
    /// <param name="parts">The parts; may be empty.</param>
    /// <param name="cancellationToken">Stops the clean-up.</param>
    Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken);

    /// <summary>Where a run puts a stream, for people, and to find out whether a later run has put its own there.</summary>
    /// <param name="plan">The stream as it was written.</param>
    string LocationOf(StreamPlan plan) => LocationOf(plan.Object);

    /// <summary>Whether null and the empty text are stored as two different things in a column of text.</summary>
    /// <param name="plan">The stream as it is written.</param>
    /// <param name="column">Position of the column.</param>
    bool KeepsEmptyText(StreamPlan plan, int column) => true;

    /// <summary>Finds the rows that a commit made visible, to prove what they are. Nothing is opened yet: what is missing shows when it is.</summary>
    /// <param name="plan">The stream as it was written.</param>
    /// <param name="parts">What was committed, in the order of the chunks.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>The rows of all parts, in the order of the parts; null where what was written cannot be read again.</returns>
    Task<IReadOnlyList<CommittedRows>?> FindCommittedAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<CommittedRows>?>(null);
}

/// <summary>Writes one chunk into staging. <see cref="Encode"/> is called by many threads at once; the rest by one caller at a time.</summary>
public interface IDestinationWriter : IAsyncDisposable
{
    /// <summary>
    /// How many rows <see cref="Encode"/> should be given at once; null when any number will do, and they are then encoded by the thread that decoded them.
    /// </summary>
    RowTarget? Target => null;

    /// <summary>Turns rows into the bytes that are written. A pure function of the batch: any thread, any order.</summary>
    /// <param name="batch">The rows. They stay the caller's.</param>
    /// <returns>The bytes, which the caller disposes of.</returns>
    EncodedBlock Encode(RecordBatch batch);

    /// <summary>Writes the next block, in order.</summary>
    /// <param name="block">The block. It stays the caller's.</param>
    /// <param name="cancellationToken">Stops the write.</param>
    ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken);

    /// <summary>Makes what was written so far visible downstream where the destination is a live stream (standard output); elsewhere does nothing.</summary>
    /// <param name="cancellationToken">Stops the flush.</param>
    ValueTask FlushAsync(CancellationToken cancellationToken);

    /// <summary>Ends the part: everything is durable in staging, nothing visible.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    Task<StagedPart> CompleteAsync(CancellationToken cancellationToken);
}

/// <summary>How many rows should be encoded together (a row group, a stripe): until one of the two is reached, at the end of a part fewer.</summary>
/// <param name="Rows">Number of rows, kept exactly where rows are small enough.</param>
/// <param name="Bytes">Bytes of their columns.</param>
public readonly record struct RowTarget(int Rows, long Bytes);

/// <summary>How the chunks of a stream may come to a destination.</summary>
public enum ChunkOrder
{
    /// <summary>There may be only one.</summary>
    Single,

    /// <summary>One after the other, each given what the one before left (<see cref="WriteContext.Previous"/>).</summary>
    InOrder,

    /// <summary>In any order, and many at once.</summary>
    Any,
}

/// <summary>What a destination can do, as data.</summary>
public sealed record DestinationCapabilities
{
    /// <summary>Whether the destination keeps types. A destination of plain text (CSV) does not: it is given the source's own text.</summary>
    public bool KeepsTypes { get; init; } = true;

    /// <summary>Whether the destination holds lists, structs and maps. One that does not is given them as JSON text.</summary>
    public bool KeepsNesting { get; init; } = true;

    /// <summary>Whether the destination can merge rows by their key; one that cannot adds them.</summary>
    public bool MergesRows { get; init; }

    /// <summary>Whether what the destination has outlives a run with a schema of its own, which <see cref="StreamPlan.Contract"/> is about.</summary>
    public bool KeepsSchema { get; init; }

    /// <summary>Whether the destination can hold a table without columns, as a source without records may be.</summary>
    public bool AllowsNoColumns { get; init; }

    /// <summary>Whether a run that failed can be started again without a trace of the first attempt (not so for standard output).</summary>
    public bool CanRestart { get; init; } = true;

    /// <summary>Whether one stream after the other can be written to the same place (not so for a single file).</summary>
    public bool AcceptsManyStreams { get; init; } = true;
}

using System.Collections.Immutable;
using System.Collections.ObjectModel;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Connectors;

/// <summary>The outcome of one check of a connector.</summary>
/// <param name="Name">What was checked.</param>
/// <param name="Passed">Whether it holds.</param>
/// <param name="Detail">What was found, and when it failed: what to do.</param>
public sealed record CheckResult(string Name, bool Passed, string Detail);

/// <summary>Where a stream is to go, before it is planned.</summary>
/// <param name="Stream">Its name.</param>
/// <param name="Object">The object that it goes to.</param>
/// <param name="Write">What becomes of the rows that are there; where that depends on whether the stream has a key, as if it had one.</param>
/// <param name="Capture">How its changes are captured; null when they are not.</param>
public sealed record StreamTarget(string Stream, string Object, WriteMode Write, ChangeCapture? Capture);

/// <summary>What to look for in a source.</summary>
public sealed record DiscoverRequest
{
    /// <summary>Names or wildcards of the streams wanted; empty for all.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];

    /// <summary>Whether everything that matches is one stream, instead of a stream each.</summary>
    public bool AsOneStream { get; init; }

    /// <summary>Whether only names and sizes are wanted: schemas stay empty, and nothing is opened for them. Where sizes cost more than a list of names does,
    /// they may be left out unless <see cref="Streams"/> says which are wanted.</summary>
    public bool NamesOnly { get; init; }

    /// <summary>Whether types must be known. A destination of plain text does not need them.</summary>
    public bool InferTypes { get; init; } = true;

    /// <summary>Whether every value is looked at, instead of a sample, so that the types found cannot be contradicted later.</summary>
    public bool ReadEverything { get; init; }

    /// <summary>Types fixed by the user, by column name; they are not inferred.</summary>
    public IReadOnlyDictionary<string, DataType> Types { get; init; } = ReadOnlyDictionary<string, DataType>.Empty;

    /// <summary>Statement in the source's SQL whose rows are the one stream asked for; null for streams that the source has.</summary>
    public string? Sql { get; init; }
}

/// <summary>The streams that a source offers.</summary>
/// <param name="Streams">The streams.</param>
public sealed record Catalog(IReadOnlyList<CatalogStream> Streams);

/// <summary>One stream of a source.</summary>
/// <param name="Name">Its name, unique in the source.</param>
/// <param name="Schema">Its columns as the source has them.</param>
public sealed record CatalogStream(string Name, Schema Schema)
{
    /// <summary>Columns that identify a row; empty when none are known.</summary>
    public IReadOnlyList<string> PrimaryKey { get; init; } = [];

    /// <summary>Bytes as stored; null when unknown.</summary>
    public long? Bytes { get; init; }

    /// <summary>Number of rows, possibly estimated; null when unknown.</summary>
    public long? Rows { get; init; }

    /// <summary>
    /// What was found out about the stream and is needed to read it (a CSV file's delimiter, for example), for people and for the source itself.
    /// </summary>
    public IReadOnlyDictionary<string, string> Details { get; init; } = ReadOnlyDictionary<string, string>.Empty;
}

/// <summary>One column as a run reads and writes it.</summary>
/// <param name="SourceName">Its name in the source.</param>
/// <param name="Field">Name and type at the destination.</param>
public sealed record PlannedColumn(string SourceName, Field Field)
{
    /// <summary>Whether the user fixed the type: a value that does not fit is then a bad row, never a reason to widen the column.</summary>
    public bool TypeIsFixed { get; init; }
}

/// <summary>A stream as a run reads and writes it: the source's columns after selection, renames and casts.</summary>
public sealed record StreamPlan
{
    /// <summary>The stream as the source describes it.</summary>
    public required CatalogStream Stream { get; init; }

    /// <summary>The columns read, in the order written.</summary>
    public required ImmutableArray<PlannedColumn> Columns { get; init; }

    /// <summary>Where the destination puts it: a path, a table; templates resolved.</summary>
    public required string Object { get; init; }

    /// <summary>Identity of the run, for names of staged things.</summary>
    public required string RunId { get; init; }

    /// <summary>What happens to values that a cast would change.</summary>
    public LossyPolicy Lossy { get; init; }

    /// <summary>
    /// Whether only what is new since the last commit is read, and added to what the destination has; otherwise everything, in place of that.
    /// </summary>
    public bool IsIncremental { get; init; }

    /// <summary>What becomes of the rows that the destination has.</summary>
    public WriteMode Write { get; init; }

    /// <summary>The columns that identify a row, by their names at the destination; empty when none do. Always there for
    /// <see cref="WriteMode.Merge"/>.</summary>
    public ImmutableArray<string> PrimaryKey { get; init; } = [];

    /// <summary>What the table at the destination may become.</summary>
    public SchemaContract Contract { get; init; } = new();

    /// <summary>How its changes are captured; null when they are not.</summary>
    public ChangeCapture? Capture { get; init; }

    /// <summary>The column that an incremental read follows; null for what the source has of its own.</summary>
    public IncrementalCursor? Cursor { get; init; }

    /// <summary>Condition on the rows that are read, in the source's SQL; null for all.</summary>
    public string? Where { get; init; }

    /// <summary>Statement in the source's SQL whose rows are the stream; null for a stream that the source has.</summary>
    public string? Sql { get; init; }

    /// <summary>When the run started, UTC: for names with dates in them.</summary>
    public DateTime StartedAt { get; init; }

    /// <summary>The columns at the destination.</summary>
    public Schema Schema { get; private init; } = null!;

    /// <summary>Completes a plan after its columns were set.</summary>
    public StreamPlan Build() => this with { Schema = new Schema(Columns.Select(static column => column.Field)) };
}

/// <summary>What becomes of the rows that a destination has.</summary>
public enum WriteMode
{
    /// <summary>They go, and what was read takes their place.</summary>
    Replace,

    /// <summary>They stay; what was read is added.</summary>
    Append,

    /// <summary>Those with the same key as a row that was read take its values; the others stay.</summary>
    Merge,
}

/// <summary>What a table that is there may become.</summary>
public sealed record SchemaContract
{
    /// <summary>Whether a table is made where there is none; otherwise that is an error.</summary>
    /// <value>True.</value>
    public bool MakesTables { get; init; } = true;

    /// <summary>What happens with a column that the table lacks.</summary>
    public NewColumnPolicy NewColumns { get; init; }

    /// <summary>Whether a column that is too narrow becomes wider; otherwise that is an error.</summary>
    /// <value>True.</value>
    public bool WidensTypes { get; init; } = true;

    /// <summary>Whether a column that the source has no more stays, null in new rows; otherwise that is an error.</summary>
    /// <value>True.</value>
    public bool KeepsDropped { get; init; } = true;
}

/// <summary>What happens with a column that a table lacks.</summary>
public enum NewColumnPolicy
{
    /// <summary>It is added.</summary>
    Add,

    /// <summary>The stream fails.</summary>
    Fail,

    /// <summary>Its values are left out.</summary>
    LeaveOut,
}

/// <summary>What an incremental read follows.</summary>
/// <param name="Column">A column, by its name in the source, that grows with every new or changed row.</param>
/// <param name="Lookback">How far before its last value is read again, as the user wrote it: a duration or a number; null for not at all.</param>
public sealed record IncrementalCursor(string Column, string? Lookback);

/// <summary>How the changes of a stream are captured.</summary>
/// <param name="Log">Names the log at the source, in the source's own words: streams with the same name are read together.</param>
public sealed record ChangeCapture(string Log)
{
    /// <summary>What a delete at the source does at a destination that merges.</summary>
    public DeleteHandling Deletes { get; init; }

    /// <summary>What is done when the log does not reach back to the position any more.</summary>
    public PositionLoss OnPositionLost { get; init; }

    /// <summary>Whether there is no snapshot: only changes that come from now on.</summary>
    public bool ChangesOnly { get; init; }

    /// <summary>Options of the log, for the source.</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = ReadOnlyDictionary<string, string>.Empty;
}

/// <summary>What a delete at the source does at a destination that merges.</summary>
public enum DeleteHandling
{
    /// <summary>The row stays, and its <see cref="ChangeColumns.Operation"/> tells that it is gone.</summary>
    Soft,

    /// <summary>The row goes.</summary>
    Hard,

    /// <summary>Nothing.</summary>
    Ignore,
}

/// <summary>What is done when a log does not reach back to what is committed.</summary>
public enum PositionLoss
{
    /// <summary>The run fails.</summary>
    Fail,

    /// <summary>The stream is read anew, and takes the place of what the destination has.</summary>
    Resnapshot,

    /// <summary>Source and destination are compared (<see cref="IRangeHashes"/>), and only rows that differ are read anew.</summary>
    Repair,
}

/// <summary>What happens with a row that cannot be read.</summary>
public enum BadRowPolicy
{
    /// <summary>The run ends; nothing is committed.</summary>
    Fail,

    /// <summary>The row is left out and counted.</summary>
    Skip,

    /// <summary>The row goes to the quarantine file with its place and the reason, and is counted.</summary>
    Quarantine,
}

/// <summary>A unit of work that can be read, retried and checkpointed on its own. Small and serialisable: it travels through orchestration history.</summary>
/// <param name="Index">Position among the chunks of its stream, from 0.</param>
/// <param name="Description">What the source needs to open it again, in the source's own words (files, byte ranges, key ranges).</param>
public sealed record Chunk(int Index, string Description)
{
    /// <summary>Bytes as stored; null when unknown.</summary>
    public long? Bytes { get; init; }

    /// <summary>
    /// Whether it is known to be all of its stream, so that nothing will ever be joined with it. A hint for destinations: false says nothing.
    /// </summary>
    public bool IsWhole { get; init; }

    /// <summary>The keys whose rows it has, all of them: what the destination has of these keys besides is gone. Null when a chunk says nothing of rows that it
    /// has not.</summary>
    public KeySet? Keys { get; init; }
}

/// <summary>How a stream is to be split.</summary>
public sealed record SplitRequest
{
    /// <summary>What was committed before; null for a first or full read.</summary>
    public Checkpoint? From { get; init; }

    /// <summary>About how many stored bytes a chunk should have; null when there must be one chunk only.</summary>
    public long? ChunkBytes { get; init; }

    /// <summary>The keys that are wanted of a source that is an <see cref="IRangeHashes"/>, a chunk for each (<see cref="Chunk.Keys"/>); null for all
    /// rows.</summary>
    public IReadOnlyList<KeySet>? Keys { get; init; }
}

/// <summary>How far a stream was committed. Small and serialisable.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Position">The source's own words for the position.</param>
/// <param name="Sequence">Number of commits so far.</param>
public sealed record Checkpoint(string Stream, string Position, long Sequence);

/// <summary>What a writer left in staging. Small and serialisable.</summary>
/// <param name="ChunkIndex">The chunk it holds.</param>
/// <param name="Location">Where it is, in the destination's own words.</param>
/// <param name="Rows">Rows in it.</param>
/// <param name="Bytes">Bytes as stored.</param>
public sealed record StagedPart(int ChunkIndex, string Location, long Rows, long Bytes)
{
    /// <summary>Stands for the values of its rows, in the order of the columns of the plan; null when they were not hashed.</summary>
    public ContentHash? Hash { get; init; }

    /// <summary>The keys whose rows it has, as its chunk said. With the part, rows of the destination that have one of these keys and are not in the part are
    /// deleted, in the way of <see cref="ChangeCapture.Deletes"/>.</summary>
    public KeySet? Keys { get; init; }
}

/// <summary>Committed rows that can be read again on their own: those of one part, or of parts that lie one behind the other.</summary>
/// <param name="FirstPart">Position of the first of the parts, in their order.</param>
/// <param name="PartCount">Number of parts.</param>
/// <param name="Location">Where the rows are, for people.</param>
/// <param name="OpenAsync">Opens them for reading: columns and types are those of the plan, and rows of a later part
/// come behind those of an earlier one.</param>
public sealed record CommittedRows(int FirstPart, int PartCount, string Location, Func<ReadContext, CancellationToken, Task<ISourceReader>> OpenAsync)
{
    /// <summary>Whether the rows of its parts are mixed, so that they can be compared only as a whole.</summary>
    public bool AreMixed { get; init; }
}

/// <summary>A request to publish staged parts.</summary>
/// <param name="Plan">The stream.</param>
/// <param name="Parts">Its parts in the order of their chunks.</param>
/// <param name="Checkpoint">How far the stream is committed after this.</param>
/// <param name="Token">Identity of the commit: the same token is never applied twice.</param>
public sealed record CommitRequest(StreamPlan Plan, IReadOnlyList<StagedPart> Parts, Checkpoint? Checkpoint, string Token)
{
    /// <summary>
    /// The sequence that the destination must be at, where it keeps account: one that is further has seen a newer run. Null when nobody counts.
    /// </summary>
    public long? ExpectedSequence { get; init; }
}

/// <summary>The outcome of a commit.</summary>
/// <param name="Locations">What readers can now see, for the summary.</param>
/// <param name="AlreadyCommitted">Whether an earlier commit with the same token had done the work.</param>
public sealed record CommitReceipt(IReadOnlyList<string> Locations, bool AlreadyCommitted = false);

/// <summary>A row that could not be read.</summary>
/// <param name="Location">Where it is: file, line, column.</param>
/// <param name="Reason">What is wrong with it, in words.</param>
/// <param name="Raw">The row's bytes as they stand in the source, without the line end.</param>
public sealed record RejectedRow(Diagnostics.SourceLocation Location, string Reason, ReadOnlyMemory<byte> Raw);

/// <summary>What a run lends the readers of its chunks.</summary>
/// <param name="Pool">Where buffers come from.</param>
/// <param name="BlockSize">Bytes that a block should have. One record may need more.</param>
public sealed record ReadContext(BufferPool Pool, int BlockSize)
{
    /// <summary>Most bytes that one record may have; more is an error of the data.</summary>
    public int MaxRecordSize { get; init; } = BufferPool.MaxCapacity;

    /// <summary>Whether blocks should be handed on as soon as bytes arrive instead of filled: small and streaming loads.</summary>
    public bool PreferLatency { get; init; }
}

/// <summary>What a run lends the writers of its chunks.</summary>
/// <param name="Pool">Where buffers come from.</param>
public sealed record WriteContext(BufferPool Pool)
{
    /// <summary>What the chunk before this one left in staging, for a destination that takes chunks in their order; null for the first.</summary>
    public StagedPart? Previous { get; init; }
}

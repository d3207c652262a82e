using System.Collections.ObjectModel;
using Nebula.Engine.Columns;
using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;
using Nebula.Engine.Verification;

namespace Nebula.Engine.Pipeline;

/// <summary>What a user asked of one stream.</summary>
public sealed record StreamRequest
{
    /// <summary>Names or wildcards of the source's streams that it is made of; empty for all that the source offers.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];

    /// <summary>Whether all that matches is one stream.</summary>
    public bool AsOneStream { get; init; }

    /// <summary>Where the destination puts it; empty when the destination's own path says it all.</summary>
    public string Object { get; init; } = "";

    /// <summary>The columns that are read.</summary>
    public ColumnSelection Select { get; init; } = ColumnSelection.All;

    /// <summary>Types fixed by the user, by the source's column name.</summary>
    public IReadOnlyDictionary<string, DataType> Types { get; init; } = ReadOnlyDictionary<string, DataType>.Empty;

    /// <summary>New names, by the source's column name.</summary>
    public IReadOnlyDictionary<string, string> Names { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>What happens where values or their meaning would get lost.</summary>
    public LossyPolicy Lossy { get; init; }

    /// <summary>Whether only what is new since the last commit is read.</summary>
    public bool IsIncremental { get; init; }

    /// <summary>What becomes of the rows that the destination has; null when what is read and what the destination can do decide.</summary>
    public WriteMode? Write { get; init; }

    /// <summary>Columns that identify a row, by their names in the source; empty for the source's own key.</summary>
    public IReadOnlyList<string> PrimaryKey { get; init; } = [];

    /// <summary>What the table at the destination may become.</summary>
    public SchemaContract Contract { get; init; } = new();

    /// <summary>How changes are captured; null when they are not.</summary>
    public ChangeCapture? Capture { get; init; }

    /// <summary>The column that an incremental read follows; null for what the source has of its own.</summary>
    public IncrementalCursor? Cursor { get; init; }

    /// <summary>Condition on the rows that are read, in the source's SQL; null for all.</summary>
    public string? Where { get; init; }

    /// <summary>Statement in the source's SQL whose rows are the stream; null for a stream that the source has.</summary>
    public string? Sql { get; init; }

    /// <summary>What becomes of the rows that a destination has.</summary>
    /// <param name="capabilities">What the destination can do.</param>
    /// <param name="hasKey">Whether rows can be told apart by a key, all of which is read; taken for granted until that is known.</param>
    public WriteMode WriteInto(DestinationCapabilities capabilities, bool hasKey = true) => Write
        ?? (!IsIncremental && Capture is null ? WriteMode.Replace : capabilities.MergesRows && hasKey ? WriteMode.Merge : WriteMode.Append);

    /// <summary>Whether it is part of the result that what was committed is known: rows are not all read, or are added to what is there.</summary>
    public bool NeedsAccount => IsIncremental || Capture is not null || Write is WriteMode.Append or WriteMode.Merge;

    /// <summary>When the run started, UTC: for names with dates in them.</summary>
    /// <value>Now.</value>
    public DateTime StartedAt { get; init; } = DateTime.UtcNow;
}

/// <summary>The outcome of a stream's run.</summary>
/// <param name="Plan">The stream as it was written.</param>
/// <param name="Receipt">What was published.</param>
/// <param name="Parts">What was committed.</param>
/// <param name="Restarts">How often it started again because a value contradicted the types inferred from the sample.</param>
/// <remarks>A value: what asynchronous methods need for a result that is an object is compiled ahead only together with the runtime, else at every start.</remarks>
public readonly record struct StreamResult(StreamPlan Plan, CommitReceipt Receipt, IReadOnlyList<StagedPart> Parts, int Restarts)
{
    /// <summary>The stream as it was read.</summary>
    public required StreamPlan Read { get; init; }

    /// <summary>Bytes as stored at the destination.</summary>
    public long StoredBytes => Parts.Sum(static part => part.Bytes);
}

/// <summary>
/// Runs one stream from a source to a destination: plan, prepare, transfer, commit, acknowledge; as a whole, or step by step for whoever orchestrates it.
/// </summary>
/// <param name="source">Where rows come from.</param>
/// <param name="destination">Where they go.</param>
/// <param name="options">How much of the machine it may use.</param>
/// <param name="pool">Where buffers come from.</param>
/// <param name="runId">Identity of the run.</param>
/// <param name="metrics">Takes the counts; null for counts of its own.</param>
public sealed class StreamRun(
    ISource source, IDestination destination, PipelineOptions options, BufferPool pool, string runId, PipelineMetrics? metrics = null)
{
    /// <summary>The counts so far.</summary>
    public PipelineMetrics Metrics { get; } = metrics ?? new();

    /// <summary>Raised when the run starts again with types inferred from every value; the text says why.</summary>
    public event Action<string>? Restarting;

    /// <summary>Raised when the columns are known, again after a restart.</summary>
    public event Action<StreamPlan>? Planned;

    /// <summary>Raised before rows move, for each column that loses something and was allowed to.</summary>
    public event Action<string>? Warned;

    /// <summary>Finds the stream's columns and applies selection, renames and casts.</summary>
    /// <param name="request">What the user asked.</param>
    /// <param name="readEverything">Whether types come from every value instead of a sample.</param>
    /// <param name="cancellationToken">Stops the plan.</param>
    public async Task<StreamPlan> PlanAsync(StreamRequest request, bool readEverything, CancellationToken cancellationToken)
    {
        var catalog = await source.DiscoverAsync(
            new DiscoverRequest
            {
                Streams = request.Streams,
                AsOneStream = request.AsOneStream,
                InferTypes = destination.Capabilities.KeepsTypes,
                ReadEverything = readEverything,
                Types = request.Types,
                Sql = request.Sql,
            },
            cancellationToken).ConfigureAwait(false);
        var stream = catalog.Streams.Count == 1 ? catalog.Streams[0] : throw NebulaException.Configuration(
            $"{catalog.Streams.Count} streams match where one is needed. Name one, or set 'single: true' to read them as one.");
        var columns = PlannedColumns.Of(stream, request, destination.Capabilities);
        var (write, key) = PlannedKey.Of(stream, request, columns, destination.Capabilities);
        if (request.Capture is { OnPositionLost: PositionLoss.Repair } && write != WriteMode.Merge)
            throw NebulaException.Configuration($"{stream.Name} cannot be repaired when the position of its log is lost: "
                + (key.IsEmpty ? "it has no key by which its rows could be compared" : "the target adds every change, so that it has no rows to compare")
                + ". Use 'on_position_lost: resnapshot'.");
        return new StreamPlan
        {
            Stream = stream,
            Columns = columns,
            Object = request.Object,
            RunId = runId,
            Lossy = request.Lossy,
            IsIncremental = request.IsIncremental,
            Write = write,
            PrimaryKey = key,
            Contract = request.Contract,
            Capture = request.Capture,
            Cursor = request.Cursor,
            Where = request.Where,
            Sql = request.Sql,
            StartedAt = request.StartedAt,
        }.Build();
    }

    /// <summary>Runs the stream to its commit. Nothing is visible before that, and nothing is left behind when it fails.</summary>
    /// <param name="request">What the user asked.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <exception cref="NebulaException">The run failed; the destination is as it was.</exception>
    public async Task<StreamResult> RunAsync(StreamRequest request, CancellationToken cancellationToken)
    {
        var plan = await PlanAsync(request, readEverything: false, cancellationToken).ConfigureAwait(false);
        try
        {
            return await TransferAsync(plan, restarts: 0, cancellationToken).ConfigureAwait(false);
        }
        catch (SchemaContradictionException e) when (destination.Capabilities.CanRestart && source.CanRestart)
        {
            Restarting?.Invoke(e.Message);
            Metrics.Reset();
        }
        plan = await PlanAsync(request, readEverything: true, cancellationToken).ConfigureAwait(false);
        return await TransferAsync(plan, restarts: 1, cancellationToken).ConfigureAwait(false);
    }

    private async Task<StreamResult> TransferAsync(StreamPlan plan, int restarts, CancellationToken cancellationToken)
    {
        var written = PlanWritten(plan);
        await destination.PrepareAsync(written, cancellationToken).ConfigureAwait(false);
        Metrics.TotalBytes = plan.Stream.Bytes;
        var parts = new List<StagedPart>();
        try
        {
            await foreach (var chunk in source.SplitAsync(plan, new SplitRequest(), cancellationToken).ConfigureAwait(false))
                parts.Add(await TransferAsync(plan, written, chunk, previous: null, cancellationToken).ConfigureAwait(false));
            var token = $"{runId}/{plan.Stream.Name}";
            var receipt = await destination.CommitAsync(new CommitRequest(written, parts, null, token), cancellationToken).ConfigureAwait(false);
            await source.AcknowledgeAsync(new Checkpoint(plan.Stream.Name, "", 1), cancellationToken).ConfigureAwait(false);
            return new StreamResult(written, receipt, parts, restarts) { Read = plan };
        }
        catch
        {
            await destination.AbortAsync(written, parts, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Finds out how the destination stores the columns of a plan, and tells those who listen.</summary>
    /// <param name="plan">The stream as it is read.</param>
    /// <returns>The stream as it is written.</returns>
    /// <exception cref="NebulaException">A column cannot be stored, or would lose something and must not.</exception>
    public StreamPlan PlanWritten(StreamPlan plan)
    {
        var written = WrittenColumns.Of(plan, destination, warning => Warned?.Invoke(warning));
        if (plan.Capture is not null)
            written = ChangeRows.AddColumns(written);
        Planned?.Invoke(written);
        return written;
    }

    /// <summary>Moves one chunk into staging.</summary>
    /// <param name="plan">The stream as it is read.</param>
    /// <param name="written">The stream as it is written.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="previous">What the chunk before left, for a destination that takes chunks in their order.</param>
    /// <param name="cancellationToken">Stops the transfer.</param>
    /// <exception cref="NebulaException">A row cannot be read, or a system cannot be reached; nothing of the chunk is kept.</exception>
    public async Task<StagedPart> TransferAsync(StreamPlan plan, StreamPlan written, Chunk chunk, StagedPart? previous, CancellationToken cancellationToken)
    {
        var readContext = new ReadContext(pool, options.BlockSize) { MaxRecordSize = options.MaxRecordSize, PreferLatency = options.PreferLatency };
        var reader = await source.OpenAsync(plan, chunk, readContext, cancellationToken).ConfigureAwait(false);
        if (plan.Capture is not null)
            reader = new SnapshotReader(reader, plan, written, pool);
        else if (!ReferenceEquals(plan, written))
            reader = new ConvertingReader(reader, plan, written, pool);
        await using (reader.ConfigureAwait(false))
        {
            var writer = await destination.OpenAsync(written, chunk, new WriteContext(pool) { Previous = previous }, cancellationToken).ConfigureAwait(false);
            await using (writer.ConfigureAwait(false))
            {
                if (options.Verify == VerifyMode.Chunk)
                    writer = new HashingWriter(writer, ReadBack.HasherOf(destination, written, pool));
                var pipeline = new ChunkPipeline(reader, writer, options, pool, Metrics);
                await pipeline.RunAsync(cancellationToken).ConfigureAwait(false);
                var part = await writer.CompleteAsync(cancellationToken).ConfigureAwait(false);
                part = part with { Keys = chunk.Keys };
                return part.Rows == pipeline.RowsWritten || options.Verify == VerifyMode.Off ? part : throw new NebulaException(ErrorKind.Verification,
                    $"{pipeline.RowsWritten:N0} rows of chunk {chunk.Index} were encoded, but {part.Rows:N0} are in what was written of it. "
                    + "Nothing was committed. This is a defect of the destination: report it.");
            }
        }
    }
}

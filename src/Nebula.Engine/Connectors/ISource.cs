using Nebula.Engine.Columns;

namespace Nebula.Engine.Connectors;

/// <summary>A system that rows are read from. Made per run from its options; used by one run at a time.</summary>
public interface ISource : IAsyncDisposable
{
    /// <summary>Whether a stream can be read again from its start (not so for standard input).</summary>
    bool CanRestart { get; }

    /// <summary>Bytes that a reader holds on its own, beside what the pipeline lends: they count against a run's memory.</summary>
    long BufferBytes => 0;

    /// <summary>Bytes that are there once in a process, however many readers there are, such as the library of a service: they count against its memory.</summary>
    long LibraryBytes => 0;

    /// <summary>
    /// Tries everything a run will need (reachability, credentials, rights) and reports each with its remedy. Throws nothing for a failed check.
    /// </summary>
    /// <param name="cancellationToken">Stops the checks.</param>
    Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken);

    /// <summary>Tries what it takes to read streams. Throws nothing for a failed check.</summary>
    /// <param name="streams">Their names, or wildcards; what only a wildcard means may be left out of a run, and so is no fault.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    /// <returns>What is missing, each with its remedy.</returns>
    Task<IReadOnlyList<CheckResult>> CheckStreamsAsync(IReadOnlyList<string> streams, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<CheckResult>>([]);

    /// <summary>Finds the streams that the source offers, with their schemas.</summary>
    /// <param name="request">Which streams are wanted, and how hard to look.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="Diagnostics.NebulaException">The source cannot be read, or a requested stream does not exist.</exception>
    Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Tells how far the source will have been read when all chunks of a stream are: of a source with a log, its end before the first chunk is read.
    /// </summary>
    /// <param name="plan">The stream as it will be read.</param>
    /// <param name="from">What was committed before; null for a first or full read.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The position in the source's own words; empty when it keeps none.</returns>
    Task<string> FindPositionAsync(StreamPlan plan, Checkpoint? from, CancellationToken cancellationToken) => Task.FromResult("");

    /// <summary>Splits a stream into chunks that can be read independently, numbered from 0 in the order of their rows.</summary>
    /// <param name="plan">The stream as it will be read.</param>
    /// <param name="request">How it is to be split. The same request on an unchanged source gives the same chunks.</param>
    /// <param name="cancellationToken">Stops the split.</param>
    IAsyncEnumerable<Chunk> SplitAsync(StreamPlan plan, SplitRequest request, CancellationToken cancellationToken);

    /// <summary>Opens a chunk for reading.</summary>
    /// <param name="plan">The stream as it will be read.</param>
    /// <param name="chunk">The chunk, as <see cref="SplitAsync"/> made it.</param>
    /// <param name="context">What the run lends its readers.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken);

    /// <summary>Tells the source that everything up to the checkpoint is committed at the destination.</summary>
    /// <param name="checkpoint">What was committed.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken);
}

/// <summary>Reads one chunk. <see cref="FetchAsync"/> is called by one caller at a time; <see cref="Decode"/> by many threads at once.</summary>
public interface ISourceReader : IAsyncDisposable
{
    /// <summary>Bytes of the chunk as stored (before decompression), for progress; null when unknown.</summary>
    long? TotalBytes { get; }

    /// <summary>How many of <see cref="TotalBytes"/> were read so far.</summary>
    long BytesRead { get; }

    /// <summary>What the summary of the run says of how the chunk was read, in a few words; null for nothing.</summary>
    string? Note => null;

    /// <summary>How many line ends stand in front of the chunk in the first of its files: asked only to tell where an error is.</summary>
    long CountLinesBefore() => 0;

    /// <summary>Fetches the next block of whole records.</summary>
    /// <param name="cancellationToken">Stops the fetch.</param>
    /// <returns>The block, which the caller disposes of; null at the end of the chunk.</returns>
    ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken);

    /// <summary>Turns a block into rows. A pure function of the block and the plan: any thread, any order.</summary>
    /// <param name="block">The block. It stays the caller's, but <see cref="RawBlock.ReleaseGiant"/> may be called before the last batch is handed
    /// over.</param>
    /// <param name="sink">Takes the batches, in order, and the rows that could not be read.</param>
    /// <exception cref="Diagnostics.DataFormatException">The block cannot be read at all; what comes behind it neither. Its line is counted from the start of
    /// the block.</exception>
    /// <exception cref="SchemaContradictionException">A value does not fit the inferred type of its column. Its line is counted from the start of the
    /// block.</exception>
    void Decode(RawBlock block, IDecodeSink sink);
}

/// <summary>Takes what <see cref="ISourceReader.Decode"/> makes of a block.</summary>
public interface IDecodeSink
{
    /// <summary>Takes the next rows of the block, and their ownership.</summary>
    /// <param name="batch">The rows.</param>
    void Add(RecordBatch batch);

    /// <summary>Takes a row that could not be read. What becomes of it is decided later, in the order of the source.</summary>
    /// <param name="row">The row and what is wrong with it; its line is counted from the start of the block.</param>
    void Reject(RejectedRow row);

    /// <summary>Tells how many line ends the block has, so that lines of later blocks can be numbered.</summary>
    /// <param name="count">Number of line ends.</param>
    void Lines(long count);
}

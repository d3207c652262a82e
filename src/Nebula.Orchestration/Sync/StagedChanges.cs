using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;

namespace Nebula.Orchestration.Sync;

/// <summary>Changes of a stream that are staged, window by window, until one commit takes them all.</summary>
internal sealed class StagedChanges : IAsyncDisposable
{
    private readonly IDestinationWriter _writer;

    private StagedChanges(IDestinationWriter writer) => _writer = writer;

    /// <summary>Number of changes.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes of the columns that they came in.</summary>
    public long Bytes { get; private set; }

    /// <summary>Begins.</summary>
    /// <param name="destination">Where they go.</param>
    /// <param name="plan">The stream as it is written, by the commit that is to come.</param>
    /// <param name="pool">Where buffers come from.</param>
    public static async Task<StagedChanges> OpenAsync(IDestination destination, StreamPlan plan, BufferPool pool) => new(
        await destination.OpenAsync(plan, new Chunk(0, "changes"), new WriteContext(pool), CancellationToken.None).ConfigureAwait(false));

    /// <summary>Stages more.</summary>
    /// <param name="batches">The changes, as they are written. They stay the caller's.</param>
    public async Task AddAsync(IReadOnlyList<RecordBatch> batches)
    {
        foreach (var batch in batches)
        {
            using var block = _writer.Encode(batch);
            await _writer.WriteAsync(block, CancellationToken.None).ConfigureAwait(false);
            Rows += batch.Length;
            Bytes += batch.BufferBytes;
        }
    }

    /// <summary>Ends the staging.</summary>
    public Task<StagedPart> CompleteAsync() => _writer.CompleteAsync(CancellationToken.None);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _writer.DisposeAsync();
}

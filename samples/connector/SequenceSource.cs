using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;

namespace Nebula.Samples.Connector;

/// <summary>What there is to read: one stream, one chunk.</summary>
internal sealed class SequenceSource(long rows) : ISource
{
    private const string Name = "sequence";
    private static readonly Schema Columns = new([new Field("number", DataType.Int64, nullable: false), new Field("root", DataType.Float64, nullable: false)]);

    public bool CanRestart => true;

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("rows", true, $"{rows} rows can be made")]);

    public Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken) =>
        Task.FromResult(new Catalog([new CatalogStream(Name, Columns) { Rows = rows }]));

    public async IAsyncEnumerable<Chunk> SplitAsync(
        StreamPlan plan, SplitRequest request, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        yield return new Chunk(0, Name);
    }

    public Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken) =>
        Task.FromResult<ISourceReader>(new SequenceReader(plan, context, rows));

    public Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => default;
}

using System.Globalization;
using System.Runtime.CompilerServices;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Samples.Connector;

/// <summary>What there is to read: one stream, in chunks of consecutive numbers.</summary>
internal sealed class SequenceSource(long rows) : ISource
{
    private const string Name = "sequence";
    private static readonly Schema Columns = new([new Field("number", DataType.Int64, nullable: false), new Field("root", DataType.Float64, nullable: false)]);

    public bool CanRestart => true;

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<CheckResult>>([new CheckResult("rows", true, $"{rows} rows can be made")]);

    public Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken) =>
        request.Streams.FirstOrDefault(static stream => stream is not (Name or "*")) is { } unknown
            ? throw NebulaException.NotFound($"There is no stream '{unknown}'. The only one is '{Name}'.")
            : Task.FromResult(new Catalog([new CatalogStream(Name, Columns) { Rows = rows }]));

    /// <summary>A chunk says itself which numbers it has: whoever opens it, may be another process, needs nothing else.</summary>
    public async IAsyncEnumerable<Chunk> SplitAsync(
        StreamPlan plan, SplitRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        var size = request.ChunkBytes is { } bytes ? Math.Max(1, bytes / SequenceReader.RowWidth) : long.MaxValue;
        var index = 0;
        for (var before = 0L; before < rows || index == 0; before += Math.Min(size, rows - before))
            yield return new Chunk(index++, string.Create(CultureInfo.InvariantCulture, $"{before}+{Math.Min(size, rows - before)}"));
    }

    public Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken)
    {
        var range = chunk.Description.Split('+');
        var before = long.Parse(range[0], CultureInfo.InvariantCulture);
        return Task.FromResult<ISourceReader>(new SequenceReader(plan, context, before, before + long.Parse(range[1], CultureInfo.InvariantCulture)));
    }

    public Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => default;
}

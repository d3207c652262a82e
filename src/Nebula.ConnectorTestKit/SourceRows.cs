using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.ConnectorTestKit;

/// <summary>Reads with a source what a destination has written.</summary>
public static class SourceRows
{
    private const int BlockSize = 1 << 16;

    /// <summary>Reads all rows of a stream, with the columns and types of a plan.</summary>
    /// <param name="source">The source; it stays the caller's.</param>
    /// <param name="streams">Names of the stream at the source; empty where it has only one.</param>
    /// <param name="plan">The stream as it was written.</param>
    /// <param name="cancellationToken">Stops the read.</param>
    /// <returns>The rows; none where the stream is not there.</returns>
    /// <exception cref="NebulaException">The stream cannot be read.</exception>
    public static async Task<IReadOnlyList<object?[]>> ReadAsync(
        ISource source, IReadOnlyList<string> streams, StreamPlan plan, CancellationToken cancellationToken)
    {
        using var pool = new BufferPool();
        Catalog catalog;
        try
        {
            var request = new DiscoverRequest
            {
                Streams = streams,
                AsOneStream = true,
                Types = plan.Columns.ToDictionary(static column => column.Field.Name, static column => column.Field.Type),
            };
            catalog = await source.DiscoverAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (NebulaException e) when (e.Kind == ErrorKind.NotFound)
        {
            return [];
        }
        var check = new Check("reading what was written", pool, TimeSpan.Zero, cancellationToken);
        var columns = plan.Columns.Select(static column =>
            new PlannedColumn(column.Field.Name, new Field(column.Field.Name, column.Field.Type)) { TypeIsFixed = true });
        var read = new StreamPlan { Stream = catalog.Streams.Single(), Columns = [.. columns], Object = "", RunId = plan.RunId }.Build();
        var rows = await new ChunkReading(check, BlockSize).ReadAllAsync(source, read, new SplitRequest()).ConfigureAwait(false);
        return check.Findings.Count == 0 ? rows : throw new ContractException(source.GetType().Name, check.Findings);
    }
}

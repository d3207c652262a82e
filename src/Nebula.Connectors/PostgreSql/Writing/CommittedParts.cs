using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Finds the rows of a commit again, by the transactions that made them.</summary>
/// <param name="source">Reads them.</param>
/// <param name="name">The table.</param>
internal sealed class CommittedParts(PostgreSqlSource source, TableName name)
{
    /// <summary>Finds the rows.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="plan">The stream as it was written.</param>
    /// <param name="parts">What was committed.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null where they cannot be told from others.</returns>
    public async Task<IReadOnlyList<CommittedRows>?> FindAsync(
        NpgsqlConnection connection, StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        // what was added to rows that were there, or merged with them, is among them
        if (plan.Write != WriteMode.Replace || plan.Capture is not null)
            return null;
        IReadOnlyList<CommittedRows> whole = [Of(plan, 0, parts.Count, null)];
        // that it is gone is for its reader to say
        if (parts.Count <= 1
            || await StateTable.AskAsync(connection, $"SELECT to_regclass({StateTable.Literal(name.Sql)}) IS NULL", cancellationToken)
                .ConfigureAwait(false) is true)
            return whole;
        var transactions = string.Join(',', parts.SelectMany(StagingTable.TransactionsOf));
        var isMarked = await StateTable.AskAsync(
            connection, $"SELECT EXISTS (SELECT FROM {name.Sql} WHERE {Condition("", transactions)})", cancellationToken).ConfigureAwait(false) is true;
        // rows that were inserted from staging have no order, and no mark of their chunks
        return isMarked ? [.. parts.Select((part, i) => Of(plan, i, 1, string.Join(',', StagingTable.TransactionsOf(part))))] : null;
    }

    private static string Condition(string prefix, string transactions) => $"{prefix}xmin = ANY ('{{{transactions}}}'::xid[])";

    private CommittedRows Of(StreamPlan plan, int first, int count, string? transactions) =>
        new(first, count, name.ToString(), async (context, cancellationToken) =>
    {
        var catalog = await source.DiscoverAsync(new DiscoverRequest { Streams = [name.ToString()] }, cancellationToken).ConfigureAwait(false);
        var reading = (plan with
        {
            Stream = catalog.Streams[0],
            Columns = [.. plan.Columns.Select(static column => column with { SourceName = column.Field.Name })],
            Where = transactions is null ? null : Condition(CopyQuery.Alias + ".", transactions),
            Sql = null,
            Cursor = null,
        }).Build();
        Chunk? chunk = null;
        await foreach (var found in source.SplitAsync(reading, new SplitRequest(), cancellationToken).ConfigureAwait(false))
            chunk = found;
        return await source.OpenAsync(reading, chunk!, context, cancellationToken).ConfigureAwait(false);
    });
}

using System.Globalization;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Finds the rows of a commit again, by the transactions that made them.</summary>
/// <param name="source">Reads them.</param>
/// <param name="state">Keeps account of commits.</param>
/// <param name="name">The table.</param>
internal sealed class CommittedParts(PostgreSqlSource source, StateTable state, TableName name)
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
        // of changes nobody knows what came later
        if (plan.Capture is not null)
            return null;
        IReadOnlyList<CommittedRows> whole = [Of(plan, 0, parts.Count, null)];
        // that it is gone is for its reader to say
        if (parts.Count == 0 || await StateTable.AskAsync(connection, $"SELECT to_regclass({StateTable.Literal(name.Sql)}) IS NULL", cancellationToken)
            .ConfigureAwait(false) is true)
            return whole;
        var staged = parts.SelectMany(StagingTable.TransactionsOf).Select(static number => number.ToString(CultureInfo.InvariantCulture)).ToList();
        if (plan.Write == WriteMode.Replace)
            return parts.Count == 1 ? whole
                : await CountAsync(connection, staged, cancellationToken).ConfigureAwait(false) > 0 ? Each(plan, parts)
                // rows that were inserted from staging have no order, and no mark of their chunks
                : [Of(plan, 0, parts.Count, null) with { AreMixed = true }];
        // where the table was made by the run its rows have the marks of their chunks; else that of the commit, as the account of it has
        if (await state.FindTransactionAsync(connection, name, plan.RunId, cancellationToken).ConfigureAwait(false) is not { } commit)
            return null;
        var rows = parts.Sum(static part => part.Rows);
        List<string> all = [commit, .. staged];
        var found = await CountAsync(connection, all, cancellationToken).ConfigureAwait(false);
        // a table that was written anew as a whole tells nothing; and of a key that came twice one row is left, which is no loss
        if (found == 0 && rows > 0 && await IsFilledAsync(connection, cancellationToken).ConfigureAwait(false)
            || found < rows && StagingTable.MayRepeatKeys(plan))
            return null;
        return await CountAsync(connection, staged, cancellationToken).ConfigureAwait(false) > 0 ? Each(plan, parts)
            : [Of(plan, 0, parts.Count, string.Join(',', all)) with { AreMixed = true }];
    }

    private CommittedRows[] Each(StreamPlan plan, IReadOnlyList<StagedPart> parts) =>
        [.. parts.Select((part, i) => Of(plan, i, 1, string.Join(',', StagingTable.TransactionsOf(part))))];

    private async Task<long> CountAsync(NpgsqlConnection connection, IEnumerable<string> transactions, CancellationToken cancellationToken) =>
        (long)(await StateTable.AskAsync(
            connection, $"SELECT count(*) FROM {name.Sql} WHERE {Condition("", string.Join(',', transactions))}", cancellationToken).ConfigureAwait(false))!;

    private async Task<bool> IsFilledAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        await StateTable.AskAsync(connection, $"SELECT EXISTS (SELECT FROM {name.Sql})", cancellationToken).ConfigureAwait(false) is true;

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

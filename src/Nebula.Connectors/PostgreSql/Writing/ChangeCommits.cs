using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Applies a window of changes, in one transaction with the accounts of all its streams.</summary>
/// <param name="connection">The connection.</param>
/// <param name="targets">What is known of tables on it.</param>
/// <param name="changes">The changes of each stream, with its table and what keeps account of it.</param>
/// <param name="limit">What is sent keeps to it; null for no limit.</param>
internal sealed class ChangeCommits(
    NpgsqlConnection connection, Dictionary<TableName, ChangeTarget> targets, IReadOnlyList<(TableName Table, StateTable State, ChangeCommit Change)> changes,
    RateLimit? limit)
{
    // names, columns and types that are not what they were
    private const string SyntaxClass = "42";

    // a window of so many changes is sorted in memory
    private const int ManyRows = 10_000;
    private const string LargeSorts = "SET LOCAL work_mem = '64MB'";

    /// <summary>Applies the window.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task RunAsync(BufferPool pool, CancellationToken cancellationToken)
    {
        var wasKnown = changes.Any(change => change.Change.Batches.Count > 0 && targets.ContainsKey(change.Table));
        try
        {
            await TryAsync(pool, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (wasKnown && e.SqlState.StartsWith(SyntaxClass, StringComparison.Ordinal))
        {
            // somebody has changed a table since
            await TryAsync(pool, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task TryAsync(BufferPool pool, CancellationToken cancellationToken)
    {
        try
        {
            var open = await MoveAsync(cancellationToken).ConfigureAwait(false);
            var statements = new List<string>();
            if (open.Sum(static change => change.Change.Batches.Sum(static batch => (long)batch.Length)) > ManyRows)
                statements.Add(LargeSorts);
            foreach (var (table, _, change) in open)
                if (change.Batches.Any(static batch => batch.Length > 0))
                    statements.AddRange(await SendAsync(table, change, pool, cancellationToken).ConfigureAwait(false));
            await ExecuteAsync([.. statements, "COMMIT"], cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // what was made in the transaction is gone with it
            targets.Clear();
            await TableCommit.RollBackAsync(connection).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Begins the transaction and sets the accounts.</summary>
    /// <returns>The changes that were not applied before.</returns>
    private async Task<IReadOnlyList<(TableName Table, StateTable State, ChangeCommit Change)>> MoveAsync(CancellationToken cancellationToken)
    {
        // all streams, or those of a schema, at once
        await using (var batch = new NpgsqlBatch(connection))
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("BEGIN"));
            foreach (var group in changes.GroupBy(static change => change.State.Schema))
                batch.BatchCommands.Add(group.First().State.Move([.. group.Select(AccountOf)]));
            if (await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == changes.Count)
                return changes;
        }
        await ExecuteAsync(["ROLLBACK", "BEGIN"], cancellationToken).ConfigureAwait(false);
        var open = new List<(TableName, StateTable, ChangeCommit)>();
        foreach (var change in changes)
        {
            var before = await change.State.FindAsync(connection, change.Table, forUpdate: true, cancellationToken).ConfigureAwait(false);
            if (before?.Token == change.Change.Token)
                continue;
            if (before?.Checkpoint is { } last && last.Sequence != change.Change.ExpectedSequence)
                throw TableCommit.Newer(change.Table, last.Sequence, change.Change.ExpectedSequence);
            await change.State.SetAsync(connection, AccountOf(change), cancellationToken).ConfigureAwait(false);
            open.Add(change);
        }
        return open;
    }

    private async Task<IEnumerable<string>> SendAsync(TableName table, ChangeCommit change, BufferPool pool, CancellationToken cancellationToken)
    {
        var target = targets.GetValueOrDefault(table);
        if (target is null || !target.IsFor(change.Plan))
        {
            target = await ChangeTarget.OpenAsync(connection, table, change.Plan, target?.Number ?? targets.Count, cancellationToken).ConfigureAwait(false);
            targets[table] = target;
        }
        return await target.SendAsync(connection, change.Batches, limit, pool, cancellationToken).ConfigureAwait(false);
    }

    private async Task ExecuteAsync(IEnumerable<string> statements, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        foreach (var statement in statements)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
        await batch.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static Account AccountOf((TableName Table, StateTable State, ChangeCommit Change) change) =>
        new(change.Table, change.Change.Checkpoint, change.Change.Token, change.Change.Plan.RunId, change.Change.ExpectedSequence);
}

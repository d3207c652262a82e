using System.Globalization;
using Nebula.Connectors.PostgreSql.Comparing;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Publishes what a run has staged, in one transaction with the account of it.</summary>
/// <param name="connection">The connection.</param>
/// <param name="state">Keeps account.</param>
/// <param name="name">The target.</param>
/// <param name="staging">The staging table.</param>
internal sealed class TableCommit(NpgsqlConnection connection, StateTable state, TableName name, TableName staging)
{
    private const string UniqueViolation = "23505";

    // another table's rows that refer to it would be in the way
    private const string CanTruncateQuery =
        "SELECT has_table_privilege(c.oid, 'TRUNCATE') AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = c.oid AND f.conrelid <> c.oid) "
        + "FROM pg_class c WHERE c.oid = ";

    /// <summary>Publishes.</summary>
    /// <param name="request">What is to be published.</param>
    /// <param name="cancellationToken">Stops the commit.</param>
    /// <returns>Whether it was published before.</returns>
    public async Task<bool> RunAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        await ExecuteAsync($"BEGIN; {LockSql(name)}", cancellationToken).ConfigureAwait(false);
        try
        {
            var before = await state.FindAsync(connection, name, forUpdate: true, cancellationToken).ConfigureAwait(false);
            var target = await TargetTable.FindAsync(connection, name, cancellationToken).ConfigureAwait(false);
            RequireTable(target, name);
            var isDone = target is not null && before?.Token == request.Token;
            if (!isDone)
            {
                if (target is not null && before?.Checkpoint is { } last && request.ExpectedSequence is { } expected && last.Sequence != expected)
                    throw Newer(name, last.Sequence, expected);
                var staged = await FindStagedAsync(request, cancellationToken).ConfigureAwait(false);
                await PublishAsync(request, target, staged, cancellationToken).ConfigureAwait(false);
                await state.SetAsync(
                    connection, new Account(name, request.Checkpoint, request.Token, request.Plan.RunId, null), cancellationToken).ConfigureAwait(false);
            }
            await ExecuteAsync($"DROP TABLE IF EXISTS {staging.Sql}; {state.ForgetSql(staging)}; COMMIT", cancellationToken).ConfigureAwait(false);
            return isDone;
        }
        catch (Exception e) when (e is not NpgsqlException || e is PostgresException)
        {
            await RollBackAsync(connection).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends a transaction that failed.</summary>
    /// <param name="connection">Its connection.</param>
    public static async Task RollBackAsync(NpgsqlConnection connection)
    {
        try
        {
            await StateTable.ExecuteAsync(connection, "ROLLBACK", CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or InvalidOperationException or IOException)
        {
            // the connection is gone, and the transaction with it
        }
    }

    /// <summary>The statement after which nobody else commits to a table until the end of the transaction.</summary>
    /// <param name="table">The table.</param>
    public static string LockSql(TableName table) => $"SELECT pg_advisory_xact_lock(hashtextextended({StateTable.Literal("nebula " + table.Sql)}, 0))";

    /// <summary>The error of a run that another one has overtaken.</summary>
    /// <param name="table">The table.</param>
    /// <param name="found">Where it is.</param>
    /// <param name="expected">Where the run expected it.</param>
    public static NebulaException Newer(TableName table, long found, long expected) => new(ErrorKind.Locked,
        $"'{table}' is at commit {found} already; this run expected {expected}. Another run committed meanwhile: nothing of this one was published.");

    /// <summary>Sees to it that a target is a table.</summary>
    /// <param name="target">What has its name; null for nothing.</param>
    /// <param name="name">The name.</param>
    public static void RequireTable(TargetTable? target, TableName name)
    {
        if (target is { Kind: not ('r' or 'p') })
            throw new NebulaException(ErrorKind.Schema, $"'{name}' is no table but a view, a sequence or a foreign table. Set 'object' to another name.");
    }

    private async Task<TargetTable?> FindStagedAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        var staged = await TargetTable.FindAsync(connection, staging, cancellationToken).ConfigureAwait(false);
        var wanted = request.Parts.SelectMany(StagingTable.TransactionsOf).ToHashSet();
        var known = await state.FindPartsAsync(connection, staging, cancellationToken).ConfigureAwait(false);
        if (wanted.Count > 0 && staged is null || !wanted.IsSubsetOf(known))
            throw Gone();
        known.ExceptWith(wanted);
        // attempts that were repeated, as nobody had heard of their end
        if (known.Count > 0 && staged is not null)
            await ExecuteAsync($"DELETE FROM {staging.Sql} WHERE xmin = ANY ('{{{string.Join(',', known)}}}'::xid[])", cancellationToken).ConfigureAwait(false);
        return staged;
    }

    private NebulaException Gone() => new(ErrorKind.Data,
        $"What was staged for '{name}' is not there any more: the server has crashed since, or another run took it for left behind. "
        + "Nothing was published; run again.");

    private async Task PublishAsync(CommitRequest request, TargetTable? target, TargetTable? staged, CancellationToken cancellationToken)
    {
        var plan = request.Plan;
        var design = TableContract.Require(
            await TableDesign.OfAsync(connection, plan, cancellationToken).ConfigureAwait(false), plan.Contract, target, name);
        var order = new StagedOrder(staging, state.Parts, staged?.Column(StagingTable.Number) is not null, request.Parts.Count > 1);
        if (target is null && staged is { IsLogged: true })
        {
            await RenameAsync(design, plan, staged, order, cancellationToken).ConfigureAwait(false);
            return;
        }
        if (target is not null && staged is { IsLogged: true } && plan.Write == WriteMode.Replace
            && await new TableSwap(connection, target, staged, design).RunAsync(cancellationToken).ConfigureAwait(false))
            return;
        if (target is null)
        {
            await ExecuteAsync(design.CreateSql(name, isStaging: false), cancellationToken).ConfigureAwait(false);
            target = (await TargetTable.FindAsync(connection, name, cancellationToken).ConfigureAwait(false))!;
        }
        else
        {
            if (plan.Write == WriteMode.Replace)
                await EmptyAsync(target, cancellationToken).ConfigureAwait(false);
            target = await new TableEvolution(connection, target).RunAsync(design, cancellationToken).ConfigureAwait(false);
        }
        if (staged is null)
            return;
        var rows = request.Parts.Sum(static part => part.Rows);
        var insert = new RowInsert(design, target, staged, order);
        if (plan.Write == WriteMode.Merge)
        {
            // a table that is not logged is empty after a crash
            if (!staged.IsLogged
                && (long)(await StateTable.AskAsync(connection, $"SELECT count(*) FROM {staging.Sql}", cancellationToken).ConfigureAwait(false))! != rows)
                throw Gone();
            await DeleteMissingAsync(request, insert, target, cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(
                insert.MergeSql(await TableKey.IsUniqueAsync(connection, target, plan.PrimaryKey, cancellationToken).ConfigureAwait(false)),
                    cancellationToken).ConfigureAwait(false);
        }
        else if (await ExecuteAsync(insert.InsertSql, cancellationToken).ConfigureAwait(false) is var inserted && inserted != (int)rows)
            throw Gone();
    }

    /// <summary>Deletes rows of keys that were read anew and are not among what was read.</summary>
    private async Task DeleteMissingAsync(CommitRequest request, RowInsert insert, TargetTable target, CancellationToken cancellationToken)
    {
        var deletes = request.Plan.Capture?.Deletes ?? DeleteHandling.Hard;
        if (deletes == DeleteHandling.Ignore)
            return;
        foreach (var keys in request.Parts.Select(static part => part.Keys).OfType<KeySet>())
            await ExecuteAsync(insert.DeleteMissingSql(KeyForm.OfTarget(request.Plan, target).Condition(keys), deletes), cancellationToken)
                .ConfigureAwait(false);
    }

    /// <summary>Makes the staging table the target.</summary>
    private async Task RenameAsync(TableDesign design, StreamPlan plan, TargetTable staged, StagedOrder order, CancellationToken cancellationToken)
    {
        await ExecuteAsync(string.Concat(MoveSql(staging, name)), cancellationToken).ConfigureAwait(false);
        if (design.Key.IsEmpty)
            return;
        var sql = $"ALTER TABLE {name.Sql} ADD {design.KeySql}";
        if (plan.Write != WriteMode.Merge)
        {
            await ExecuteAsync(sql, cancellationToken).ConfigureAwait(false);
            return;
        }
        await ExecuteAsync("SAVEPOINT keyed", cancellationToken).ConfigureAwait(false);
        try
        {
            await ExecuteAsync(sql, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState == UniqueViolation)
        {
            var place = order.Columns("t");
            await ExecuteAsync($"""
                ROLLBACK TO keyed;
                DELETE FROM {name.Sql} t USING (
                    SELECT place, row_number() OVER (PARTITION BY {design.KeyColumns("")} ORDER BY {StagedOrder.LastFirst}) AS number
                    FROM (SELECT {design.KeyColumns("t.")}, t.ctid AS place, {place} FROM {name.Sql} t{order.Join("t")}) r) d
                WHERE t.ctid = d.place AND d.number > 1;
                {sql}
                """, cancellationToken).ConfigureAwait(false);
        }
        if (staged.Column(StagingTable.Number) is not null)
            await ExecuteAsync($"ALTER TABLE {name.Sql} DROP COLUMN {StagingTable.Number}", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The statements that give a table another name.</summary>
    /// <param name="from">Its name.</param>
    /// <param name="to">The other name.</param>
    public static IEnumerable<string> MoveSql(TableName from, TableName to)
    {
        if (from.Schema != to.Schema)
            yield return $"ALTER TABLE {from.Sql} SET SCHEMA {SqlName.Quote(to.Schema)}; ";
        yield return $"ALTER TABLE {SqlName.Quote(to.Schema, from.Name)} RENAME TO {SqlName.Quote(to.Name)}; ";
    }

    private async Task EmptyAsync(TargetTable target, CancellationToken cancellationToken)
    {
        var oid = target.Oid.ToString(CultureInfo.InvariantCulture);
        var canTruncate = await StateTable.AskAsync(connection, CanTruncateQuery + oid, cancellationToken).ConfigureAwait(false) is true;
        await ExecuteAsync(canTruncate ? $"TRUNCATE TABLE {name.Sql}" : $"DELETE FROM {name.Sql}", cancellationToken).ConfigureAwait(false);
    }

    private Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken) => StateTable.ExecuteAsync(connection, sql, cancellationToken);
}

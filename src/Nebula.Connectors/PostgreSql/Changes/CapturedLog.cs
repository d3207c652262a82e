using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// The publication and the slot of a stream, and the snapshot from which its changes start. A slot that is made here exports the very state at which it begins;
/// beside one that is there already a state is exported, and the transactions in it are told from those that are not.
/// </summary>
/// <param name="connections">Lends connections.</param>
internal sealed class CapturedLog(PostgreSqlConnections connections) : IAsyncDisposable
{
    /// <summary>Fewest connections that changes are captured with.</summary>
    public const int FewestConnections = 2;

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private SharedSnapshot? _snapshot;
    private StreamStart? _start;

    /// <summary>The snapshot; null when there is none.</summary>
    public SharedSnapshot? Snapshot => _snapshot;

    /// <summary>
    /// Makes the publication and the slot where they are missing, and finds the position from which the changes of the stream are read, and the state that its
    /// rows are read from.
    /// </summary>
    /// <param name="plan">The stream.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task<string> StartAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        if (connections.Options.MaxConnections < FewestConnections)
            throw NebulaException.Configuration($"To capture changes takes {FewestConnections} connections or more. Raise 'max_connections'.");
        var options = CaptureOptions.Of(plan);
        var position = await connections.QueryAsync($"The changes of '{plan.Stream.Name}' cannot be captured", async connection =>
        {
            await PrepareAsync(connection, plan, options, cancellationToken).ConfigureAwait(false);
            if (plan.Capture!.ChangesOnly)
                _start ??= new StreamStart(new LogPlace((await LogState.FindAsync(connection, cancellationToken).ConfigureAwait(false)).End));
            return _start is null ? null : await PositionAsync(connection, cancellationToken).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
        if (plan.Capture!.ChangesOnly)
            await DisposeAsync().ConfigureAwait(false);
        if (position is not null)
            return position;
        _snapshot = await SharedSnapshot.ExportAsync(connections, cancellationToken).ConfigureAwait(false);
        return await connections.QueryAsync($"The position of '{plan.Stream.Name}' cannot be found", async connection =>
        {
            var slot = await ReplicationSlot.FindAsync(connection, options.Slot, cancellationToken).ConfigureAwait(false);
            var state = await LogState.FindAsync(connection, cancellationToken).ConfigureAwait(false);
            _start = new StreamStart(
                new LogPlace(slot?.Confirmed ?? throw ChangesLost.SlotGone(options.Slot)),
                // a standby does not tell which transactions were running; there changes that the snapshot has come again, and are joined by the key
                state.IsStandby ? null : await SeenAsync(connection, cancellationToken).ConfigureAwait(false));
            return new LogPosition(state.Server, _start).Render();
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Finds the table of a stream, and refuses one whose changes cannot be captured.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="plan">The stream.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public static async Task<CapturedTable> FindTableAsync(NpgsqlConnection connection, StreamPlan plan, CancellationToken cancellationToken)
    {
        var (schema, name) = TableDetails.NameOf(plan.Stream);
        var table = await CapturedTable.FindAsync(connection, schema, name, cancellationToken).ConfigureAwait(false)
            ?? throw NebulaException.NotFound($"There is no table '{plan.Stream.Name}' any more. Run again.");
        return table.FindFault(SourceKey(plan)) is { } fault ? throw NebulaException.Configuration(fault) : table;
    }

    /// <summary>The columns of the table that identify a row at the destination.</summary>
    /// <param name="plan">The stream.</param>
    public static List<string> SourceKey(StreamPlan plan) =>
        [.. plan.PrimaryKey.Select(key => plan.Columns.FirstOrDefault(column => column.Field.Name == key)?.SourceName ?? key)];

    /// <summary>Has standbys get a slot that was made without.</summary>
    /// <param name="connections">Lends a connection.</param>
    /// <param name="options">The slot.</param>
    /// <param name="state">The server.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task ShareSlotAsync(PostgreSqlConnections connections, CaptureOptions options, LogState state, CancellationToken cancellationToken)
    {
        if (state.FailoverFault is { } fault)
            throw NebulaException.Configuration(fault);
        var connection = await connections.OpenReplicationAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            await connection.RunAsync(wire => wire.Query($"ALTER_REPLICATION_SLOT \"{options.Slot}\" (FAILOVER)"), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets the snapshot go. Whoever still wants to read from it is told that it is gone, and does not read another state.</summary>
    public ValueTask DisposeAsync() => _snapshot?.DisposeAsync() ?? default;

    private async Task PrepareAsync(NpgsqlConnection connection, StreamPlan plan, CaptureOptions options, CancellationToken cancellationToken)
    {
        var state = await LogState.FindAsync(connection, cancellationToken).ConfigureAwait(false);
        if ((state.Fault ?? (options.IsFailover ? state.FailoverFault : null)) is { } fault)
            throw NebulaException.Configuration(fault);
        var table = await FindTableAsync(connection, plan, cancellationToken).ConfigureAwait(false);
        // streams are prepared at the same time, also by other processes; where this fails, closing the connection unlocks
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock(hashtext('nebula {options.Slot}'))", cancellationToken).ConfigureAwait(false);
        await PublishAsync(connection, options.Publication, table, plan, state.IsStandby, cancellationToken).ConfigureAwait(false);
        var slot = await ReplicationSlot.FindAsync(connection, options.Slot, cancellationToken).ConfigureAwait(false);
        if (slot?.Require().LostReason is { } reason)
        {
            if (plan.Capture!.OnPositionLost == PositionLoss.Fail)
                throw new NebulaException(ErrorKind.PositionLost,
                    $"Replication slot '{slot.Name}' can be used no more: {reason}. {slot.DropSql} and read every stream anew.");
            await ExecuteAsync(connection, slot.DropSql, cancellationToken).ConfigureAwait(false);
            slot = null;
        }
        if (slot is null)
            await MakeSlotAsync(options, cancellationToken).ConfigureAwait(false);
        else
            await (state.IsStandby ? WaitForOthersAsync(connection, cancellationToken)
                : WaitForWritersAsync(connection, table, cancellationToken)).ConfigureAwait(false);
        await ExecuteAsync(connection, $"SELECT pg_advisory_unlock(hashtext('nebula {options.Slot}'))", cancellationToken).ConfigureAwait(false);
    }

    private async Task<string> PositionAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        new LogPosition((await LogState.FindAsync(connection, cancellationToken).ConfigureAwait(false)).Server, _start!).Render();

    private static async Task PublishAsync(NpgsqlConnection connection, string name, CapturedTable table, StreamPlan plan, bool isStandby,
        CancellationToken cancellationToken)
    {
        var publication = await Publication.FindAsync(connection, name, cancellationToken).ConfigureAwait(false);
        if (publication is { IsViaRoot: false } && table.Kind == 'p')
            throw NebulaException.Configuration(publication.FindFault(table, [])!);
        if (publication is null || !publication.Tables.ContainsKey(table.Oid))
        {
            var sql = publication?.AddSql([table]) ?? Publication.CreateSql(name, [table], connection.PostgreSqlVersion.Major);
            if (isStandby)
                throw NebulaException.Configuration($"Publication '{name}' lacks table {table.Schema}.{table.Name}, and a standby cannot change it. On the "
                    + $"primary: {sql}");
            await RunAsync(connection, sql, $"Publication '{name}' cannot be {(publication is null ? "made" : "changed")}",
                cancellationToken).ConfigureAwait(false);
            publication = await Publication.FindAsync(connection, name, cancellationToken).ConfigureAwait(false);
        }
        if (publication!.FindFault(table, plan.Columns.Select(static column => column.SourceName)) is { } fault)
            throw NebulaException.Configuration(fault);
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql, string what, CancellationToken cancellationToken)
    {
        try
        {
            await ExecuteAsync(connection, sql, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new NebulaException(ErrorKind.Permission, $"{what}: {e.MessageText}. Have it done by a role that may: {sql}", inner: e);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Waits for the transactions that were writing to a table before. What they wrote before it was published is not in the log's changes, so that the
    /// snapshot must have it.
    /// </summary>
    private static async Task WaitForWritersAsync(NpgsqlConnection connection, CapturedTable table, CancellationToken cancellationToken)
    {
        const string Writers = """
            SELECT coalesce(array_agg(DISTINCT l.virtualtransaction), '{}') FROM pg_locks l
            WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
              AND l.relation IN (SELECT $1 UNION ALL SELECT relid FROM pg_partition_tree($1))
              AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
              AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid() AND ($2 IS NULL OR l.virtualtransaction = ANY ($2))
            """;
        string[]? waiting = null;
        while (true)
        {
            await using var command = new NpgsqlCommand(Writers, connection);
            command.Parameters.Add(new NpgsqlParameter { Value = table.Oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
            command.Parameters.Add(new NpgsqlParameter
            {
                Value = (object?)waiting ?? DBNull.Value,
                NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Text
            });
            waiting = (string[])(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
            if (waiting.Length == 0)
                return;
            await Task.Delay(PollInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for all transactions that were running before: a standby does not tell who of them writes to a table.</summary>
    private static async Task WaitForOthersAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        long? next = null;
        while (true)
        {
            await using var command = new NpgsqlCommand(
                "SELECT txid_snapshot_xmin(s), txid_snapshot_xmax(s) FROM txid_current_snapshot() s", connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            next ??= reader.GetInt64(1);
            if (reader.GetInt64(0) >= next)
                return;
            await Task.Delay(PollInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task MakeSlotAsync(CaptureOptions options, CancellationToken cancellationToken)
    {
        var replication = await connections.OpenReplicationAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // the statement ends when all transactions did that were running; name, place and snapshot
            var slot = await replication.RunAsync(
                wire => wire.Query($"CREATE_REPLICATION_SLOT \"{options.Slot}\" LOGICAL pgoutput "
                    + (options.IsFailover ? "(SNAPSHOT 'export', FAILOVER)" : "EXPORT_SNAPSHOT")), cancellationToken).ConfigureAwait(false);
            _start = new StreamStart(new LogPlace((ulong)NpgsqlTypes.NpgsqlLogSequenceNumber.Parse(slot[1]!)));
            _snapshot = new SharedSnapshot(replication, slot[2]!);
        }
        catch (Exception e)
        {
            await replication.DisposeAsync().ConfigureAwait(false);
            if (cancellationToken.IsCancellationRequested)
                throw;
            var what = $"Replication slot '{options.Slot}' cannot be made";
            var sql = $"SELECT pg_create_logical_replication_slot('{options.Slot}', 'pgoutput');";
            throw e switch
            {
                PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused => new NebulaException(ErrorKind.Permission,
                    $"{what}: {refused.MessageText}. ALTER ROLE \"{connections.Options.User}\" REPLICATION; or have it made by a role that may: {sql}",
                        inner: e),
                PostgresException { SqlState: PostgresErrorCodes.ConfigurationLimitExceeded } full => new NebulaException(ErrorKind.Configuration,
                    $"{what}: {full.MessageText}. Drop one that nobody needs (SELECT slot_name FROM pg_replication_slots WHERE NOT active;), or raise "
                        + "'max_replication_slots' and restart the server.", inner: e),
                // of a standby: the primary's log must tell changes too
                PostgresException { SqlState: PostgresErrorCodes.ObjectNotInPrerequisiteState } refused => new NebulaException(ErrorKind.Configuration,
                    $"{what}: {refused.MessageText}. ALTER SYSTEM SET wal_level = logical; and restart the server.", inner: e),
                _ => connections.Errors.Translate(e, what) ?? e,
            };
        }
    }

    private async Task<SeenTransactions?> SeenAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await _snapshot!.JoinAsync(connection, cancellationToken).ConfigureAwait(false);
        await using var command = new NpgsqlCommand("SELECT txid_current_snapshot()::text, pg_current_wal_insert_lsn()", connection);
        SeenTransactions? seen;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            seen = SeenTransactions.Parse((ulong)reader.GetFieldValue<NpgsqlTypes.NpgsqlLogSequenceNumber>(1), reader.GetString(0));
        }
        await ExecuteAsync(connection, "ROLLBACK", cancellationToken).ConfigureAwait(false);
        return seen;
    }
}

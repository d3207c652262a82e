using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Tries what the capture of changes needs, and says how to get what is missing.</summary>
internal static class CaptureCheck
{
    private const long LargeRetention = 10L << 30;

    private const string SettingsQuery = """
        SELECT (SELECT rolreplication OR rolsuper OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'rds_replication' AND pg_has_role(r.oid, 'MEMBER'))
                FROM pg_roles WHERE rolname = current_user),
               current_setting('max_replication_slots')::int, (SELECT count(*)::int FROM pg_replication_slots),
               current_setting('max_wal_senders')::int, (SELECT count(*)::int FROM pg_stat_replication), current_user
        """;

    private const string OwnershipQuery = """
        SELECT current_user::text, current_database()::text, has_database_privilege(current_database(), 'CREATE'),
               coalesce((SELECT pg_has_role(pubowner, 'USAGE') FROM pg_publication WHERE pubname = $1), false),
               NOT EXISTS (SELECT FROM pg_class WHERE oid::bigint = ANY ($2) AND NOT pg_has_role(relowner, 'USAGE'))
        """;

    /// <summary>Runs the checks.</summary>
    /// <param name="connections">The connections.</param>
    /// <param name="plans">The streams.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    public static async Task<IReadOnlyList<CheckResult>> RunAsync(PostgreSqlConnections connections, IReadOnlyList<StreamPlan> plans,
        CancellationToken cancellationToken)
    {
        var results = new List<CheckResult>();
        try
        {
            return await connections.QueryAsync<IReadOnlyList<CheckResult>>("The checks cannot go on", async connection =>
            {
                var options = CaptureOptions.Of(plans[0]);
                var state = await LogState.FindAsync(connection, cancellationToken).ConfigureAwait(false);
                results.Add(new CheckResult("log", state.Fault is null, state.Fault ?? (state.IsStandby
                    ? "wal_level is logical; the server is a standby: a slot is made when the primary next logs what is running, which SELECT "
                        + "pg_log_standby_snapshot(); has it do at once" : "wal_level is logical")));
                var slot = await ReplicationSlot.FindAsync(connection, options.Slot, cancellationToken).ConfigureAwait(false);
                await AddSettingsAsync(connection, slot is not null, results, cancellationToken).ConfigureAwait(false);
                results.Add(Slot(options, slot, state));
                if (options.IsFailover)
                    results.Add(await FailoverAsync(connection, state, cancellationToken).ConfigureAwait(false));
                await AddTablesAsync(connection, options, plans, results, cancellationToken).ConfigureAwait(false);
                return results;
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (NebulaException e)
        {
            results.Add(new CheckResult("changes", false, e.Message));
            return results;
        }
    }

    private static async Task AddSettingsAsync(NpgsqlConnection connection, bool hasSlot, List<CheckResult> results, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(SettingsQuery, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        var (slots, usedSlots, senders, usedSenders, role) = (reader.GetInt32(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetInt32(4),
            reader.GetString(5));
        results.Add(reader.GetBoolean(0) ? new CheckResult("replication right", true, $"role '{role}' may read the log")
            : new CheckResult("replication right", false, $"role '{role}' may not read the log. ALTER ROLE {SqlName.Quote(role)} REPLICATION;"));
        results.Add(hasSlot || usedSlots < slots ? new CheckResult("replication slots", true, $"{usedSlots} of {slots} used")
            : new CheckResult("replication slots", false, $"all {slots} are used. Drop one that nobody needs, or ALTER SYSTEM SET max_replication_slots = "
                + $"{slots * 2}; and restart the server."));
        results.Add(usedSenders < senders ? new CheckResult("wal senders", true, $"{usedSenders} of {senders} used")
            : new CheckResult("wal senders", false, $"all {senders} are used. ALTER SYSTEM SET max_wal_senders = {Math.Max(senders * 2, 10)}; and restart "
                + "the server."));
    }

    private static CheckResult Slot(CaptureOptions options, ReplicationSlot? slot, LogState state)
    {
        if (slot is null)
            return new CheckResult("slot", true, $"'{options.Slot}' is not there yet; the first run makes it");
        if (slot.Mismatch is { } mismatch)
            return new CheckResult("slot", false, $"'{slot.Name}' cannot be used: {mismatch}. Choose another name for 'slot', or {slot.DropSql}");
        if (slot.LostReason is { } reason)
            return new CheckResult("slot", false, $"'{slot.Name}' can be used no more: {reason}. {slot.DropSql} and read the streams anew.");
        if (slot.IsSynchronized && state.IsStandby)
            return new CheckResult("slot", false, ChangesLost.CopyOf(slot.Name));
        var kept = (long)(state.End - Math.Min(slot.Restart ?? state.End, state.End));
        var text = $"'{slot.Name}' keeps {Units.FormatSize(kept)} of the "
            + $"log{(slot.ActiveProcess > 0 ? string.Create(CultureInfo.InvariantCulture, $", read by process {slot.ActiveProcess}") : "")}";
        return kept < LargeRetention ? new CheckResult("slot", true, text)
            : new CheckResult("slot", false, $"{text}. Run the pipeline before the disk is full; or give up its position: {slot.DropSql} A limit is set by: "
                + "ALTER SYSTEM SET max_slot_wal_keep_size = '50GB';");
    }

    /// <summary>Whether standbys will get the slot, as far as the primary knows.</summary>
    private static async Task<CheckResult> FailoverAsync(NpgsqlConnection connection, LogState state, CancellationToken cancellationToken)
    {
        if (state.FailoverFault is { } fault)
            return new CheckResult("failover", false, fault);
        await using var command = new NpgsqlCommand("SELECT current_setting('synchronized_standby_slots', true)", connection);
        var standbys = await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as string;
        return new CheckResult("failover", true, string.IsNullOrEmpty(standbys)
            ? "standbys get the slot (sync_replication_slots = on there). Changes may be handed over before a standby has them, after which it cannot take "
                + "over the capture: ALTER SYSTEM SET synchronized_standby_slots = 'slot of the standby';"
            : $"standbys get the slot (sync_replication_slots = on there); changes wait for {standbys}");
    }

    private static async Task AddTablesAsync(
        NpgsqlConnection connection, CaptureOptions options, IReadOnlyList<StreamPlan> plans, List<CheckResult> results, CancellationToken cancellationToken)
    {
        var publication = await Publication.FindAsync(connection, options.Publication, cancellationToken).ConfigureAwait(false);
        var tables = new List<CapturedTable>();
        foreach (var plan in plans)
        {
            var (schema, name) = TableDetails.NameOf(plan.Stream);
            var table = await CapturedTable.FindAsync(connection, schema, name, cancellationToken).ConfigureAwait(false);
            var fault = table is null ? "it is not there any more" : table.FindFault(CapturedLog.SourceKey(plan))
                ?? publication?.FindFault(table, plan.Columns.Select(static column => column.SourceName));
            if (table is not null && publication?.Tables.ContainsKey(table.Oid) != true)
                tables.Add(table);
            var identity = table?.Identity == 'f' ? "all columns" : string.Join(", ", table?.IdentityColumns.Select(static column => column.Name) ?? []);
            var isMissing = publication is not null && table is not null && !publication.Tables.ContainsKey(table.Oid);
            results.Add(new CheckResult($"changes of {plan.Stream.Name}", fault is null,
                fault ?? $"rows are told by {identity}{(isMissing ? "; not published yet, the next run adds it" : "")}"));
        }
        results.Add(await PublicationAsync(connection, options.Publication, publication, tables, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Whether the tables are published, or the role may publish them.</summary>
    private static async Task<CheckResult> PublicationAsync(
        NpgsqlConnection connection, string name, Publication? publication, List<CapturedTable> missing, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(OwnershipQuery, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. missing.Select(static table => (long)table.Oid)] });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        var (role, database, mayMake, ownsPublication, ownsTables) =
            (reader.GetString(0), reader.GetString(1), reader.GetBoolean(2), reader.GetBoolean(3), reader.GetBoolean(4));
        if (publication is null)
            return (mayMake, ownsTables) switch
            {
                (true, true) => new CheckResult("publication", true, $"'{name}' is not there yet; the first run makes it"),
                (false, true) => new CheckResult("publication", false, $"'{name}' is not there, and role '{role}' may not make it: GRANT CREATE ON DATABASE "
                    + $"{SqlName.Quote(database)} TO {SqlName.Quote(role)};"),
                _ => new CheckResult("publication", false, $"'{name}' is not there, and only who owns its tables can make it. As their owner: "
                    + Publication.CreateSql(name, missing, connection.PostgreSqlVersion.Major)),
            };
        return missing.Count == 0 || ownsPublication && ownsTables
            ? new CheckResult("publication", true, $"'{publication.Name}' has {publication.Tables.Count} tables")
            : new CheckResult("publication", false, $"'{publication.Name}' lacks tables, and only who owns it and them can add them. As their owner: "
                + publication.AddSql(missing));
    }
}

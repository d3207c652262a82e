using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>A replication slot as the server describes it.</summary>
/// <param name="Name">Its name.</param>
internal sealed record ReplicationSlot(string Name)
{
    private const string Query = """
        SELECT s.slot_type, coalesce(s.plugin, ''), coalesce(s.database, ''), coalesce(s.active_pid, 0)::text,
               s.restart_lsn::text, s.confirmed_flush_lsn::text,
               coalesce(to_jsonb(s) ->> 'wal_status', 'reserved'),
               coalesce(to_jsonb(s) ->> 'invalidation_reason', CASE WHEN (to_jsonb(s) ->> 'conflicting')::boolean THEN 'conflict with recovery' END, ''),
               current_database(), coalesce(to_jsonb(s) ->> 'failover', 'false'), coalesce(to_jsonb(s) ->> 'synced', 'false')
        FROM pg_replication_slots s WHERE s.slot_name =
        """;

    /// <summary>The process that reads from it; 0 for none.</summary>
    public int ActiveProcess { get; private init; }

    /// <summary>From where on the log is kept.</summary>
    public ulong? Restart { get; private init; }

    /// <summary>From where on it hands changes over.</summary>
    public ulong? Confirmed { get; private init; }

    /// <summary>Why it can be used no more; null when it can.</summary>
    public string? LostReason { get; private init; }

    /// <summary>What it is instead of a slot of this database for pgoutput; null when it is one.</summary>
    public string? Mismatch { get; private init; }

    /// <summary>Whether standbys get it, and have it when they take over.</summary>
    public bool IsFailover { get; private init; }

    /// <summary>Whether it came from a primary, also when the server has taken over since.</summary>
    public bool IsSynchronized { get; private init; }

    /// <summary>Looks a slot up.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when there is none.</returns>
    public static async Task<ReplicationSlot?> FindAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken) =>
        Of(name, await TextRow.ReadAsync(connection, QueryOf(name), cancellationToken).ConfigureAwait(false));

    /// <summary>Looks a slot up. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="name">Its name.</param>
    /// <returns>Null when there is none.</returns>
    public static ReplicationSlot? Find(WireConnection connection, string name) => Of(name, connection.Query(QueryOf(name)));

    /// <summary>Refuses a slot that is another's.</summary>
    /// <exception cref="NebulaException">It is of another kind.</exception>
    public ReplicationSlot Require() => Mismatch is null ? this
        : throw NebulaException.Configuration($"Replication slot '{Name}' cannot be used: {Mismatch}. Choose another name for 'slot', or drop it if nobody "
            + $"needs it: {DropSql}");

    /// <summary>The statement that drops it.</summary>
    public string DropSql => string.Create(CultureInfo.InvariantCulture, $"SELECT pg_drop_replication_slot('{Name}');");

    private static string QueryOf(string name) => $"{Query} {SqlName.Literal(name)}";

    private static ReplicationSlot? Of(string name, string?[] row)
    {
        if (row is not [{ } type, { } plugin, { } database, { } process, var restart, var confirmed, var status, { } reason, var here,
            var failover, var synced])
            return null;
        return new ReplicationSlot(name)
        {
            ActiveProcess = int.Parse(process, CultureInfo.InvariantCulture),
            Restart = restart is null ? null : LogPlace.ParseSql(restart),
            Confirmed = confirmed is null ? null : LogPlace.ParseSql(confirmed),
            LostReason = reason.Length > 0 ? reason : status == "lost" ? "more log came than 'max_slot_wal_keep_size' lets it keep" : null,
            Mismatch = type != "logical" ? "it is a physical one" : plugin != "pgoutput" ? $"its plugin is {plugin}" : database != here
                ? $"it is of database '{database}'" : null,
            IsFailover = failover == "true",
            IsSynchronized = synced == "true",
        };
    }
}

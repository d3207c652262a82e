using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>Asks how much of the log a server keeps for a slot.</summary>
internal static class SlotRetention
{
    // version 13 is the first that tells what is left
    private const string Query = """
        SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, s.restart_lsn)::bigint,
               (to_jsonb(s) ->> 'safe_wal_size')::bigint
        FROM pg_replication_slots s WHERE s.slot_name = $1 AND s.restart_lsn IS NOT NULL
        """;

    /// <summary>Asks.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="slot">The slot.</param>
    /// <param name="cancellationToken">Stops the query.</param>
    /// <returns>Null when it keeps nothing.</returns>
    public static async Task<LogRetention?> FindAsync(NpgsqlConnection connection, string slot, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Query, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = slot });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
            ? new LogRetention(slot, Math.Max(reader.GetInt64(0), 0), reader.IsDBNull(1) ? null : Math.Max(reader.GetInt64(1), 0)) : null;
    }
}

using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Wire;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>The log of a server at a moment.</summary>
/// <param name="Server">Whose it is.</param>
/// <param name="End">Up to where it can be read: what is flushed, or replayed by a standby.</param>
/// <param name="IsStandby">Whether the server is a standby.</param>
/// <param name="Level">The setting <c>wal_level</c>.</param>
internal sealed record LogState(LogServer Server, ulong End, bool IsStandby, string Level)
{
    private const int FirstVersionWithStandbys = 16;
    private const int FirstVersionWithFailover = 17;

    // a standby knows no name of a file to come, and what it received counts
    private const string Query = """
        SELECT s.system_identifier::text,
               (CASE WHEN r THEN coalesce((SELECT received_tli FROM pg_stat_wal_receiver), c.timeline_id)
                    ELSE ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int END)::text,
               (CASE WHEN r THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END)::text, r::text,
               current_setting('wal_level'), current_setting('server_version_num')
        FROM pg_control_system() s, pg_control_checkpoint() c, pg_is_in_recovery() r
        """;

    /// <summary>Major version of the server.</summary>
    public int Version { get; private init; }

    /// <summary>Why changes cannot be read from the server; null when they can.</summary>
    public string? Fault => IsStandby && Version < FirstVersionWithStandbys
        ? $"The server is a standby, and PostgreSQL {Version} tells changes on a primary only, {FirstVersionWithStandbys} and newer on a standby too. Capture "
            + "them from the primary; other modes read from this server."
        : Level != "logical" ? $"The server's log does not tell changes of rows: wal_level is '{Level}'. ALTER SYSTEM SET wal_level = logical; and restart the "
            + "server." : null;

    /// <summary>Why standbys cannot have a slot that is made on the server; null when they can.</summary>
    public string? FailoverFault => Version < FirstVersionWithFailover
        ? $"The server is PostgreSQL {Version}, and 'failover' needs {FirstVersionWithFailover} or newer: leave it out, or have 'on_position_lost' say what is "
            + "done when a standby has taken over."
        : IsStandby ? "The server is a standby, whose slots fail over to nobody. Leave 'failover' out, or capture the changes from the primary." : null;

    /// <summary>Asks the server.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="cancellationToken">Stops the query.</param>
    public static async Task<LogState> FindAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        Of(await TextRow.ReadAsync(connection, Query, cancellationToken).ConfigureAwait(false));

    /// <summary>Asks the server. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    public static LogState Find(WireConnection connection) => Of(connection.Query(Query));

    private static LogState Of(string?[] row) => new(
        new LogServer(unchecked((ulong)long.Parse(row[0]!, CultureInfo.InvariantCulture)), uint.Parse(row[1]!, CultureInfo.InvariantCulture)),
        LogPlace.ParseSql(row[2]!), row[3] == "true", row[4]!)
    {
        Version = int.Parse(row[5]!, CultureInfo.InvariantCulture) / 10_000,
    };
}

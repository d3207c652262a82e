using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Finds the rights that writing to certain tables needs and the role has not.</summary>
internal static class TargetRights
{
    private const string Select = "SELECT";
    private const string Insert = "INSERT";
    private const string Update = "UPDATE";
    private const string Delete = "DELETE";
    private const string Truncate = "TRUNCATE";

    private const string DatabaseQuery = "SELECT current_user::text, current_database()::text, has_database_privilege(current_database(), 'TEMPORARY')";

    private const string TableQuery = """
        SELECT has_schema_privilege(n.oid, 'USAGE'), has_schema_privilege(n.oid, 'CREATE'), c.oid IS NOT NULL, coalesce(pg_has_role(c.relowner, 'USAGE'), false),
               ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p WHERE has_table_privilege(c.oid, p))
        FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = $2 AND c.relkind IN ('r', 'p') WHERE n.nspname = $1
        """;

    /// <summary>Runs the checks.</summary>
    /// <param name="connections">The connections.</param>
    /// <param name="streams">The streams with their tables.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    /// <returns>What is missing.</returns>
    public static async Task<IReadOnlyList<CheckResult>> RunAsync(
        PostgreSqlConnections connections, IReadOnlyList<(StreamTarget Stream, TableName Table)> streams, CancellationToken cancellationToken)
    {
        try
        {
            return await connections.QueryAsync<IReadOnlyList<CheckResult>>("The checks cannot go on", async connection =>
            {
                var results = new List<CheckResult>();
                var (role, database, hasTemporary) = await FindRoleAsync(connection, cancellationToken).ConfigureAwait(false);
                // a window of changes is sorted in a temporary table
                if (!hasTemporary && streams.Any(static stream => stream.Stream.Capture is not null))
                    results.Add(new CheckResult("temporary tables", false,
                        $"changes cannot be sorted: GRANT TEMPORARY ON DATABASE {SqlName.Quote(database)} TO {SqlName.Quote(role)};"));
                foreach (var (stream, table) in streams)
                    if (await FindMissingAsync(connection, stream, table, role, cancellationToken).ConfigureAwait(false) is { } missing)
                        results.Add(new CheckResult(stream.Stream, false, missing));
                return results;
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (NebulaException e)
        {
            return [new CheckResult("tables", false, e.Message)];
        }
    }

    private static async Task<(string Role, string Database, bool HasTemporary)> FindRoleAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(DatabaseQuery, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return (reader.GetString(0), reader.GetString(1), reader.GetBoolean(2));
    }

    private static async Task<string?> FindMissingAsync(
        NpgsqlConnection connection, StreamTarget stream, TableName table, string role, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(TableQuery, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.Schema });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table.Name });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        // a schema that is not there is another check's
        if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            return null;
        var (seen, makes, exists, isOwned) = (reader.GetBoolean(0), reader.GetBoolean(1), reader.GetBoolean(2), reader.GetBoolean(3));
        var needsCreate = !exists;
        var schema = seen && (makes || !needsCreate) ? "" : " " + DestinationCheck.GrantSql(table.Schema, seen, makes || !needsCreate, role);
        var missing = !exists || isOwned ? [] : NeededOf(stream, reader.GetFieldValue<string[]>(4));
        var tables = missing.Count == 0 ? "" : $" GRANT {string.Join(", ", missing)} ON {table.Sql} TO {SqlName.Quote(role)};";
        return schema.Length + tables.Length == 0 ? null : $"'{table}' cannot be {(exists ? "written" : "made")}:{schema}{tables}";
    }

    private static List<string> NeededOf(StreamTarget stream, string[] had)
    {
        var needed = stream.Write switch
        {
            WriteMode.Merge => [Select, Insert, Update],
            WriteMode.Append => [Insert],
            // either empties it
            _ => had.Contains(Truncate) ? [Insert] : new List<string> { Insert, Delete },
        };
        if (stream.Capture is { } capture && (capture.OnPositionLost != PositionLoss.Fail || stream.Write == WriteMode.Merge && capture.Deletes == DeleteHandling.Hard))
            needed.Add(Delete);
        return [.. needed.Except(had)];
    }
}

using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Tries what a run needs of its target, and says how to get what is missing.</summary>
internal static class DestinationCheck
{
    private const string Query = """
        SELECT current_user, current_setting('server_version'), pg_is_in_recovery(), current_database(), has_database_privilege(current_database(), 'CREATE')
        """;

    private const string SchemaQuery = """
        SELECT has_schema_privilege(oid, 'USAGE'), has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = $1
        """;

    // to change columns, indexes and names one must own a table; to add and merge rows, rights are enough
    private const string TablesQuery = """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT pg_has_role(c.relowner, 'USAGE')
          AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')
               AND has_table_privilege(c.oid, 'DELETE'))
        ORDER BY c.relname LIMIT 11
        """;

    private const int MostNamed = 10;

    /// <summary>Runs the checks.</summary>
    /// <param name="connections">The connections.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    public static async Task<IReadOnlyList<CheckResult>> RunAsync(PostgreSqlConnections connections, WriteOptions options, CancellationToken cancellationToken)
    {
        var results = new List<CheckResult>();
        try
        {
            return await connections.QueryAsync<IReadOnlyList<CheckResult>>("The checks cannot go on", async connection =>
            {
                var role = await AddServerAsync(connection, results, options, cancellationToken).ConfigureAwait(false);
                await AddTablesAsync(connection, results, options, role, cancellationToken).ConfigureAwait(false);
                return results;
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (NebulaException e)
        {
            results.Add(new CheckResult(results.Count == 0 ? "connection" : "server", false, e.Message));
            return results;
        }
    }

    private static async Task<string> AddServerAsync(
        NpgsqlConnection connection, List<CheckResult> results, WriteOptions options, CancellationToken cancellationToken)
    {
        string role, database;
        bool canMake;
        await using (var command = new NpgsqlCommand(Query, connection))
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            (role, database, canMake) = (reader.GetString(0), reader.GetString(3), reader.GetBoolean(4));
            results.Add(new CheckResult("connection", true,
                $"database '{options.Connection.Database}' of PostgreSQL {reader.GetString(1)} at {options.Connection.Server}, as role '{role}'"));
            results.Add(reader.GetBoolean(2)
                ? new CheckResult("writable", false, "The server is a standby, which takes no writes. Name the primary ('host').")
                : new CheckResult("writable", true, "the server takes writes"));
        }
        var state = options.StateSchema ?? options.Schema;
        await AddAsync("schema", options.Schema, needsTables: state == options.Schema).ConfigureAwait(false);
        if (state != options.Schema)
            await AddAsync("state_schema", state, needsTables: true).ConfigureAwait(false);
        return role;

        async Task AddAsync(string name, string schema, bool needsTables)
        {
            await using var command = new NpgsqlCommand(SchemaQuery, connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = schema });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            var exists = await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            var (seen, makes) = exists ? (reader.GetBoolean(0), reader.GetBoolean(1)) : (false, false);
            results.Add(!exists ? canMake ? new CheckResult(name, true, $"'{schema}' is not there and will be made")
                    : new CheckResult(name, false, $"'{schema}' is not there and cannot be made: "
                        + $"CREATE SCHEMA {SqlName.Quote(schema)} AUTHORIZATION {SqlName.Quote(role)}; "
                        + $"or GRANT CREATE ON DATABASE {SqlName.Quote(database)} TO {SqlName.Quote(role)};")
                : seen && makes ? new CheckResult(name, true, $"tables can be made in '{schema}'")
                : seen && !needsTables ? new CheckResult(name, true, $"no tables can be made in '{schema}', but those that are there can be written")
                : new CheckResult(name, false, $"No tables can be {(needsTables ? "made" : "written")} in '{schema}': "
                    + GrantSql(schema, seen, !needsTables || makes, role)
                    + (name == "schema" && needsTables ? " Or set 'state_schema' to a schema where they can." : "")));
        }
    }

    /// <summary>The statement that gives what is missing of the rights on a schema.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="seen">Whether what is in it can be used.</param>
    /// <param name="makes">Whether tables can be made in it, or need not.</param>
    /// <param name="role">Who lacks the right.</param>
    public static string GrantSql(string schema, bool seen, bool makes, string role) =>
        $"GRANT {(seen ? "" : "USAGE")}{(seen || makes ? "" : ", ")}{(makes ? "" : "CREATE")} ON SCHEMA {SqlName.Quote(schema)} TO {SqlName.Quote(role)};";

    private static async Task AddTablesAsync(
        NpgsqlConnection connection, List<CheckResult> results, WriteOptions options, string role, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(TablesQuery, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = options.Schema });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var refused = new List<string>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            refused.Add(SqlName.Quote(options.Schema, reader.GetString(0)));
        if (refused.Count > 0)
            // only a run tells which of them it needs
            results.Add(new CheckResult("tables", true, "Some tables cannot be written. To write them: "
                + string.Join(' ', refused.Take(MostNamed)
                    .Select(table => $"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {table} TO {SqlName.Quote(role)};"))));
    }
}

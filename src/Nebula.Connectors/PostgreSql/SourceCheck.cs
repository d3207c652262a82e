using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Relations;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql;

/// <summary>Tries what a run will need, and says how to get what is missing.</summary>
internal static class SourceCheck
{
    private const int MostNamed = 10;
    private const string SettingsQuery = "SELECT current_user, current_setting('server_version'), current_setting('wal_level'), pg_is_in_recovery()";

    private const string RefusedQuery = """
        SELECT * FROM (
            SELECT n.nspname, c.relname, current_user::text, has_schema_privilege(n.oid, 'USAGE') AS is_seen,
                   has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT') AS is_read
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname || '.' || c.relname = ANY ($1::text[])) r
        WHERE NOT (is_seen AND is_read) ORDER BY 1, 2
        """;

    /// <summary>Runs the checks.</summary>
    /// <param name="connections">The connections.</param>
    /// <param name="cancellationToken">Stops the checks.</param>
    public static async Task<IReadOnlyList<CheckResult>> RunAsync(PostgreSqlConnections connections, CancellationToken cancellationToken)
    {
        var results = new List<CheckResult>();
        try
        {
            return await connections.AskAsync("The checks cannot go on", connection =>
            {
                var role = AddServer(connection, results, connections.Options);
                AddRights(SystemCatalog.FindRelations(connection, connections.Options.Schemas, []), role, results);
                return results;
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (NebulaException e)
        {
            results.Add(new CheckResult(results.Count == 0 ? "connection" : "server", false, e.Message));
            return results;
        }
    }

    /// <summary>Finds the tables among streams that the role may not read. What only a wildcard means is left out of a run, and is no fault.</summary>
    /// <param name="connections">The connections.</param>
    /// <param name="streams">Names and wildcards.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public static async Task<IReadOnlyList<CheckResult>> FindRefusedAsync(
        PostgreSqlConnections connections, IReadOnlyList<string> streams, CancellationToken cancellationToken)
    {
        try
        {
            var refused = await connections.AskAsync(
                "The checks cannot go on", connection => connection.Ask(RefusedQuery, SqlName.Array(streams)), cancellationToken).ConfigureAwait(false);
            return refused.ConvertAll(static row =>
            {
                var (schema, name, role) = (row.Text(0), row.Text(1), SqlName.Quote(row.Text(2)));
                var remedy = (row.Bool(3) ? "" : $" GRANT USAGE ON SCHEMA {SqlName.Quote(schema)} TO {role};")
                    + (row.Bool(4) ? "" : $" GRANT SELECT ON {SqlName.Quote(schema, name)} TO {role};");
                return new CheckResult($"{schema}.{name}", false, $"it cannot be read:{remedy}");
            });
        }
        catch (NebulaException e)
        {
            return [new CheckResult("streams", false, e.Message)];
        }
    }

    private static string AddServer(WireConnection connection, List<CheckResult> results, PostgreSqlOptions options)
    {
        var row = connection.Ask(SettingsQuery)[0];
        var role = row.Text(0);
        results.Add(new CheckResult("connection", true,
            $"database '{options.Database}' of PostgreSQL {row.Text(1)} at {options.Server}, as role '{role}'{(row.Bool(3) ? ", a standby" : "")}"));
        results.Add(new CheckResult("wal_level", true, $"{row.Text(2)}; tables are read as they are, which works with any"));
        return role;
    }

    private static void AddRights(List<Relation> relations, string role, List<CheckResult> results)
    {
        var refused = relations.FindAll(static relation => !relation.IsReadable);
        var readable = relations.Count - refused.Count;
        results.Add(relations.Count == 0
            ? new CheckResult("tables", false, "There is no table or view. Check 'database' and 'schema'.")
            : new CheckResult("tables", readable > 0, $"{readable} of {relations.Count} tables and views can be read"));
        if (refused.Count == 0)
            return;
        var remedies = refused.Take(MostNamed).Select(relation =>
            $"GRANT USAGE ON SCHEMA {SqlName.Quote(relation.Schema)} TO {SqlName.Quote(role)}; GRANT SELECT ON {SqlName.Quote(relation.Schema, relation.Name)} "
                + $"TO {SqlName.Quote(role)};");
        results.Add(new CheckResult("rights", readable > 0,
            $"{refused.Count} cannot be read and are left out{(refused.Count > MostNamed ? $"; the first {MostNamed}" : "")}. To read them: "
                + $"{string.Join(' ', remedies)}"));
    }
}

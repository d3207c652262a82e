using Nebula.Connectors.PostgreSql.Types;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>A publication: which changes of which tables the log hands over.</summary>
/// <param name="Name">Its name.</param>
internal sealed record Publication(string Name)
{
    private const int FirstVersionWithFilters = 15;
    private const int FirstVersionWithGenerated = 18;

    private const string Query = """
        SELECT puballtables, pubinsert AND pubupdate AND pubdelete AND pubtruncate, pubviaroot FROM pg_publication WHERE pubname = $1
        """;

    private const string TablesQuery = "SELECT c.oid, NULL, NULL FROM pg_publication_tables t "
        + "JOIN pg_namespace n ON n.nspname = t.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename WHERE t.pubname = $1";

    /// <summary>Whether it hands over inserts, updates, deletes and truncates.</summary>
    public bool HasAllOperations { get; private init; }

    /// <summary>Whether changes of partitions are those of their root.</summary>
    public bool IsViaRoot { get; private init; }

    /// <summary>The tables by number, with the rows (as a condition) and columns that are handed over where not all are.</summary>
    public IReadOnlyDictionary<uint, (string? Rows, string[]? Columns)> Tables { get; private init; } = new Dictionary<uint, (string?, string[]?)>();

    /// <summary>Looks a publication up.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <returns>Null when there is none.</returns>
    public static async Task<Publication?> FindAsync(NpgsqlConnection connection, string name, CancellationToken cancellationToken)
    {
        Publication found;
        await using (var command = new NpgsqlCommand(Query, connection))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                return null;
            found = new Publication(name) { HasAllOperations = reader.GetBoolean(1), IsViaRoot = reader.GetBoolean(2) };
        }
        var tables = new Dictionary<uint, (string?, string[]?)>();
        var query = connection.PostgreSqlVersion.Major >= FirstVersionWithFilters
            ? TablesQuery.Replace("NULL, NULL", "t.rowfilter, t.attnames::text[]", StringComparison.Ordinal) : TablesQuery;
        await using (var command = new NpgsqlCommand(query, connection))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = name });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                tables[reader.GetFieldValue<uint>(0)] = (reader.IsDBNull(1) ? null : reader.GetString(1), reader.IsDBNull(2) ? null
                    : reader.GetFieldValue<string[]>(2));
        }
        return found with { Tables = tables };
    }

    /// <summary>The statement that makes a publication of tables.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="tables">The tables.</param>
    /// <param name="version">Major version of the server.</param>
    public static string CreateSql(string name, IEnumerable<CapturedTable> tables, int version) =>
        $"CREATE PUBLICATION {SqlName.Quote(name)} FOR TABLE {string.Join(", ", tables.Select(Sql))} WITH (publish_via_partition_root = true"
        + $"{(version >= FirstVersionWithGenerated ? ", publish_generated_columns = stored" : "")});";

    /// <summary>The statement that adds tables.</summary>
    /// <param name="tables">The tables.</param>
    public string AddSql(IEnumerable<CapturedTable> tables) =>
        $"ALTER PUBLICATION {SqlName.Quote(Name)} ADD TABLE {string.Join(", ", tables.Select(Sql))};";

    /// <summary>Says what of a table the publication leaves out, or would, and what to do; null for nothing.</summary>
    /// <param name="table">The table.</param>
    /// <param name="columns">The columns that are read.</param>
    public string? FindFault(CapturedTable table, IEnumerable<string> columns)
    {
        if (!HasAllOperations)
            return $"Publication '{Name}' does not hand over all kinds of changes. ALTER PUBLICATION {SqlName.Quote(Name)} SET (publish = 'insert, update, "
                + "delete, truncate');";
        if (table.Kind == 'p' && !IsViaRoot)
            return $"Publication '{Name}' hands over changes of {table.Schema}.{table.Name} as those of its partitions. "
                + $"ALTER PUBLICATION {SqlName.Quote(Name)} SET (publish_via_partition_root = true);";
        if (!Tables.TryGetValue(table.Oid, out var handedOver))
            return null;
        var (rows, published) = handedOver;
        if (rows is not null)
            return $"Publication '{Name}' hands over only rows of {table.Schema}.{table.Name} with {rows}. Publish the table without WHERE.";
        var missing = published is null ? [] : columns.Where(column => table.Find(column) is { IsGenerated: false } && !published.Contains(column)).ToList();
        return missing.Count == 0 ? null
            : $"Publication '{Name}' does not hand over the columns {string.Join(", ", missing)} of {table.Schema}.{table.Name}. Publish the table without a "
                + "list of columns, or leave them out of the stream.";
    }

    // children by inheritance are streams of their own
    private static string Sql(CapturedTable table) => table.Kind == 'p' ? table.Sql : $"ONLY {table.Sql}";
}

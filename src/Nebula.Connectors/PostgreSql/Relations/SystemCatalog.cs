using System.Collections.Immutable;
using Nebula.Connectors.PostgreSql.Types;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Relations;

/// <summary>Asks the system catalog what there is to read.</summary>
internal static class SystemCatalog
{
    // a partition is part of its root; sizes and counts of a root are the sums of its leaves
    private const string RelationsQuery = """
        SELECT c.oid, n.nspname, c.relname, c.relkind,
               has_schema_privilege(n.oid, 'USAGE') AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')),
               CASE c.relkind WHEN 'p' THEN (SELECT sum(pg_table_size(t.relid))::bigint FROM pg_partition_tree(c.oid) t WHERE t.isleaf)
                              WHEN 'r' THEN pg_table_size(c.oid) WHEN 'm' THEN pg_table_size(c.oid) END,
               CASE c.relkind WHEN 'p' THEN (SELECT sum(l.reltuples)::bigint FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf AND l.reltuples >= 0)
                              WHEN 'v' THEN NULL ELSE nullif(c.reltuples, -1)::bigint END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
          AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
          AND (cardinality($1) = 0 OR n.nspname = ANY ($1))
        ORDER BY n.nspname, c.relname
        """;

    private const string ColumnsQuery = """
        WITH RECURSIVE domains (domain, type, modifier) AS (
            SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'
            UNION ALL
            SELECT d.domain, t.typbasetype, t.typtypmod FROM domains d JOIN pg_type t ON t.oid = d.type WHERE t.typtype = 'd')
        SELECT a.attname, t.oid, coalesce(d.modifier, a.atttypmod), t.typtype,
               coalesce(e.typarray = t.oid, false), a.attnotnull, format_type(a.atttypid, a.atttypmod)
        FROM pg_attribute a
        LEFT JOIN (SELECT d.* FROM domains d JOIN pg_type b ON b.oid = d.type WHERE b.typtype <> 'd') d ON d.domain = a.atttypid
        JOIN pg_type t ON t.oid = coalesce(d.type, a.atttypid)
        LEFT JOIN pg_type e ON e.oid = t.typelem
        WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
          AND (NOT $2 OR has_column_privilege(a.attrelid, a.attnum, 'SELECT'))
        ORDER BY a.attnum
        """;

    private const string KeyQuery = """
        SELECT a.attname FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = $1 AND i.indisprimary ORDER BY k.position
        """;

    /// <summary>Finds tables and views.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="schemas">The schemas to look into; empty for all that are not the system's.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public static async Task<List<Relation>> FindRelationsAsync(NpgsqlConnection connection, IReadOnlyList<string> schemas, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(RelationsQuery, connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. schemas] });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var found = new List<Relation>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            found.Add(new Relation(reader.GetFieldValue<uint>(0), reader.GetString(1), reader.GetString(2), reader.GetChar(3), reader.GetBoolean(4))
            {
                Bytes = reader.IsDBNull(5) ? null : reader.GetInt64(5),
                Rows = reader.IsDBNull(6) ? null : reader.GetInt64(6),
            });
        return found;
    }

    /// <summary>Finds the columns of a relation.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="relation">The relation.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public static async Task<RelationColumns> FindColumnsAsync(NpgsqlConnection connection, Relation relation, CancellationToken cancellationToken)
    {
        var columns = ImmutableArray.CreateBuilder<RelationColumn>();
        await using (var command = new NpgsqlCommand(ColumnsQuery, connection))
        {
            command.Parameters.Add(new NpgsqlParameter { Value = relation.Oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
            // where the role may read nothing at all, the error of reading says so better than a table without columns
            command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = relation.IsReadable });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                columns.Add(new RelationColumn(
                    reader.GetString(0), new CatalogType(reader.GetFieldValue<uint>(1), reader.GetInt32(2), reader.GetChar(3), reader.GetBoolean(4)),
                        !reader.GetBoolean(5))
                {
                    Declared = reader.GetString(6),
                });
        }
        var key = ImmutableArray.CreateBuilder<string>();
        await using (var command = new NpgsqlCommand(KeyQuery, connection))
        {
            command.Parameters.Add(new NpgsqlParameter { Value = relation.Oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                key.Add(reader.GetString(0));
        }
        return new RelationColumns(columns.ToImmutable(), key.ToImmutable());
    }
}

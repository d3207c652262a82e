using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;

namespace Nebula.Connectors.PostgreSql.Relations;

/// <summary>Asks the system catalog what there is to read.</summary>
internal static class SystemCatalog
{
    // a partition is part of its root, whose count is the sum of its leaves'; nothing here waits for a lock of a table, as pg_partition_tree does
    private const string RelationsQuery = """
        SELECT c.oid, n.nspname, c.relname, c.relkind,
               has_schema_privilege(n.oid, 'USAGE') AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')),
               CASE c.relkind WHEN 'p' THEN (
                                  WITH RECURSIVE parts (oid) AS (
                                      SELECT inhrelid FROM pg_inherits WHERE inhparent = c.oid
                                      UNION ALL
                                      SELECT i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.oid)
                                  SELECT sum(l.reltuples)::bigint FROM parts JOIN pg_class l USING (oid) WHERE l.relkind <> 'p' AND l.reltuples >= 0)
                              WHEN 'v' THEN NULL ELSE nullif(c.reltuples, -1)::bigint END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
          AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
          AND (cardinality($1::text[]) = 0 OR n.nspname = ANY ($1::text[]))
          AND (cardinality($2::text[]) = 0 OR n.nspname || '.' || c.relname = ANY ($2::text[]))
        ORDER BY n.nspname, c.relname
        """;

    // a table that somebody has locked is waited for
    private const string SizesQuery = """
        SELECT c.oid, CASE c.relkind WHEN 'p' THEN (SELECT sum(pg_table_size(t.relid))::bigint FROM pg_partition_tree(c.oid) t WHERE t.isleaf)
                                     WHEN 'r' THEN pg_table_size(c.oid) WHEN 'm' THEN pg_table_size(c.oid) END
        FROM pg_class c WHERE c.oid = ANY ($1::oid[])
        """;

    // of all columns, as the key may have some that the role may not read
    private const string ColumnsQuery = """
        WITH RECURSIVE domains (domain, type, modifier) AS (
            SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd'
            UNION ALL
            SELECT d.domain, t.typbasetype, t.typtypmod FROM domains d JOIN pg_type t ON t.oid = d.type WHERE t.typtype = 'd')
        SELECT a.attrelid, a.attname, t.oid, coalesce(d.modifier, a.atttypmod), t.typtype,
               coalesce(e.typarray = t.oid, false), a.attnotnull, format_type(a.atttypid, a.atttypmod),
               has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
               (SELECT k.position - 1 FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
                WHERE i.indrelid = a.attrelid AND i.indisprimary AND k.attnum = a.attnum AND k.position <= i.indnkeyatts)
        FROM pg_attribute a
        LEFT JOIN (SELECT d.* FROM domains d JOIN pg_type b ON b.oid = d.type WHERE b.typtype <> 'd') d ON d.domain = a.atttypid
        JOIN pg_type t ON t.oid = coalesce(d.type, a.atttypid)
        LEFT JOIN pg_type e ON e.oid = t.typelem
        WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attrelid, a.attnum
        """;

    /// <summary>Finds tables and views. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="schemas">The schemas to look into; empty for all that are not the system's.</param>
    /// <param name="streams">Names of their streams; empty for all.</param>
    public static List<Relation> FindRelations(WireConnection connection, IReadOnlyList<string> schemas, IReadOnlyList<string> streams)
    {
        var rows = connection.Ask(RelationsQuery, SqlName.Array(schemas), SqlName.Array(streams));
        var found = new List<Relation>(rows.Count);
        foreach (var row in rows)
            found.Add(new Relation(row.Oid(0), row.Text(1), row.Text(2), row.Char(3), row.Bool(4))
            {
                Rows = row.IsNull(5) ? null : row.Int64(5),
            });
        return found;
    }

    /// <summary>Finds how large relations are, those of partitions together. Waits for tables that somebody has locked. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="relations">The relations.</param>
    /// <returns>The bytes of each as stored; null where it stores nothing itself, or is gone.</returns>
    public static List<long?> FindSizes(WireConnection connection, List<Relation> relations)
    {
        var sizes = new Dictionary<uint, long?>(relations.Count);
        foreach (var row in connection.Ask(SizesQuery, OidsOf(relations)))
            sizes.Add(row.Oid(0), row.IsNull(1) ? null : row.Int64(1));
        return relations.ConvertAll(relation => sizes.GetValueOrDefault(relation.Oid));
    }

    /// <summary>Finds the columns of relations. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="relations">The relations.</param>
    /// <returns>The columns of each.</returns>
    public static List<RelationColumns> FindColumns(WireConnection connection, List<Relation> relations)
    {
        var columns = new Dictionary<uint, List<WireRow>>(relations.Count);
        foreach (var row in connection.Ask(ColumnsQuery, OidsOf(relations)))
        {
            if (!columns.TryGetValue(row.Oid(0), out var rows))
                columns.Add(row.Oid(0), rows = []);
            rows.Add(row);
        }
        return relations.ConvertAll(relation => ColumnsOf(relation, columns.GetValueOrDefault(relation.Oid) ?? []));
    }

    private static string OidsOf(List<Relation> relations) =>
        SqlName.Array(relations.ConvertAll(static relation => relation.Oid.ToString(CultureInfo.InvariantCulture)));

    private static RelationColumns ColumnsOf(Relation relation, List<WireRow> rows)
    {
        var columns = ImmutableArray.CreateBuilder<RelationColumn>(rows.Count);
        var key = new string[rows.FindAll(static row => !row.IsNull(9)).Count];
        foreach (var row in rows)
        {
            // where the role may read nothing at all, the error of reading says so better than a table without columns
            if (row.Bool(8) || !relation.IsReadable)
                columns.Add(new RelationColumn(row.Text(1), new CatalogType(row.Oid(2), row.Int32(3), row.Char(4), row.Bool(5)), !row.Bool(6))
                {
                    Declared = row.Text(7),
                });
            if (!row.IsNull(9))
                key[row.Int32(9)] = row.Text(1);
        }
        return new RelationColumns(columns.ToImmutable(), ImmutableCollectionsMarshal.AsImmutableArray(key));
    }
}

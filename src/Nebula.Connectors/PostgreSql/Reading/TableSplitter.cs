using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Splits tables into ranges of blocks, and partitioned ones into their partitions first.</summary>
internal static class TableSplitter
{
    // before, a range of blocks was found by reading the whole table
    private const int FirstVersionWithRangeScans = 14;

    // reading a partition by its own name needs rights of its own, and passes the root's row security by
    private const string LeavesQuery = """
        WITH root AS (SELECT c.oid, c.relkind, c.relrowsecurity FROM pg_class c WHERE c.oid = $1::regclass),
        leaves AS (
            SELECT r.oid FROM root r WHERE r.relkind <> 'p'
            UNION ALL
            SELECT t.relid::oid FROM root r CROSS JOIN pg_partition_tree(r.oid) t WHERE r.relkind = 'p' AND t.isleaf)
        SELECT n.nspname, c.relname, c.relkind, coalesce(m.amname = 'heap', false),
               CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) / current_setting('block_size')::bigint ELSE 0 END,
               CASE WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid) ELSE 0 END,
               (SELECT relkind FROM root) = 'p' AND ((SELECT relrowsecurity FROM root)
                   OR NOT has_schema_privilege(n.oid, 'USAGE') OR NOT has_table_privilege(c.oid, 'SELECT'))
        FROM leaves l JOIN pg_class c ON c.oid = l.oid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am m ON m.oid = c.relam
        ORDER BY n.nspname, c.relname
        """;

    /// <summary>Finds the chunks of a relation, in order. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="plan">The stream.</param>
    /// <param name="whole">The relation.</param>
    /// <param name="chunkBytes">About how many stored bytes a chunk should have; null for one chunk.</param>
    public static List<TableChunk> Split(WireConnection connection, StreamPlan plan, TableChunk whole, long? chunkBytes)
    {
        if (chunkBytes is not { } wanted || !whole.IsStored
            || plan.Where is not null && UsesIndex(connection, plan, whole))
            return [whole];
        var hasRangeScans = connection.MajorVersion >= FirstVersionWithRangeScans;
        var chunks = new List<TableChunk>();
        foreach (var row in connection.Ask(LeavesQuery, SqlName.Quote(whole.Schema, whole.Name)))
        {
            if (row.Bool(6))
                return [whole];
            var leaf = new TableChunk(row.Text(0), row.Text(1), row.Char(2)) { Condition = whole.Condition };
            AddRanges(chunks, leaf, hasRangeScans && row.Bool(3) ? row.Int64(4) : 0, row.Int64(5), wanted);
        }
        return chunks.Count == 0 ? [whole] : chunks;
    }

    /// <summary>Whether the server finds the rows by an index: it would read all blocks if they were asked for range by range.</summary>
    private static bool UsesIndex(WireConnection connection, StreamPlan plan, TableChunk whole)
    {
        var query = $"EXPLAIN SELECT FROM {CopyQuery.RowsOf(plan, whole)}";
        return SqlStatement.Run(query, plan, whole.After, () => connection.Ask(query)).Exists(static row => IsIndex(row.Text(0).AsSpan().TrimStart(" ->")));
    }

    private static bool IsIndex(ReadOnlySpan<char> node) =>
        node.StartsWith("Index ", StringComparison.Ordinal) || node.StartsWith("Bitmap ", StringComparison.Ordinal);

    private static void AddRanges(List<TableChunk> chunks, TableChunk leaf, long blocks, long bytes, long chunkBytes)
    {
        var bytesPerBlock = blocks == 0 ? 1 : Math.Max(1, bytes / blocks);
        var blocksPerChunk = Math.Max(1, chunkBytes / bytesPerBlock);
        if (blocks <= blocksPerChunk)
        {
            chunks.Add(leaf with { Bytes = bytes });
            return;
        }
        for (var first = 0L; first < blocks; first += blocksPerChunk)
        {
            var end = first + blocksPerChunk;
            // the last has no end: where the snapshot is not shared, rows that moved behind the old end are not lost
            chunks.Add(leaf with
            {
                FirstBlock = first,
                EndBlock = end < blocks ? end : null,
                Bytes = Math.Min(blocksPerChunk, blocks - first) * bytesPerBlock,
            });
        }
    }
}

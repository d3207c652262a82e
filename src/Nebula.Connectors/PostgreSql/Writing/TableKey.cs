using Npgsql;
using NpgsqlTypes;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Finds out how a table tells rows apart.</summary>
internal static class TableKey
{
    private const string UniqueQuery = """
        SELECT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
              AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE "C") FROM pg_attribute a
                   WHERE a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]))
                = (SELECT array_agg(k ORDER BY k COLLATE "C") FROM unnest($2::text[]) k))
        """;

    /// <summary>Whether a unique index has just the columns of a key.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="table">The table.</param>
    /// <param name="key">The columns.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    public static async Task<bool> IsUniqueAsync(NpgsqlConnection connection, TargetTable table, IEnumerable<string> key, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(UniqueQuery, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = table.Oid, NpgsqlDbType = NpgsqlDbType.Oid });
        command.Parameters.Add(new NpgsqlParameter { Value = key.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is true;
    }
}

using Npgsql;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>A row of texts.</summary>
internal static class TextRow
{
    /// <summary>Reads the first row of a query whose columns are all text.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="sql">The query.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Its values; empty when there is no row.</returns>
    public static async Task<string?[]> ReadAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        if (!await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            return [];
        var row = new string?[reader.FieldCount];
        for (var i = 0; i < row.Length; i++)
            row[i] = reader.IsDBNull(i) ? null : reader.GetString(i);
        return row;
    }
}

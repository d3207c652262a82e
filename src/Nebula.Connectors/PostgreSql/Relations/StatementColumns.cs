using System.Data;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Diagnostics;
using Npgsql;
using Npgsql.Schema;

namespace Nebula.Connectors.PostgreSql.Relations;

/// <summary>Asks the server what columns a statement has, without running it.</summary>
internal static class StatementColumns
{
    private const string TypesQuery = """
        SELECT t.oid, t.typtype, coalesce(e.typarray = t.oid, false)
        FROM pg_type t LEFT JOIN pg_type e ON e.oid = t.typelem WHERE t.oid = ANY ($1)
        """;

    /// <summary>Finds the columns.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="stream">The stream, for messages.</param>
    /// <param name="statement">The statement.</param>
    /// <param name="cancellationToken">Stops the search.</param>
    /// <exception cref="NebulaException">The statement is wrong, or two columns have the same name.</exception>
    public static async Task<RelationColumns> FindAsync(NpgsqlConnection connection, string stream, string statement, CancellationToken cancellationToken)
    {
        var found = await DescribeAsync(connection, stream, statement, cancellationToken).ConfigureAwait(false);
        if (found.GroupBy(static column => column.Name).FirstOrDefault(static same => same.Count() > 1) is { } twice)
            throw NebulaException.Configuration($"'sql' of {stream} has {twice.Count()} columns \"{twice.Key}\". Give each a name of its own (AS …).");
        var kinds = new Dictionary<uint, (char Kind, bool IsArray)>();
        await using var command = new NpgsqlCommand(TypesQuery, connection);
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = found.Select(static column => column.Type).Distinct().ToArray(),
            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Oid,
        });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            kinds.Add(reader.GetFieldValue<uint>(0), (reader.GetChar(1), reader.GetBoolean(2)));
        return new RelationColumns([.. found.Select(column => new RelationColumn(
            column.Name, new CatalogType(column.Type, column.Modifier, kinds[column.Type].Kind, kinds[column.Type].IsArray), Nullable: true))], []);
    }

    private static async Task<List<(string Name, uint Type, int Modifier)>> DescribeAsync(
        NpgsqlConnection connection, string stream, string statement, CancellationToken cancellationToken)
    {
        var query = $"SELECT * FROM {SqlStatement.Rows(statement, null)} AS {CopyQuery.Alias}";
        await using var command = new NpgsqlCommand(query, connection);
        try
        {
            await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SchemaOnly, cancellationToken).ConfigureAwait(false);
            var schema = await reader.GetColumnSchemaAsync(cancellationToken).ConfigureAwait(false);
            return [.. schema.Cast<NpgsqlDbColumn>().Select(static column => (column.ColumnName, column.TypeOID, PostgreSqlType.ModifierOf(column.NumericPrecision, column.NumericScale)))];
        }
        catch (PostgresException e) when (SqlStatement.Explain(e, query, "sql", statement, null, stream) is { } explained)
        {
            throw explained;
        }
    }
}

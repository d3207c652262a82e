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
        SELECT t.typtype, coalesce(e.typarray = t.oid, false), format_type(t.oid, wanted.modifier)
        FROM unnest($1, $2) WITH ORDINALITY AS wanted (type, modifier, position)
        JOIN pg_type t ON t.oid = wanted.type LEFT JOIN pg_type e ON e.oid = t.typelem ORDER BY wanted.position
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
        var columns = new List<RelationColumn>(found.Count);
        await using var command = new NpgsqlCommand(TypesQuery, connection);
        command.Parameters.Add(new NpgsqlParameter
        {
            Value = found.Select(static column => column.Type).ToArray(),
            NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Array | NpgsqlTypes.NpgsqlDbType.Oid,
        });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. found.Select(static column => column.Modifier)] });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        foreach (var (name, type, modifier) in found)
        {
            await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            var catalogType = new CatalogType(type, modifier, reader.GetChar(0), reader.GetBoolean(1));
            columns.Add(new RelationColumn(name, catalogType, Nullable: true) { Declared = reader.GetString(2) });
        }
        return new RelationColumns([.. columns], []);
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
            return [.. schema.Cast<NpgsqlDbColumn>().Select(static column =>
                (column.ColumnName, column.TypeOID, PostgreSqlType.ModifierOf(column.NumericPrecision, column.NumericScale)))];
        }
        catch (PostgresException e) when (SqlStatement.Explain(e, query, "sql", statement, null, stream) is { } explained)
        {
            throw explained;
        }
    }
}

using System.Globalization;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Relations;

/// <summary>Asks the server what columns a statement has, without running it.</summary>
internal static class StatementColumns
{
    private const string TypesQuery = """
        SELECT t.typtype, coalesce(e.typarray = t.oid, false), format_type(t.oid, wanted.modifier)
        FROM unnest($1::oid[], $2::int[]) WITH ORDINALITY AS wanted (type, modifier, position)
        JOIN pg_type t ON t.oid = wanted.type LEFT JOIN pg_type e ON e.oid = t.typelem ORDER BY wanted.position
        """;

    /// <summary>Finds the columns. Blocks the thread.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="stream">The stream, for messages.</param>
    /// <param name="statement">The statement.</param>
    /// <exception cref="NebulaException">The statement is wrong, or two columns have the same name.</exception>
    public static RelationColumns Find(WireConnection connection, string stream, string statement)
    {
        var found = Describe(connection, stream, statement);
        if (found.GroupBy(static column => column.Name).FirstOrDefault(static same => same.Count() > 1) is { } twice)
            throw NebulaException.Configuration($"'sql' of {stream} has {twice.Count()} columns \"{twice.Key}\". Give each a name of its own (AS …).");
        var types = connection.Ask(TypesQuery, SqlName.Array(found.Select(static column => column.Type.ToString(CultureInfo.InvariantCulture))),
            SqlName.Array(found.Select(static column => PostgreSqlType.ModifierOf(column.Type, column.Modifier).ToString(CultureInfo.InvariantCulture))));
        return new RelationColumns([.. found.Zip(types, static (column, type) => new RelationColumn(
            column.Name, new CatalogType(column.Type, PostgreSqlType.ModifierOf(column.Type, column.Modifier), type.Char(0), type.Bool(1)), Nullable: true)
        {
            Declared = type.Text(2),
        })], []);
    }

    private static List<WireColumn> Describe(WireConnection connection, string stream, string statement)
    {
        var query = $"SELECT * FROM {SqlStatement.Rows(statement, null)} AS {CopyQuery.Alias}";
        try
        {
            return connection.Describe(query);
        }
        catch (PostgresException e) when (SqlStatement.Explain(e, query, "sql", statement, null, stream) is { } explained)
        {
            throw explained;
        }
    }
}

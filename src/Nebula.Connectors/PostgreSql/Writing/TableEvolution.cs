using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Gives a table the columns that a design needs: what is missing is added, what is too narrow is widened, nothing is dropped.</summary>
/// <param name="connection">The connection, in the transaction of the commit.</param>
/// <param name="table">The table.</param>
internal sealed class TableEvolution(NpgsqlConnection connection, TargetTable table)
{
    /// <summary>Changes the table where it has to be changed.</summary>
    /// <param name="design">What is needed.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The table as it is then.</returns>
    /// <exception cref="NebulaException">A column has a type that cannot take the values.</exception>
    public async Task<TargetTable> RunAsync(TableDesign design, CancellationToken cancellationToken)
    {
        var changes = Changes(design, table);
        if (changes.Count == 0)
            return table;
        await StateTable.ExecuteAsync(connection, $"ALTER TABLE {table.Name.Sql} {string.Join(", ", changes)}", cancellationToken).ConfigureAwait(false);
        return (await TargetTable.FindAsync(connection, table.Name, cancellationToken).ConfigureAwait(false))!;
    }

    /// <summary>Finds what has to be changed.</summary>
    /// <param name="design">What is needed.</param>
    /// <param name="table">The table.</param>
    /// <returns>Actions of ALTER TABLE.</returns>
    /// <exception cref="NebulaException">A column has a type that cannot take the values.</exception>
    public static List<string> Changes(TableDesign design, TargetTable table)
    {
        var changes = new List<string>();
        foreach (var column in design.Columns)
        {
            var quoted = SqlName.Quote(column.Name);
            if (table.Column(column.Name) is not { } found)
                changes.Add($"ADD COLUMN {quoted} {column.Type.Text}");
            else if (!Takes(found.Type, column))
                changes.Add(CanWiden(found.Type, column.Type) ? $"ALTER COLUMN {quoted} TYPE {column.Type.Text}" : throw new NebulaException(ErrorKind.Schema,
                    $"Column \"{column.Name}\" of '{table.Name}' is {found.Type.Text}, which cannot take {column.Type.Text}. Change it "
                    + $"(ALTER TABLE {table.Name.Sql} ALTER COLUMN {quoted} TYPE {column.Type.Text} USING {quoted}::{column.Type.Text};), "
                    + $"cast the column (columns: {{ {column.Name}: … }}), or give it another name."));
        }
        return changes.Count == 0 || table.IsOwned ? changes : throw new NebulaException(ErrorKind.Permission,
            $"'{table.Name}' has not the columns that the stream needs, and only its owner can change it. As its owner: "
            + $"ALTER TABLE {table.Name.Sql} {string.Join(", ", changes)};");
    }

    /// <summary>Whether a table can take the rows as it is.</summary>
    /// <param name="design">What is needed.</param>
    /// <param name="table">The table.</param>
    public static bool Fits(TableDesign design, TargetTable table) =>
        design.Columns.All(column => table.Column(column.Name) is { } found && Takes(found.Type, column));

    /// <summary>The type that a column of a table has after it was changed.</summary>
    /// <param name="column">What is needed.</param>
    /// <param name="table">The table.</param>
    public static SqlType TypeAfter(DesignColumn column, TargetTable table) =>
        table.Column(column.Name) is { } found && Takes(found.Type, column) ? found.Type : column.Type;

    private static bool Takes(SqlType found, DesignColumn column) => found.Holds(column.Type)
        // a limit that somebody set on text: values beyond it are errors
        || !column.IsDeclared && column.Type.Base == "text" && IsLimitedText(found);

    // that everything can be printed is no reason to make a column text
    private static bool CanWiden(SqlType found, SqlType wanted) => wanted.Holds(found) && (wanted.Base != "text" || IsLimitedText(found));

    private static bool IsLimitedText(SqlType type) => type.Base is "varchar" or "bpchar";
}

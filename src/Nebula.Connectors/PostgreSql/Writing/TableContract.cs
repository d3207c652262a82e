using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Holds a design against what the user allows a table to become.</summary>
internal static class TableContract
{
    /// <summary>Gives the part of a design that may be written.</summary>
    /// <param name="design">The design.</param>
    /// <param name="contract">What is allowed.</param>
    /// <param name="table">The table; null when there is none.</param>
    /// <param name="name">Its name.</param>
    /// <returns>The design, without the columns that are to be left out.</returns>
    /// <exception cref="NebulaException">The table would have to become what it must not.</exception>
    public static TableDesign Require(TableDesign design, SchemaContract contract, TargetTable? table, TableName name)
    {
        if (table is null)
            return contract.MakesTables ? design : throw new NebulaException(ErrorKind.Schema,
                $"There is no table '{name}', and 'schema.tables: freeze' keeps it from being made. Make it ({design.CreateSql(name, isStaging: false)};), "
                + "or allow it (schema: { tables: evolve }).");
        var missing = design.Columns.Where(column => table.Column(column.Name) is null).ToList();
        if (contract.NewColumns == NewColumnPolicy.LeaveOut)
            design = design with { Columns = [.. design.Columns.Except(missing)] };
        if (missing.Find(column => design.Key.Contains(column.Name)) is { } key && contract.NewColumns != NewColumnPolicy.Add)
            throw new NebulaException(ErrorKind.Schema, $"Table '{name}' lacks the column \"{key.Name}\" of the key, without which rows cannot be told apart.");
        if (missing.Count > 0 && contract.NewColumns == NewColumnPolicy.Fail)
            throw new NebulaException(ErrorKind.Schema,
                $"Table '{name}' lacks {List(missing.Select(static column => column.Name))}, and 'schema.columns: freeze' keeps columns from being added. "
                + $"Add them (ALTER TABLE {name.Sql} "
                + $"{string.Join(", ", missing.Select(static column => $"ADD COLUMN {SqlName.Quote(column.Name)} {column.Type.Text}"))};), "
                + "leave them out (select, or schema: { columns: discard_value }), or allow it (schema: { columns: evolve }).");
        if (!contract.WidensTypes
            && TableEvolution.Changes(design, table).Find(static change => change.StartsWith("ALTER", StringComparison.Ordinal)) is { } change)
            throw new NebulaException(ErrorKind.Schema, $"A column of '{name}' is too narrow, and 'schema.types: freeze' keeps it from being widened. "
                + $"Widen it (ALTER TABLE {name.Sql} {change};), or allow it (schema: {{ types: widen }}).");
        var dropped = table.Columns.Select(static column => column.Name).Except(design.Columns.Select(static column => column.Name)).ToList();
        if (!contract.KeepsDropped && dropped.Count > 0)
            throw new NebulaException(ErrorKind.Schema,
                $"Table '{name}' has {List(dropped)}, which the source has no more, and 'schema.on_drop: fail' forbids that. "
                + $"Drop it ({string.Join(' ', dropped.Select(column => $"ALTER TABLE {name.Sql} DROP COLUMN {SqlName.Quote(column)};"))}), or keep it "
                + $"(schema: {{ on_drop: keep }}).");
        return design;
    }

    private static string List(IEnumerable<string> columns) => string.Join(", ", columns.Select(static column => $"\"{column}\""));
}

using System.Globalization;
using Nebula.Connectors.PostgreSql.Types;
using Npgsql;
using NpgsqlTypes;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>Puts a staging table in the place of its target. Its indexes are built first, so that readers wait for a moment only.</summary>
/// <param name="connection">The connection, in the transaction of the commit.</param>
/// <param name="target">The target.</param>
/// <param name="staged">The staging table, made like the target, with what the design needs besides.</param>
/// <param name="design">The columns that are written.</param>
internal sealed class TableSwap(NpgsqlConnection connection, TargetTable target, TargetTable staged, TableDesign design)
{
    private const string IndexesQuery = """
        SELECT i.relname, c.conname, pg_get_constraintdef(c.oid),
               replace(pg_get_indexdef(x.indexrelid), format('INDEX %I ON %I.%I USING', i.relname, n.nspname, t.relname),
                   format('INDEX %I ON %I.%I USING', $2 || x.indexrelid, $3, $4))
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
        LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid AND c.conrelid = x.indrelid AND c.contype IN ('p', 'u', 'x')
        WHERE x.indrelid = $1 ORDER BY x.indexrelid
        """;

    /// <summary>Swaps.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>False when the target is not what it was any more, and nothing was done to it.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var renames = new List<string>();
        foreach (var (index, constraint, definition, create) in await FindIndexesAsync(cancellationToken).ConfigureAwait(false))
        {
            var made = $"{staged.Name.Name}_{renames.Count.ToString(CultureInfo.InvariantCulture)}";
            if (constraint is not null)
            {
                await StateTable.ExecuteAsync(
                    connection, $"ALTER TABLE {staged.Name.Sql} ADD CONSTRAINT {SqlName.Quote(made)} {definition}", cancellationToken).ConfigureAwait(false);
                renames.Add($"ALTER TABLE {target.Name.Sql} RENAME CONSTRAINT {SqlName.Quote(made)} TO {SqlName.Quote(constraint)}; ");
                continue;
            }
            await StateTable.ExecuteAsync(connection, create, cancellationToken).ConfigureAwait(false);
            renames.Add($"ALTER INDEX {SqlName.Quote(target.Name.Schema, NameOf(create))} RENAME TO {SqlName.Quote(index)}; ");
        }
        await StateTable.ExecuteAsync(connection, $"LOCK TABLE {target.Name.Sql} IN ACCESS EXCLUSIVE MODE", cancellationToken).ConfigureAwait(false);
        // somebody may have made a view of it since it was staged
        if (await TargetTable.FindAsync(connection, target.Name, cancellationToken).ConfigureAwait(false) is not { } now || !IsStill(now)
            || !await now.IsPlainAsync(connection, staged, cancellationToken).ConfigureAwait(false))
            return false;
        await StateTable.ExecuteAsync(
            connection, $"DROP TABLE {target.Name.Sql}; {string.Concat(TableCommit.MoveSql(staged.Name, target.Name))}{string.Concat(renames)}",
                cancellationToken).ConfigureAwait(false);
        return true;
    }

    private bool IsStill(TargetTable now) => now.Oid == target.Oid && TableEvolution.Changes(design, staged).Count == 0
        && now.Columns.All(column =>
            staged.Column(column.Name) is { } made && (made.Type == column.Type || design.Columns.Any(wanted => wanted.Name == column.Name)))
        && staged.Columns.All(column => now.Column(column.Name) is not null || design.Columns.Any(wanted => wanted.Name == column.Name));

    private async Task<List<(string Index, string? Constraint, string Definition, string Create)>> FindIndexesAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(IndexesQuery, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = target.Oid, NpgsqlDbType = NpgsqlDbType.Oid });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = IndexPrefix });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = staged.Name.Schema });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = staged.Name.Name });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var found = new List<(string, string?, string, string)>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            found.Add((reader.GetString(0), reader.IsDBNull(1) ? null : reader.GetString(1), reader.IsDBNull(2) ? "" : reader.GetString(2),
                reader.GetString(3)));
        return found;
    }

    private string IndexPrefix => staged.Name.Name + "_i";

    /// <summary>The name in a statement that the query above made: it needs no quotes.</summary>
    private string NameOf(string create)
    {
        var start = create.IndexOf(IndexPrefix, StringComparison.Ordinal);
        return create[start..create.IndexOf(' ', start)];
    }
}

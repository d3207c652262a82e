using System.Collections.Immutable;
using Nebula.Connectors.PostgreSql.Comparing;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Writing;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql;

/// <summary>The tables of a target, compared.</summary>
internal sealed partial class PostgreSqlDestination
{
    public string HashForm => RowForm.Name;

    public async Task<IRangeHasher> OpenHashesAsync(StreamPlan plan, ImmutableArray<HashedColumn>? columns, CancellationToken cancellationToken)
    {
        var name = NameOf(plan.Object);
        return await RangeHasher.OpenAsync(_connections, null, name.ToString(), async connection =>
        {
            var table = await TargetTable.FindAsync(connection, name, cancellationToken).ConfigureAwait(false)
                ?? throw NebulaException.NotFound($"There is no table '{name}' any more. Run again.");
            if (plan.PrimaryKey.FirstOrDefault(key => table.Column(key) is null) is { } key)
                throw new NebulaException(ErrorKind.Schema, $"Table '{name}' lacks the column \"{key}\" of the key, by which rows are compared. "
                    + "Use 'on_position_lost: resnapshot'.");
            // a column that is yet to be added is null in every row; one that never will is not compared
            var counted = columns ?? [.. Enumerable.Range(0, plan.Columns.Length).Where(column =>
                plan.Contract.NewColumns != NewColumnPolicy.LeaveOut || table.Column(plan.Columns[column].Field.Name) is not null)
                .Select(column => new HashedColumn(column, FormOf(plan, table, column)))];
            var hash = RowForm.Hash(plan, counted, column => table.Column(plan.Columns[column].Field.Name) is { } found
                ? new ColumnForm.Place(CopyQuery.ColumnOf(found.Name), found.Type) : null);
            var isMarked = plan.Capture?.Deletes == DeleteHandling.Soft && table.Column(ChangeColumns.Operation) is not null;
            return new ComparedTable($"{name.Sql} AS {CopyQuery.Alias}",
                isMarked ? $"{CopyQuery.Alias}.{ChangeColumns.Operation} IS DISTINCT FROM '{ChangeColumns.Delete}'" : null,
                KeyForm.OfTarget(plan, table), hash, counted);
        }, cancellationToken).ConfigureAwait(false);
    }

    private static string FormOf(StreamPlan plan, TargetTable table, int column) =>
        plan.Columns[column].Field.Type is var type && (type.Kind == TypeKind.Json || type.IsNested) && TableDetails.DeclaredOf(plan, column) != RowForm.Jsonb
            && table.Column(plan.Columns[column].Field.Name) is { Type.Base: RowForm.Jsonb } ? RowForm.Jsonb : "";
}

using System.Collections.Immutable;
using Nebula.Connectors.PostgreSql.Comparing;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql;

/// <summary>The tables of a database, compared.</summary>
internal sealed partial class PostgreSqlSource
{
    public string HashForm => RowForm.Name;

    public async Task<IRangeHasher> OpenHashesAsync(StreamPlan plan, ImmutableArray<HashedColumn>? columns, CancellationToken cancellationToken)
    {
        var counted = columns ?? [.. Enumerable.Range(0, plan.Columns.Length).Select(static column => new HashedColumn(column))];
        var chunk = TableDetails.RowsOf(plan);
        var table = new ComparedTable(
            $"{(chunk.Kind == 'r' ? "ONLY " : "")}{SqlName.Quote(chunk.Schema, chunk.Name)} AS {CopyQuery.Alias}", null, KeyForm.OfSource(plan),
            RowForm.Hash(plan, counted, column => new ColumnForm.Place(CopyQuery.ColumnOf(plan.Columns[column].SourceName), null)), counted);
        return await RangeHasher.OpenAsync(
            _connections, _logs.GetValueOrDefault(plan.Stream.Name)?.Snapshot, plan.Stream.Name, _ => Task.FromResult(table), cancellationToken)
            .ConfigureAwait(false);
    }
}

using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Reads values from the table that the log does not tell: large ones that did not change, generated ones, and those of columns that were added later. They
/// are those that the row has now; of a row that is gone they are null, and a delete of it follows.
/// </summary>
internal static class TableRows
{
    private const int MostRows = 5_000;

    /// <summary>Fills values in.</summary>
    /// <param name="batch">The rows, which this disposes of unless it fails.</param>
    /// <param name="missing">The values, in the order of the rows.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="limit">What is read keeps to it; null for no limit.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task<RecordBatch> FillAsync(
        RecordBatch batch, MissingValues[] missing, ChangedRows stream, NpgsqlConnection connection, RateLimit? limit, BufferPool pool,
        CancellationToken cancellationToken)
    {
        int[] columns = [.. missing.SelectMany(static values => values.Columns).Distinct().Where(column =>
            stream.Table.Find(stream.Plan.Columns[column].SourceName) is not null).Order()];
        if (columns.Length == 0)
            return batch;
        var plan = (stream.Plan with
        {
            Columns = [.. columns.Select(column =>
            new PlannedColumn(stream.Plan.Columns[column].SourceName, stream.Columns[column].Field))]
        }).Build();
        using var found = new FoundRows();
        for (var first = 0; first < missing.Length; first += MostRows)
            await ReadAsync(missing.AsMemory(first, Math.Min(MostRows, missing.Length - first)), plan, stream.Table, connection, limit, found, pool,
                cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < columns.Length; i++)
            batch = WindowBuilder.Replace(batch, columns[i], Merge(batch.Columns[columns[i]], columns[i], missing, found, i, pool));
        return batch;
    }

    private static Column Merge(Column column, int index, MissingValues[] missing, FoundRows found, int foundIndex, BufferPool pool)
    {
        using var builder = new ColumnBuilder(pool, column.Type);
        var next = 0;
        for (var i = 0; i < missing.Length; i++)
        {
            if (!missing[i].Columns.Contains(index))
                continue;
            builder.AppendRange(column, next, missing[i].Row - next);
            var (batch, row) = found[i];
            builder.AppendRange(batch.Columns[foundIndex], row, 1);
            next = missing[i].Row + 1;
        }
        builder.AppendRange(column, next, column.Length - next);
        return builder.Build();
    }

    private static async Task ReadAsync(
        ReadOnlyMemory<MissingValues> missing, StreamPlan plan, CapturedTable table, NpgsqlConnection connection, RateLimit? limit, FoundRows found,
            BufferPool pool, CancellationToken cancellationToken)
    {
        var copy = await connection.BeginRawBinaryCopyAsync(QueryOf(missing.Span, plan, table), cancellationToken).ConfigureAwait(false);
        await using (copy.ConfigureAwait(false))
        {
            using var bytes = new GrowingBuffer(pool);
            var read = new byte[64 << 10];
            var source = LimitedStream.Of(copy, limit);
            while (await source.ReadAsync(read, cancellationToken).ConfigureAwait(false) is var count and > 0)
                read.AsSpan(0, count).CopyTo(bytes.Extend(count));
            var header = CopyForm.HeaderOf(bytes.Content, plan.Stream.Name);
            // one row for each, and the number that ends them
            var rows = bytes.Content[header..Math.Max(header, bytes.Content.Length - sizeof(short))];
            var buffer = pool.Rent(rows.Length);
            rows.CopyTo(buffer.Span);
            buffer.Length = rows.Length;
            using var block = new RawBlock(buffer, new SourcePosition(plan.Stream.Name, 0)) { Context = missing.Length };
            new CopyDecoder(plan, pool).Decode(block, found);
        }
    }

    private static string QueryOf(ReadOnlySpan<MissingValues> missing, StreamPlan plan, CapturedTable table)
    {
        CapturedColumn[] key = [.. table.KeyColumns];
        var sql = CopyQuery.Start(plan).Append(" FROM unnest(");
        for (var i = 0; i < key.Length; i++)
        {
            sql.Append(i > 0 ? ", " : "").Append("ARRAY[");
            for (var row = 0; row < missing.Length; row++)
                sql.Append(row > 0 ? "," : "").Append(missing[row].Key[i] is { } text ? $"'{text.Replace("'", "''", StringComparison.Ordinal)}'" : "NULL");
            sql.Append("]::text[]");
        }
        sql.Append(") WITH ORDINALITY AS k (").Append(string.Join(", ",
            key.Select(static (_, i) => $"k{i}"))).Append(", n) LEFT JOIN ").Append(table.Kind == 'r' ? "ONLY " : "").Append(table.Sql)
            .Append(" AS t ON ").AppendJoin(" AND ", key.Select(static (column, i) => $"t.{SqlName.Quote(column.Name)} = k.k{i}::{column.Type}"));
        return sql.Append(" ORDER BY k.n) TO STDOUT (FORMAT binary)").ToString();
    }

    /// <summary>The rows that were read, in their order.</summary>
    private sealed class FoundRows : IDecodeSink, IDisposable
    {
        private readonly List<RecordBatch> _batches = [];

        /// <summary>Where a row is.</summary>
        /// <param name="index">Its position among all.</param>
        public (RecordBatch Batch, int Row) this[int index]
        {
            get
            {
                var batch = 0;
                for (; index >= _batches[batch].Length; batch++)
                    index -= _batches[batch].Length;
                return (_batches[batch], index);
            }
        }

        public void Add(RecordBatch batch) => _batches.Add(batch);

        public void Reject(RejectedRow row) => throw new DataFormatException($"A change cannot be read: {row.Reason}", row.Location);

        public void Lines(long count)
        {
        }

        public void Dispose()
        {
            foreach (var batch in _batches)
                batch.Dispose();
        }
    }
}

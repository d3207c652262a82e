using System.Collections.Immutable;
using System.Text;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>A table that changes are applied to, and what is known of it as long as the connection lives.</summary>
internal sealed class ChangeTarget
{
    private const string OperationWindow = "_nebula_w";

    // a mark has the key and what happened, and null elsewhere
    private const string MarksQuery = """
        SELECT NOT EXISTS (SELECT FROM pg_attribute
            WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped AND attnotnull AND attname <> ALL ($2)
              AND (attname = ANY ($3) OR NOT atthasdef AND attidentity = ''))
        """;

    private readonly TargetTable _table;
    private readonly StreamPlan _plan;
    private readonly string _window;
    private readonly ChangeStatements? _statements;
    private readonly ImmutableArray<CopyColumn> _columns;
    private readonly string _copy;

    private ChangeTarget(StreamPlan plan, TargetTable table, string window, ChangeStatements? statements, ImmutableArray<CopyColumn> columns, string copy)
    {
        _plan = plan;
        _table = table;
        _window = window;
        _statements = statements;
        _columns = columns;
        _copy = copy;
    }

    /// <summary>Tells its window table from others of the connection.</summary>
    public int Number { get; private init; }

    /// <summary>Whether it is made for the columns of a plan.</summary>
    /// <param name="plan">The plan.</param>
    public bool IsFor(StreamPlan plan) => _plan.Write == plan.Write && _plan.Capture?.Deletes == plan.Capture?.Deletes
        && _plan.PrimaryKey.SequenceEqual(plan.PrimaryKey) && _plan.Schema.Fields.SequenceEqual(plan.Schema.Fields);

    /// <summary>Makes the table what the plan wants, and what changes of it need on the connection.</summary>
    /// <param name="connection">The connection, in a transaction.</param>
    /// <param name="name">The table.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="number">Tells the window tables of a connection apart.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task<ChangeTarget> OpenAsync(
        NpgsqlConnection connection, TableName name, StreamPlan plan, int number, CancellationToken cancellationToken)
    {
        var design = await TableDesign.OfAsync(connection, plan, cancellationToken).ConfigureAwait(false);
        var table = await TargetTable.FindAsync(connection, name, cancellationToken).ConfigureAwait(false);
        TableCommit.RequireTable(table, name);
        design = TableContract.Require(design, plan.Contract, table, name);
        if (table is null)
        {
            await StateTable.EnsureSchemaAsync(connection, name.Schema, cancellationToken).ConfigureAwait(false);
            await StateTable.ExecuteAsync(connection, design.CreateSql(name, isStaging: false), cancellationToken).ConfigureAwait(false);
            table = (await TargetTable.FindAsync(connection, name, cancellationToken).ConfigureAwait(false))!;
        }
        else
            table = await new TableEvolution(connection, table).RunAsync(design, cancellationToken).ConfigureAwait(false);
        var window = $"pg_temp.{OperationWindow}{number}";
        var fields = plan.Schema.Fields.Select((field, i) => (field.Name, field.Type, Index: i)).ToList();
        // where and when is kept with marks only
        if (!TableDesign.KeepsChanges(plan))
            fields.RemoveAll(static field => field.Name is ChangeColumns.Position or ChangeColumns.CommittedAt);
        if (plan.Write == WriteMode.Merge)
            fields.Add((ChangeColumns.Unchanged, Engine.Schemas.DataType.Binary, plan.Schema.Fields.Length));
        var types = new Dictionary<string, SqlType>(StringComparer.Ordinal);
        var columns = ImmutableArray.CreateBuilder<CopyColumn>();
        foreach (var field in fields)
        {
            var stored = StoredType.Of(field.Type);
            var wire = table.Column(field.Name) is { } found ? stored.WireTo(found.Type) : stored.Wire;
            types[field.Name] = wire is not null && table.Column(field.Name) is { } direct ? direct.Type : stored.Type;
            columns.Add(new CopyColumn(field.Index, wire ?? stored.Wire));
        }
        var names = string.Join(", ", fields.Select(static field => SqlName.Quote(field.Name)));
        if (plan.Write == WriteMode.Append && types.All(type => type.Value == table.Column(type.Key)?.Type))
            return new ChangeTarget(plan, table, "", null, columns.ToImmutable(), $"COPY {name.Sql} ({names}) FROM STDIN (FORMAT binary)") { Number = number };
        await StateTable.ExecuteAsync(connection, $"DROP TABLE IF EXISTS {window}; {ChangeStatements.CreateWindowSql(window, types)}", cancellationToken)
            .ConfigureAwait(false);
        var isUnique = await TableKey.IsUniqueAsync(connection, table, plan.PrimaryKey, cancellationToken).ConfigureAwait(false);
        var statements = new ChangeStatements(design, table, window, types, plan.Capture?.Deletes ?? DeleteHandling.Hard, isUnique)
        {
            TakesMarks = await TakesMarksAsync(connection, design, table, cancellationToken).ConfigureAwait(false),
        };
        return new ChangeTarget(
            plan, table, window, statements,
            columns.ToImmutable(), $"COPY {window} ({ChangeStatements.Number}, {names}) FROM STDIN (FORMAT binary)")
        { Number = number };
    }

    /// <summary>Sends changes, and gives the statements that apply them.</summary>
    /// <param name="connection">The connection, in the transaction of the window.</param>
    /// <param name="batches">The changes, in order.</param>
    /// <param name="limit">What is sent keeps to it; null for no limit.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public async Task<IEnumerable<string>> SendAsync(
        NpgsqlConnection connection, IReadOnlyList<RecordBatch> batches, RateLimit? limit, BufferPool pool, CancellationToken cancellationToken)
    {
        if (_plan.Write == WriteMode.Append)
        {
            await CopyAsync(connection, [.. batches.Select(static batch => (batch, 0, batch.Length))], limit, pool, cancellationToken).ConfigureAwait(false);
            return _statements is null ? [] : [_statements.Add];
        }
        var deletes = _plan.Capture?.Deletes ?? DeleteHandling.Hard;
        var operation = _plan.Schema.IndexOf(ChangeColumns.Operation);
        var segments = ChangeScan.Divide(batches, operation, _plan.Columns.Length, keepsTruncations: deletes != DeleteHandling.Ignore);
        if (deletes == DeleteHandling.Soft)
            for (; segments.Count > 1; segments.RemoveAt(0))
            {
                await CopyAsync(connection, segments[0].Ranges, limit, pool, cancellationToken).ConfigureAwait(false);
                var (batch, row) = segments[0].Truncation!.Value;
                await StateTable.ExecuteAsync(
                    connection, string.Join("; ", [.. Statements(segments[0]), Mark(batch, row), $"DELETE FROM {_window}"]), cancellationToken)
                        .ConfigureAwait(false);
            }
        var last = segments[^1];
        await CopyAsync(connection, last.Ranges, limit, pool, cancellationToken).ConfigureAwait(false);
        return segments.Count > 1 ? [$"DELETE FROM {_table.Name.Sql}", .. Statements(last)] : Statements(last);
    }

    private static async Task<bool> TakesMarksAsync(NpgsqlConnection connection, TableDesign design, TargetTable table, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(MarksQuery, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = table.Oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. design.Key, .. ChangeColumns.Written.Select(static field => field.Name)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. design.Columns.Select(static column => column.Name)] });
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is true;
    }

    private IEnumerable<string> Statements(ChangeSegment segment) => segment.Ranges.Count == 0 ? [] : _statements!.Apply(segment);

    private string Mark(RecordBatch batch, int row)
    {
        var position = _plan.Schema.IndexOf(ChangeColumns.Position);
        var time = batch.Columns[_plan.Schema.IndexOf(ChangeColumns.CommittedAt)];
        return _statements!.MarkAll(Encoding.UTF8.GetString(batch.Columns[position].GetBytes(row)), time.IsNull(row) ? null : time.Values<long>()[row]);
    }

    private async Task CopyAsync(
        NpgsqlConnection connection, IReadOnlyList<(RecordBatch Batch, int Start, int Count)> ranges, RateLimit? limit, BufferPool pool,
        CancellationToken cancellationToken)
    {
        if (ranges.Count == 0)
            return;
        var encoder = new CopyEncoder(pool, _table.Name.ToString(), _columns, isNumbered: _statements is not null);
        var copy = await connection.BeginRawBinaryCopyAsync(_copy, cancellationToken).ConfigureAwait(false);
        try
        {
            await copy.WriteAsync(CopyEncoder.Header, cancellationToken).ConfigureAwait(false);
            var target = LimitedStream.Of(copy, limit);
            var number = 0;
            foreach (var (batch, start, count) in ranges)
            {
                using var block = encoder.Encode(batch, start, count, number);
                await target.WriteAsync(new PooledMemory(block.Buffer).Memory[..block.Buffer.Length], cancellationToken).ConfigureAwait(false);
                number += count;
            }
            await copy.WriteAsync(CopyEncoder.Trailer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NebulaException)
        {
            await copy.CancelAsync().ConfigureAwait(false);
            throw;
        }
        await copy.DisposeAsync().ConfigureAwait(false);
    }
}

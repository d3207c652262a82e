using System.Collections.Immutable;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Writing;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;
using Npgsql;

namespace Nebula.Connectors.PostgreSql;

/// <summary>Tables as a destination: chunks are copied to a staging table at the same time, and one transaction publishes them with the account of
/// it.</summary>
internal sealed partial class PostgreSqlDestination : IChangeDestination, IRangeHashes
{
    private const int LanesOfChunk = 2;
    private readonly WriteOptions _options;
    private readonly PostgreSqlConnections _connections;
    private readonly CommitSession _session;
    private PostgreSqlSource? _readBack;
    private readonly HashSet<string> _ensured = new(StringComparer.Ordinal);

    /// <param name="options">What the user set.</param>
    public PostgreSqlDestination(WriteOptions options)
    {
        _options = options;
        _connections = new PostgreSqlConnections(options.Connection);
        _session = new CommitSession(_connections);
    }

    public DestinationCapabilities Capabilities { get; } = new() { KeepsNesting = false, MergesRows = true, KeepsSchema = true };

    public string NameObject(string stream) => TableNaming.OfStream(stream);

    public string LocationOf(string objectName) => NameOf(objectName).ToString();

    public TypeMapping Map(string objectName, DataType type) => StoredType.Map(type);

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) =>
        DestinationCheck.RunAsync(_connections, _options, cancellationToken);

    public Task<IReadOnlyList<CheckResult>> CheckStreamsAsync(IReadOnlyList<StreamTarget> streams, CancellationToken cancellationToken) =>
        TargetRights.RunAsync(_connections, [.. streams.Select(stream => (stream, NameOf(stream.Object)))], cancellationToken);

    public ChunkOrder ChunksOf(string objectName, WriteMode write) => ChunkOrder.Any;

    public Task<Checkpoint?> PrepareAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        var name = NameOf(plan.Object);
        var (state, staging) = (StateOf(name), StagingOf(plan, name));
        return _session.RunAsync(name, async connection =>
        {
            var design = await TableDesign.OfAsync(connection, plan, cancellationToken).ConfigureAwait(false);
            await StateTable.EnsureSchemaAsync(connection, name.Schema, cancellationToken).ConfigureAwait(false);
            await state.EnsureAsync(connection, cancellationToken).ConfigureAwait(false);
            var target = await TargetTable.FindAsync(connection, name, cancellationToken).ConfigureAwait(false);
            TableCommit.RequireTable(target, name);
            // what cannot be is said before anything moves
            design = TableContract.Require(design, plan.Contract, target, name);
            if (target is not null)
                _ = TableEvolution.Changes(design, target);
            await LockAsync(connection, staging, cancellationToken).ConfigureAwait(false);
            await StagingTable.DropDeadAsync(connection, state, name, staging, cancellationToken).ConfigureAwait(false);
            await StagingTable.EnsureAsync(connection, state, staging, design, target, plan, cancellationToken).ConfigureAwait(false);
            return target is null ? null : (await state.FindAsync(connection, name, forUpdate: false, cancellationToken).ConfigureAwait(false))?.Checkpoint;
        }, cancellationToken);
    }

    public async Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken)
    {
        var name = NameOf(plan.Object);
        var staging = StagingOf(plan, name);
        var staged = await _session.RunAsync(name, async connection =>
            {
                await LockAsync(connection, staging, cancellationToken).ConfigureAwait(false);
                return await TargetTable.FindAsync(connection, staging, cancellationToken).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false)
            ?? throw new NebulaException(
                ErrorKind.Locked, $"The staging table of '{name}' is gone: another run of the same target has begun since, and took it for left behind.");
        var sent = staged.Columns.Where(static column => column.Name != StagingTable.Number).ToList();
        var columns = sent.Select(column => ColumnOf(plan, column)).ToImmutableArray();
        var copy = $"COPY {staging.Sql} ({string.Join(", ", sent.Select(static column => SqlName.Quote(column.Name)))}) FROM STDIN (FORMAT binary)";
        // of rows with the same key the last of a chunk counts, so that they must not overtake each other
        var lanes = plan.Write == WriteMode.Merge ? 1 : LanesOfChunk;
        var writer = new StagingWriter(
            _connections, StateOf(name), staging, copy, new CopyEncoder(context.Pool, plan.Stream.Name, columns), chunk, lanes, name);
        try
        {
            await writer.OpenAsync(cancellationToken).ConfigureAwait(false);
            return writer;
        }
        catch
        {
            await writer.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken)
    {
        var name = NameOf(request.Plan.Object);
        var staging = StagingOf(request.Plan, name);
        return _session.RunAsync(name, async connection =>
        {
            var isDone = await new TableCommit(connection, StateOf(name), name, staging).RunAsync(request, cancellationToken).ConfigureAwait(false);
            await UnlockAsync(connection, staging, cancellationToken).ConfigureAwait(false);
            return new CommitReceipt([name.ToString()], isDone);
        }, cancellationToken);
    }

    public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        var name = NameOf(plan.Object);
        var staging = StagingOf(plan, name);
        return _session.RunAsync(name, async connection =>
        {
            // a run that never came to its staging table has none
            if (await StateTable.AskAsync(connection, $"SELECT to_regclass({StateTable.Literal(staging.Sql)}) IS NOT NULL", cancellationToken)
                .ConfigureAwait(false) is true)
                await StagingTable.DropAsync(connection, StateOf(name), staging, cancellationToken).ConfigureAwait(false);
            await UnlockAsync(connection, staging, cancellationToken).ConfigureAwait(false);
            return true;
        }, cancellationToken);
    }

    public Task<IReadOnlyList<CommittedRows>?> FindCommittedAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken)
    {
        var name = NameOf(plan.Object);
        _readBack ??= new PostgreSqlSource(_options.Connection with
        {
            Schemas = [],
            // one is that of the session
            MaxConnections = Math.Max(1, _options.Connection.MaxConnections - 1),
        });
        return _session.RunAsync(
            name, connection => new CommittedParts(_readBack, StateOf(name), name).FindAsync(connection, plan, parts, cancellationToken), cancellationToken);
    }

    public Task ApplyAsync(IReadOnlyList<ChangeCommit> changes, CancellationToken cancellationToken)
    {
        if (changes.Count == 0)
            return Task.CompletedTask;
        var named = changes.Select(change =>
        {
            var name = NameOf(change.Plan.Object);
            return (Table: name, State: StateOf(name), Change: change);
        }).ToList();
        return _session.RunAsync(named[0].Table, async connection =>
        {
            foreach (var state in named.Select(static change => change.State).DistinctBy(static state => state.Schema)
                .Where(state => !_ensured.Contains(state.Schema)))
            {
                await state.EnsureAsync(connection, cancellationToken).ConfigureAwait(false);
                _ensured.Add(state.Schema);
            }
            await new ChangeCommits(connection, _session.Targets, named, _connections.Options.Wire.Limit)
                .RunAsync(BufferPool.Shared, cancellationToken).ConfigureAwait(false);
            return true;
        }, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_readBack is not null)
            await _readBack.DisposeAsync().ConfigureAwait(false);
        await _session.DisposeAsync().ConfigureAwait(false);
        await _connections.DisposeAsync().ConfigureAwait(false);
    }

    private async Task LockAsync(NpgsqlConnection connection, TableName staging, CancellationToken cancellationToken)
    {
        if (_session.Locked.Contains(staging))
            return;
        await StateTable.ExecuteAsync(connection, StagingTable.LockSql(staging), cancellationToken).ConfigureAwait(false);
        _session.Locked.Add(staging);
    }

    private async Task UnlockAsync(NpgsqlConnection connection, TableName staging, CancellationToken cancellationToken)
    {
        if (_session.Locked.Remove(staging))
            await StateTable.ExecuteAsync(connection, StagingTable.UnlockSql(staging), cancellationToken).ConfigureAwait(false);
    }

    private static CopyColumn ColumnOf(StreamPlan plan, TargetColumn column)
    {
        var index = plan.Schema.IndexOf(column.Name);
        if (index >= 0 && StoredType.Of(plan.Schema.Fields[index].Type).WireTo(column.Type) is { } wire)
            return new CopyColumn(index, wire);
        throw new NebulaException(
            ErrorKind.Schema, $"The staging table has a column \"{column.Name}\" that the run has not, or of another type. Start the run again.");
    }

    private TableName NameOf(string objectName) => TableName.Parse(objectName, _options.Schema);

    private StateTable StateOf(TableName name) => new(_options.StateSchema ?? name.Schema);

    private TableName StagingOf(StreamPlan plan, TableName name) => StagingTable.NameOf(_options.StateSchema ?? name.Schema, name, plan.RunId);
}

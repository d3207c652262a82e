using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.PostgreSql.Comparing;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Relations;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.PostgreSql;

/// <summary>The tables and views of a database as streams, read as they are at one moment.</summary>
/// <param name="options">How the database is reached.</param>
internal sealed partial class PostgreSqlSource(PostgreSqlOptions options) : IChangeSource, IRangeHashes
{
    private const int OldestVersion = 12;
    private static readonly Schema NoSchema = new([]);
    private readonly PostgreSqlConnections _connections = new(options);
    private readonly SemaphoreSlim _exporting = new(1);
    private readonly ConcurrentDictionary<string, string> _positions = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turns = new(1);
    private SharedSnapshot? _snapshot;
    private bool? _isShared;

    public bool CanRestart => true;

    /// <summary>Connections that read one chunk at a time: more than there are processors would wait for each other.</summary>
    private int Lanes => Math.Min(options.MaxConnections, Environment.ProcessorCount);

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) => SourceCheck.RunAsync(_connections, cancellationToken);

    public Task<IReadOnlyList<CheckResult>> CheckStreamsAsync(IReadOnlyList<string> streams, CancellationToken cancellationToken) =>
        SourceCheck.FindRefusedAsync(_connections, streams, cancellationToken);

    public Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken) => _connections.AskAsync(
        $"The tables of database '{options.Database}' cannot be listed", connection => Discover(connection, request), cancellationToken);

    public async Task<string> FindPositionAsync(StreamPlan plan, Checkpoint? from, CancellationToken cancellationToken)
    {
        if (plan.Capture is not null)
            return await StartLogAsync(plan, cancellationToken).ConfigureAwait(false);
        if (!plan.IsIncremental)
            return "";
        var position = await AskAsync(plan, connection => IncrementalRead.FindPosition(connection, plan, TableDetails.RowsOf(plan), from), cancellationToken)
            .ConfigureAwait(false);
        _positions[plan.Stream.Name] = position;
        return position;
    }

    public async IAsyncEnumerable<Chunk> SplitAsync(StreamPlan plan, SplitRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var rows = TableDetails.RowsOf(plan);
        if (request.Keys is { } keys)
        {
            for (var i = 0; i < keys.Count; i++)
                yield return new Chunk(i, rows.Render()) { Keys = keys[i] };
            yield break;
        }
        // one connection keeps the snapshot, so that there must be another that reads; what is new is little, and found by an index rather than in all blocks
        var chunkBytes = options.MaxConnections > 1 && rows.IsStored && request.From is null ? request.ChunkBytes : null;
        // before the sizes are looked up: what it sees then lies within them
        var exported = chunkBytes is not null && !_logs.ContainsKey(plan.Stream.Name) && await ExportAsync(cancellationToken).ConfigureAwait(false);
        if (plan.IsIncremental)
        {
            var position = _positions.GetValueOrDefault(plan.Stream.Name)
                ?? await FindPositionAsync(plan, request.From, cancellationToken).ConfigureAwait(false);
            var all = rows;
            rows = await AskAsync(plan, connection => IncrementalRead.Narrow(connection, plan, all, request.From, position), cancellationToken)
                .ConfigureAwait(false);
        }
        var chunks = chunkBytes is null ? [rows]
            : await AskAsync(plan, connection => TableSplitter.Split(connection, plan, rows, chunkBytes), cancellationToken).ConfigureAwait(false);
        // one chunk is one statement, which sees one state anyway
        if (exported && chunks.Count == 1)
            await ReleaseAsync().ConfigureAwait(false);
        for (var i = 0; i < chunks.Count; i++)
            yield return new Chunk(i, chunks[i].Render()) { Bytes = chunks[i].Bytes, IsWhole = chunks.Count == 1 };
    }

    public async Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken)
    {
        var rows = TableChunk.Parse(chunk.Description);
        if (chunk.Keys is { } keys)
            rows = rows with { Condition = KeyForm.OfSource(plan).Condition(keys) };
        var queries = new CopyQueries(plan, rows);
        var snapshot = SnapshotOf(plan, chunk);
        var reader = new CopyReader(_connections, queries, plan, context);
        LentWire? connection = null;
        try
        {
            reader.Turn = chunk.IsWhole ? null : await TakeTurnAsync(plan, cancellationToken).ConfigureAwait(false);
            queries.GaveWay = reader.Turn is not null;
            connection = await _connections.OpenWireAsync(cancellationToken).ConfigureAwait(false);
            // a server answers when it has enough to say, which may be long after it was asked
            return await connection.RunAsync(wire =>
            {
                reader.Start(connection, snapshot?.Id, chunk.IsWhole && Lanes > 1 && queries.Divide(wire, options.GivesWay) ? Lanes : 1);
                return reader;
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // it may have begun in spite of that
            await reader.DisposeAsync().ConfigureAwait(false);
            connection?.Dispose();
            if (!cancellationToken.IsCancellationRequested && _connections.Errors.Translate(e, $"'{plan.Stream.Name}' cannot be read") is { } translated)
                throw translated;
            throw;
        }
    }

    public Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync().ConfigureAwait(false);
        await ReleaseLogsAsync().ConfigureAwait(false);
        await _connections.DisposeAsync().ConfigureAwait(false);
        _exporting.Dispose();
        _turns.Dispose();
        _starting.Dispose();
    }

    /// <summary>Waits until no other chunk is read, where others are at work on the server.</summary>
    /// <returns>What is given back when the chunk was read; null where chunks do not wait for each other.</returns>
    private async Task<SemaphoreSlim?> TakeTurnAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        if (!options.GivesWay)
            return null;
        await _turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _isShared ??= await AskAsync(plan, ServerLoad.IsShared, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _turns.Release();
            throw;
        }
        if (_isShared.Value)
            return _turns;
        _turns.Release();
        return null;
    }

    private Task<T> AskAsync<T>(StreamPlan plan, Func<WireConnection, T> ask, CancellationToken cancellationToken) =>
        _connections.AskAsync($"'{plan.Stream.Name}' cannot be split", ask, cancellationToken);

    private Catalog Discover(WireConnection connection, DiscoverRequest request)
    {
        if (connection.MajorVersion < OldestVersion)
            throw NebulaException.Configuration($"The server is PostgreSQL {connection.Version}. Version {OldestVersion} or newer is needed.");
        if (request.Sql is { } statement)
            return new Catalog([Describe(connection, request.Streams is [var given] ? given : "sql", statement, request.InferTypes)]);
        var relations = Find(connection, request.Streams);
        if (request.AsOneStream && relations.Count > 1)
            throw NebulaException.Configuration($"{relations.Count} tables cannot be read as one stream. Name one, or make a view of them.");
        if (request.NamesOnly)
        {
            // who names none wants to know what there is, and is not to wait for a table that somebody has locked
            var sizes = request.Streams.Count > 0 ? SystemCatalog.FindSizes(connection, relations) : null;
            return new Catalog([.. relations.Select((relation, i) =>
                new CatalogStream(relation.Stream, NoSchema) { Bytes = sizes?[i], Rows = relation.Rows })]);
        }
        var columns = SystemCatalog.FindColumns(connection, relations);
        var streams = new List<CatalogStream>(relations.Count);
        for (var i = 0; i < relations.Count; i++)
            streams.Add(Describe(relations[i], columns[i], request.InferTypes));
        return new Catalog(streams);
    }

    /// <summary>Finds what streams are named after: all of them are only looked through where a name leaves that open.</summary>
    private List<Relation> Find(WireConnection connection, IReadOnlyList<string> streams)
    {
        if (streams.Count > 0 && !streams.Any(Glob.IsWildcard)
            && SystemCatalog.FindRelations(connection, options.Schemas, streams) is var named && named.Count == streams.Count)
            return named;
        return Matching(SystemCatalog.FindRelations(connection, options.Schemas, []), streams);
    }

    private static List<Relation> Matching(List<Relation> relations, IReadOnlyList<string> patterns)
    {
        if (patterns.Count == 0)
            return relations.FindAll(static relation => relation.IsReadable);
        foreach (var pattern in patterns)
            if (!relations.Exists(relation => IsMatch(pattern, relation)))
                throw NebulaException.NotFound(
                    $"There is no table or view '{pattern}' in the database, or the role may not see it."
                    + Suggestion.For(pattern, relations.Select(static relation => relation.Stream)));
        return relations.FindAll(relation => patterns.Any(pattern => IsMatch(pattern, relation)));
    }

    // what the role may not read is left out by wildcards, but not where it is named
    private static bool IsMatch(string pattern, Relation relation) =>
        pattern == relation.Stream || relation.IsReadable && Glob.IsWildcard(pattern) && Glob.Matches(pattern, relation.Stream);

    private static CatalogStream Describe(Relation relation, RelationColumns found, bool inferTypes)
    {
        var types = TypesOf(found, inferTypes);
        return new CatalogStream(relation.Stream, SchemaOf(found, types))
        {
            PrimaryKey = found.PrimaryKey,
            Rows = relation.Rows,
            Details = TableDetails.Render(relation, types, found.Columns),
        };
    }

    private static CatalogStream Describe(WireConnection connection, string stream, string statement, bool inferTypes)
    {
        var found = StatementColumns.Find(connection, stream, statement);
        var types = TypesOf(found, inferTypes);
        return new CatalogStream(stream, SchemaOf(found, types)) { Details = TableDetails.RenderStatement(types, found.Columns) };
    }

    private static List<PostgreSqlType> TypesOf(RelationColumns found, bool inferTypes) =>
        [.. found.Columns.Select(column => PostgreSqlType.Of(column.Type, asText: !inferTypes))];

    private static Schema SchemaOf(RelationColumns found, List<PostgreSqlType> types) =>
        new(found.Columns.Select((column, i) => new Field(column.Name, types[i].Type, column.Nullable)));

    /// <summary>Exports a snapshot, where there is none yet.</summary>
    private async Task<bool> ExportAsync(CancellationToken cancellationToken)
    {
        await _exporting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_snapshot is not null)
                return false;
            _snapshot = await SharedSnapshot.ExportAsync(_connections, cancellationToken).ConfigureAwait(false);
            return true;
        }
        finally
        {
            _exporting.Release();
        }
    }

    private async Task ReleaseAsync()
    {
        if (Interlocked.Exchange(ref _snapshot, null) is { } snapshot)
            await snapshot.DisposeAsync().ConfigureAwait(false);
    }
}

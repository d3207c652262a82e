using System.Runtime.CompilerServices;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Relations;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;
using Npgsql;

namespace Nebula.Connectors.PostgreSql;

/// <summary>The tables and views of a database as streams, read as they are at one moment.</summary>
/// <param name="options">How the database is reached.</param>
internal sealed class PostgreSqlSource(PostgreSqlOptions options) : ISource
{
    private const int OldestVersion = 12;
    private static readonly Schema NoSchema = new([]);
    private readonly PostgreSqlConnections _connections = new(options);
    private readonly SemaphoreSlim _exporting = new(1);
    private SharedSnapshot? _snapshot;

    public bool CanRestart => true;

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) => SourceCheck.RunAsync(_connections, cancellationToken);

    public Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken) => _connections.QueryAsync(
        $"The tables of database '{options.Database}' cannot be listed", async connection =>
        {
            RequireVersion(connection);
            var relations = Matching(await SystemCatalog.FindRelationsAsync(connection, options.Schemas, cancellationToken).ConfigureAwait(false), request.Streams);
            if (request.AsOneStream && relations.Count > 1)
                throw NebulaException.Configuration($"{relations.Count} tables cannot be read as one stream. Name one, or make a view of them.");
            var streams = new List<CatalogStream>(relations.Count);
            foreach (var relation in relations)
                streams.Add(request.NamesOnly ? new CatalogStream(relation.Stream, NoSchema) { Bytes = relation.Bytes, Rows = relation.Rows }
                    : await DescribeAsync(connection, relation, request.InferTypes, cancellationToken).ConfigureAwait(false));
            return new Catalog(streams);
        }, cancellationToken);

    public async IAsyncEnumerable<Chunk> SplitAsync(StreamPlan plan, SplitRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // one connection keeps the snapshot, so that there must be another that reads
        var chunkBytes = options.MaxConnections > 1 ? request.ChunkBytes : null;
        // before the sizes are looked up: what it sees then lies within them
        var exported = chunkBytes is not null && await ExportAsync(cancellationToken).ConfigureAwait(false);
        var (schema, name) = TableDetails.NameOf(plan.Stream);
        var chunks = await _connections.QueryAsync(
            $"'{plan.Stream.Name}' cannot be split",
            connection => TableSplitter.SplitAsync(connection, schema, name, TableDetails.KindOf(plan.Stream), chunkBytes, cancellationToken), cancellationToken).ConfigureAwait(false);
        // one chunk is one statement, which sees one state anyway
        if (exported && chunks.Count == 1)
            await ReleaseAsync().ConfigureAwait(false);
        for (var i = 0; i < chunks.Count; i++)
            yield return new Chunk(i, chunks[i].Chunk.Render()) { Bytes = chunks[i].Bytes, IsWhole = chunks.Count == 1 };
    }

    public async Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken)
    {
        var query = CopyQuery.Of(plan, TableChunk.Parse(chunk.Description));
        var connection = await _connections.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_snapshot is { } snapshot && !chunk.IsWhole)
                await snapshot.JoinAsync(connection.Connection, cancellationToken).ConfigureAwait(false);
            var copy = await connection.Connection.BeginRawBinaryCopyAsync(query, cancellationToken).ConfigureAwait(false);
            return new CopyReader(connection, copy, _connections, plan, context);
        }
        catch (Exception e)
        {
            // a server answers when it has enough to say, which may be long after it was asked
            if (cancellationToken.IsCancellationRequested)
                await _connections.EndAsync(connection).ConfigureAwait(false);
            await connection.DisposeAsync().ConfigureAwait(false);
            if (!cancellationToken.IsCancellationRequested && _connections.Errors.Translate(e, $"'{plan.Stream.Name}' cannot be read") is { } translated)
                throw translated;
            throw;
        }
    }

    public Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken) => Task.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await ReleaseAsync().ConfigureAwait(false);
        await _connections.DisposeAsync().ConfigureAwait(false);
        _exporting.Dispose();
    }

    private static void RequireVersion(NpgsqlConnection connection)
    {
        if (connection.PostgreSqlVersion.Major < OldestVersion)
            throw NebulaException.Configuration($"The server is PostgreSQL {connection.PostgreSqlVersion}. Version {OldestVersion} or newer is needed.");
    }

    private static List<Relation> Matching(List<Relation> relations, IReadOnlyList<string> patterns)
    {
        if (patterns.Count == 0)
            return relations.FindAll(static relation => relation.IsReadable);
        foreach (var pattern in patterns)
            if (!relations.Exists(relation => IsMatch(pattern, relation)))
                throw NebulaException.NotFound(
                    $"There is no table or view '{pattern}' in the database, or the role may not see it.{Suggestion.For(pattern, relations.Select(static relation => relation.Stream))}");
        return relations.FindAll(relation => patterns.Any(pattern => IsMatch(pattern, relation)));
    }

    // what the role may not read is left out by wildcards, but not where it is named
    private static bool IsMatch(string pattern, Relation relation) =>
        pattern == relation.Stream || relation.IsReadable && Glob.IsWildcard(pattern) && Glob.Matches(pattern, relation.Stream);

    private static async Task<CatalogStream> DescribeAsync(NpgsqlConnection connection, Relation relation, bool inferTypes, CancellationToken cancellationToken)
    {
        var found = await SystemCatalog.FindColumnsAsync(connection, relation, cancellationToken).ConfigureAwait(false);
        var types = found.Columns.Select(column => PostgreSqlType.Of(column.Type, asText: !inferTypes)).ToList();
        return new CatalogStream(relation.Stream, new Schema(found.Columns.Select((column, i) => new Field(column.Name, types[i].Type, column.Nullable))))
        {
            PrimaryKey = found.PrimaryKey,
            Rows = relation.Rows,
            Details = TableDetails.Render(relation, types, found.Columns),
        };
    }

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

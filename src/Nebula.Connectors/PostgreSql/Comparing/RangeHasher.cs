using System.Collections.Immutable;
using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Comparing;

/// <summary>Hashes ranges of a table on a connection of its own, in one transaction.</summary>
internal sealed class RangeHasher : IRangeHasher
{
    // trim_scale is older by one; 12 has seen its last release
    private const int OldestVersion = 13;

    // of some ten thousand groups; the server takes each row for a group of its own, and would sort
    private const string Settings = "SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'";
    private readonly PostgreSqlConnections _connections;
    private readonly LentConnection _connection;
    private readonly ComparedTable _table;
    private readonly string _what;

    private RangeHasher(PostgreSqlConnections connections, LentConnection connection, ComparedTable table, string what) =>
        (_connections, _connection, _table, _what) = (connections, connection, table, what);

    /// <inheritdoc/>
    public ImmutableArray<HashedColumn> Columns => _table.Columns;

    /// <summary>Opens a table.</summary>
    /// <param name="connections">Lends the connection.</param>
    /// <param name="snapshot">The state that it is to be read in; null for that of each statement.</param>
    /// <param name="stream">The stream, for messages.</param>
    /// <param name="find">Finds the table.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public static async Task<RangeHasher> OpenAsync(
        PostgreSqlConnections connections, SharedSnapshot? snapshot, string stream, Func<NpgsqlConnection, Task<ComparedTable>> find,
        CancellationToken cancellationToken)
    {
        var what = $"'{stream}' cannot be compared";
        var connection = await connections.OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (connection.Connection.PostgreSqlVersion.Major < OldestVersion)
                throw NebulaException.Configuration($"{what}: the server is PostgreSQL {connection.Connection.PostgreSqlVersion}, and {OldestVersion} or newer "
                    + "is needed. Use 'on_position_lost: resnapshot'.");
            var table = await find(connection.Connection).ConfigureAwait(false);
            if (table.Key.IsText)
                await RequireEncodingAsync(connection.Connection, what, cancellationToken).ConfigureAwait(false);
            if (snapshot is not null)
                await snapshot.JoinAsync(connection.Connection, cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(connection.Connection, snapshot is null ? $"BEGIN READ ONLY; {Settings}" : Settings, cancellationToken).ConfigureAwait(false);
            return new RangeHasher(connections, connection, table, what);
        }
        catch (Exception e)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (!cancellationToken.IsCancellationRequested && connections.Errors.Translate(e, what) is { } translated)
                throw translated;
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<long> CountAsync(CancellationToken cancellationToken) =>
        (await QueryAsync(_table.CountSql, static reader => reader.GetInt64(0), cancellationToken).ConfigureAwait(false))[0];

    /// <inheritdoc/>
    public async Task<IReadOnlyList<KeyRange>> DivideAsync(IReadOnlyList<KeyRange> ranges, long rows, CancellationToken cancellationToken)
    {
        if (ranges.Count == 0)
            return [];
        var locator = new KeyLocator(_table.Key, ranges);
        var bounds = await QueryAsync(_table.DivideSql(locator, rows), reader => (Range: locator.RangeOf(reader.GetInt32(0)), Key: reader.GetString(1)),
            cancellationToken).ConfigureAwait(false);
        var divided = new List<KeyRange>(ranges.Count + bounds.Count);
        var next = 0;
        for (var i = 0; i < ranges.Count; i++)
        {
            var from = ranges[i].From;
            for (; next < bounds.Count && bounds[next].Range == i; next++)
                if (bounds[next].Key != from)
                {
                    divided.Add(new KeyRange(from, bounds[next].Key));
                    from = bounds[next].Key;
                }
            divided.Add(new KeyRange(from, ranges[i].To));
        }
        return divided;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RangeHash>> HashAsync(IReadOnlyList<KeyRange> ranges, CancellationToken cancellationToken)
    {
        var hashes = new RangeHash[ranges.Count];
        if (ranges.Count == 0)
            return hashes;
        var locator = new KeyLocator(_table.Key, ranges);
        var found = await QueryAsync(_table.HashSql(locator), reader => (Range: locator.RangeOf(reader.GetInt32(0)),
            Hash: new RangeHash(reader.GetInt64(1), unchecked((ulong)Int128.Parse(reader.GetString(2), CultureInfo.InvariantCulture)))),
            cancellationToken).ConfigureAwait(false);
        foreach (var (range, hash) in found)
            hashes[range] = hash;
        return hashes;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RowHash>> HashRowsAsync(IReadOnlyList<KeyRange> ranges, CancellationToken cancellationToken)
    {
        if (ranges.Count == 0)
            return [];
        var locator = new KeyLocator(_table.Key, ranges);
        return await QueryAsync(_table.HashRowsSql(locator),
            reader => new RowHash(locator.RangeOf(reader.GetInt32(0)), reader.GetString(1), unchecked((ulong)reader.GetInt64(2))),
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private static async Task RequireEncodingAsync(NpgsqlConnection connection, string what, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT current_setting('server_encoding')", connection);
        if (await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is string and not "UTF8" and var encoding)
            throw NebulaException.Configuration($"{what}: its key is text, and the database has the encoding {encoding}, whose order is another than that of "
                + "UTF8. Use 'on_position_lost: resnapshot'.");
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = new NpgsqlCommand(sql, _connection.Connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            var rows = new List<T>();
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                rows.Add(read(reader));
            return rows;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && _connections.Errors.Translate(e, _what) is { } translated)
        {
            throw translated;
        }
    }
}

using System.Data;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>The connection that everything but rows goes through, one call at a time. It stays open, and its locks with it.</summary>
/// <param name="connections">Lends it.</param>
internal sealed class CommitSession(PostgreSqlConnections connections) : IAsyncDisposable
{
    private readonly SemaphoreSlim _turn = new(1, 1);
    private LentConnection? _connection;

    /// <summary>What is known of tables as long as the connection lives.</summary>
    public Dictionary<TableName, ChangeTarget> Targets { get; } = [];

    /// <summary>The staging tables that the connection keeps others from dropping.</summary>
    public HashSet<TableName> Locked { get; } = [];

    /// <summary>Calls with the connection.</summary>
    /// <param name="table">The table that it is about, for messages.</param>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="NebulaException">It failed.</exception>
    public async Task<T> RunAsync<T>(TableName table, Func<NpgsqlConnection, Task<T>> call, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _connection ??= await connections.OpenAsync(cancellationToken).ConfigureAwait(false);
            var isDone = false;
            try
            {
                var result = await call(_connection.Connection).ConfigureAwait(false);
                isDone = true;
                return result;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && connections.Errors.TranslateWrite(e, table.ToString()) is { } translated)
            {
                throw translated;
            }
            finally
            {
                // with one connection there is none for rows while this one is open
                if (connections.Options.MaxConnections == 1 || !isDone && _connection.Connection.FullState != ConnectionState.Open)
                    await CloseAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        _turn.Dispose();
    }

    private async Task CloseAsync()
    {
        Targets.Clear();
        Locked.Clear();
        if (_connection is { } connection)
            await connection.DisposeAsync().ConfigureAwait(false);
        _connection = null;
    }
}

using Npgsql;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>The connections to one database, of which there are never more than allowed.</summary>
internal sealed class PostgreSqlConnections : IAsyncDisposable
{
    // what text looks like must not depend on how server, database or role are set; set here, as poolers do not take it at the start of a connection
    private const string Session = "SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET extra_float_digits = 1; SET bytea_output = hex; SET timezone = 'UTC'; "
        + "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
        // a server that nobody listens to any more stops working, which versions before 14 do not offer
        + "SELECT set_config(name, '10s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'";

    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _free;
    private readonly NpgsqlDataSource _source;

    /// <param name="options">How the database is reached.</param>
    public PostgreSqlConnections(PostgreSqlOptions options)
    {
        Options = options;
        Errors = new PostgreSqlErrors(options);
        _free = new SemaphoreSlim(options.MaxConnections);
        _source = new NpgsqlSlimDataSourceBuilder(options.ConnectionString).EnableTransportSecurity().EnableArrays().Build();
    }

    /// <summary>How the database is reached.</summary>
    public PostgreSqlOptions Options { get; }

    /// <summary>Says what errors mean.</summary>
    public PostgreSqlErrors Errors { get; }

    /// <summary>Opens a connection, after waiting for one to be free.</summary>
    /// <param name="cancellationToken">Stops the wait and the opening.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">It cannot be opened.</exception>
    public async Task<LentConnection> OpenAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await OpenFreeAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Opens a connection, unless as many are open as are allowed.</summary>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>Null when none is free.</returns>
    /// <exception cref="Engine.Diagnostics.NebulaException">It cannot be opened.</exception>
    public async Task<LentConnection?> TryOpenAsync(CancellationToken cancellationToken) =>
        await _free.WaitAsync(TimeSpan.Zero, cancellationToken).ConfigureAwait(false) ? await OpenFreeAsync(cancellationToken).ConfigureAwait(false) : null;

    private async Task<LentConnection> OpenFreeAsync(CancellationToken cancellationToken)
    {
        var connection = new LentConnection(_source.CreateConnection(), _free);
        try
        {
            await connection.Connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            connection.ProcessId = connection.Connection.ProcessID;
            await using var command = new NpgsqlCommand(Session, connection.Connection);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch (Exception e)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            if (!cancellationToken.IsCancellationRequested && Errors.Translate(e, $"Database '{Options.Database}' cannot be reached") is { } translated)
                throw translated;
            throw;
        }
    }

    /// <summary>Runs a query on a connection of its own.</summary>
    /// <param name="what">What is tried, for messages.</param>
    /// <param name="query">The query.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="Engine.Diagnostics.NebulaException">It failed.</exception>
    public async Task<T> QueryAsync<T>(string what, Func<NpgsqlConnection, Task<T>> query, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await query(connection.Connection).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Errors.Translate(e, what) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Ends what a connection was doing on the server when it broke: a server notices that only when it next has something to say.</summary>
    /// <param name="broken">The connection.</param>
    public async Task EndAsync(LentConnection broken)
    {
        using var timeout = new CancellationTokenSource(EndTimeout);
        try
        {
            await using var connection = await _source.OpenConnectionAsync(timeout.Token).ConfigureAwait(false);
            await using var command = new NpgsqlCommand("SELECT pg_terminate_backend($1)", connection);
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = broken.ProcessId });
            await command.ExecuteNonQueryAsync(timeout.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or IOException)
        {
            // the server cannot be reached, and finds out by itself
        }
    }

    /// <summary>Closes what is not lent.</summary>
    public ValueTask DisposeAsync() => _source.DisposeAsync();
}

/// <summary>A connection on loan. Disposing of it closes it, whatever it is doing.</summary>
/// <param name="connection">The connection.</param>
/// <param name="free">Where its place is given back.</param>
internal sealed class LentConnection(NpgsqlConnection connection, SemaphoreSlim free) : IAsyncDisposable
{
    private int _returned;

    /// <summary>The connection.</summary>
    public NpgsqlConnection Connection { get; } = connection;

    /// <summary>The process that serves it.</summary>
    public int ProcessId { get; set; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _returned, 1) != 0)
            return;
        try
        {
            await Connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // closing what is broken breaks too; the connection is gone either way
        }
        finally
        {
            free.Release();
        }
    }
}

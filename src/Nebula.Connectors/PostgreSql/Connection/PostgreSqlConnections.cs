using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>The connections to one database, of which there are never more than allowed.</summary>
internal sealed class PostgreSqlConnections : IAsyncDisposable
{
    // what text looks like must not depend on how server, database or role are set; set here, as poolers do not take it at the start of a connection
    // one statement: each would be a message of its own
    private const string Session = "SELECT set_config(name, value, false) FROM (VALUES ('standard_conforming_strings', 'on'), "
        + "('datestyle', 'ISO, YMD'), ('intervalstyle', 'postgres'), "
        + "('extra_float_digits', '1'), ('bytea_output', 'hex'), ('timezone', 'UTC'), ('statement_timeout', '0'), "
        + "('idle_in_transaction_session_timeout', '0')) AS settings (name, value) "
        // a server that nobody listens to any more stops working, which versions before 14 and systems other than Linux do not offer
        + "UNION ALL SELECT set_config('client_connection_check_interval', '10s', false) "
        + "WHERE version() LIKE '%linux%' AND current_setting('client_connection_check_interval', true) IS NOT NULL";

    // the same for a connection that streams the log, which no pooler lets through
    private const string ReplicationSession = "-c datestyle=ISO,YMD -c intervalstyle=postgres -c extra_float_digits=1 -c bytea_output=hex "
        + "-c timezone=UTC -c statement_timeout=0";

    /// <summary>Longest time that the end of what the server does is waited for.</summary>
    public static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    // each asks the server for all its types first; they pool nothing, so that there is nothing to close
    private static readonly ConcurrentDictionary<string, NpgsqlDataSource> Sources = new(StringComparer.Ordinal);

    private readonly SemaphoreSlim _free;
    private LentConnection? _idle;
    private WireConnection? _idleWire;
    private int _opened;

    /// <param name="options">How the database is reached.</param>
    public PostgreSqlConnections(PostgreSqlOptions options)
    {
        Options = options;
        Errors = new PostgreSqlErrors(options);
        _free = new SemaphoreSlim(options.MaxConnections);
    }

    /// <summary>How the database is reached.</summary>
    public PostgreSqlOptions Options { get; }

    /// <summary>Says what errors mean.</summary>
    public PostgreSqlErrors Errors { get; }

    /// <summary>Opens a connection of the library, after waiting for one to be free.</summary>
    /// <param name="cancellationToken">Stops the wait and the opening.</param>
    /// <exception cref="NebulaException">It cannot be opened.</exception>
    public async Task<LentConnection> OpenAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await LendAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Opens a connection of the library where one is free; waits for none.</summary>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>Null when none is free.</returns>
    /// <exception cref="NebulaException">It cannot be opened.</exception>
    public async Task<LentConnection?> TryOpenAsync(CancellationToken cancellationToken) =>
        _free.Wait(0, CancellationToken.None) ? await LendAsync(cancellationToken).ConfigureAwait(false) : null;

    /// <summary>Opens a connection that reads, after waiting for one to be free.</summary>
    /// <param name="cancellationToken">Stops the wait and the opening.</param>
    /// <exception cref="NebulaException">It cannot be opened.</exception>
    public async Task<LentWire> OpenWireAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => LendWire(isReplication: false, cancellationToken), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Opens a connection that reads where one is free; waits for none. Blocks the thread.</summary>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>Null when none is free.</returns>
    /// <exception cref="NebulaException">It cannot be opened.</exception>
    public LentWire? TryOpenWire(CancellationToken cancellationToken) =>
        _free.Wait(0, CancellationToken.None) ? LendWire(isReplication: false, cancellationToken) : null;

    /// <summary>Opens a connection that streams the log, after waiting for one to be free.</summary>
    /// <param name="cancellationToken">Stops the wait and the opening.</param>
    /// <exception cref="NebulaException">It cannot be opened.</exception>
    public async Task<LentWire> OpenReplicationAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => LendWire(isReplication: true, cancellationToken), CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>Opens a connection that streams the log where one is free; waits for none.</summary>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <returns>Null when none is free.</returns>
    /// <exception cref="NebulaException">It cannot be opened.</exception>
    public async Task<LentWire?> TryOpenReplicationAsync(CancellationToken cancellationToken) => _free.Wait(0, CancellationToken.None)
        ? await Task.Run(() => LendWire(isReplication: true, cancellationToken), CancellationToken.None).ConfigureAwait(false) : null;

    /// <summary>Asks the server on a connection of its own for what is needed to read.</summary>
    /// <param name="what">What is tried, for messages.</param>
    /// <param name="ask">Asks. It may block its thread.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="NebulaException">It failed.</exception>
    public async Task<T> AskAsync<T>(string what, Func<WireConnection, T> ask, CancellationToken cancellationToken)
    {
        var connection = await OpenWireAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
            try
            {
                return await connection.RunAsync(ask, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested && Errors.Translate(e, what) is { } translated)
            {
                throw translated;
            }
    }

    /// <summary>Runs a query of who writes, or follows the log, on a connection of its own.</summary>
    /// <param name="what">What is tried, for messages.</param>
    /// <param name="query">The query.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="NebulaException">It failed.</exception>
    public async Task<T> QueryAsync<T>(string what, Func<NpgsqlConnection, Task<T>> query, CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var answer = await query(connection.Connection).ConfigureAwait(false);
            connection.IsClean = true;
            return answer;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Errors.Translate(e, what) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>Ends what a connection was doing on the server when it broke: a server notices that only when it next has something to say.</summary>
    /// <param name="broken">The connection.</param>
    public Task EndAsync(LentConnection broken) => EndAsync(broken.ProcessId);

    /// <summary>Ends a process on the server.</summary>
    /// <param name="processId">The process, of the same role.</param>
    public Task EndAsync(int processId) => Task.Run(() =>
    {
        using var timeout = new CancellationTokenSource(EndTimeout);
        try
        {
            // an end does not wait for its turn
            using var connection = WireConnection.Open(Options.Wire with { Limit = null }, timeout.Token);
            using (timeout.Token.UnsafeRegister(static state => ((WireConnection)state!).Abort(), connection))
                connection.Ask("SELECT pg_terminate_backend($1)", processId.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is NpgsqlException or OperationCanceledException or IOException or SocketException or TimeoutException
            or ObjectDisposedException or NebulaException)
        {
            // the server cannot be reached, and finds out by itself
        }
    });

    /// <summary>Closes what is not lent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _idleWire, null) is { } wire)
        {
            // who needed one connection looked what there is
            if (_opened == 1)
                ParkedWire.Put(Options.Wire, wire);
            else
                wire.Dispose();
        }
        if (Interlocked.Exchange(ref _idle, null) is { } idle)
            await idle.CloseAsync().ConfigureAwait(false);
    }

    // who only reads needs none of it
    private NpgsqlDataSource Source => Sources.GetOrAdd(Options.ConnectionString, static text =>
        new NpgsqlSlimDataSourceBuilder(text).EnableTransportSecurity().EnableArrays().Build());

    /// <summary>Takes a connection back.</summary>
    internal async ValueTask ReturnAsync(LentConnection connection)
    {
        try
        {
            // the steps of a run follow each other: one is kept for the next
            if (!connection.IsClean || Interlocked.CompareExchange(ref _idle, connection, null) is not null)
                await connection.CloseAsync().ConfigureAwait(false);
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Takes a connection back.</summary>
    internal void Return(WireConnection connection, bool isClean)
    {
        try
        {
            if (!isClean || !connection.IsIdle || Interlocked.CompareExchange(ref _idleWire, connection, null) is not null)
                connection.Dispose();
        }
        finally
        {
            _free.Release();
        }
    }

    private async Task<LentConnection> LendAsync(CancellationToken cancellationToken)
    {
        if (await FindIdleAsync(cancellationToken).ConfigureAwait(false) is { } idle)
            return idle;
        Interlocked.Increment(ref _opened);
        await MakeRoomAsync().ConfigureAwait(false);
        var connection = new LentConnection(Source.CreateConnection(), this);
        try
        {
            await BusyServer.OpenAsync(() => connection.Connection.OpenAsync(cancellationToken), cancellationToken).ConfigureAwait(false);
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

    private LentWire LendWire(bool isReplication, CancellationToken cancellationToken)
    {
        WireConnection? connection = null;
        try
        {
            if (!isReplication && Interlocked.Exchange(ref _idleWire, null) is { } kept)
            {
                // it may have been ended meanwhile
                if (!kept.HasNews)
                    return new LentWire(kept, this, isReplication);
                kept.Dispose();
            }
            Interlocked.Increment(ref _opened);
            if (!isReplication && ParkedWire.Take(Options.Wire) is { } parked)
                return new LentWire(parked, this, isReplication);
            MakeRoomAsync().AsTask().GetAwaiter().GetResult();
            var settings = Options.Wire;
            if (isReplication)
                settings = settings with { IsReplication = true, Options = $"{settings.Options} {ReplicationSession}".TrimStart() };
            connection = BusyServer.Open(() => WireConnection.Open(settings, cancellationToken), cancellationToken);
            if (!isReplication)
                connection.Query(Session);
            return new LentWire(connection, this, isReplication);
        }
        catch (Exception e)
        {
            connection?.Dispose();
            _free.Release();
            var what = isReplication ? $"The log of database '{Options.Database}'" : $"Database '{Options.Database}'";
            if (!cancellationToken.IsCancellationRequested && Errors.Translate(e, $"{what} cannot be reached") is { } translated)
                throw translated;
            throw;
        }
    }

    /// <summary>Closes what is kept where one more than allowed would be open.</summary>
    private async ValueTask MakeRoomAsync()
    {
        ParkedWire.Clear();
        var kept = (_idle is null ? 0 : 1) + (_idleWire is null ? 0 : 1);
        if (kept <= _free.CurrentCount)
            return;
        if (Interlocked.Exchange(ref _idleWire, null) is { } wire)
            wire.Dispose();
        else if (Interlocked.Exchange(ref _idle, null) is { } idle)
            await idle.CloseAsync().ConfigureAwait(false);
    }

    private async ValueTask<LentConnection?> FindIdleAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _idle, null) is not { } kept)
            return null;
        try
        {
            // it may have been ended meanwhile
            await using var command = new NpgsqlCommand("SELECT 1", kept.Connection);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            return new LentConnection(kept.Connection, this) { ProcessId = kept.ProcessId };
        }
        catch (Exception e) when (e is NpgsqlException or IOException or InvalidOperationException)
        {
            await kept.CloseAsync().ConfigureAwait(false);
            return null;
        }
        catch
        {
            await kept.CloseAsync().ConfigureAwait(false);
            _free.Release();
            throw;
        }
    }
}

/// <summary>A connection on loan. Disposing of it closes it, whatever it is doing, unless it is clean.</summary>
/// <param name="connection">The connection.</param>
/// <param name="lender">Where it is given back.</param>
internal sealed class LentConnection(NpgsqlConnection connection, PostgreSqlConnections lender) : IAsyncDisposable
{
    private int _returned;

    /// <summary>The connection.</summary>
    public NpgsqlConnection Connection { get; } = connection;

    /// <summary>The process that serves it.</summary>
    public int ProcessId { get; set; }

    /// <summary>Whether nothing of what was done with it is left, so that it can be used for something else.</summary>
    public bool IsClean { get; set; }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _returned, 1) == 0)
            await lender.ReturnAsync(this).ConfigureAwait(false);
    }

    /// <summary>Closes the connection.</summary>
    internal async ValueTask CloseAsync()
    {
        try
        {
            await Connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            // closing what is broken breaks too; the connection is gone either way
        }
    }
}

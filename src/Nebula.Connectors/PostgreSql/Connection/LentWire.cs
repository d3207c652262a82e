using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Connection;

/// <summary>A connection of our own, on loan. Disposing of it closes it, whatever it is doing, unless nothing of what was done with it is left.</summary>
/// <param name="connection">The connection.</param>
/// <param name="lender">Where it is given back.</param>
/// <param name="isReplication">Whether it streams the log.</param>
internal sealed class LentWire(WireConnection connection, PostgreSqlConnections lender, bool isReplication) : IAsyncDisposable
{
    // what was given back may be another's by now, and is not to be stopped
    private readonly Lock _returning = new();
    private bool _isReturned;
    private bool _isStopped;

    /// <summary>The connection.</summary>
    public WireConnection Connection => connection;

    /// <summary>Makes a call on a thread of its own, as it may wait for long.</summary>
    /// <param name="call">The call.</param>
    /// <param name="cancellationToken">Ends what the server is doing.</param>
    public async Task<T> RunAsync<T>(Func<WireConnection, T> call, CancellationToken cancellationToken)
    {
        var running = Task.Factory.StartNew(() => call(connection), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            return await running.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!running.IsCompleted)
        {
            await StopAsync(running).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends what the server is doing.</summary>
    /// <param name="running">Who waits for it, which it is waited for in turn.</param>
    public async Task StopAsync(Task running)
    {
        await Task.Run(Cancel).ConfigureAwait(false);
        await running.WaitAsync(PostgreSqlConnections.EndTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (running.IsCompleted || IsReturned)
            return;
        // what does not hear that comes to its end when the connection does
        await lender.EndAsync(connection.ProcessId).ConfigureAwait(false);
        connection.Abort();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    /// <summary>Gives the connection back.</summary>
    public void Dispose()
    {
        lock (_returning)
        {
            if (_isReturned)
                return;
            _isReturned = true;
        }
        lender.Return(connection, !isReplication && !_isStopped && EndTransaction());
    }

    private bool IsReturned
    {
        get
        {
            lock (_returning)
                return _isReturned;
        }
    }

    private void Cancel()
    {
        lock (_returning)
            if (!_isReturned)
            {
                _isStopped = true;
                connection.Cancel();
            }
    }

    private bool EndTransaction()
    {
        try
        {
            if (connection is { IsReady: true, IsIdle: false })
                connection.Query("ROLLBACK");
            return connection.IsIdle;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or ObjectDisposedException or NebulaException)
        {
            return false;
        }
    }
}

using System.Net.Sockets;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Moves a slot the way who streams the log does: by saying up to where it is needed no more. For <c>pg_replication_slot_advance</c> the server reads its log
/// once more from where the slot keeps it; here it reads nothing. Where the slot keeps the log from afterwards is the same by both: the place that the server
/// noted when it was last read (<c>LogicalIncreaseRestartDecodingForSlot</c> notes one, and no other until that was confirmed).
/// It takes a connection of its own, of a kind that poolers and <c>max_wal_senders</c> may refuse, so that nobody is to rely on it.
/// </summary>
/// <param name="connections">Lends the connection.</param>
/// <param name="options">Slot and publication.</param>
/// <param name="server">Whose log is read.</param>
internal sealed class SlotConfirmation(PostgreSqlConnections connections, CaptureOptions options, LogServer server) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task<LentWire?>? _opening;

    /// <summary>Opens the connection where one more is allowed. Nobody waits for it.</summary>
    public void Open() => _opening ??= OpenAsync();

    /// <summary>Moves the slot.</summary>
    /// <param name="lsn">The place up to which the log is needed no more.</param>
    /// <param name="cancellationToken">Stops the call; the slot has moved then, or has not.</param>
    /// <returns>Whether it has moved for certain; false where there is no connection for it yet, or none any more.</returns>
    public async Task<bool> TryMoveAsync(ulong lsn, CancellationToken cancellationToken)
    {
        if (_opening is not { IsCompletedSuccessfully: true } || await _opening.ConfigureAwait(false) is not { } connection)
            return false;
        // from there on, so that nothing comes of what is confirmed
        var sql = $"START_REPLICATION SLOT \"{options.Slot}\" LOGICAL {LogPlace.Sql(lsn)} ({StreamProtocol.Settings(options)})";
        var isMoved = false;
        try
        {
            isMoved = await connection.RunAsync(wire =>
            {
                LogStream.ConfirmAtOnce(wire, sql, lsn);
                return true;
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && IsExpected(e))
        {
            // the other way tells what is wrong, if it is more than this connection
        }
        finally
        {
            if (!isMoved)
            {
                connection.Dispose();
                _opening = Task.FromResult<LentWire?>(null);
            }
        }
        return isMoved;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_opening is not null)
        {
            await ((Task)_opening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_opening.IsCompletedSuccessfully && await _opening.ConfigureAwait(false) is { } connection)
                connection.Dispose();
        }
        _stop.Dispose();
    }

    private async Task<LentWire?> OpenAsync()
    {
        LentWire? connection = null;
        var isSame = false;
        try
        {
            connection = await connections.TryOpenReplicationAsync(_stop.Token).ConfigureAwait(false);
            // a name may lead to another server by now
            isSame = connection is not null && (await connection.RunAsync(LogState.Find, _stop.Token).ConfigureAwait(false)).Server == server;
        }
        catch (Exception e) when (IsExpected(e))
        {
            // the function is there for that
        }
        finally
        {
            if (!isSame)
                connection?.Dispose();
        }
        return isSame ? connection : null;
    }

    private static bool IsExpected(Exception e) => e is NpgsqlException or IOException or SocketException or TimeoutException or ObjectDisposedException
        or NebulaException;
}

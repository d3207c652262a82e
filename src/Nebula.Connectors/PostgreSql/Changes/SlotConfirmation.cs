using System.Net.Sockets;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Moves a slot the way who streams the log does: it takes the slot, says up to where the log is needed no more, and leaves it. For
/// <c>pg_replication_slot_advance</c> the server reads its log once more from where the slot keeps it; here it reads next to nothing. Where the slot keeps the log
/// from afterwards is the same by both: the place that the server noted when it was last read (<c>LogicalIncreaseRestartDecodingForSlot</c> notes one, and no
/// other until that was confirmed). It takes a connection of its own, of a kind that poolers and <c>max_wal_senders</c> may refuse, so that nobody is to rely on it.
/// </summary>
/// <param name="connections">Lends the connection.</param>
/// <param name="options">Slot and publication.</param>
/// <param name="server">Whose log is read.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class SlotConfirmation(PostgreSqlConnections connections, CaptureOptions options, LogServer server, BufferPool pool) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task<LentWire?>? _opening;
    private LogStream? _stream;

    /// <summary>Opens the connection where one more is allowed. Nobody waits for it.</summary>
    public void Open() => _opening ??= OpenAsync();

    /// <summary>Takes the slot: nobody else can move it from here on.</summary>
    /// <param name="lsn">The place up to which the log is needed no more.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>False where there is no connection for it yet, or none any more.</returns>
    public Task<bool> TryHoldAsync(ulong lsn, CancellationToken cancellationToken) => TryAsync(
        // from there on, so that nothing comes of what is to be confirmed
        wire => _stream = wire.BeginStream(
            $"START_REPLICATION SLOT \"{options.Slot}\" LOGICAL {LogPlace.Sql(lsn)} ({StreamProtocol.Settings(options)})", pool), cancellationToken);

    /// <summary>Moves the slot that was taken, and leaves it. It would go back, too.</summary>
    /// <param name="lsn">The place up to which the log is needed no more.</param>
    /// <param name="cancellationToken">Stops the call; the slot has moved then, or has not.</param>
    /// <returns>Whether it has moved for certain.</returns>
    public Task<bool> TryMoveAsync(ulong lsn, CancellationToken cancellationToken) => TryAsync(_ =>
    {
        using var stream = _stream!;
        stream.Confirm(lsn, ask: false);
        // it takes one thing after the other: who has heard the end has heard the place
        stream.End();
    }, cancellationToken);

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

    private async Task<bool> TryAsync(Action<WireConnection> call, CancellationToken cancellationToken)
    {
        if (_opening is not { IsCompletedSuccessfully: true } || await _opening.ConfigureAwait(false) is not { } connection)
            return false;
        var isDone = false;
        try
        {
            isDone = await connection.RunAsync(wire =>
            {
                call(wire);
                return true;
            }, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && IsExpected(e))
        {
            // the function tells what is wrong, if it is more than this connection
        }
        finally
        {
            if (!isDone)
            {
                connection.Dispose();
                _opening = Task.FromResult<LentWire?>(null);
            }
        }
        return isDone;
    }

    private static bool IsExpected(Exception e) => e is NpgsqlException or IOException or SocketException or TimeoutException or ObjectDisposedException
        or NebulaException;
}

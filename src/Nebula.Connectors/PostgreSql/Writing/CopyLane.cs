using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Connectors;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>One <c>COPY</c> into a table, in a transaction of its own.</summary>
internal sealed class CopyLane : IAsyncDisposable
{
    private readonly LentConnection _connection;
    private readonly NpgsqlRawCopyStream _copy;
    private readonly Stream _target;
    private readonly PostgreSqlConnections _connections;
    private long _rows;
    private bool _isBroken;
    private bool _isEnded;

    private CopyLane(PostgreSqlConnections connections, LentConnection connection, NpgsqlRawCopyStream copy)
    {
        _connections = connections;
        _connection = connection;
        _copy = copy;
        _target = LimitedStream.Of(copy, connections.Options.Wire.Limit);
    }

    /// <summary>The write that is under way.</summary>
    public Task Pending { get; private set; } = Task.CompletedTask;

    /// <summary>Begins.</summary>
    /// <param name="connections">Where the connection came from.</param>
    /// <param name="connection">The connection, which this owns.</param>
    /// <param name="staging">The table.</param>
    /// <param name="copy">The statement.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    public static async Task<CopyLane> OpenAsync(
        PostgreSqlConnections connections, LentConnection connection, TableName staging, string copy, CancellationToken cancellationToken)
    {
        try
        {
            await StateTable.ExecuteAsync(connection.Connection, $"BEGIN; {StagingTable.LockTransactionSql(staging)}", cancellationToken).ConfigureAwait(false);
            var stream = await connection.Connection.BeginRawBinaryCopyAsync(copy, cancellationToken).ConfigureAwait(false);
            await stream.WriteAsync(CopyEncoder.Header, cancellationToken).ConfigureAwait(false);
            return new CopyLane(connections, connection, stream);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Begins to send rows. The write before must be done.</summary>
    /// <param name="buffer">The rows; they are this one's from here on.</param>
    /// <param name="rows">Number of rows.</param>
    /// <param name="cancellationToken">Stops the write.</param>
    public void Begin(PooledBuffer buffer, int rows, CancellationToken cancellationToken)
    {
        _rows += rows;
        Pending = WriteAsync(buffer, cancellationToken);
    }

    /// <summary>Ends the rows and commits them.</summary>
    /// <param name="state">Keeps account of what is staged.</param>
    /// <param name="staging">The table.</param>
    /// <param name="chunk">The chunk.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The transaction that made the rows, and their number.</returns>
    public async Task<(long Transaction, long Rows)> CompleteAsync(StateTable state, TableName staging, int chunk, CancellationToken cancellationToken)
    {
        await Pending.ConfigureAwait(false);
        try
        {
            await _copy.WriteAsync(CopyEncoder.Trailer, cancellationToken).ConfigureAwait(false);
            _isEnded = true;
            // the server answers now, with what it found wrong
            await _copy.DisposeAsync().ConfigureAwait(false);
            var transaction = await state.AddPartAsync(_connection.Connection, staging, chunk, _rows, cancellationToken).ConfigureAwait(false);
            await StateTable.ExecuteAsync(_connection.Connection, "COMMIT", cancellationToken).ConfigureAwait(false);
            return (transaction, _rows);
        }
        catch
        {
            _isBroken = true;
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Pending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_isEnded)
        {
            try
            {
                if (!_isBroken)
                    await _copy.CancelAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is NpgsqlException or IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
            {
                // the connection is closed below, which ends it too
            }
            if (_isBroken)
                await _connections.EndAsync(_connection).ConfigureAwait(false);
        }
        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task WriteAsync(PooledBuffer buffer, CancellationToken cancellationToken)
    {
        using (buffer)
        {
            try
            {
                await _target.WriteAsync(new PooledMemory(buffer).Memory[..buffer.Length], cancellationToken).ConfigureAwait(false);
            }
            catch
            {
                _isBroken = true;
                throw;
            }
        }
    }
}

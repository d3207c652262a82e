using System.Diagnostics;
using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Columns;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Reads the log up to where it ended, by <c>pg_logical_slot_peek_binary_changes</c> through <c>COPY</c>, and moves the slot: by a connection that confirms
/// (<see cref="SlotConfirmation"/>), or, where there was little to read or there is no such connection, by <c>pg_replication_slot_advance</c>.
/// The server collects an answer before it sends the first row of it, so that it is asked for some transactions at a time. It counts at commits, so that an
/// answer ends with one; the next begins at the place of the slot, which is why the reader is to commit and acknowledge in between.
/// Transactions come when they are committed: an answer begins at the place of the slot each time, so that what had been streamed of a transaction that has not
/// ended would come again with every answer, and an answer that is full could end inside of one. The server keeps them in files of its own meanwhile.
/// </summary>
/// <param name="connections">Lends connections.</param>
/// <param name="asked">The connection on which <paramref name="state"/> was found, which this owns.</param>
/// <param name="options">Slot and publication.</param>
/// <param name="state">The server, and where its log ends.</param>
/// <param name="start">Where to start.</param>
/// <param name="messagesPerAnswer">About how many messages are asked for at a time.</param>
/// <param name="isBinary">Whether values are wanted in binary form.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class PeekFeed(
    PostgreSqlConnections connections, LentWire asked, CaptureOptions options, LogState state, ulong start, int messagesPerAnswer, bool isBinary,
        BufferPool pool) : IMessageFeed
{
    private const string Name = "the log";
    private const int BlockSize = 512 << 10;

    // the server goes on sending while a window ends
    private const int BlocksAhead = 4;
    private const int LargestAnswer = int.MaxValue / 2;

    // what takes long to collect takes long to read once more, which a connection that confirms spares the server
    private static readonly TimeSpan LongAnswer = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromMilliseconds(50);
    private readonly SemaphoreSlim _turn = new(1);
    private readonly SlotConfirmation _confirmation = new(connections, options, state.Server, pool);
    private LentWire? _connection = asked;
    private BlockQueue<PooledBuffer>? _answer;
    private readonly CancellationTokenSource _stop = new();
    private Task<BlockQueue<PooledBuffer>>? _asking;
    private Task _reading = Task.CompletedTask;
    private int _limit = messagesPerAnswer;
    private bool _isBegun;
    private bool _isAtEnd;
    private bool _isBroken;
    private ulong _acknowledged;
    private ulong _advanced;
    private ulong? _askedFrom;

    public MessageBuffer Buffer { get; } = new(pool);

    public ulong ReadUpTo => _isAtEnd ? state.End : 0;

    /// <summary>Asks the first question, whose answer the server collects while other things are looked up. What goes wrong is told by the fetch.</summary>
    public void Ask() => _asking = AskAsync(_stop.Token);

    public async ValueTask<Fetched> FetchAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // to be told that there is no more costs the server another reading of what it still keeps
            _isAtEnd |= _acknowledged >= state.End;
            if (_isAtEnd)
                return Fetched.End;
            if (_answer is null)
            {
                _asking ??= AskAsync(cancellationToken);
                if (await Task.WhenAny(_asking, Task.Delay(LongAnswer, cancellationToken)).ConfigureAwait(false) != _asking)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    _confirmation.Open();
                }
                _answer = await _asking.WaitAsync(cancellationToken).ConfigureAwait(false);
                _asking = null;
            }
            if (await _answer.TakeAsync(cancellationToken).ConfigureAwait(false) is { } block)
            {
                Take(block);
                return Fetched.Messages;
            }
            await _reading.ConfigureAwait(false);
            _answer.Dispose();
            _answer = null;
            // fewer than asked for: the end was reached
            _isAtEnd = Buffer.Count < _limit;
            return _isAtEnd ? Fetched.End : Fetched.Pause;
        }
        catch (Exception e)
        {
            _isBroken = !cancellationToken.IsCancellationRequested;
            throw cancellationToken.IsCancellationRequested ? new OperationCanceledException("The log is read no more.", e, cancellationToken)
                : ChangeReader.Translate(connections, options, e) ?? e;
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask AcknowledgeAsync(ulong lsn, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _acknowledged = Math.Max(_acknowledged, lsn);
            // the server may have to read the log again up to there: once for an answer is enough
            if (_answer is null && _acknowledged > _advanced && (!_isAtEnd || _acknowledged >= state.End))
                await AdvanceAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (_asking is not null)
        {
            await ((Task)_asking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_asking.IsCompletedSuccessfully)
                _answer = await _asking.ConfigureAwait(false);
        }
        await _confirmation.DisposeAsync().ConfigureAwait(false);
        if (_answer is not null)
            await _answer.StopAsync().ConfigureAwait(false);
        if (_connection is not null)
        {
            if (_isBroken)
                await connections.EndAsync(_connection.Connection.ProcessId).ConfigureAwait(false);
            else if (_answer is not null)
                await _connection.StopAsync(_reading).ConfigureAwait(false);
            await _reading.ConfigureAwait(false);
            await _connection.DisposeAsync().ConfigureAwait(false);
        }
        _answer?.Dispose();
        _stop.Dispose();
        Buffer.Dispose();
        _turn.Dispose();
    }

    private async ValueTask<LentWire> ConnectAsync(CancellationToken cancellationToken)
    {
        // after a statement that failed nothing more can be asked
        if (_connection is { Connection.IsReady: false })
        {
            _connection.Dispose();
            _connection = null;
        }
        if (_connection is not null)
            return _connection;
        _connection = await connections.OpenWireAsync(cancellationToken).ConfigureAwait(false);
        // a name may lead to another server by now
        ChangesLost.Require(new LogPosition(state.Server, new StreamStart(new LogPlace(start))),
            await _connection.RunAsync(LogState.Find, cancellationToken).ConfigureAwait(false));
        return _connection;
    }

    private async Task<BlockQueue<PooledBuffer>> AskAsync(CancellationToken cancellationToken)
    {
        // between two answers nobody holds the slot
        var connection = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        var slot = await connection.RunAsync(wire => ReplicationSlot.Find(wire, options.Slot), cancellationToken).ConfigureAwait(false);
        ChangesLost.Require(new LogPlace(Math.Max(start, _acknowledged)), options.Slot, slot);
        if (_acknowledged > _advanced)
            await AdvanceAsync(cancellationToken).ConfigureAwait(false);
        // transactions that are not acknowledged yet come again, and must not be all that comes
        if (_askedFrom == _advanced)
            _limit = (int)Math.Min(2L * _limit, LargestAnswer);
        _askedFrom = _advanced;
        var sql = string.Create(CultureInfo.InvariantCulture, $"""
            COPY (SELECT data FROM pg_logical_slot_peek_binary_changes('{options.Slot}', '{LogPlace.Sql(state.End)}', {_limit},
                'proto_version', '{StreamProtocol.CommittedOnly}', 'publication_names', {SqlName.Literal(SqlName.Quote(options.Publication))}{(isBinary ? ", 'binary', 'true'" : "")}))
            TO STDOUT (FORMAT binary)
            """);
        var copy = await WhileBusyAsync(wire =>
        {
            var begun = wire.BeginCopy(sql, Name, BufferPool.MaxCapacity);
            // the slot is taken when the first row is asked for
            begun.Wait();
            return begun;
        }, cancellationToken).ConfigureAwait(false);
        Buffer.Clear();
        _isBegun = false;
        var answer = new BlockQueue<PooledBuffer>(BlocksAhead);
        _reading = Task.Factory.StartNew(() => Read(copy, answer), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return answer;
    }

    private void Read(CopyOut copy, BlockQueue<PooledBuffer> answer)
    {
        try
        {
            while (copy.Read(pool, BlockSize, atOnce: false, out _) is { } block)
                if (!answer.Put(block))
                    return;
            answer.Complete();
        }
        catch (Exception e)
        {
            answer.Fail(e);
        }
    }

    private void Take(PooledBuffer block)
    {
        try
        {
            Buffer.Replace(block, _isBegun ? 0 : CopyForm.HeaderOf(block.Content, Name));
            _isBegun = true;
        }
        catch
        {
            block.Dispose();
            throw;
        }
    }

    private async Task AdvanceAsync(CancellationToken cancellationToken)
    {
        if (!await TryConfirmAsync(cancellationToken).ConfigureAwait(false))
        {
            var sql = $"SELECT pg_replication_slot_advance('{options.Slot}', '{LogPlace.Sql(_acknowledged)}'::pg_lsn)";
            await WhileBusyAsync(wire => wire.Query(sql), cancellationToken).ConfigureAwait(false);
        }
        _advanced = _acknowledged;
    }

    private async Task<bool> TryConfirmAsync(CancellationToken cancellationToken)
    {
        if (!await _confirmation.TryHoldAsync(_acknowledged, cancellationToken).ConfigureAwait(false))
            return false;
        // one that somebody else has moved further must not go back: what it has passed does not come again
        var connection = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        ChangesLost.Require(new LogPlace(_acknowledged), options.Slot,
            await connection.RunAsync(wire => ReplicationSlot.Find(wire, options.Slot), cancellationToken).ConfigureAwait(false));
        return await _confirmation.TryMoveAsync(_acknowledged, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A reader that broke off leaves the slot as soon as the server notices.</summary>
    private async Task<T> WhileBusyAsync<T>(Func<WireConnection, T> call, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
            try
            {
                return await (await ConnectAsync(cancellationToken).ConfigureAwait(false)).RunAsync(call, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ObjectInUse && Stopwatch.GetElapsedTime(started) < BusyTimeout)
            {
                await Task.Delay(BusyInterval, cancellationToken).ConfigureAwait(false);
            }
    }
}

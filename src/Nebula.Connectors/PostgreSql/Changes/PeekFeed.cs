using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Engine.Columns;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Reads the log up to where it ended, by <c>pg_logical_slot_peek_binary_changes</c> through <c>COPY</c>, and moves the slot by
/// <c>pg_replication_slot_advance</c>.
/// The server collects an answer before it sends the first row of it, so that it is asked for some transactions at a time.
/// Transactions come when they are committed: an answer begins at the place of the slot each time, so that what had been streamed of a transaction that has not
/// ended would come again with every answer, and an answer that is full could end inside of one. The server keeps them in files of its own meanwhile.
/// </summary>
/// <param name="connections">Lends connections.</param>
/// <param name="options">Slot and publication.</param>
/// <param name="state">The server, and where its log ends.</param>
/// <param name="start">Where to start.</param>
/// <param name="changesPerAnswer">About how many messages are asked for at a time.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class PeekFeed(PostgreSqlConnections connections, CaptureOptions options, LogState state, ulong start, int changesPerAnswer, BufferPool pool)
    : IMessageFeed
{
    private const int ReadSize = 256 << 10;
    private const int LargestAnswer = int.MaxValue / 2;
    private static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromMilliseconds(50);
    private readonly byte[] _read = ArrayPool<byte>.Shared.Rent(ReadSize);
    private LentConnection? _connection;
    private NpgsqlRawCopyStream? _copy;
    private int _limit = changesPerAnswer;
    private TupleCutter? _header;
    private bool _isAtEnd;
    private bool _isBroken;
    private ulong _acknowledged;
    private ulong _advanced;

    public MessageBuffer Buffer { get; } = new(pool);

    public ulong ReadUpTo => _isAtEnd ? state.End : 0;

    public async ValueTask<Fetched> FetchAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            while (!_isAtEnd)
            {
                if (_copy is null)
                    await AskAsync(cancellationToken).ConfigureAwait(false);
                if (await ReadAsync(cancellationToken).ConfigureAwait(false))
                    return Fetched.Messages;
                await EndAnswerAsync().ConfigureAwait(false);
            }
            return Fetched.End;
        }
        catch (Exception e)
        {
            _isBroken = true;
            throw cancellationToken.IsCancellationRequested ? new OperationCanceledException("The log is read no more.", e, cancellationToken)
                : ChangeReader.Translate(connections, options, e) ?? e;
        }
    }

    public async ValueTask AcknowledgeAsync(ulong lsn, CancellationToken cancellationToken)
    {
        _acknowledged = Math.Max(_acknowledged, lsn);
        // each time the server reads the log again up to there: once for an answer is enough
        if (_copy is null && _acknowledged > _advanced)
        {
            var connection = await ConnectAsync(cancellationToken).ConfigureAwait(false);
            await AdvanceAsync(connection, cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (_copy is not null && !_isBroken)
                await _copy.CancelAsync().ConfigureAwait(false);
            _copy = null;
        }
        catch (Exception e) when (e is NpgsqlException or IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            _isBroken = true;
        }
        if (_connection is not null)
        {
            if (_isBroken)
                await connections.EndAsync(_connection).ConfigureAwait(false);
            await _connection.DisposeAsync().ConfigureAwait(false);
        }
        ArrayPool<byte>.Shared.Return(_read);
        Buffer.Dispose();
    }

    private async ValueTask<LentConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        if (_connection is not null)
            return _connection;
        _connection = await connections.OpenAsync(cancellationToken).ConfigureAwait(false);
        // a name may lead to another server by now
        ChangesLost.Require(new LogPosition(state.Server, new StreamStart(new LogPlace(start))),
            await LogState.FindAsync(_connection.Connection, cancellationToken).ConfigureAwait(false));
        return _connection;
    }

    private async ValueTask AskAsync(CancellationToken cancellationToken)
    {
        var connection = await ConnectAsync(cancellationToken).ConfigureAwait(false);
        // between two answers nobody holds the slot
        var slot = await ReplicationSlot.FindAsync(connection.Connection, options.Slot, cancellationToken).ConfigureAwait(false);
        ChangesLost.Require(new LogPlace(Math.Max(start, _acknowledged)), options.Slot, slot);
        if (_acknowledged > _advanced)
            await AdvanceAsync(connection, cancellationToken).ConfigureAwait(false);
        var sql = string.Create(CultureInfo.InvariantCulture, $"""
            COPY (SELECT data FROM pg_logical_slot_peek_binary_changes('{options.Slot}', '{LogPlace.Sql(state.End)}', {_limit},
                'proto_version', '{StreamProtocol.CommittedOnly}', 'publication_names', {Literal(SqlName.Quote(options.Publication))}))
            TO STDOUT (FORMAT binary)
            """);
        _copy = await WhileBusyAsync(() => connection.Connection.BeginRawBinaryCopyAsync(sql, cancellationToken), cancellationToken).ConfigureAwait(false);
        Buffer.Clear();
        _header = new TupleCutter("the log", 1, BufferPool.MaxCapacity);
    }

    private async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        var any = false;
        while (true)
        {
            var read = _copy!.ReadAsync(_read, cancellationToken);
            // what is there is taken first
            var isThere = read.IsCompleted;
            var count = await read.ConfigureAwait(false);
            if (count == 0)
                return any;
            _read.AsSpan(0, count).CopyTo(Buffer.Reserve(count));
            Buffer.Advance(count);
            any |= SkipHeader();
            if (any && (!isThere || Buffer.Rest.Length > ReadSize))
                return true;
        }
    }

    private bool SkipHeader()
    {
        if (_header?.SkipHeader(Buffer.Rest) is { } header and > 0)
        {
            Buffer.Skip(header);
            _header = null;
        }
        return _header is null;
    }

    private async ValueTask EndAnswerAsync()
    {
        await _copy!.DisposeAsync().ConfigureAwait(false);
        _copy = null;
        if (!Buffer.IsEnded)
            throw new EndOfStreamException("The answer ended before its last row.");
        // fewer than asked for: the end was reached
        _isAtEnd = Buffer.Count < _limit;
        // transactions that are not acknowledged yet come again, and must not be all that comes
        if (_acknowledged <= _advanced)
            _limit = (int)Math.Min(2L * _limit, LargestAnswer);
    }

    private async Task AdvanceAsync(LentConnection connection, CancellationToken cancellationToken)
    {
        await WhileBusyAsync(async () =>
        {
            await using var command = new NpgsqlCommand("SELECT pg_replication_slot_advance($1, $2::pg_lsn)", connection.Connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = options.Slot });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = LogPlace.Sql(_acknowledged) });
            return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
        _advanced = _acknowledged;
    }

    /// <summary>A reader that broke off leaves the slot as soon as the server notices.</summary>
    private static async Task<T> WhileBusyAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
            try
            {
                return await call().ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ObjectInUse && Stopwatch.GetElapsedTime(started) < BusyTimeout)
            {
                await Task.Delay(BusyInterval, cancellationToken).ConfigureAwait(false);
            }
    }

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}

using System.Diagnostics;
using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Columns;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Reads the log as it grows, by <c>START_REPLICATION</c>. The server is told as flushed what was acknowledged, and nothing else: the log behind that is kept.
/// A thread of its own reads; it waits when there is more than is wanted, and the server with it.
/// </summary>
internal sealed class StreamFeed : IMessageFeed
{
    private const int BytesAhead = 512 << 10;

    // of the time after which the server takes a silent client for dead
    private const int ConfirmationsPerTimeout = 4;
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ConfirmInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);
    private readonly PostgreSqlConnections _connections;
    private readonly CaptureOptions _options;
    private readonly LentWire _connection;
    private readonly LogStream _stream;
    private readonly object _lock = new();
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Timer _timer;
    private MessageBuffer _ahead;
    private ulong _acknowledged;
    private long _heard = Stopwatch.GetTimestamp();
    private bool _isWaiting;
    private bool _isClosing;
    private bool _isSilent;
    private Exception? _failure;

    private StreamFeed(PostgreSqlConnections connections, CaptureOptions options, LentWire connection, LogStream stream, TimeSpan interval, BufferPool pool)
    {
        (_connections, _options, _connection, _stream) = (connections, options, connection, stream);
        Buffer = new MessageBuffer(pool);
        _ahead = new MessageBuffer(pool);
        new Thread(Run) { Name = "nebula-postgresql-log", IsBackground = true }.Start();
        _timer = new Timer(static feed => ((StreamFeed)feed!).KeepAlive(), this, interval, interval);
    }

    public MessageBuffer Buffer { get; private set; }

    // a server that waits tells how far it has come; what it told with a message is no further than that message
    public ulong ReadUpTo { get; private set; }

    /// <summary>Starts the stream.</summary>
    /// <param name="connections">Lends the connection.</param>
    /// <param name="options">Slot and publication.</param>
    /// <param name="from">Where to start.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="server">Major version of the server.</param>
    /// <param name="isBinary">Whether values are wanted in binary form.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    public static async Task<StreamFeed> StartAsync(
        PostgreSqlConnections connections, CaptureOptions options, ulong from, BufferPool pool, int server, bool isBinary,
            CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var sql = $"START_REPLICATION SLOT \"{options.Slot}\" LOGICAL {LogPlace.Sql(from)} ({StreamProtocol.Settings(server, options, isBinary)})";
        while (true)
        {
            var connection = await connections.OpenReplicationAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                return await connection.RunAsync(wire =>
                {
                    var interval = IntervalOf(wire);
                    return new StreamFeed(connections, options, connection, wire.BeginStream(sql, pool), interval, pool);
                }, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                if (e is PostgresException { SqlState: PostgresErrorCodes.ObjectInUse } && Stopwatch.GetElapsedTime(started) < BusyTimeout)
                {
                    await Task.Delay(BusyInterval, cancellationToken).ConfigureAwait(false);
                    continue;
                }
                if (!cancellationToken.IsCancellationRequested && ChangeReader.Translate(connections, options, e) is { } translated)
                    throw translated;
                throw;
            }
        }
    }

    public async ValueTask<Fetched> FetchAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var isThere = TryFetch();
        if (!isThere)
        {
            await _arrived.WaitAsync(timeout, cancellationToken).ConfigureAwait(false);
            isThere = TryFetch();
        }
        return isThere ? Fetched.Messages : Fetched.Nothing;
    }

    public ValueTask AcknowledgeAsync(ulong lsn, CancellationToken cancellationToken)
    {
        if (lsn > _acknowledged)
        {
            Interlocked.Exchange(ref _acknowledged, lsn);
            Confirm(ask: false);
        }
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        lock (_lock)
        {
            _isClosing = true;
            Monitor.PulseAll(_lock);
        }
        // the slot is free for others when the server has closed the connection
        _connection.Connection.Terminate();
        await _ended.Task.WaitAsync(CloseTimeout).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_ended.Task.IsCompleted)
        {
            await _connections.EndAsync(_connection.Connection.ProcessId).ConfigureAwait(false);
            _connection.Connection.Abort();
            await _ended.Task.ConfigureAwait(false);
        }
        await _connection.DisposeAsync().ConfigureAwait(false);
        _stream.Dispose();
        _ahead.Dispose();
        Buffer.Dispose();
        _arrived.Dispose();
    }

    /// <summary>How often the server has to hear something.</summary>
    private static TimeSpan IntervalOf(WireConnection connection)
    {
        var setting = connection.Query("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'");
        var timeout = setting is [{ } text] && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds > 0
            ? TimeSpan.FromMilliseconds(milliseconds) / ConfirmationsPerTimeout : ConfirmInterval;
        return timeout < ConfirmInterval ? timeout : ConfirmInterval;
    }

    private bool TryFetch()
    {
        lock (_lock)
        {
            ReadUpTo = _stream.Received;
            if (_ahead.Rest.Length > 0)
            {
                Buffer.Clear();
                (Buffer, _ahead) = (_ahead, Buffer);
                Monitor.PulseAll(_lock);
                return true;
            }
            if (_failure is { } failure)
                throw ChangeReader.Translate(_connections, _options, failure) ?? failure;
            return false;
        }
    }

    private void Run()
    {
        try
        {
            while (true)
            {
                Volatile.Write(ref _isWaiting, true);
                _stream.Wait();
                Volatile.Write(ref _isWaiting, false);
                Interlocked.Exchange(ref _heard, Stopwatch.GetTimestamp());
                lock (_lock)
                {
                    while (_ahead.Rest.Length >= BytesAhead && !_isClosing)
                        Monitor.Wait(_lock);
                    Take();
                    if (_arrived.CurrentCount == 0)
                        _arrived.Release();
                }
                if (_stream.IsAsked)
                {
                    _stream.IsAsked = false;
                    Confirm(ask: false);
                }
            }
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                _failure = _isSilent ? new TimeoutException($"The server has been silent for {LongestSilence.TotalSeconds:0} seconds.", e) : e;
                if (_arrived.CurrentCount == 0)
                    _arrived.Release();
            }
        }
        _ended.SetResult();
    }

    private void Take()
    {
        while (_stream.TryTake(out var message))
            if (!message.IsEmpty && !_isClosing)
            {
                _ahead.Frame(message.Length);
                message.CopyTo(_ahead.Reserve(message.Length));
                _ahead.Advance(message.Length);
            }
    }

    /// <summary>Has the server hear something, also when nothing is read as the destination is slow; and hears whether it is still there.</summary>
    private void KeepAlive()
    {
        var silence = Stopwatch.GetElapsedTime(Interlocked.Read(ref _heard));
        if (Volatile.Read(ref _isWaiting) && silence > LongestSilence)
        {
            _isSilent = true;
            _connection.Connection.Abort();
            return;
        }
        try
        {
            Confirm(ask: silence > LongestSilence / 2);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // whoever reads is told
        }
    }

    private void Confirm(bool ask) => _stream.Confirm(Interlocked.Read(ref _acknowledged), ask);
}

using System.Diagnostics;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Columns;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.Internal;
using Npgsql.Replication.PgOutput;
using NpgsqlTypes;

namespace Nebula.Connectors.PostgreSql.Changes;

/// <summary>
/// Reads the log as it grows, by <c>START_REPLICATION</c>. The server is told as flushed what was acknowledged, and nothing else: the log behind that is kept.
/// </summary>
internal sealed class StreamFeed : IMessageFeed
{
    private const int BytesPerFetch = 512 << 10;

    // the server sends message by message; to be woken by each of them takes longer than to read it
    private static readonly TimeSpan LeastInterval = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan BusyInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan StartInterval = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(2);
    private readonly PostgreSqlConnections _connections;
    private readonly CaptureOptions _options;
    private readonly LentReplication _replication;
    private readonly CancellationTokenSource _stop = new();
    private readonly IAsyncEnumerator<XLogDataMessage> _messages;
    private Task<bool>? _next;
    private long _fetched;

    private StreamFeed(PostgreSqlConnections connections, CaptureOptions options, LentReplication replication, ulong from, BufferPool pool, int server)
    {
        (_connections, _options, _replication) = (connections, options, replication);
        Buffer = new MessageBuffer(pool);
        _messages = replication.Connection.StartLogicalReplication(
            new PgOutputReplicationSlot(options.Slot), _stop.Token, new NpgsqlLogSequenceNumber(from), StreamProtocol.Settings(server, options),
                bypassingStream: false).GetAsyncEnumerator(_stop.Token);
    }

    public MessageBuffer Buffer { get; }

    // a server that waits tells how far it has come; what it told with a message is no further than that message
    public ulong ReadUpTo => (ulong)_replication.Connection.LastReceivedLsn;

    /// <summary>Starts the stream.</summary>
    /// <param name="connections">Lends the connection.</param>
    /// <param name="options">Slot and publication.</param>
    /// <param name="from">Where to start.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="side">A connection to look whether the stream has begun.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    public static async Task<StreamFeed> StartAsync(
        PostgreSqlConnections connections, CaptureOptions options, ulong from, BufferPool pool, NpgsqlConnection side, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var feed = new StreamFeed(connections, options, await connections.OpenReplicationAsync(cancellationToken).ConfigureAwait(false), from, pool,
                side.PostgreSqlVersion.Major);
            try
            {
                var next = feed._next = feed._messages.MoveNextAsync().AsTask();
                // that the stream has begun is no message
                while (!next.IsCompleted
                    && (await ReplicationSlot.FindAsync(side, options.Slot, cancellationToken).ConfigureAwait(false))?.ActiveProcess != feed.ProcessId())
                    await Task.WhenAny(next, Task.Delay(StartInterval, cancellationToken)).ConfigureAwait(false);
                if (next.IsFaulted)
                    await next.ConfigureAwait(false);
                return feed;
            }
            catch (Exception e)
            {
                await feed.DisposeAsync().ConfigureAwait(false);
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
        if (Stopwatch.GetElapsedTime(_fetched) < LeastInterval)
            await Task.Delay(LeastInterval, cancellationToken).ConfigureAwait(false);
        var next = _next ?? _messages.MoveNextAsync().AsTask();
        _next = next;
        if (!next.IsCompleted && !await IsInTimeAsync(next, timeout, cancellationToken).ConfigureAwait(false))
            return Fetched.Nothing;
        try
        {
            _next = null;
            if (!await next.ConfigureAwait(false))
                throw new EndOfStreamException("The server ended the stream.");
            while (true)
            {
                Copy(_messages.Current);
                // what is behind a full buffer is there already, and not waited for
                _fetched = 0;
                if (Buffer.Rest.Length >= BytesPerFetch)
                    return Fetched.Messages;
                var more = _messages.MoveNextAsync();
                if (!more.IsCompleted)
                {
                    _next = more.AsTask();
                    _fetched = Stopwatch.GetTimestamp();
                    return Fetched.Messages;
                }
                if (!await more.ConfigureAwait(false))
                    throw new EndOfStreamException("The server ended the stream.");
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && ChangeReader.Translate(_connections, _options, e) is { } translated)
        {
            throw translated;
        }
    }

    public async ValueTask AcknowledgeAsync(ulong lsn, CancellationToken cancellationToken)
    {
        if (lsn <= (ulong)_replication.Connection.LastFlushedLsn)
            return;
        _replication.Connection.SetReplicationStatus(new NpgsqlLogSequenceNumber(lsn));
        await _replication.Connection.SendStatusUpdate(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        var process = ProcessId();
        await _stop.CancelAsync().ConfigureAwait(false);
        var closing = CloseAsync();
        if (await Task.WhenAny(closing, Task.Delay(CloseTimeout)).ConfigureAwait(false) != closing && process != 0)
            await _connections.EndAsync(process).ConfigureAwait(false);
        await closing.ConfigureAwait(false);
        _stop.Dispose();
        Buffer.Dispose();
    }

    private static async Task<bool> IsInTimeAsync(Task task, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var first = await Task.WhenAny(task, Task.Delay(timeout, timer.Token)).ConfigureAwait(false);
        await timer.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return first == task;
    }

    private int ProcessId()
    {
        try
        {
            return _replication.Connection.ProcessID;
        }
        catch (InvalidOperationException)
        {
            return 0;
        }
    }

    private async Task CloseAsync()
    {
        try
        {
            if (_next is { } next)
                await next.ConfigureAwait(false);
            await _messages.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException
            or NotSupportedException)
        {
            // the connection is closed below, which ends it too
        }
        await _replication.DisposeAsync().ConfigureAwait(false);
    }

    private void Copy(XLogDataMessage message)
    {
        var length = (int)message.Data.Length;
        Buffer.Frame(length);
        var room = Buffer.Reserve(length)[..length];
        var at = 0;
        while (at < length)
        {
            var count = message.Data.Read(room[at..]);
            if (count == 0)
                throw new EndOfStreamException("A message of the log ended too early.");
            at += count;
        }
        Buffer.Advance(length);
    }
}

using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Reads a chunk over one connection or several at a time.</summary>
/// <param name="connections">Lends the connections.</param>
/// <param name="queries">What is asked of the server.</param>
/// <param name="plan">The columns.</param>
/// <param name="context">Block size and pool.</param>
internal sealed class CopyReader(PostgreSqlConnections connections, CopyQueries queries, StreamPlan plan, ReadContext context) : ISourceReader
{
    private readonly BlockQueue<RawBlock> _blocks = new(capacity: 1);
    private readonly CopyForm _form = CopyForm.Of(plan, context);
    private readonly Lock _lock = new();
    private readonly List<CopyLane> _lanes = [];
    private readonly List<Task> _running = [];
    private int _left;
    private bool _isDisposed;

    // what the server sends is not what it stores
    public long? TotalBytes => null;

    public long BytesRead
    {
        get
        {
            lock (_lock)
                return _lanes.Sum(static lane => lane.BytesRead);
        }
    }

    /// <summary>Given back at the end, so that the next reader can begin; null where there is no need to wait.</summary>
    public SemaphoreSlim? Turn { get; set; }

    public string? Note => queries.GaveWay ? "read by one connection at a time, as others are at work on the server; 'max_connections' says how many instead" : null;

    /// <summary>Begins to read. Blocks the thread.</summary>
    /// <param name="connection">The first connection, which belongs to this afterwards.</param>
    /// <param name="snapshot">The state that is read; null for that of now.</param>
    /// <param name="lanes">Most connections at a time.</param>
    public void Start(LentWire connection, string? snapshot, int lanes)
    {
        if (snapshot is not null)
            SharedSnapshot.Join(connection.Connection, snapshot);
        else if (lanes > 1)
            snapshot = SharedSnapshot.Begin(connection.Connection);
        var first = new CopyLane(connection, queries, plan, context, _form, _blocks);
        first.Start();
        Run(first, snapshot, lanes);
    }

    private void Run(CopyLane first, string? snapshot, int lanes)
    {
        _left = lanes;
        _lanes.Add(first);
        _running.Add(StartThread(() => Run(first)));
        for (var i = 1; i < lanes; i++)
            _running.Add(StartThread(() => Run(Join(snapshot!))));
    }

    public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken) => _blocks.TakeAsync(cancellationToken);

    public void Decode(RawBlock block, IDecodeSink sink) => _form.Decode(block, sink);

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        lock (_lock)
            _isDisposed = true;
        await _blocks.StopAsync().ConfigureAwait(false);
        var ended = Task.WhenAll(_running);
        if (!ended.IsCompleted)
        {
            CopyLane[] lanes;
            lock (_lock)
                lanes = [.. _lanes];
            await Task.WhenAll(lanes.Select(lane => lane.Connection.StopAsync(ended))).ConfigureAwait(false);
            await ended.ConfigureAwait(false);
        }
        _blocks.Dispose();
        Turn?.Release();
    }

    /// <summary>Opens one more connection.</summary>
    /// <returns>Null when there is none: the first reads everything then.</returns>
    private CopyLane? Join(string snapshot)
    {
        LentWire? connection = null;
        try
        {
            connection = connections.TryOpenWire(_blocks.Stopped);
            if (connection is null)
                return null;
            SharedSnapshot.Join(connection.Connection, snapshot);
        }
        catch (Exception e) when (e is NebulaException or NpgsqlException or IOException or OperationCanceledException)
        {
            // the server takes no more; or the first is at its end, or broken, which it says itself
            connection?.Dispose();
            return null;
        }
        var lane = new CopyLane(connection, queries, plan, context, _form, _blocks);
        lock (_lock)
            if (!_isDisposed)
            {
                _lanes.Add(lane);
                return lane;
            }
        connection.Dispose();
        return null;
    }

    private static void Run(CopyLane? lane)
    {
        try
        {
            lane?.Run();
        }
        finally
        {
            lane?.Connection.Dispose();
        }
    }

    /// <summary>Threads of their own: they block on the network.</summary>
    private Task StartThread(Action run)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                run();
                if (Interlocked.Decrement(ref _left) == 0)
                    _blocks.Complete();
            }
            catch (Exception e)
            {
                _blocks.Fail(connections.Errors.Translate(e, $"'{plan.Stream.Name}' cannot be read") ?? e);
            }
            done.SetResult();
        })
        { Name = "nebula-postgresql", IsBackground = true }.Start();
        return done.Task;
    }
}

using System.Collections.Concurrent;
using Nebula.Connectors.PostgreSql.Changes;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql;

/// <summary>The log of changes of a database.</summary>
internal sealed partial class PostgreSqlSource
{
    private const int ConnectionsToStart = 2;
    private readonly ConcurrentDictionary<string, CapturedLog> _logs = new(StringComparer.Ordinal);
    private readonly Queue<CapturedLog> _kept = [];
    private readonly SemaphoreSlim _starting = new(1);

    public Task<IReadOnlyList<CheckResult>> CheckChangesAsync(IReadOnlyList<StreamPlan> streams, CancellationToken cancellationToken) =>
        CaptureCheck.RunAsync(_connections, streams, cancellationToken);

    public async Task<IChangeReader> OpenChangesAsync(IReadOnlyList<CapturedStream> streams, ChangeContext context, CancellationToken cancellationToken)
    {
        // a snapshot that is kept open keeps the server from clearing dead rows away
        await ReleaseLogsAsync().ConfigureAwait(false);
        return await BinaryFirstReader.OpenAsync(_connections, streams, context, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes what the log needs, and takes its position and the state that the snapshot is read from.</summary>
    private async Task<string> StartLogAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        await _starting.WaitAsync(cancellationToken).ConfigureAwait(false);
        var log = new CapturedLog(_connections);
        try
        {
            // each snapshot keeps a connection, and there must be some to read with
            while (_kept.Count > 0 && _kept.Count >= options.MaxConnections - ConnectionsToStart)
                await _kept.Dequeue().DisposeAsync().ConfigureAwait(false);
            var position = await log.StartAsync(plan, cancellationToken).ConfigureAwait(false);
            _kept.Enqueue(log);
            _logs[plan.Stream.Name] = log;
            return position;
        }
        catch
        {
            await log.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            _starting.Release();
        }
    }

    /// <summary>The snapshot that a chunk is read from: that of its log, or that of the chunks where there are many.</summary>
    private SharedSnapshot? SnapshotOf(StreamPlan plan, Chunk chunk) =>
        _logs.TryGetValue(plan.Stream.Name, out var log) ? log.Snapshot : chunk.IsWhole ? null : _snapshot;

    private async Task ReleaseLogsAsync()
    {
        while (_kept.TryDequeue(out var log))
            await log.DisposeAsync().ConfigureAwait(false);
    }
}

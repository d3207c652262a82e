using System.Collections.Concurrent;
using Nebula.Connectors.PostgreSql.Changes;
using Nebula.Connectors.PostgreSql.Reading;
using Nebula.Engine.Connectors;

namespace Nebula.Connectors.PostgreSql;

/// <summary>The log of changes of a database.</summary>
internal sealed partial class PostgreSqlSource
{
    private readonly ConcurrentDictionary<string, CapturedLog> _logs = new(StringComparer.Ordinal);

    public Task<IReadOnlyList<CheckResult>> CheckChangesAsync(IReadOnlyList<StreamPlan> streams, CancellationToken cancellationToken) =>
        CaptureCheck.RunAsync(_connections, streams, cancellationToken);

    public async Task<IChangeReader> OpenChangesAsync(IReadOnlyList<CapturedStream> streams, ChangeContext context, CancellationToken cancellationToken)
    {
        // a snapshot that is kept open keeps the server from clearing dead rows away
        await ReleaseLogsAsync().ConfigureAwait(false);
        return await ChangeReader.OpenAsync(_connections, streams, context, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes what the log needs, and takes its position and the state that the snapshot is read from.</summary>
    private async Task<string> StartLogAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        var log = new CapturedLog(_connections);
        try
        {
            var position = await log.StartAsync(plan, cancellationToken).ConfigureAwait(false);
            if (_logs.TryRemove(plan.Stream.Name, out var former))
                await former.DisposeAsync().ConfigureAwait(false);
            _logs[plan.Stream.Name] = log;
            return position;
        }
        catch
        {
            await log.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The snapshot that a chunk is read from: that of its log, or that of the chunks where there are many.</summary>
    private SharedSnapshot? SnapshotOf(StreamPlan plan, Chunk chunk) => _logs.TryGetValue(plan.Stream.Name, out var log) ? log.Snapshot : chunk.IsWhole ? null : _snapshot;

    private async Task ReleaseLogsAsync()
    {
        foreach (var stream in _logs.Keys)
            if (_logs.TryRemove(stream, out var log))
                await log.DisposeAsync().ConfigureAwait(false);
    }
}

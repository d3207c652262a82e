using System.Globalization;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Writing;

/// <summary>
/// Writes a chunk into the staging table of its run. What the server needs most of the time for is done by two of its processes where a chunk is large.
/// </summary>
/// <param name="connections">Lends connections.</param>
/// <param name="state">Keeps account of what is staged.</param>
/// <param name="staging">The table.</param>
/// <param name="copy">The statement that writes into it.</param>
/// <param name="encoder">Makes the bytes.</param>
/// <param name="chunk">The chunk.</param>
/// <param name="mostLanes">Most connections at a time.</param>
/// <param name="target">Where the rows go in the end, for messages.</param>
internal sealed class StagingWriter(
    PostgreSqlConnections connections, StateTable state, TableName staging, string copy, CopyEncoder encoder, Chunk chunk, int mostLanes, TableName target)
    : IDestinationWriter
{
    /// <summary>Bytes before a further connection pays.</summary>
    private const long BytesPerLane = 4 << 20;

    private readonly List<CopyLane> _lanes = [];
    private long _bytes;

    public EncodedBlock Encode(RecordBatch batch) => encoder.Encode(batch);

    /// <summary>Opens the first connection, so that what is wrong is known before rows are read.</summary>
    /// <param name="cancellationToken">Stops the opening.</param>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        try
        {
            var connection = await connections.OpenAsync(cancellationToken).ConfigureAwait(false);
            _lanes.Add(await CopyLane.OpenAsync(connections, connection, staging, copy, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Translate(e) is { } translated)
        {
            throw translated;
        }
    }

    public async ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
    {
        _bytes += block.Buffer.Length;
        try
        {
            var lane = await FindLaneAsync(cancellationToken).ConfigureAwait(false);
            lane.Begin(block.Buffer.Slice(0, block.Buffer.Length), block.Rows, cancellationToken);
            // one connection has nothing to do besides
            if (mostLanes == 1)
                await lane.Pending.ConfigureAwait(false);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Translate(e) is { } translated)
        {
            throw translated;
        }
    }

    public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

    public async Task<StagedPart> CompleteAsync(CancellationToken cancellationToken)
    {
        try
        {
            var ended = await Task.WhenAll(_lanes.Select(lane => lane.CompleteAsync(state, staging, chunk.Index, cancellationToken))).ConfigureAwait(false);
            var location = string.Join(',', ended.Select(static lane => lane.Transaction.ToString(CultureInfo.InvariantCulture)));
            return new StagedPart(chunk.Index, location, ended.Sum(static lane => lane.Rows), _bytes);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && Translate(e) is { } translated)
        {
            throw translated;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var lane in _lanes)
            await lane.DisposeAsync().ConfigureAwait(false);
        _lanes.Clear();
    }

    private async Task<CopyLane> FindLaneAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            foreach (var lane in _lanes)
                if (lane.Pending.IsCompleted)
                {
                    await lane.Pending.ConfigureAwait(false);
                    return lane;
                }
            // not waited for: those who have one might wait for each other
            if (_lanes.Count < mostLanes && _bytes > BytesPerLane * _lanes.Count && await connections.TryOpenAsync(cancellationToken)
                .ConfigureAwait(false) is { } connection)
            {
                _lanes.Add(await CopyLane.OpenAsync(connections, connection, staging, copy, cancellationToken).ConfigureAwait(false));
                return _lanes[^1];
            }
            await Task.WhenAny(_lanes.Select(static lane => lane.Pending)).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private NebulaException? Translate(Exception e) => e is PostgresException { SqlState: PostgresErrorCodes.UndefinedTable }
        ? new NebulaException(ErrorKind.Locked,
            $"The staging table of '{target}' is gone: another run of the same target has begun since, and took it for left behind.", inner: e)
        : connections.Errors.TranslateWrite(e, target.ToString());
}

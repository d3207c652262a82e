using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Planning;

/// <summary>
/// Divides the connections that a server allows among the streams that run at once, and each share among source and target: none ever waits for what another
/// holds.
/// </summary>
/// <param name="Streams">Streams that run at once.</param>
internal sealed record ConnectionShares(int Streams)
{
    /// <summary>What the source of each stream may make; null for as many as it is set to.</summary>
    public ConnectionShare? Source { get; private init; }

    /// <summary>What the target of each stream may make; null for as many as it is set to.</summary>
    public ConnectionShare? Target { get; private init; }

    /// <summary>Divides.</summary>
    /// <param name="reading">What the source makes, null when that is not counted; and where it is described.</param>
    /// <param name="writing">The same for the target.</param>
    /// <param name="streams">The streams.</param>
    /// <param name="wanted">Streams that would run at once.</param>
    /// <exception cref="NebulaException">There are too few for one stream.</exception>
    public static ConnectionShares Of(
        (ConnectionUse? Use, SourceLocation Location) reading, (ConnectionUse? Use, SourceLocation Location) writing, IReadOnlyList<StreamConfig> streams,
        int wanted)
    {
        var (source, target) = (reading.Use, writing.Use);
        var logs = streams.Where(static stream => stream.Mode is SyncMode.ChangeCapture or SyncMode.ChangesOnly)
            .Select(static stream => $"{stream.Capture.Slot}\n{stream.Capture.Publication}").Distinct(StringComparer.Ordinal).Count();
        // all logs are read at once
        var (shares, most) = (Math.Max(wanted, logs), int.MaxValue);
        if (source is not null && logs > 0)
            source = source with { Least = source.LeastToCapture };
        (int Source, int Target) share;
        if (source is not null && target is not null && source.Server == target.Server)
        {
            if (Smaller(source.Limit, target.Limit) is not { } limit)
                return new ConnectionShares(wanted);
            most = Fit(limit, source.Least + target.Least);
            share = Divide(limit / Math.Min(shares, most), source, target);
        }
        else
        {
            if (source?.Limit is { } reads)
                most = Fit(reads, source.Least);
            if (target?.Limit is { } writes)
                most = Math.Min(most, Fit(writes, target.Least));
            share = (source?.Limit / Math.Min(shares, most) ?? int.MaxValue, target?.Limit / Math.Min(shares, most) ?? int.MaxValue);
        }
        if (most < logs)
            throw NebulaException.Configuration($"'limits.max_connections' is too small for {logs} logs that are read at once. Raise it, or use one slot.");
        return new ConnectionShares(Math.Min(wanted, most))
        {
            Source = ShareOf(source, share.Source, reading.Location),
            Target = ShareOf(target, share.Target, writing.Location),
        };

        int Fit(int limit, int least) => limit >= least ? limit / least : throw NebulaException.Configuration(
            $"'limits.max_connections' is {limit}, but a stream of this pipeline needs {least} connections to the server. Raise it to {least} or more.");
    }

    private static ConnectionShare? ShareOf(ConnectionUse? use, int share, SourceLocation location) =>
        use is null || share == int.MaxValue ? null : new ConnectionShare(use.Option, use.Most, share, location);

    private static int? Smaller(int? a, int? b) => a is { } one && b is { } other ? Math.Min(one, other) : a ?? b;

    /// <summary>Gives each what it must have, then half of the rest, unless one wants less.</summary>
    private static (int Source, int Target) Divide(int share, ConnectionUse source, ConnectionUse target)
    {
        var reads = Math.Clamp(share / 2, source.Least, Math.Max(source.Least, source.Most));
        var writes = Math.Clamp(share - reads, target.Least, Math.Max(target.Least, target.Most));
        return (Math.Max(source.Least, Math.Min(share - writes, source.Most)), writes);
    }
}

/// <summary>How many connections a stream may make at one end.</summary>
/// <param name="Option">The option that says so.</param>
/// <param name="Wanted">What it is set to.</param>
/// <param name="Most">What it may be at most.</param>
/// <param name="Location">Where the end is described.</param>
internal sealed record ConnectionShare(string Option, int Wanted, int Most, SourceLocation Location);

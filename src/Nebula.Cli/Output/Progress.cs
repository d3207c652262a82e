using Nebula.Cli.Running;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Output;

/// <summary>The counts of a stream at one moment, and what follows from them.</summary>
internal readonly struct Progress
{
    private readonly long _bytesEarlier;

    public Progress(StreamExecution stream)
    {
        Elapsed = stream.Elapsed;
        var metrics = stream.Metrics;
        Written = metrics.RowsWritten;
        Skipped = metrics.RowsSkipped;
        Quarantined = metrics.RowsQuarantined;
        BytesRead = metrics.BytesRead;
        Earlier = metrics.RowsEarlier;
        _bytesEarlier = metrics.BytesReadEarlier;
        BytesWritten = stream.StoredBytes ?? metrics.BytesWritten;
        TotalBytes = metrics.TotalBytes;
        Retention = metrics.Retention;
    }

    public TimeSpan Elapsed { get; }

    public long Written { get; }

    public long Skipped { get; }

    public long Quarantined { get; }

    public long Read => Written + Skipped + Quarantined;

    /// <summary>Rows, of those that were read, that an earlier attempt at the run had moved: they say nothing about the pace of this one.</summary>
    public long Earlier { get; }

    public long BytesRead { get; }

    public long BytesWritten { get; }

    public long? TotalBytes { get; }

    /// <summary>What the source keeps of its log; null where it has none.</summary>
    public LogRetention? Retention { get; }

    public double RowsPerSecond => (Read - Earlier) / Math.Max(Elapsed.TotalSeconds, 1e-3);

    public double BytesPerSecond => (BytesRead - _bytesEarlier) / Math.Max(Elapsed.TotalSeconds, 1e-3);

    /// <summary>From 0 to 1; null when the end is unknown.</summary>
    public double? Fraction => TotalBytes is > 0 and var total ? Math.Min(1, (double)BytesRead / total) : null;

    /// <summary>Time left at the present pace; null when nothing can be said yet.</summary>
    public TimeSpan? Left => Fraction is > 0.001 and < 1 && BytesRead > _bytesEarlier && Elapsed.TotalSeconds > 0.3
        ? Elapsed * ((double)(TotalBytes!.Value - BytesRead) / (BytesRead - _bytesEarlier)) : null;

    /// <summary>What the source keeps of its log: <c>16.0 MB of log kept</c>; null where that is not known.</summary>
    public string? Kept => Retention is not { } log ? null : $"{Units.FormatSize(log.Bytes)} of log kept"
        + (log.BytesLeft is { } left ? $", {Units.FormatSize(left)} left" : "");

    /// <summary>Rates: <c>4.15M rows/s, 312.0 MB/s</c>.</summary>
    public string Rates => $"{Units.FormatCount(RowsPerSecond)} rows/s, {Units.FormatSize(BytesPerSecond)}/s";
}

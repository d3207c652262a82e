using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Nebula.Engine.Connectors;

namespace Nebula.Engine.Pipeline;

/// <summary>
/// Tells what a source keeps of its log to OpenTelemetry, and to whatever else listens to the meter <see cref="MeterName"/>, as long as the log is read.
/// </summary>
public sealed class LogGauge : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "Nebula";

    /// <summary>The gauge of <see cref="LogRetention.Bytes"/>, in bytes, tagged with the log.</summary>
    public const string Retained = "nebula.source.log.retained";

    /// <summary>The gauge of <see cref="LogRetention.BytesLeft"/>, in bytes, tagged with the log.</summary>
    public const string Left = "nebula.source.log.left";

    private const string LogTag = "nebula.log";
    private static readonly ConcurrentDictionary<LogGauge, LogRetention> Open = new();
    private static readonly Meter Meter = MakeMeter();

    /// <summary>Takes what was found.</summary>
    /// <param name="retention">What was found.</param>
    public void Set(LogRetention retention)
    {
        _ = Meter;
        Open[this] = retention;
    }

    /// <inheritdoc/>
    public void Dispose() => Open.TryRemove(this, out _);

    private static Meter MakeMeter()
    {
        var meter = new Meter(MeterName);
        meter.CreateObservableGauge(Retained, static () => Measure(static log => log.Bytes), "By", "Bytes of its log that the source keeps.");
        meter.CreateObservableGauge(Left, static () => Measure(static log => log.BytesLeft), "By", "Bytes of log that may come until the source drops it.");
        return meter;
    }

    private static IEnumerable<Measurement<long>> Measure(Func<LogRetention, long?> value)
    {
        foreach (var found in Open.Values)
            if (value(found) is { } bytes)
                yield return new Measurement<long>(bytes, KeyValuePair.Create<string, object?>(LogTag, found.Log));
    }
}

using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>A pipeline: what is read, from where, and where it goes. Checked, but for the options that connectors check themselves.</summary>
public sealed record PipelineConfig
{
    /// <summary>Name for messages and state.</summary>
    public required string Name { get; init; }

    /// <summary>Where it was read from.</summary>
    public required SourceLocation Location { get; init; }

    /// <summary>Where rows come from.</summary>
    public required ConnectionConfig Source { get; init; }

    /// <summary>Where rows go.</summary>
    public required ConnectionConfig Target { get; init; }

    /// <summary>The streams by name or wildcard, in the order of the file. <see cref="StreamResolver"/> gives their settings.</summary>
    public required IReadOnlyList<StreamPattern> Streams { get; init; }

    /// <summary>The settings of a run.</summary>
    public RunSettings Settings { get; init; } = new();

    /// <summary>What starts runs where the pipeline is deployed.</summary>
    public TriggerSettings Triggers { get; init; } = new();

    /// <summary>What holds for every stream that does not say otherwise.</summary>
    internal ConfigMap Defaults { get; init; } = ConfigMap.Nothing;

    /// <summary>What was set from outside and holds whatever a stream says.</summary>
    internal ConfigMap Overrides { get; init; } = ConfigMap.Nothing;
}

/// <summary>A connection: a connector and its options, which the connector checks (<see cref="OptionValues"/>).</summary>
/// <param name="Name">Its name; its type when it was written inline.</param>
/// <param name="Type">The name of the connector.</param>
/// <param name="Location">Where it was written.</param>
public sealed record ConnectionConfig(string Name, string Type, SourceLocation Location)
{
    /// <summary>The options as written, maps flattened to names with dots.</summary>
    public IReadOnlyDictionary<string, OptionValue> Options { get; init; } = new Dictionary<string, OptionValue>();

    /// <summary>The options with others on top, such as those of a stream.</summary>
    /// <param name="upper">The options that win.</param>
    public IReadOnlyDictionary<string, OptionValue> With(IReadOnlyDictionary<string, OptionValue> upper)
    {
        var options = new Dictionary<string, OptionValue>(Options, StringComparer.Ordinal);
        foreach (var (name, value) in upper)
            options[name] = value;
        return options;
    }
}

/// <summary>What holds for a run rather than for a stream.</summary>
public sealed record RunSettings
{
    /// <summary>Longest time of the run; null for no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Longest time before the run counts as out of bounds; null for no limit.</summary>
    public TimeSpan? MaxDuration { get; init; }

    /// <summary>Bytes that the whole process should stay within; null for no limit.</summary>
    public long? Memory { get; init; }

    /// <summary>Where checkpoints and interrupted runs are kept; null when the file does not say, empty for nowhere.</summary>
    public string? StateLocation { get; init; }

    /// <summary>Streams that run at once.</summary>
    public int ParallelStreams { get; init; } = 1;

    /// <summary>Least severity that is logged.</summary>
    public LoggingLevel LoggingLevel { get; init; } = LoggingLevel.Info;
}

/// <summary>What starts runs of a pipeline where it is deployed.</summary>
public sealed record TriggerSettings
{
    /// <summary>When it runs by the clock; null for never.</summary>
    public CronSchedule? Schedule { get; init; }

    /// <summary>Container and name of the blobs whose arrival starts a run, with wildcards; null for none.</summary>
    public string? BlobPath { get; init; }
}

/// <summary>Severity of a log line.</summary>
public enum LoggingLevel
{
    /// <summary>Details for whoever looks for a defect.</summary>
    Debug,

    /// <summary>What happens.</summary>
    Info,

    /// <summary>What may be wrong.</summary>
    Warn,

    /// <summary>What went wrong.</summary>
    Error,
}

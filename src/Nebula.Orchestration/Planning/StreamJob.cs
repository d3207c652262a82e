using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;

namespace Nebula.Orchestration.Planning;

/// <summary>One stream to move, complete: nothing about it is decided later.</summary>
public sealed record StreamJob
{
    /// <summary>The stream, for people.</summary>
    public required string Name { get; init; }

    /// <summary>Where it goes, for people.</summary>
    public required string Target { get; init; }

    /// <summary>Whether its rows go to standard output.</summary>
    public bool OutputIsData { get; init; }

    /// <summary>Makes the source. Each stream has its own: they run at the same time.</summary>
    public required Func<ISource> OpenSource { get; init; }

    /// <summary>Makes the destination.</summary>
    public required Func<IDestination> OpenDestination { get; init; }

    /// <summary>The settings of the destination.</summary>
    public required IReadOnlyDictionary<string, OptionValue> TargetOptions { get; init; }

    /// <summary>Stands for the settings of the destination: streams with the same can share one.</summary>
    public string TargetKey => string.Join('\n', TargetOptions.OrderBy(static option => option.Key, StringComparer.Ordinal)
        .Select(static option => $"{option.Key}={string.Join('\0', option.Value.Items)}"));

    /// <summary>Longest time that a change waits to be written.</summary>
    public TimeSpan FlushInterval { get; init; }

    /// <summary>What was asked of the stream.</summary>
    public required StreamRequest Request { get; init; }

    /// <summary>How much of the machine it may use.</summary>
    public required PipelineOptions Options { get; init; }

    /// <summary>Where rows go that cannot be read, under that policy.</summary>
    public string? QuarantinePath { get; init; }

    /// <summary>Bytes of the source as stored, where they are known without a look inside; else null.</summary>
    public long? Bytes { get; init; }

    /// <summary>About how many stored bytes a chunk should have; null when there can be only one chunk, because something is counted over all of it.</summary>
    public long? ChunkBytes { get; init; }
}

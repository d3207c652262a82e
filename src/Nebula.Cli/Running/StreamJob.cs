using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;

namespace Nebula.Cli.Running;

/// <summary>One stream to move, complete: nothing about it is decided later.</summary>
internal sealed record StreamJob
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

    /// <summary>What was asked of the stream.</summary>
    public required StreamRequest Request { get; init; }

    /// <summary>How much of the machine it may use.</summary>
    public required PipelineOptions Options { get; init; }

    /// <summary>Where rows go that cannot be read, under that policy.</summary>
    public string? QuarantinePath { get; init; }
}

/// <summary>What ends a run before its time.</summary>
/// <param name="Timeout">Longest time that the run may take; null for any.</param>
/// <param name="Stop">Cancelled by either of the others.</param>
/// <param name="Interruption">Cancelled when the user or the system wants the process to end.</param>
internal readonly record struct RunLimits(TimeSpan? Timeout, CancellationToken Stop, CancellationToken Interruption);

/// <summary>Everything that a run is to do.</summary>
internal sealed record RunPlan
{
    /// <summary>The pipeline's name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>Identity of the run.</summary>
    public required string RunId { get; init; }

    /// <summary>The streams.</summary>
    public required IReadOnlyList<StreamJob> Jobs { get; init; }

    /// <summary>Most streams at a time.</summary>
    public int ParallelStreams { get; init; } = 2;

    /// <summary>Memory that the process may use, in bytes; null for no limit.</summary>
    public long? Memory { get; init; }

    /// <summary>Longest time that it may take; null for any.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Whether standard output carries rows, so that nothing else may go there.</summary>
    public bool OutputIsData => Jobs.Any(static job => job.OutputIsData);
}

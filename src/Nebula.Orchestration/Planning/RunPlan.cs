namespace Nebula.Orchestration.Planning;

/// <summary>Everything that a run is to do.</summary>
public sealed record RunPlan
{
    /// <summary>The pipeline's name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>Identity of the run.</summary>
    public required string RunId { get; init; }

    /// <summary>When the run started, UTC.</summary>
    public required DateTime StartedAt { get; init; }

    /// <summary>What the source had.</summary>
    public required SourceStreams Found { get; init; }

    /// <summary>Names or wildcards of the streams that were wanted; empty for all.</summary>
    public required IReadOnlyList<string> Only { get; init; }

    /// <summary>The streams.</summary>
    public required IReadOnlyList<StreamJob> Jobs { get; init; }

    /// <summary>
    /// Stands for all settings that have an effect on what is read and written: a run that was interrupted goes on only where it is the same. Runs that remember nothing never ask.
    /// </summary>
    public required Lazy<string> Fingerprint { get; init; }

    /// <summary>Most streams at a time.</summary>
    public int ParallelStreams { get; init; } = 2;

    /// <summary>Memory that the process may use, in bytes; null for no limit.</summary>
    public long? Memory { get; init; }

    /// <summary>Longest time that it may take; null for any.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Whether standard output carries rows, so that nothing else may go there.</summary>
    public bool OutputIsData => Jobs.Any(static job => job.OutputIsData);
}

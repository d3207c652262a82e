namespace Nebula.Orchestration.Local;

/// <summary>What the journal of a run outlives.</summary>
public enum JournalDurability
{
    /// <summary>The end of the process, also by kill -9. After a power failure the run continues from an earlier step.</summary>
    Process,

    /// <summary>A power failure: each step waits for the disk.</summary>
    Machine,
}

/// <summary>How the local host runs orchestrations.</summary>
public sealed record LocalHostOptions
{
    /// <summary>The folder that holds a folder per run.</summary>
    public required string Directory { get; init; }

    /// <summary>Most activities at the same time.</summary>
    /// <value>The number of processors.</value>
    public int MaxActivities { get; init; } = Environment.ProcessorCount;

    /// <summary>What the journal outlives.</summary>
    /// <value>The process. No step is lost by a power failure either way: the last ones are repeated, which activities allow.</value>
    public JournalDurability Durability { get; init; } = JournalDurability.Process;

    /// <summary>The clock.</summary>
    /// <value>The system's.</value>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>How often the host looks for events that other processes left for its runs.</summary>
    /// <value>250 milliseconds.</value>
    public TimeSpan InboxInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Takes the messages of orchestrations; null for nobody.</summary>
    public IOrchestrationLog? Log { get; init; }

    /// <summary>Called before (false) and after (true) each write of a journal; tests end the host there.</summary>
    internal Action<bool>? JournalWriting { get; init; }
}

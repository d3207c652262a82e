namespace Nebula.Functions.Runs;

/// <summary>The one run that a pipeline may have at a time, and what comes next. Changed by compare-and-swap, so that all instances of the app agree.</summary>
/// <param name="Run">The run that has, or had, the pipeline.</param>
internal sealed record PipelineSlot(RunRequest Run)
{
    /// <summary>When the run got the pipeline, UTC.</summary>
    public DateTime Since { get; init; }

    /// <summary>Whether the run's orchestration was seen to start. Until then it is started again after a while.</summary>
    public bool IsStarted { get; init; }

    /// <summary>Whether the run was ended from outside: what it has under way stops.</summary>
    public bool IsTerminated { get; init; }

    /// <summary>How often the run was taken up again after its host had lost it.</summary>
    public int Recoveries { get; init; }

    /// <summary>What waits for the run to end, the oldest first.</summary>
    public IReadOnlyList<RunRequest> Waiting { get; init; } = [];
}

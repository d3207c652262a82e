namespace Nebula.Functions.Runs;

/// <summary>A wish to run a pipeline.</summary>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Occasion">What it is for: the same occasion is never run twice. Letters, digits, '-' and '_'.</param>
/// <param name="At">When the occasion was, UTC.</param>
internal sealed record RunRequest(string Pipeline, string Occasion, DateTime At)
{
    /// <summary>What is asked for beyond the pipeline file.</summary>
    public RunOptions Options { get; init; } = new();

    /// <summary>The run's id, which is that of its orchestration instance: the same for the same occasion.</summary>
    public string RunId => $"{Pipeline}.{Occasion}";

    /// <summary>The pipeline of a run.</summary>
    /// <param name="runId">The run.</param>
    public static string PipelineOf(string runId) => runId.Split('.')[0];

    /// <summary>Whether one run does for both.</summary>
    public bool IsSameWork(RunRequest other) => Options.IsSame(other.Options);
}

/// <summary>What became of a wish to run a pipeline.</summary>
internal enum LaunchOutcome
{
    /// <summary>A run was started for it.</summary>
    Started,

    /// <summary>Another run is under way, and counts for it.</summary>
    Joined,

    /// <summary>Another run is under way; one starts when that has ended.</summary>
    Waiting,

    /// <summary>The same occasion was there before.</summary>
    Known,
}

/// <summary>What became of a wish to run a pipeline.</summary>
/// <param name="RunId">The run that counts for it.</param>
/// <param name="Outcome">What became of it.</param>
internal sealed record Launch(string RunId, LaunchOutcome Outcome);

/// <summary>What happens with a wish to run a pipeline that runs already.</summary>
internal enum WhenBusy
{
    /// <summary>The run under way counts for it.</summary>
    Join,

    /// <summary>It waits: the run under way may have looked at the source before there was what the wish is for.</summary>
    Wait,
}

using Nebula.Engine.Pipeline;

namespace Nebula.Orchestration.Sync;

/// <summary>What came of holding a stream's target against what a run committed.</summary>
public enum VerificationOutcome
{
    /// <summary>What lies there is what was committed.</summary>
    Matches,

    /// <summary>It is not.</summary>
    Differs,

    /// <summary>A later run has put its own there.</summary>
    Replaced,

    /// <summary>The run committed nothing of the stream.</summary>
    NotCommitted,

    /// <summary>There is nothing to compare: the target cannot be read again, or what the run committed is no longer remembered.</summary>
    NotComparable,
}

/// <summary>A stream's target, held against what a run committed of it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Outcome">What came of it.</param>
public sealed record StreamVerification(string Stream, VerificationOutcome Outcome)
{
    /// <summary>Where it went.</summary>
    public string Target { get; init; } = "";

    /// <summary>Its parts, in the order of their chunks.</summary>
    public IReadOnlyList<PartComparison> Parts { get; init; } = [];

    /// <summary>How many columns it has, where the values of all parts were compared; 0 where rows were only counted.</summary>
    public int ColumnsCompared { get; init; }

    /// <summary>The run that replaced it, or why there is nothing to compare; null where neither is so.</summary>
    public string? Reason { get; init; }

    /// <summary>Rows that were committed.</summary>
    public long RowsExpected => Parts.Sum(static part => part.RowsExpected);

    /// <summary>Rows that are there, as far as could be read.</summary>
    public long RowsFound => Parts.Sum(static part => part.RowsFound ?? 0);
}

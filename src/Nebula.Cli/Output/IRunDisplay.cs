using Nebula.Cli.Running;

namespace Nebula.Cli.Output;

/// <summary>Shows a run while it goes on, and its outcome. Calls may come from any thread, and at the same time.</summary>
internal interface IRunDisplay
{
    /// <summary>How often <see cref="Refresh"/> is called.</summary>
    TimeSpan RefreshInterval { get; }

    /// <summary>The run has started.</summary>
    void RunStarted(RunExecution run);

    /// <summary>A stream has started.</summary>
    void StreamStarted(StreamExecution stream);

    /// <summary>The columns of a stream are known; again after it started again.</summary>
    void StreamPlanned(StreamExecution stream);

    /// <summary>A stream has started again, with types inferred from every value.</summary>
    void StreamRestarted(StreamExecution stream, string reason);

    /// <summary>A part of a stream's values gets lost, as its settings allow.</summary>
    void StreamWarned(StreamExecution stream, string warning);

    /// <summary>A stream has ended, well or not.</summary>
    void StreamEnded(StreamExecution stream);

    /// <summary>Some time has passed.</summary>
    void Refresh();

    /// <summary>All streams have ended.</summary>
    void RunCompleted(RunExecution run);
}

using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration;

/// <summary>An activity or another orchestration failed; orchestrations catch it like the error itself.</summary>
/// <param name="taskName">The activity or orchestration.</param>
/// <param name="failure">Why it failed.</param>
public sealed class TaskFailedException(string taskName, FailureDetails failure) : NebulaException(failure.Kind, failure.Message)
{
    /// <summary>The activity or orchestration.</summary>
    public string TaskName { get; } = taskName;

    /// <summary>Why it failed.</summary>
    public FailureDetails Failure { get; } = failure;
}

/// <summary>The code of an orchestration does something else than its history says that it did.</summary>
/// <param name="message">Which event, what the history has, what the code did.</param>
public sealed class NonDeterminismException(string message) : NebulaException(ErrorKind.Fatal, message);

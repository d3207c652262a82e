namespace Nebula.Orchestration.Protocol;

/// <summary>Something that an orchestration asks its host to do.</summary>
/// <param name="Id">Number of the action, counted from 0 in the order in which the code asked. The host confirms it by an event with this id.</param>
/// <remarks>Durable Task protocol, message <c>OrchestratorAction</c>.</remarks>
public abstract record OrchestratorAction(int Id);

/// <summary>Run an activity.</summary>
/// <param name="Id">Number of the action.</param>
/// <param name="Name">The activity.</param>
/// <param name="Input">Its input as JSON text.</param>
public sealed record ScheduleTask(int Id, string Name, string? Input) : OrchestratorAction(Id);

/// <summary>Start another instance.</summary>
/// <param name="Id">Number of the action.</param>
/// <param name="InstanceId">Its id.</param>
/// <param name="Name">Its orchestration.</param>
/// <param name="Input">Its input as JSON text.</param>
public sealed record CreateSubOrchestration(int Id, string InstanceId, string Name, string? Input) : OrchestratorAction(Id);

/// <summary>Set a timer.</summary>
/// <param name="Id">Number of the action.</param>
/// <param name="FireAt">When it fires, UTC.</param>
public sealed record CreateTimer(int Id, DateTime FireAt) : OrchestratorAction(Id);

/// <summary>Send an event to another instance.</summary>
/// <param name="Id">Number of the action.</param>
/// <param name="InstanceId">That instance.</param>
/// <param name="Name">The event.</param>
/// <param name="Data">What it carries, as JSON text.</param>
public sealed record SendEvent(int Id, string InstanceId, string Name, string? Data) : OrchestratorAction(Id);

/// <summary>End the instance, or start its next generation.</summary>
/// <param name="Id">Number of the action.</param>
/// <param name="Status">How it ends.</param>
/// <param name="Result">Its result as JSON text; the input of the next generation; the message of a failure.</param>
public sealed record CompleteOrchestration(int Id, OrchestrationStatus Status, string? Result) : OrchestratorAction(Id)
{
    /// <summary>Why it failed.</summary>
    public FailureDetails? Failure { get; init; }

    /// <summary>Events that nobody waited for yet: the next generation gets them.</summary>
    public IReadOnlyList<EventRaised> CarryOver { get; init; } = [];
}

/// <summary>How far an instance is.</summary>
/// <remarks>The numbers are those of the Durable Task protocol, <c>OrchestrationStatus</c>.</remarks>
public enum OrchestrationStatus
{
    /// <summary>Under way.</summary>
    Running = 0,

    /// <summary>Ended with a result.</summary>
    Completed = 1,

    /// <summary>The next generation starts.</summary>
    ContinuedAsNew = 2,

    /// <summary>Ended with an error.</summary>
    Failed = 3,

    /// <summary>Cancelled.</summary>
    Canceled = 4,

    /// <summary>Ended from outside.</summary>
    Terminated = 5,

    /// <summary>Not started.</summary>
    Pending = 6,

    /// <summary>Does nothing until it is resumed.</summary>
    Suspended = 7,
}

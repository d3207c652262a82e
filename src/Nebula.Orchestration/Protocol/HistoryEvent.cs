namespace Nebula.Orchestration.Protocol;

/// <summary>One thing that happened to an orchestration instance. An instance is what its history says, and nothing else.</summary>
/// <remarks>Durable Task protocol, message <c>HistoryEvent</c>.</remarks>
public abstract record HistoryEvent
{
    /// <summary>The event id of events that confirm no action.</summary>
    public const int NoAction = -1;

    /// <summary>The event id with which the Durable Task framework marks a turn that it committed in several steps; such timers are not ours.</summary>
    internal const int SplitCheckpoint = -100;

    /// <summary>The action that the event confirms, for events that confirm one; otherwise <see cref="NoAction"/>.</summary>
    public int EventId { get; init; } = NoAction;

    /// <summary>When it happened, UTC.</summary>
    public DateTime Timestamp { get; init; }
}

/// <summary>A turn begins; its timestamp is the orchestration's clock until the next.</summary>
public sealed record OrchestratorStarted : HistoryEvent;

/// <summary>A turn ended.</summary>
public sealed record OrchestratorCompleted : HistoryEvent;

/// <summary>The instance, or the next generation of it, starts.</summary>
/// <param name="Name">The orchestration.</param>
public sealed record ExecutionStarted(string Name) : HistoryEvent
{
    /// <summary>Version of the orchestration; null when none was given.</summary>
    public string? Version { get; init; }

    /// <summary>Its input as JSON text; null when it has none.</summary>
    public string? Input { get; init; }

    /// <summary>The instance.</summary>
    public string InstanceId { get; init; } = "";

    /// <summary>The generation of the instance; null when the sender does not tell.</summary>
    public string? ExecutionId { get; init; }

    /// <summary>The instance that started it; null for one that was started from outside.</summary>
    public ParentInstance? Parent { get; init; }

    /// <summary>The W3C trace context (<c>traceparent</c>) of whoever started it; null when there is none.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The W3C <c>tracestate</c> that goes with <see cref="TraceParent"/>.</summary>
    public string? TraceState { get; init; }
}

/// <summary>The instance that started another.</summary>
/// <param name="InstanceId">Its id.</param>
/// <param name="Name">Its orchestration.</param>
/// <param name="TaskScheduledId">The action with which it did.</param>
public sealed record ParentInstance(string InstanceId, string? Name, int TaskScheduledId);

/// <summary>The instance ended.</summary>
/// <param name="Status">How.</param>
/// <param name="Result">Its result as JSON text, or the message of its failure.</param>
/// <param name="Failure">Why it failed; null when it did not.</param>
public sealed record ExecutionCompleted(OrchestrationStatus Status, string? Result, FailureDetails? Failure) : HistoryEvent;

/// <summary>The instance is to end at once.</summary>
/// <param name="Reason">Why, plain text.</param>
/// <param name="Recurse">Whether the instances that it started end too.</param>
public sealed record ExecutionTerminated(string? Reason, bool Recurse) : HistoryEvent;

/// <summary>The instance is to do nothing until it is resumed.</summary>
/// <param name="Reason">Why, plain text.</param>
public sealed record ExecutionSuspended(string? Reason) : HistoryEvent;

/// <summary>The instance goes on.</summary>
/// <param name="Reason">Why, plain text.</param>
public sealed record ExecutionResumed(string? Reason) : HistoryEvent;

/// <summary>An activity was scheduled.</summary>
/// <param name="Name">The activity.</param>
public sealed record TaskScheduled(string Name) : HistoryEvent
{
    /// <summary>Its input as JSON text; some hosts leave it out.</summary>
    public string? Input { get; init; }
}

/// <summary>An activity ended and gave a result.</summary>
/// <param name="TaskScheduledId">The action that scheduled it.</param>
/// <param name="Result">Its result as JSON text.</param>
public sealed record TaskCompleted(int TaskScheduledId, string? Result) : HistoryEvent;

/// <summary>An activity could not be run or gave no result.</summary>
/// <param name="TaskScheduledId">The action that scheduled it.</param>
/// <param name="Failure">Why; some hosts leave it out.</param>
public sealed record TaskFailed(int TaskScheduledId, FailureDetails? Failure) : HistoryEvent;

/// <summary>Another instance was started.</summary>
/// <param name="InstanceId">Its id.</param>
/// <param name="Name">Its orchestration.</param>
public sealed record SubOrchestrationCreated(string InstanceId, string Name) : HistoryEvent
{
    /// <summary>Its input as JSON text; some hosts leave it out.</summary>
    public string? Input { get; init; }
}

/// <summary>An instance that this one started ended.</summary>
/// <param name="TaskScheduledId">The action that started it.</param>
/// <param name="Result">Its result as JSON text.</param>
public sealed record SubOrchestrationCompleted(int TaskScheduledId, string? Result) : HistoryEvent;

/// <summary>An instance that this one started failed or was terminated.</summary>
/// <param name="TaskScheduledId">The action that started it.</param>
/// <param name="Failure">Why; some hosts leave it out.</param>
public sealed record SubOrchestrationFailed(int TaskScheduledId, FailureDetails? Failure) : HistoryEvent;

/// <summary>A timer was set.</summary>
/// <param name="FireAt">When it fires, UTC.</param>
public sealed record TimerCreated(DateTime FireAt) : HistoryEvent;

/// <summary>A timer fired.</summary>
/// <param name="TimerId">The action that set it.</param>
/// <param name="FireAt">When it was to fire, UTC.</param>
public sealed record TimerFired(int TimerId, DateTime FireAt) : HistoryEvent;

/// <summary>An event was sent to another instance.</summary>
/// <param name="InstanceId">That instance.</param>
/// <param name="Name">The event.</param>
/// <param name="Input">What it carries, as JSON text.</param>
public sealed record EventSent(string InstanceId, string Name, string? Input) : HistoryEvent;

/// <summary>An event arrived from outside or from another instance.</summary>
/// <param name="Name">The event; upper and lower case are the same.</param>
/// <param name="Input">What it carries, as JSON text.</param>
public sealed record EventRaised(string Name, string? Input) : HistoryEvent;

/// <summary>An event that this version does not know or has no use for. It has no effect.</summary>
/// <param name="Field">Its number in the protocol.</param>
public sealed record UnknownEvent(int Field) : HistoryEvent;

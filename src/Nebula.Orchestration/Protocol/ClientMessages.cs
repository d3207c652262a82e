namespace Nebula.Orchestration.Protocol;

/// <summary>Asks for a new instance.</summary>
/// <param name="InstanceId">Its id.</param>
/// <param name="Name">The orchestration.</param>
/// <param name="Input">Its input as JSON text.</param>
/// <remarks>Durable Task protocol, message <c>CreateInstanceRequest</c>.</remarks>
public sealed record StartInstance(string InstanceId, string Name, string Input)
{
    /// <summary>The W3C trace context (<c>traceparent</c>) of whoever starts it; null when there is none.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The W3C <c>tracestate</c> that goes with <see cref="TraceParent"/>.</summary>
    public string? TraceState { get; init; }
}

/// <summary>What a host tells of an instance.</summary>
/// <param name="InstanceId">The instance.</param>
/// <param name="Name">The orchestration.</param>
/// <param name="Status">How far it is.</param>
/// <remarks>Durable Task protocol, message <c>OrchestrationState</c>.</remarks>
public sealed record InstanceState(string InstanceId, string Name, OrchestrationStatus Status)
{
    /// <summary>When it was asked for, UTC.</summary>
    public DateTime CreatedAt { get; init; }

    /// <summary>When something happened to it last, UTC.</summary>
    public DateTime LastUpdatedAt { get; init; }

    /// <summary>Its input as JSON text; null when it has none or it was not asked for.</summary>
    public string? Input { get; init; }

    /// <summary>Its result as JSON text, or the message of its failure; null when there is none or it was not asked for.</summary>
    public string? Output { get; init; }

    /// <summary>The status that it shows, as JSON text.</summary>
    public string? CustomStatus { get; init; }

    /// <summary>Why it failed; null when it did not.</summary>
    public FailureDetails? Failure { get; init; }

    /// <summary>Whether it has ended.</summary>
    public bool IsEnded => Status is OrchestrationStatus.Completed or OrchestrationStatus.Failed or OrchestrationStatus.Canceled
        or OrchestrationStatus.Terminated;
}

/// <summary>Asks for the instances that fit.</summary>
/// <remarks>Durable Task protocol, message <c>InstanceQuery</c>.</remarks>
public sealed record InstanceQuery
{
    /// <summary>The statuses wanted; empty for all.</summary>
    public IReadOnlyList<OrchestrationStatus> Statuses { get; init; } = [];

    /// <summary>What their ids begin with; null for anything.</summary>
    public string? InstanceIdPrefix { get; init; }

    /// <summary>Most instances of one answer.</summary>
    /// <value>100.</value>
    public int MaxInstances { get; init; } = 100;

    /// <summary>Where an earlier answer ended; null to begin.</summary>
    public string? ContinuationToken { get; init; }

    /// <summary>Whether inputs, results and statuses are wanted.</summary>
    public bool WithPayloads { get; init; }
}

/// <summary>Some of the instances that fit.</summary>
/// <param name="Instances">The instances.</param>
/// <param name="ContinuationToken">What to ask for the next with; null at the end.</param>
public sealed record InstancePage(IReadOnlyList<InstanceState> Instances, string? ContinuationToken);

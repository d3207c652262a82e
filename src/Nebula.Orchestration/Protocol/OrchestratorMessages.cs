namespace Nebula.Orchestration.Protocol;

/// <summary>One turn that a host asks for: the whole history of an instance and what is new.</summary>
/// <param name="InstanceId">The instance.</param>
/// <param name="PastEvents">What was there in earlier turns.</param>
/// <param name="NewEvents">What arrived since.</param>
/// <remarks>Durable Task protocol, message <c>OrchestratorRequest</c>.</remarks>
public sealed record OrchestratorRequest(string InstanceId, IReadOnlyList<HistoryEvent> PastEvents, IReadOnlyList<HistoryEvent> NewEvents)
{
    /// <summary>Whether the host tells its capabilities. One that does not knows nothing of <see cref="OrchestratorResponse.RequiresHistory"/> either: it
    /// takes such an answer as "nothing to do".</summary>
    public bool HasProperties { get; init; }
}

/// <summary>The answer to a turn.</summary>
/// <param name="InstanceId">The instance.</param>
/// <param name="Actions">What the host is asked to do.</param>
/// <param name="CustomStatus">The status that the orchestration shows, as JSON text. A host forgets the last one when this is null.</param>
/// <remarks>Durable Task protocol, message <c>OrchestratorResponse</c>.</remarks>
public sealed record OrchestratorResponse(string InstanceId, IReadOnlyList<OrchestratorAction> Actions, string? CustomStatus)
{
    /// <summary>Asks the host to send the turn again later, with the whole history: the answer of a worker that is shutting down.</summary>
    public bool RequiresHistory { get; init; }
}

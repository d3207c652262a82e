using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.Replay;

namespace Nebula.Orchestration;

/// <summary>Answers orchestrator turns of a host that keeps nothing in memory between them: history in, actions out. Without side effects; any turn may be
/// repeated. Never throws for what the code of an orchestration does: that fails the instance.</summary>
/// <param name="registry">The orchestrations.</param>
/// <param name="log">Takes their messages; null for nobody.</param>
public sealed class OrchestrationExecutor(TaskRegistry registry, IOrchestrationLog? log = null)
{
    /// <summary>Runs one turn.</summary>
    /// <param name="request">The history and what is new.</param>
    public OrchestratorResponse Execute(OrchestratorRequest request)
    {
        var execution = new ReplayExecution(registry, request.InstanceId, log);
        foreach (var past in request.PastEvents)
            execution.Process(past, isReplaying: true);
        foreach (var arrived in request.NewEvents)
            execution.Process(arrived, isReplaying: false);
        return execution.IsStarted
            ? new OrchestratorResponse(request.InstanceId, execution.FinishTurn(), execution.CustomStatus)
            : new OrchestratorResponse(request.InstanceId, [], null) { RequiresHistory = !execution.IsSuspended };
    }
}

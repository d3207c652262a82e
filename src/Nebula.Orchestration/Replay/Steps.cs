using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Replay;

/// <summary>Says in words what a history and the code disagree about.</summary>
internal static class Steps
{
    public static string Difference(string orchestration, string instanceId, HistoryEvent was, OrchestratorAction? now, int steps)
    {
        var code = now is not null ? $"the code now {Describe(now)} there"
            : was.EventId < steps ? "the history confirms that step twice"
            : $"the code has taken only {steps} steps by then";
        return $"Orchestration '{orchestration}' ('{instanceId}') did something else than before: "
            + $"by its history, step {was.EventId} (written {was.Timestamp:u}) "
            + $"{Describe(was)}; {code}. Its code changed since the run began, or depends on something that differs between replays (clock, chance, "
            + "environment, order of a set). Let the version that began the run end it, or terminate the run and start it again.";
    }

    private static string Describe(HistoryEvent value) => value switch
    {
        TaskScheduled task => $"called activity '{task.Name}'",
        SubOrchestrationCreated child => $"started orchestration '{child.Name}'",
        TimerCreated timer => $"set a timer for {timer.FireAt:u}",
        EventSent sent => $"sent event '{sent.Name}' to '{sent.InstanceId}'",
        _ => $"was {value.GetType().Name}",
    };

    private static string Describe(OrchestratorAction value) => value switch
    {
        ScheduleTask task => $"calls activity '{task.Name}'",
        CreateSubOrchestration child => $"starts orchestration '{child.Name}'",
        CreateTimer timer => $"sets a timer for {timer.FireAt:u}",
        SendEvent sent => $"sends event '{sent.Name}' to '{sent.InstanceId}'",
        _ => $"asks for {value.GetType().Name}",
    };
}

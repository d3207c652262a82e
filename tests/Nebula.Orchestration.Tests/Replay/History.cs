using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Tests.Replay;

/// <summary>Plays the host of one instance: keeps its history and confirms actions, as the Durable Task framework does.</summary>
internal sealed class History(TaskRegistry registry, string name, string? input = null)
{
    public static readonly DateTime Start = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    private readonly List<HistoryEvent> _past = [];
    private readonly List<HistoryEvent> _arrived = [];
    private bool _started;

    public DateTime Now { get; set; } = Start;

    public IReadOnlyList<HistoryEvent> Past => _past;

    public List<string> Messages { get; } = [];

    public OrchestratorResponse Last { get; private set; } = null!;

    public History Add(params HistoryEvent[] events)
    {
        _arrived.AddRange(events);
        return this;
    }

    /// <summary>Runs a turn with everything added, as a host would that keeps nothing: through the wire format.</summary>
    public OrchestratorResponse Turn()
    {
        var arrived = new List<HistoryEvent> { new OrchestratorStarted { Timestamp = Now } };
        if (!_started)
            arrived.Add(new ExecutionStarted(name) { Input = input, InstanceId = "i1", ExecutionId = "e1", Timestamp = Now });
        _started = true;
        arrived.AddRange(_arrived);
        _arrived.Clear();
        var executor = new OrchestrationExecutor(registry, new Log(Messages));
        Last = executor.Execute(OrchestratorMessageCodec.ReadRequest(Wire.WriteRequest("i1", _past, arrived)));
        _past.AddRange(arrived);
        foreach (var action in Last.Actions)
            if (Confirmation(action) is { } confirmation)
                _past.Add(confirmation with { EventId = action.Id, Timestamp = Now });
        return Last;
    }

    public CompleteOrchestration Completion() => Assert.IsType<CompleteOrchestration>(Last.Actions[^1]);

    private static HistoryEvent? Confirmation(OrchestratorAction action) => action switch
    {
        ScheduleTask task => new TaskScheduled(task.Name) { Input = task.Input },
        CreateSubOrchestration child => new SubOrchestrationCreated(child.InstanceId, child.Name),
        CreateTimer timer => new TimerCreated(timer.FireAt),
        SendEvent sent => new EventSent(sent.InstanceId, sent.Name, sent.Data),
        _ => null,
    };

    private sealed class Log(List<string> messages) : IOrchestrationLog
    {
        public void Write(string instanceId, OrchestrationLogLevel level, string message) => messages.Add(message);
    }
}

/// <summary>The host's side of the wire format.</summary>
internal static class Wire
{
    public static byte[] WriteRequest(string instanceId, IEnumerable<HistoryEvent> past, IEnumerable<HistoryEvent> arrived)
    {
        var writer = new ProtocolWriter();
        writer.String(1, instanceId);
        foreach (var value in past)
            HistoryEventCodec.Write(writer, 3, value);
        foreach (var value in arrived)
            HistoryEventCodec.Write(writer, 4, value);
        return writer.Written.ToArray();
    }
}

namespace Nebula.Orchestration.Protocol;

/// <summary>Reads and writes <see cref="HistoryEvent"/> as the Durable Task protocol stores it. The field numbers are the protocol's.</summary>
internal static class HistoryEventCodec
{
    /// <summary>Reads one message.</summary>
    /// <exception cref="Engine.Diagnostics.DataFormatException">The bytes are no such message.</exception>
    public static HistoryEvent Read(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var id = 0;
        var timestamp = default(DateTime);
        HistoryEvent? read = null;
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    id = reader.Int32();
                    break;
                case 2:
                    timestamp = reader.Timestamp();
                    break;
                case >= 3 and <= 30:
                    read = ReadContent(reader.Field, reader.Bytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return (read ?? new UnknownEvent(0)) with { EventId = id, Timestamp = timestamp };
    }

    /// <summary>Writes one message as a nested field.</summary>
    public static void Write(ProtocolWriter writer, int field, HistoryEvent value)
    {
        var message = writer.Begin(field);
        writer.Int32(1, value.EventId);
        writer.Timestamp(2, value.Timestamp);
        WriteContent(writer, value);
        writer.End(message);
    }

    private static HistoryEvent ReadContent(int kind, ReadOnlySpan<byte> message)
    {
        switch (kind)
        {
            case 3:
                return ReadExecutionStarted(message);
            case 4:
                return ReadExecutionCompleted(message);
            case 5:
                return ReadTerminated(message);
            case 6 or 17:
                var (name, input) = ReadNamed(message, inputField: kind == 6 ? 3 : 2);
                return kind == 6 ? new TaskScheduled(name) { Input = input } : new EventRaised(name, input);
            case 7 or 10:
                var (completed, result) = ReadCompleted(message);
                return kind == 7 ? new TaskCompleted(completed, result) : new SubOrchestrationCompleted(completed, result);
            case 8 or 11:
                var (failed, failure) = ReadFailed(message);
                return kind == 8 ? new TaskFailed(failed, failure) : new SubOrchestrationFailed(failed, failure);
            case 9:
                return ReadSubOrchestrationCreated(message);
            case 12 or 13:
                var (timer, fireAt) = ReadTimer(message);
                return kind == 12 ? new TimerCreated(fireAt) : new TimerFired(timer, fireAt);
            case 14:
                return new OrchestratorStarted();
            case 15:
                return new OrchestratorCompleted();
            case 16:
                return ReadEventSent(message);
            case 21:
                return new ExecutionSuspended(ReadReason(message));
            case 22:
                return new ExecutionResumed(ReadReason(message));
            default:
                return new UnknownEvent(kind);
        }
    }

    private static void WriteContent(ProtocolWriter writer, HistoryEvent value)
    {
        switch (value)
        {
            case ExecutionStarted started:
                WriteExecutionStarted(writer, started);
                return;
            case UnknownEvent:
                return;
        }
        var content = writer.Begin(KindOf(value));
        switch (value)
        {
            case ExecutionCompleted completed:
                writer.Int32(1, (int)completed.Status);
                writer.StringValue(2, completed.Result);
                FailureCodec.Write(writer, 3, completed.Failure);
                break;
            case ExecutionTerminated terminated:
                writer.StringValue(1, terminated.Reason);
                writer.Bool(2, terminated.Recurse);
                break;
            case TaskScheduled scheduled:
                writer.String(1, scheduled.Name);
                writer.StringValue(3, scheduled.Input);
                break;
            case TaskCompleted completed:
                writer.Int32(1, completed.TaskScheduledId);
                writer.StringValue(2, completed.Result);
                break;
            case TaskFailed failed:
                writer.Int32(1, failed.TaskScheduledId);
                FailureCodec.Write(writer, 2, failed.Failure);
                break;
            case SubOrchestrationCreated created:
                writer.String(1, created.InstanceId);
                writer.String(2, created.Name);
                writer.StringValue(4, created.Input);
                break;
            case SubOrchestrationCompleted completed:
                writer.Int32(1, completed.TaskScheduledId);
                writer.StringValue(2, completed.Result);
                break;
            case SubOrchestrationFailed failed:
                writer.Int32(1, failed.TaskScheduledId);
                FailureCodec.Write(writer, 2, failed.Failure);
                break;
            case TimerCreated created:
                writer.Timestamp(1, created.FireAt);
                break;
            case TimerFired fired:
                writer.Timestamp(1, fired.FireAt);
                writer.Int32(2, fired.TimerId);
                break;
            case EventSent sent:
                writer.String(1, sent.InstanceId);
                writer.String(2, sent.Name);
                writer.StringValue(3, sent.Input);
                break;
            case EventRaised raised:
                writer.String(1, raised.Name);
                writer.StringValue(2, raised.Input);
                break;
            case ExecutionSuspended suspended:
                writer.StringValue(1, suspended.Reason);
                break;
            case ExecutionResumed resumed:
                writer.StringValue(1, resumed.Reason);
                break;
        }
        writer.End(content);
    }

    private static int KindOf(HistoryEvent value) => value switch
    {
        ExecutionCompleted => 4,
        ExecutionTerminated => 5,
        TaskScheduled => 6,
        TaskCompleted => 7,
        TaskFailed => 8,
        SubOrchestrationCreated => 9,
        SubOrchestrationCompleted => 10,
        SubOrchestrationFailed => 11,
        TimerCreated => 12,
        TimerFired => 13,
        OrchestratorStarted => 14,
        OrchestratorCompleted => 15,
        EventSent => 16,
        EventRaised => 17,
        ExecutionSuspended => 21,
        ExecutionResumed => 22,
        _ => throw new ArgumentException($"{value.GetType().Name} has no number in the protocol.", nameof(value)),
    };

    private static ExecutionStarted ReadExecutionStarted(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var read = new ExecutionStarted("");
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    read = read with { Name = reader.String() };
                    break;
                case 2:
                    read = read with { Version = reader.StringValue() };
                    break;
                case 3:
                    read = read with { Input = reader.StringValue() };
                    break;
                case 4:
                    var (instance, execution) = ReadInstance(reader.Bytes());
                    read = read with { InstanceId = instance, ExecutionId = execution };
                    break;
                case 5:
                    read = read with { Parent = ReadParent(reader.Bytes()) };
                    break;
                case 7:
                    var (traceParent, traceState) = ReadTrace(reader.Bytes());
                    read = read with { TraceParent = traceParent, TraceState = traceState };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return read;
    }

    private static void WriteExecutionStarted(ProtocolWriter writer, ExecutionStarted started)
    {
        var content = writer.Begin(3);
        writer.String(1, started.Name);
        writer.StringValue(2, started.Version);
        writer.StringValue(3, started.Input);
        var instance = writer.Begin(4);
        writer.String(1, started.InstanceId);
        writer.StringValue(2, started.ExecutionId);
        writer.End(instance);
        if (started.Parent is { } parent)
        {
            var message = writer.Begin(5);
            writer.Int32(1, parent.TaskScheduledId);
            writer.StringValue(2, parent.Name);
            var parentInstance = writer.Begin(4);
            writer.String(1, parent.InstanceId);
            writer.End(parentInstance);
            writer.End(message);
        }
        if (started.TraceParent is { } traceParent)
        {
            var trace = writer.Begin(7);
            writer.String(1, traceParent);
            writer.StringValue(3, started.TraceState);
            writer.End(trace);
        }
        writer.End(content);
    }

    private static (string InstanceId, string? ExecutionId) ReadInstance(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var instance = "";
        string? execution = null;
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    instance = reader.String();
                    break;
                case 2:
                    execution = reader.StringValue();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return (instance, execution);
    }

    private static ParentInstance ReadParent(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var read = new ParentInstance("", null, 0);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    read = read with { TaskScheduledId = reader.Int32() };
                    break;
                case 2:
                    read = read with { Name = reader.StringValue() };
                    break;
                case 4:
                    read = read with { InstanceId = ReadInstance(reader.Bytes()).InstanceId };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return read;
    }

    private static ExecutionCompleted ReadExecutionCompleted(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var read = new ExecutionCompleted(OrchestrationStatus.Running, null, null);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    read = read with { Status = (OrchestrationStatus)reader.Int32() };
                    break;
                case 2:
                    read = read with { Result = reader.StringValue() };
                    break;
                case 3:
                    read = read with { Failure = FailureCodec.Read(reader.Bytes()) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return read;
    }

    private static ExecutionTerminated ReadTerminated(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var read = new ExecutionTerminated(null, false);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    read = read with { Reason = reader.StringValue() };
                    break;
                case 2:
                    read = read with { Recurse = reader.Bool() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return read;
    }

    private static SubOrchestrationCreated ReadSubOrchestrationCreated(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var read = new SubOrchestrationCreated("", "");
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    read = read with { InstanceId = reader.String() };
                    break;
                case 2:
                    read = read with { Name = reader.String() };
                    break;
                case 4:
                    read = read with { Input = reader.StringValue() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return read;
    }

    private static EventSent ReadEventSent(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var read = new EventSent("", "", null);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    read = read with { InstanceId = reader.String() };
                    break;
                case 2:
                    read = read with { Name = reader.String() };
                    break;
                case 3:
                    read = read with { Input = reader.StringValue() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return read;
    }

    private static (string Name, string? Input) ReadNamed(ReadOnlySpan<byte> message, int inputField)
    {
        var reader = new ProtocolReader(message);
        var name = "";
        string? input = null;
        while (reader.Next())
            if (reader.Field == 1)
                name = reader.String();
            else if (reader.Field == inputField)
                input = reader.StringValue();
            else
                reader.Skip();
        return (name, input);
    }

    private static (int Id, string? Result) ReadCompleted(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var id = 0;
        string? result = null;
        while (reader.Next())
            if (reader.Field == 1)
                id = reader.Int32();
            else if (reader.Field == 2)
                result = reader.StringValue();
            else
                reader.Skip();
        return (id, result);
    }

    private static (int Id, FailureDetails? Failure) ReadFailed(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var id = 0;
        FailureDetails? failure = null;
        while (reader.Next())
            if (reader.Field == 1)
                id = reader.Int32();
            else if (reader.Field == 2)
                failure = FailureCodec.Read(reader.Bytes());
            else
                reader.Skip();
        return (id, failure);
    }

    private static (int Id, DateTime FireAt) ReadTimer(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var id = 0;
        var fireAt = default(DateTime);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    fireAt = reader.Timestamp();
                    break;
                case 2:
                    id = reader.Int32();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return (id, fireAt);
    }

    private static string? ReadReason(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        string? reason = null;
        while (reader.Next())
            if (reader.Field == 1)
                reason = reader.StringValue();
            else
                reader.Skip();
        return reason;
    }

    private static (string TraceParent, string? TraceState) ReadTrace(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var parent = "";
        string? state = null;
        while (reader.Next())
            if (reader.Field == 1)
                parent = reader.String();
            else if (reader.Field == 3)
                state = reader.StringValue();
            else
                reader.Skip();
        return (parent, state);
    }
}

namespace Nebula.Orchestration.Protocol;

/// <summary>Reads the request and writes the answer of an orchestrator turn, as the Durable Functions extension exchanges them with a worker.</summary>
public static class OrchestratorMessageCodec
{
    /// <summary>Reads a request.</summary>
    /// <param name="message">The protobuf message.</param>
    /// <exception cref="Engine.Diagnostics.DataFormatException">The bytes are no such message.</exception>
    public static OrchestratorRequest ReadRequest(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var instance = "";
        var past = new List<HistoryEvent>();
        var arrived = new List<HistoryEvent>();
        var hasProperties = false;
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    instance = reader.String();
                    break;
                case 3:
                    past.Add(HistoryEventCodec.Read(reader.Bytes()));
                    break;
                case 4:
                    arrived.Add(HistoryEventCodec.Read(reader.Bytes()));
                    break;
                case 7:
                    reader.Skip();
                    hasProperties = true;
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return new OrchestratorRequest(instance, past, arrived) { HasProperties = hasProperties };
    }

    /// <summary>Writes a response.</summary>
    /// <param name="response">The answer.</param>
    /// <returns>The protobuf message.</returns>
    public static byte[] WriteResponse(OrchestratorResponse response)
    {
        var writer = new ProtocolWriter();
        writer.String(1, response.InstanceId);
        foreach (var action in response.Actions)
            WriteAction(writer, action);
        writer.StringValue(3, response.CustomStatus);
        writer.Bool(7, response.RequiresHistory);
        return writer.Written.ToArray();
    }

    private static void WriteAction(ProtocolWriter writer, OrchestratorAction action)
    {
        var message = writer.Begin(2);
        writer.Int32(1, action.Id);
        switch (action)
        {
            case ScheduleTask task:
                var scheduled = writer.Begin(2);
                writer.String(1, task.Name);
                writer.StringValue(3, task.Input);
                writer.End(scheduled);
                break;
            case CreateSubOrchestration child:
                var created = writer.Begin(3);
                writer.String(1, child.InstanceId);
                writer.String(2, child.Name);
                writer.StringValue(4, child.Input);
                writer.End(created);
                break;
            case CreateTimer timer:
                var set = writer.Begin(4);
                writer.Timestamp(1, timer.FireAt);
                writer.End(set);
                break;
            case SendEvent sent:
                var sending = writer.Begin(5);
                var target = writer.Begin(1);
                writer.String(1, sent.InstanceId);
                writer.End(target);
                writer.String(2, sent.Name);
                writer.StringValue(3, sent.Data);
                writer.End(sending);
                break;
            case CompleteOrchestration complete:
                var completed = writer.Begin(6);
                writer.Int32(1, (int)complete.Status);
                writer.StringValue(2, complete.Result);
                foreach (var carried in complete.CarryOver)
                    HistoryEventCodec.Write(writer, 5, carried);
                FailureCodec.Write(writer, 6, complete.Failure);
                writer.End(completed);
                break;
        }
        writer.End(message);
    }
}

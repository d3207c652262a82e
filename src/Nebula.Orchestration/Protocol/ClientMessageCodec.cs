namespace Nebula.Orchestration.Protocol;

/// <summary>Writes what a client asks of a host, and reads the answers.</summary>
/// <remarks>Durable Task protocol, service <c>TaskHubSidecarService</c>. The field numbers are the protocol's.</remarks>
public static class ClientMessageCodec
{
    /// <summary>Writes a <c>CreateInstanceRequest</c>.</summary>
    /// <param name="start">What is asked.</param>
    public static byte[] WriteStart(StartInstance start)
    {
        var writer = new ProtocolWriter();
        writer.String(1, start.InstanceId);
        writer.String(2, start.Name);
        writer.StringValue(4, start.Input);
        if (start.TraceParent is { } parent)
        {
            var context = writer.Begin(9);
            writer.String(1, parent);
            // the second field repeats the span of the first for readers of an older version
            writer.String(2, parent.Split('-') is [_, _, var span, ..] ? span : "");
            writer.StringValue(3, start.TraceState);
            writer.End(context);
        }
        return writer.Written.ToArray();
    }

    /// <summary>Writes a <c>GetInstanceRequest</c>.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="withPayloads">Whether its input, result and status are wanted.</param>
    public static byte[] WriteGet(string instanceId, bool withPayloads)
    {
        var writer = new ProtocolWriter();
        writer.String(1, instanceId);
        writer.Bool(2, withPayloads);
        return writer.Written.ToArray();
    }

    /// <summary>Writes a <c>RaiseEventRequest</c>.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="name">The event.</param>
    /// <param name="input">What it carries, as JSON text.</param>
    public static byte[] WriteRaiseEvent(string instanceId, string name, string? input)
    {
        var writer = new ProtocolWriter();
        writer.String(1, instanceId);
        writer.String(2, name);
        writer.StringValue(3, input);
        return writer.Written.ToArray();
    }

    /// <summary>Writes a request that has an instance and a reason: suspend, resume, rewind, terminate.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="reason">Why, plain text.</param>
    public static byte[] WriteWithReason(string instanceId, string reason)
    {
        var writer = new ProtocolWriter();
        writer.String(1, instanceId);
        writer.StringValue(2, reason);
        return writer.Written.ToArray();
    }

    /// <summary>Writes a <c>QueryInstancesRequest</c>.</summary>
    /// <param name="query">What is asked.</param>
    public static byte[] WriteQuery(InstanceQuery query)
    {
        var writer = new ProtocolWriter();
        var message = writer.Begin(1);
        foreach (var status in query.Statuses)
            writer.Enum(1, (int)status);
        writer.Int32(5, query.MaxInstances);
        writer.StringValue(6, query.ContinuationToken);
        writer.StringValue(7, query.InstanceIdPrefix);
        writer.Bool(8, query.WithPayloads);
        writer.End(message);
        return writer.Written.ToArray();
    }

    /// <summary>Writes a <c>PurgeInstancesRequest</c> for ended instances of a time.</summary>
    /// <param name="from">Created at or behind this time, UTC.</param>
    /// <param name="to">Created before this time, UTC.</param>
    public static byte[] WritePurge(DateTime from, DateTime to)
    {
        var writer = new ProtocolWriter();
        var filter = writer.Begin(2);
        writer.Timestamp(1, from);
        writer.Timestamp(2, to);
        foreach (var status in (ReadOnlySpan<OrchestrationStatus>)[OrchestrationStatus.Completed, OrchestrationStatus.Failed, OrchestrationStatus.Terminated])
            writer.Enum(3, (int)status);
        writer.End(filter);
        return writer.Written.ToArray();
    }

    /// <summary>Reads a <c>PurgeInstancesResponse</c>.</summary>
    /// <param name="message">The protobuf message.</param>
    /// <returns>How many instances were removed.</returns>
    /// <exception cref="Engine.Diagnostics.DataFormatException">The bytes are no such message.</exception>
    public static int ReadPurged(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var purged = 0;
        while (reader.Next())
            if (reader.Field == 1)
                purged = reader.Int32();
            else
                reader.Skip();
        return purged;
    }

    /// <summary>Reads a <c>GetInstanceResponse</c>.</summary>
    /// <param name="message">The protobuf message.</param>
    /// <returns>Null when there is no such instance.</returns>
    /// <exception cref="Engine.Diagnostics.DataFormatException">The bytes are no such message.</exception>
    public static InstanceState? ReadInstance(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var exists = false;
        InstanceState? state = null;
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    exists = reader.Bool();
                    break;
                case 2:
                    state = ReadState(reader.Bytes());
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return exists ? state : null;
    }

    /// <summary>Reads a <c>QueryInstancesResponse</c>.</summary>
    /// <param name="message">The protobuf message.</param>
    /// <exception cref="Engine.Diagnostics.DataFormatException">The bytes are no such message.</exception>
    public static InstancePage ReadPage(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var instances = new List<InstanceState>();
        string? token = null;
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    instances.Add(ReadState(reader.Bytes()));
                    break;
                case 2:
                    token = reader.StringValue();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return new InstancePage(instances, string.IsNullOrEmpty(token) ? null : token);
    }

    private static InstanceState ReadState(ReadOnlySpan<byte> message)
    {
        var reader = new ProtocolReader(message);
        var state = new InstanceState("", "", OrchestrationStatus.Running);
        while (reader.Next())
            switch (reader.Field)
            {
                case 1:
                    state = state with { InstanceId = reader.String() };
                    break;
                case 2:
                    state = state with { Name = reader.String() };
                    break;
                case 4:
                    state = state with { Status = (OrchestrationStatus)reader.Int32() };
                    break;
                case 6:
                    state = state with { CreatedAt = reader.Timestamp() };
                    break;
                case 7:
                    state = state with { LastUpdatedAt = reader.Timestamp() };
                    break;
                case 8:
                    state = state with { Input = reader.StringValue() };
                    break;
                case 9:
                    state = state with { Output = reader.StringValue() };
                    break;
                case 10:
                    state = state with { CustomStatus = reader.StringValue() };
                    break;
                case 11:
                    state = state with { Failure = FailureCodec.Read(reader.Bytes()) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return state;
    }
}

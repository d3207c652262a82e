using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Sync;

/// <summary>How change capture travels through history.</summary>
internal static class CapturePayloads
{
    public static Payload<CaptureTask> Task => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("run"u8, value.RunId);
        writer.WriteString("pipeline"u8, value.Pipeline);
        writer.WriteBoolean("follow"u8, value.Follow);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new CaptureTask("", "");
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "run":
                    value = value with { RunId = reader.GetString() ?? "" };
                    break;
                case "pipeline":
                    value = value with { Pipeline = reader.GetString() ?? "" };
                    break;
                case "follow":
                    value = value with { Follow = reader.GetBoolean() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<CaptureRequest> Request => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WritePropertyName("task"u8);
        Task.Write(writer, value.Task);
        writer.WritePropertyName("settings"u8);
        SyncPayloads.Settings.Write(writer, value.Settings);
        writer.WritePropertyName("progress"u8);
        Result.Write(writer, value.Progress);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new CaptureRequest(new CaptureTask("", ""), new SyncSettings());
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "task":
                    value = value with { Task = Task.Read(ref reader) };
                    break;
                case "settings":
                    value = value with { Settings = SyncPayloads.Settings.Read(ref reader) };
                    break;
                case "progress":
                    value = value with { Progress = Result.Read(ref reader) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<CapturedSlice> Slice => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        writer.WriteNumber("windows"u8, value.Windows);
        writer.WriteBoolean("caughtUp"u8, value.IsCaughtUp);
        if (value.Lost is not null)
            writer.WriteString("lost"u8, value.Lost);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new CapturedSlice();
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "rows":
                    value = value with { Rows = reader.GetInt64() };
                    break;
                case "bytes":
                    value = value with { Bytes = reader.GetInt64() };
                    break;
                case "windows":
                    value = value with { Windows = reader.GetInt64() };
                    break;
                case "caughtUp":
                    value = value with { IsCaughtUp = reader.GetBoolean() };
                    break;
                case "lost":
                    value = value with { Lost = reader.GetString() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<CaptureResult> Result => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("outcome"u8, value.Outcome.ToString());
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        writer.WriteNumber("windows"u8, value.Windows);
        if (value.Lost is not null)
            writer.WriteString("lost"u8, value.Lost);
        if (value.FailureKind is { } kind)
            writer.WriteString("failureKind"u8, kind.ToString());
        if (value.Failure is not null)
            writer.WriteString("failure"u8, value.Failure);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new CaptureResult();
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "outcome":
                    value = value with { Outcome = SyncPayloads.ReadEnum<SyncOutcome>(ref reader) };
                    break;
                case "rows":
                    value = value with { Rows = reader.GetInt64() };
                    break;
                case "bytes":
                    value = value with { Bytes = reader.GetInt64() };
                    break;
                case "windows":
                    value = value with { Windows = reader.GetInt64() };
                    break;
                case "lost":
                    value = value with { Lost = reader.GetString() };
                    break;
                case "failureKind":
                    value = value with { FailureKind = SyncPayloads.ReadEnum<ErrorKind>(ref reader) };
                    break;
                case "failure":
                    value = value with { Failure = reader.GetString() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });
}

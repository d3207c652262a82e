using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Sync;

/// <summary>How change capture travels through history.</summary>
internal static class CapturePayloads
{
    public static Payload<CaptureTask> Task => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteString("run"u8, value.RunId);
        writer.WriteString("pipeline"u8, value.Pipeline);
        writer.WriteBoolean("follow"u8, value.Follow);
    }, new CaptureTask("", ""), static (ref reader, name, value) => name switch
    {
        "run" => value with { RunId = reader.GetString() ?? "" },
        "pipeline" => value with { Pipeline = reader.GetString() ?? "" },
        "follow" => value with { Follow = reader.GetBoolean() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<CaptureRequest> Request => PayloadJson.Object(static (writer, value) =>
    {
        writer.WritePropertyName("task"u8);
        Task.Write(writer, value.Task);
        writer.WritePropertyName("settings"u8);
        SyncPayloads.Settings.Write(writer, value.Settings);
        writer.WritePropertyName("progress"u8);
        Result.Write(writer, value.Progress);
    }, new CaptureRequest(new CaptureTask("", ""), new SyncSettings()), static (ref reader, name, value) => name switch
    {
        "task" => value with { Task = Task.Read(ref reader) },
        "settings" => value with { Settings = SyncPayloads.Settings.Read(ref reader) },
        "progress" => value with { Progress = Result.Read(ref reader) },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<CapturedSlice> Slice => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        writer.WriteNumber("windows"u8, value.Windows);
        writer.WriteBoolean("caughtUp"u8, value.IsCaughtUp);
        if (value.Lost is not null)
            writer.WriteString("lost"u8, value.Lost);
    }, new CapturedSlice(), static (ref reader, name, value) => name switch
    {
        "rows" => value with { Rows = reader.GetInt64() },
        "bytes" => value with { Bytes = reader.GetInt64() },
        "windows" => value with { Windows = reader.GetInt64() },
        "caughtUp" => value with { IsCaughtUp = reader.GetBoolean() },
        "lost" => value with { Lost = reader.GetString() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<CaptureResult> Result => PayloadJson.Object(static (writer, value) =>
    {
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
    }, new CaptureResult(), static (ref reader, name, value) => name switch
    {
        "outcome" => value with { Outcome = SyncPayloads.ReadEnum<SyncOutcome>(ref reader) },
        "rows" => value with { Rows = reader.GetInt64() },
        "bytes" => value with { Bytes = reader.GetInt64() },
        "windows" => value with { Windows = reader.GetInt64() },
        "lost" => value with { Lost = reader.GetString() },
        "failureKind" => value with { FailureKind = SyncPayloads.ReadEnum<ErrorKind>(ref reader) },
        "failure" => value with { Failure = reader.GetString() },
        _ => PayloadJson.Skip(ref reader, value),
    });
}

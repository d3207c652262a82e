using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Sync;

/// <summary>How the records of a sync travel through history and lie in the state store. Written by hand: metadata for a serializer costs a short run more than
/// the run itself. Members that are unknown are skipped, so that versions can follow each other.</summary>
internal static class SyncPayloads
{
    public static Payload<StreamTask> StreamTask => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteString("run"u8, value.RunId);
        writer.WriteString("pipeline"u8, value.Pipeline);
        writer.WriteNumber("stream"u8, value.Stream);
        if (value.Anew)
            writer.WriteBoolean("anew"u8, true);
        if (value.ReadEverything)
            writer.WriteBoolean("readEverything"u8, true);
    }, new StreamTask("", "", 0), static (ref reader, name, value) => name switch
    {
        "run" => value with { RunId = reader.GetString() ?? "" },
        "pipeline" => value with { Pipeline = reader.GetString() ?? "" },
        "stream" => value with { Stream = reader.GetInt32() },
        "readEverything" => value with { ReadEverything = reader.GetBoolean() },
        "anew" => value with { Anew = reader.GetBoolean() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<SyncSettings> Settings => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteNumber("parallelStreams"u8, value.ParallelStreams);
        writer.WriteNumber("parallelChunks"u8, value.ParallelChunks);
        writer.WriteNumber("pageSize"u8, value.PageSize);
        writer.WriteNumber("maxAttempts"u8, value.MaxAttempts);
        writer.WriteNumber("firstDelay"u8, value.FirstDelay);
        writer.WriteNumber("maxDelay"u8, value.MaxDelay);
        writer.WriteBoolean("untilCaughtUp"u8, value.UntilCaughtUp);
        writer.WriteNumber("idleDelay"u8, value.IdleDelay);
    }, new SyncSettings(), static (ref reader, name, value) => name switch
    {
        "parallelStreams" => value with { ParallelStreams = reader.GetInt32() },
        "parallelChunks" => value with { ParallelChunks = reader.GetInt32() },
        "pageSize" => value with { PageSize = reader.GetInt32() },
        "maxAttempts" => value with { MaxAttempts = reader.GetInt32() },
        "firstDelay" => value with { FirstDelay = reader.GetInt32() },
        "maxDelay" => value with { MaxDelay = reader.GetInt32() },
        "untilCaughtUp" => value with { UntilCaughtUp = reader.GetBoolean() },
        "idleDelay" => value with { IdleDelay = reader.GetInt32() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    /// <summary>Texts by name.</summary>
    public static Payload<IReadOnlyDictionary<string, string>> Texts => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        foreach (var (name, text) in value)
            writer.WriteString(name, text);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new Dictionary<string, string>(StringComparer.Ordinal);
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            value[name] = reader.GetString() ?? "";
        return value;
    });

    public static Payload<SyncRequest> Request => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteString("run"u8, value.RunId);
        writer.WriteString("pipeline"u8, value.Pipeline);
        writer.WritePropertyName("settings"u8);
        Settings.Write(writer, value.Settings);
        writer.WriteStartArray("only"u8);
        foreach (var name in value.Only)
            writer.WriteStringValue(name);
        writer.WriteEndArray();
        if (value.Variables.Count > 0)
        {
            writer.WritePropertyName("variables"u8);
            Texts.Write(writer, value.Variables);
        }
        if (value.Streams is { } streams)
        {
            writer.WriteNumber("streams"u8, streams);
            writer.WriteBoolean("anew"u8, value.Anew);
            writer.WritePropertyName("progress"u8);
            Result.Write(writer, value.Progress);
        }
    }, new SyncRequest("", ""), static (ref reader, name, value) => name switch
    {
        "run" => value with { RunId = reader.GetString() ?? "" },
        "pipeline" => value with { Pipeline = reader.GetString() ?? "" },
        "settings" => value with { Settings = Settings.Read(ref reader) },
        "only" => value with { Only = ListOf(Payload.String).Read(ref reader)! },
        "variables" => value with { Variables = Texts.Read(ref reader) },
        "streams" => value with { Streams = reader.GetInt32() },
        "anew" => value with { Anew = reader.GetBoolean() },
        "progress" => value with { Progress = Result.Read(ref reader) },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<SyncResult> Result => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteNumber("completed"u8, value.Completed);
        writer.WriteNumber("failed"u8, value.Failed);
        writer.WriteNumber("cancelled"u8, value.Cancelled);
        if (value.Captured > 0)
            writer.WriteNumber("captured"u8, value.Captured);
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        writer.WriteNumber("chunks"u8, value.Chunks);
        writer.WriteStartArray("failures"u8);
        foreach (var failure in value.Failures)
            StreamResult.Write(writer, failure);
        writer.WriteEndArray();
    }, new SyncResult(), static (ref reader, name, value) => name switch
    {
        "completed" => value with { Completed = reader.GetInt32() },
        "failed" => value with { Failed = reader.GetInt32() },
        "cancelled" => value with { Cancelled = reader.GetInt32() },
        "captured" => value with { Captured = reader.GetInt32() },
        "rows" => value with { Rows = reader.GetInt64() },
        "bytes" => value with { Bytes = reader.GetInt64() },
        "chunks" => value with { Chunks = reader.GetInt64() },
        "failures" => value with { Failures = ReadList(ref reader, StreamResult) },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<StreamResult> StreamResult => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteString("name"u8, value.Name);
        writer.WriteString("outcome"u8, value.Outcome.ToString());
        if (value.IsCaptured)
            writer.WriteBoolean("captured"u8, true);
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        writer.WriteNumber("chunks"u8, value.Chunks);
        if (value.Compared is { } compared)
            writer.WriteNumber("compared"u8, compared);
        if (value.FailureKind is { } kind)
            writer.WriteString("failureKind"u8, kind.ToString());
        if (value.Failure is not null)
            writer.WriteString("failure"u8, value.Failure);
    }, new StreamResult("", SyncOutcome.Failed), static (ref reader, name, value) => name switch
    {
        "name" => value with { Name = reader.GetString() ?? "" },
        "outcome" => value with { Outcome = ReadEnum<SyncOutcome>(ref reader) },
        "captured" => value with { IsCaptured = reader.GetBoolean() },
        "rows" => value with { Rows = reader.GetInt64() },
        "bytes" => value with { Bytes = reader.GetInt64() },
        "chunks" => value with { Chunks = reader.GetInt64() },
        "compared" => value with { Compared = reader.GetInt64() },
        "failureKind" => value with { FailureKind = ReadEnum<ErrorKind>(ref reader) },
        "failure" => value with { Failure = reader.GetString() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<PlannedRun> PlannedRun => PayloadJson.Object(
        static (writer, value) => writer.WriteNumber("streams"u8, value.Streams), new PlannedRun(0),
        static (ref reader, name, value) => name == "streams" ? new PlannedRun(reader.GetInt32()) : PayloadJson.Skip(ref reader, value));

    public static Payload<PlannedStream> PlannedStream => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteString("name"u8, value.Name);
        writer.WriteBoolean("captured"u8, value.IsCaptured);
        writer.WriteBoolean("inOrder"u8, value.TakesChunksInOrder);
    }, new PlannedStream(""), static (ref reader, name, value) => name switch
    {
        "name" => value with { Name = reader.GetString() ?? "" },
        "captured" => value with { IsCaptured = reader.GetBoolean() },
        "inOrder" => value with { TakesChunksInOrder = reader.GetBoolean() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<StreamRequest> StreamRequest => PayloadJson.Object(static (writer, value) =>
    {
        writer.WritePropertyName("task"u8);
        StreamTask.Write(writer, value.Task);
        writer.WritePropertyName("settings"u8);
        Settings.Write(writer, value.Settings);
        writer.WriteString("name"u8, value.Name);
    }, new StreamRequest(new StreamTask("", "", 0), new SyncSettings()), static (ref reader, name, value) => name switch
    {
        "task" => value with { Task = StreamTask.Read(ref reader) },
        "settings" => value with { Settings = Settings.Read(ref reader) },
        "name" => value with { Name = reader.GetString() ?? "" },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<SyncStatus> Status => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteString("state"u8, value.State);
        writer.WriteNumber("total"u8, value.Total);
        writer.WriteNumber("done"u8, value.Done);
        writer.WriteNumber("failed"u8, value.Failed);
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
    }, new SyncStatus(""), static (ref reader, name, value) => name switch
    {
        "state" => value with { State = reader.GetString() ?? "" },
        "total" => value with { Total = reader.GetInt64() },
        "done" => value with { Done = reader.GetInt64() },
        "failed" => value with { Failed = reader.GetInt64() },
        "rows" => value with { Rows = reader.GetInt64() },
        "bytes" => value with { Bytes = reader.GetInt64() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    /// <summary>Reads an array.</summary>
    public static List<T> ReadList<T>(ref Utf8JsonReader reader, Payload<T> item)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("expected an array");
        var list = new List<T>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            list.Add(item.Read(ref reader));
        return list;
    }

    /// <summary>Makes a payload of an array.</summary>
    public static Payload<IReadOnlyList<T>> ListOf<T>(Payload<T> item) => new((writer, value) =>
    {
        writer.WriteStartArray();
        foreach (var one in value)
            item.Write(writer, one);
        writer.WriteEndArray();
    }, (ref reader) => ReadList(ref reader, item));

    public static T ReadEnum<T>(ref Utf8JsonReader reader) where T : struct, Enum =>
        Enum.TryParse<T>(reader.GetString(), out var value) && Enum.IsDefined(value) ? value
            : throw new JsonException($"expected one of {string.Join(", ", Enum.GetNames<T>())}");
}

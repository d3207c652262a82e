using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration.Sync;

/// <summary>How the records of a sync travel through history and lie in the state store. Written by hand: metadata for a serializer costs a short run more than
/// the run itself. Members that are unknown are skipped, so that versions can follow each other.</summary>
internal static class SyncPayloads
{
    public static Payload<StreamTask> StreamTask => new(Write, Read);

    public static Payload<SyncSettings> Settings => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("parallelStreams"u8, value.ParallelStreams);
        writer.WriteNumber("parallelChunks"u8, value.ParallelChunks);
        writer.WriteNumber("pageSize"u8, value.PageSize);
        writer.WriteNumber("maxAttempts"u8, value.MaxAttempts);
        writer.WriteNumber("firstDelay"u8, value.FirstDelay);
        writer.WriteNumber("maxDelay"u8, value.MaxDelay);
        writer.WriteBoolean("untilCaughtUp"u8, value.UntilCaughtUp);
        writer.WriteNumber("idleDelay"u8, value.IdleDelay);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new SyncSettings();
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "parallelStreams":
                    value = value with { ParallelStreams = reader.GetInt32() };
                    break;
                case "parallelChunks":
                    value = value with { ParallelChunks = reader.GetInt32() };
                    break;
                case "pageSize":
                    value = value with { PageSize = reader.GetInt32() };
                    break;
                case "maxAttempts":
                    value = value with { MaxAttempts = reader.GetInt32() };
                    break;
                case "firstDelay":
                    value = value with { FirstDelay = reader.GetInt32() };
                    break;
                case "maxDelay":
                    value = value with { MaxDelay = reader.GetInt32() };
                    break;
                case "untilCaughtUp":
                    value = value with { UntilCaughtUp = reader.GetBoolean() };
                    break;
                case "idleDelay":
                    value = value with { IdleDelay = reader.GetInt32() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
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

    public static Payload<SyncRequest> Request => new(static (writer, value) =>
    {
        writer.WriteStartObject();
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
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new SyncRequest("", "");
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
                case "settings":
                    value = value with { Settings = Settings.Read(ref reader) };
                    break;
                case "only":
                    value = value with { Only = ListOf(Payload.String).Read(ref reader)! };
                    break;
                case "variables":
                    value = value with { Variables = Texts.Read(ref reader) };
                    break;
                case "streams":
                    value = value with { Streams = reader.GetInt32() };
                    break;
                case "anew":
                    value = value with { Anew = reader.GetBoolean() };
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

    public static Payload<SyncResult> Result => new(static (writer, value) =>
    {
        writer.WriteStartObject();
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
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new SyncResult();
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "completed":
                    value = value with { Completed = reader.GetInt32() };
                    break;
                case "failed":
                    value = value with { Failed = reader.GetInt32() };
                    break;
                case "cancelled":
                    value = value with { Cancelled = reader.GetInt32() };
                    break;
                case "captured":
                    value = value with { Captured = reader.GetInt32() };
                    break;
                case "rows":
                    value = value with { Rows = reader.GetInt64() };
                    break;
                case "bytes":
                    value = value with { Bytes = reader.GetInt64() };
                    break;
                case "chunks":
                    value = value with { Chunks = reader.GetInt64() };
                    break;
                case "failures":
                    value = value with { Failures = ReadList(ref reader, StreamResult) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<StreamResult> StreamResult => new(static (writer, value) =>
    {
        writer.WriteStartObject();
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
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new StreamResult("", SyncOutcome.Failed);
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "name":
                    value = value with { Name = reader.GetString() ?? "" };
                    break;
                case "outcome":
                    value = value with { Outcome = ReadEnum<SyncOutcome>(ref reader) };
                    break;
                case "captured":
                    value = value with { IsCaptured = reader.GetBoolean() };
                    break;
                case "rows":
                    value = value with { Rows = reader.GetInt64() };
                    break;
                case "bytes":
                    value = value with { Bytes = reader.GetInt64() };
                    break;
                case "chunks":
                    value = value with { Chunks = reader.GetInt64() };
                    break;
                case "compared":
                    value = value with { Compared = reader.GetInt64() };
                    break;
                case "failureKind":
                    value = value with { FailureKind = ReadEnum<ErrorKind>(ref reader) };
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

    public static Payload<PlannedRun> PlannedRun => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("streams"u8, value.Streams);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new PlannedRun(0);
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            if (name == "streams")
                value = new PlannedRun(reader.GetInt32());
            else
                reader.Skip();
        return value;
    });

    public static Payload<PlannedStream> PlannedStream => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, value.Name);
        writer.WriteBoolean("captured"u8, value.IsCaptured);
        writer.WriteBoolean("inOrder"u8, value.TakesChunksInOrder);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new PlannedStream("");
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "name":
                    value = value with { Name = reader.GetString() ?? "" };
                    break;
                case "captured":
                    value = value with { IsCaptured = reader.GetBoolean() };
                    break;
                case "inOrder":
                    value = value with { TakesChunksInOrder = reader.GetBoolean() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<StreamRequest> StreamRequest => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WritePropertyName("task"u8);
        Write(writer, value.Task);
        writer.WritePropertyName("settings"u8);
        Settings.Write(writer, value.Settings);
        writer.WriteString("name"u8, value.Name);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new StreamRequest(new StreamTask("", "", 0), new SyncSettings());
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "task":
                    value = value with { Task = Read(ref reader) };
                    break;
                case "settings":
                    value = value with { Settings = Settings.Read(ref reader) };
                    break;
                case "name":
                    value = value with { Name = reader.GetString() ?? "" };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<SyncStatus> Status => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("state"u8, value.State);
        writer.WriteNumber("total"u8, value.Total);
        writer.WriteNumber("done"u8, value.Done);
        writer.WriteNumber("failed"u8, value.Failed);
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new SyncStatus("");
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "state":
                    value = value with { State = reader.GetString() ?? "" };
                    break;
                case "total":
                    value = value with { Total = reader.GetInt64() };
                    break;
                case "done":
                    value = value with { Done = reader.GetInt64() };
                    break;
                case "failed":
                    value = value with { Failed = reader.GetInt64() };
                    break;
                case "rows":
                    value = value with { Rows = reader.GetInt64() };
                    break;
                case "bytes":
                    value = value with { Bytes = reader.GetInt64() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
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

    public static void Write(Utf8JsonWriter writer, StreamTask value)
    {
        writer.WriteStartObject();
        writer.WriteString("run"u8, value.RunId);
        writer.WriteString("pipeline"u8, value.Pipeline);
        writer.WriteNumber("stream"u8, value.Stream);
        if (value.Anew)
            writer.WriteBoolean("anew"u8, true);
        if (value.ReadEverything)
            writer.WriteBoolean("readEverything"u8, true);
        writer.WriteEndObject();
    }

    public static StreamTask Read(ref Utf8JsonReader reader)
    {
        var value = new StreamTask("", "", 0);
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
                case "stream":
                    value = value with { Stream = reader.GetInt32() };
                    break;
                case "readEverything":
                    value = value with { ReadEverything = reader.GetBoolean() };
                    break;
                case "anew":
                    value = value with { Anew = reader.GetBoolean() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    }

    public static T ReadEnum<T>(ref Utf8JsonReader reader) where T : struct, Enum =>
        Enum.TryParse<T>(reader.GetString(), out var value) && Enum.IsDefined(value) ? value
            : throw new JsonException($"expected one of {string.Join(", ", Enum.GetNames<T>())}");
}

using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;

namespace Nebula.Orchestration.Sync;

/// <summary>How chunks, parts, pages and checkpoints travel through history and lie in the state store.</summary>
internal static class StagingPayloads
{
    public static Payload<Chunk> Chunk => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteNumber("index"u8, value.Index);
        writer.WriteString("description"u8, value.Description);
        if (value.Bytes is { } bytes)
            writer.WriteNumber("bytes"u8, bytes);
        KeySetPayloads.Write(writer, value.Keys);
    }, new Chunk(0, ""), static (ref reader, name, value) => name switch
    {
        "index" => value with { Index = reader.GetInt32() },
        "description" => value with { Description = reader.GetString() ?? "" },
        "bytes" => value with { Bytes = reader.GetInt64() },
        KeySetPayloads.Name => value with { Keys = KeySetPayloads.Read(ref reader) },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<StagedPart> Part => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteNumber("chunk"u8, value.ChunkIndex);
        writer.WriteString("location"u8, value.Location);
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        if (value.Hash is { } hash)
            writer.WriteString("hash"u8, hash.ToString());
        KeySetPayloads.Write(writer, value.Keys);
    }, new StagedPart(0, "", 0, 0), static (ref reader, name, value) => name switch
    {
        "chunk" => value with { ChunkIndex = reader.GetInt32() },
        "location" => value with { Location = reader.GetString() ?? "" },
        "rows" => value with { Rows = reader.GetInt64() },
        "bytes" => value with { Bytes = reader.GetInt64() },
        "hash" => value with { Hash = ContentHash.Parse(reader.GetString() ?? "") },
        KeySetPayloads.Name => value with { Keys = KeySetPayloads.Read(ref reader) },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<CommittedState> Committed => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteString("stream"u8, value.Checkpoint.Stream);
        writer.WriteString("position"u8, value.Checkpoint.Position);
        writer.WriteNumber("sequence"u8, value.Checkpoint.Sequence);
        writer.WriteString("token"u8, value.Token);
    }, new CommittedState(new Checkpoint("", "", 0), ""), static (ref reader, name, value) => name switch
    {
        "stream" => value with { Checkpoint = value.Checkpoint with { Stream = reader.GetString() ?? "" } },
        "position" => value with { Checkpoint = value.Checkpoint with { Position = reader.GetString() ?? "" } },
        "sequence" => value with { Checkpoint = value.Checkpoint with { Sequence = reader.GetInt64() } },
        "token" => value with { Token = reader.GetString() ?? "" },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<ChunkList> ChunkList => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteString("attempt"u8, value.Attempt);
        writer.WriteNumber("chunks"u8, value.Chunks);
        writer.WriteString("position"u8, value.Position);
        if (value.Compared is { } compared)
            writer.WriteNumber("compared"u8, compared);
    }, new ChunkList("", 0, ""), static (ref reader, name, value) => name switch
    {
        "attempt" => value with { Attempt = reader.GetString() ?? "" },
        "chunks" => value with { Chunks = reader.GetInt32() },
        "position" => value with { Position = reader.GetString() ?? "" },
        "compared" => value with { Compared = reader.GetInt64() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<ComparisonProgress> Comparison => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("compared"u8, value.Compared);
        writer.WriteNumber("differing"u8, value.Differing);
    }, new ComparisonProgress(0, 0, 0), static (ref reader, name, value) => name switch
    {
        "rows" => value with { Rows = reader.GetInt64() },
        "compared" => value with { Compared = reader.GetInt64() },
        "differing" => value with { Differing = reader.GetInt64() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<PageTask> Page => PayloadJson.Object(static (writer, value) =>
    {
        writer.WritePropertyName("task"u8);
        SyncPayloads.StreamTask.Write(writer, value.Task);
        writer.WriteString("attempt"u8, value.Attempt);
        writer.WriteNumber("page"u8, value.Page);
        writer.WriteNumber("first"u8, value.First);
        writer.WriteNumber("count"u8, value.Count);
    }, new PageTask(new StreamTask("", "", 0), "", 0, 0, 0), static (ref reader, name, value) => name switch
    {
        "task" => value with { Task = SyncPayloads.StreamTask.Read(ref reader) },
        "attempt" => value with { Attempt = reader.GetString() ?? "" },
        "page" => value with { Page = reader.GetInt32() },
        "first" => value with { First = reader.GetInt32() },
        "count" => value with { Count = reader.GetInt32() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<PageRequest> PageRequest => PayloadJson.Object(static (writer, value) =>
    {
        writer.WritePropertyName("page"u8);
        Page.Write(writer, value.Page);
        writer.WritePropertyName("settings"u8);
        SyncPayloads.Settings.Write(writer, value.Settings);
    }, new PageRequest(new PageTask(new StreamTask("", "", 0), "", 0, 0, 0), new SyncSettings()), static (ref reader, name, value) => name switch
    {
        "page" => value with { Page = Page.Read(ref reader) },
        "settings" => value with { Settings = SyncPayloads.Settings.Read(ref reader) },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<ChunkTask> ChunkTask => PayloadJson.Object(static (writer, value) =>
    {
        writer.WritePropertyName("page"u8);
        Page.Write(writer, value.Page);
        writer.WriteNumber("chunk"u8, value.Chunk);
    }, new ChunkTask(new PageTask(new StreamTask("", "", 0), "", 0, 0, 0), 0), static (ref reader, name, value) => name switch
    {
        "page" => value with { Page = Page.Read(ref reader) },
        "chunk" => value with { Chunk = reader.GetInt32() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<Staged> Staged => PayloadJson.Object(static (writer, value) =>
    {
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        writer.WriteNumber("parts"u8, value.Parts);
    }, new Staged(0, 0, 0), static (ref reader, name, value) => name switch
    {
        "rows" => value with { Rows = reader.GetInt64() },
        "bytes" => value with { Bytes = reader.GetInt64() },
        "parts" => value with { Parts = reader.GetInt32() },
        _ => PayloadJson.Skip(ref reader, value),
    });

    public static Payload<CommitTask> Commit => PayloadJson.Object(static (writer, value) =>
    {
        writer.WritePropertyName("task"u8);
        SyncPayloads.StreamTask.Write(writer, value.Task);
        writer.WriteString("stream"u8, value.Stream);
        writer.WriteString("attempt"u8, value.Attempt);
        writer.WriteNumber("pages"u8, value.Pages);
        writer.WriteString("position"u8, value.Position);
        writer.WriteNumber("sequence"u8, value.Sequence);
    }, new CommitTask(new StreamTask("", "", 0), "", "", 0, "", 0), static (ref reader, name, value) => name switch
    {
        "task" => value with { Task = SyncPayloads.StreamTask.Read(ref reader) },
        "stream" => value with { Stream = reader.GetString() ?? "" },
        "attempt" => value with { Attempt = reader.GetString() ?? "" },
        "pages" => value with { Pages = reader.GetInt32() },
        "position" => value with { Position = reader.GetString() ?? "" },
        "sequence" => value with { Sequence = reader.GetInt64() },
        _ => PayloadJson.Skip(ref reader, value),
    });
}

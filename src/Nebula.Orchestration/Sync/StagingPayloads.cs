using Nebula.Engine.Connectors;

namespace Nebula.Orchestration.Sync;

/// <summary>How chunks, parts, pages and checkpoints travel through history and lie in the state store.</summary>
internal static class StagingPayloads
{
    public static Payload<Chunk> Chunk => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("index"u8, value.Index);
        writer.WriteString("description"u8, value.Description);
        if (value.Bytes is { } bytes)
            writer.WriteNumber("bytes"u8, bytes);
        KeySetPayloads.Write(writer, value.Keys);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new Chunk(0, "");
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "index":
                    value = value with { Index = reader.GetInt32() };
                    break;
                case "description":
                    value = value with { Description = reader.GetString() ?? "" };
                    break;
                case "bytes":
                    value = value with { Bytes = reader.GetInt64() };
                    break;
                case KeySetPayloads.Name:
                    value = value with { Keys = KeySetPayloads.Read(ref reader) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<StagedPart> Part => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("chunk"u8, value.ChunkIndex);
        writer.WriteString("location"u8, value.Location);
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        if (value.Hash is { } hash)
            writer.WriteString("hash"u8, hash.ToString());
        KeySetPayloads.Write(writer, value.Keys);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new StagedPart(0, "", 0, 0);
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "chunk":
                    value = value with { ChunkIndex = reader.GetInt32() };
                    break;
                case "location":
                    value = value with { Location = reader.GetString() ?? "" };
                    break;
                case "rows":
                    value = value with { Rows = reader.GetInt64() };
                    break;
                case "bytes":
                    value = value with { Bytes = reader.GetInt64() };
                    break;
                case "hash":
                    value = value with { Hash = ContentHash.Parse(reader.GetString() ?? "") };
                    break;
                case KeySetPayloads.Name:
                    value = value with { Keys = KeySetPayloads.Read(ref reader) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<CommittedState> Committed => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("stream"u8, value.Checkpoint.Stream);
        writer.WriteString("position"u8, value.Checkpoint.Position);
        writer.WriteNumber("sequence"u8, value.Checkpoint.Sequence);
        writer.WriteString("token"u8, value.Token);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new CommittedState(new Checkpoint("", "", 0), "");
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "stream":
                    value = value with { Checkpoint = value.Checkpoint with { Stream = reader.GetString() ?? "" } };
                    break;
                case "position":
                    value = value with { Checkpoint = value.Checkpoint with { Position = reader.GetString() ?? "" } };
                    break;
                case "sequence":
                    value = value with { Checkpoint = value.Checkpoint with { Sequence = reader.GetInt64() } };
                    break;
                case "token":
                    value = value with { Token = reader.GetString() ?? "" };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<ChunkList> ChunkList => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("attempt"u8, value.Attempt);
        writer.WriteNumber("chunks"u8, value.Chunks);
        writer.WriteString("position"u8, value.Position);
        if (value.Compared is { } compared)
            writer.WriteNumber("compared"u8, compared);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new ChunkList("", 0, "");
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "attempt":
                    value = value with { Attempt = reader.GetString() ?? "" };
                    break;
                case "chunks":
                    value = value with { Chunks = reader.GetInt32() };
                    break;
                case "position":
                    value = value with { Position = reader.GetString() ?? "" };
                    break;
                case "compared":
                    value = value with { Compared = reader.GetInt64() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<PageTask> Page => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WritePropertyName("task"u8);
        SyncPayloads.Write(writer, value.Task);
        writer.WriteString("attempt"u8, value.Attempt);
        writer.WriteNumber("page"u8, value.Page);
        writer.WriteNumber("first"u8, value.First);
        writer.WriteNumber("count"u8, value.Count);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new PageTask(new StreamTask("", "", 0), "", 0, 0, 0);
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "task":
                    value = value with { Task = SyncPayloads.Read(ref reader) };
                    break;
                case "attempt":
                    value = value with { Attempt = reader.GetString() ?? "" };
                    break;
                case "page":
                    value = value with { Page = reader.GetInt32() };
                    break;
                case "first":
                    value = value with { First = reader.GetInt32() };
                    break;
                case "count":
                    value = value with { Count = reader.GetInt32() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<PageRequest> PageRequest => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WritePropertyName("page"u8);
        Page.Write(writer, value.Page);
        writer.WritePropertyName("settings"u8);
        SyncPayloads.Settings.Write(writer, value.Settings);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new PageRequest(new PageTask(new StreamTask("", "", 0), "", 0, 0, 0), new SyncSettings());
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "page":
                    value = value with { Page = Page.Read(ref reader) };
                    break;
                case "settings":
                    value = value with { Settings = SyncPayloads.Settings.Read(ref reader) };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<ChunkTask> ChunkTask => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WritePropertyName("page"u8);
        Page.Write(writer, value.Page);
        writer.WriteNumber("chunk"u8, value.Chunk);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new ChunkTask(new PageTask(new StreamTask("", "", 0), "", 0, 0, 0), 0);
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "page":
                    value = value with { Page = Page.Read(ref reader) };
                    break;
                case "chunk":
                    value = value with { Chunk = reader.GetInt32() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<Staged> Staged => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("rows"u8, value.Rows);
        writer.WriteNumber("bytes"u8, value.Bytes);
        writer.WriteNumber("parts"u8, value.Parts);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new Staged(0, 0, 0);
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
                case "parts":
                    value = value with { Parts = reader.GetInt32() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    public static Payload<CommitTask> Commit => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WritePropertyName("task"u8);
        SyncPayloads.Write(writer, value.Task);
        writer.WriteString("stream"u8, value.Stream);
        writer.WriteString("attempt"u8, value.Attempt);
        writer.WriteNumber("pages"u8, value.Pages);
        writer.WriteString("position"u8, value.Position);
        writer.WriteNumber("sequence"u8, value.Sequence);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new CommitTask(new StreamTask("", "", 0), "", "", 0, "", 0);
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "task":
                    value = value with { Task = SyncPayloads.Read(ref reader) };
                    break;
                case "stream":
                    value = value with { Stream = reader.GetString() ?? "" };
                    break;
                case "attempt":
                    value = value with { Attempt = reader.GetString() ?? "" };
                    break;
                case "pages":
                    value = value with { Pages = reader.GetInt32() };
                    break;
                case "position":
                    value = value with { Position = reader.GetString() ?? "" };
                    break;
                case "sequence":
                    value = value with { Sequence = reader.GetInt64() };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });
}

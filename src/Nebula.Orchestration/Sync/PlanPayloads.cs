using System.Collections.Immutable;
using System.Collections.ObjectModel;
using System.Text.Json;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;
using Nebula.Orchestration.Planning;

namespace Nebula.Orchestration.Sync;

/// <summary>How plans lie in the state store.</summary>
internal static class PlanPayloads
{
    public static Payload<PlannedSources> Sources => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("startedAt"u8, value.StartedAt);
        writer.WriteString("fingerprint"u8, value.Fingerprint);
        Write(writer, "only", value.Only);
        if (value.Variables.Count > 0)
        {
            writer.WritePropertyName("variables"u8);
            SyncPayloads.Texts.Write(writer, value.Variables);
        }
        writer.WriteStartArray("streams"u8);
        for (var i = 0; i < value.Found.Names.Count; i++)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, value.Found.Names[i]);
            if (value.Found.Bytes[i] is { } bytes)
                writer.WriteNumber("bytes"u8, bytes);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        var streams = root.GetProperty("streams"u8).EnumerateArray().ToList();
        return new PlannedSources(
            root.GetProperty("startedAt"u8).GetDateTime(),
            new SourceStreams(
                [.. streams.Select(static stream => stream.GetProperty("name"u8).GetString()!)],
                [.. streams.Select(static stream => Number(stream, "bytes"))]),
            Texts(root.GetProperty("only"u8)),
            root.GetProperty("fingerprint"u8).GetString()!)
        {
            Variables = root.TryGetProperty("variables"u8, out var variables)
                ? variables.EnumerateObject().ToDictionary(
                    static variable => variable.Name, static variable => variable.Value.GetString()!, StringComparer.Ordinal)
                : ReadOnlyDictionary<string, string>.Empty,
        };
    });

    public static Payload<StreamPlan> Stream => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("run"u8, value.RunId);
        writer.WriteString("object"u8, value.Object);
        writer.WriteString("startedAt"u8, value.StartedAt);
        writer.WriteString("lossy"u8, value.Lossy.ToString());
        writer.WriteBoolean("incremental"u8, value.IsIncremental);
        writer.WriteString("write"u8, value.Write.ToString());
        Write(writer, "primaryKey", value.PrimaryKey);
        if (value.Contract != new SchemaContract())
            Write(writer, value.Contract);
        if (value.Cursor is { } cursor)
        {
            writer.WriteString("cursor"u8, cursor.Column);
            if (cursor.Lookback is { } lookback)
                writer.WriteString("lookback"u8, lookback);
        }
        if (value.Where is { } where)
            writer.WriteString("where"u8, where);
        if (value.Sql is { } sql)
            writer.WriteString("sql"u8, sql);
        if (value.Capture is { } capture)
            Write(writer, capture);
        writer.WriteStartArray("columns"u8);
        foreach (var column in value.Columns)
        {
            writer.WriteStartObject();
            writer.WriteString("source"u8, column.SourceName);
            writer.WriteBoolean("fixed"u8, column.TypeIsFixed);
            writer.WritePropertyName("field"u8);
            Write(writer, column.Field);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartObject("stream"u8);
        writer.WriteString("name"u8, value.Stream.Name);
        if (value.Stream.Bytes is { } bytes)
            writer.WriteNumber("bytes"u8, bytes);
        if (value.Stream.Rows is { } rows)
            writer.WriteNumber("rows"u8, rows);
        Write(writer, "key", value.Stream.PrimaryKey);
        writer.WriteStartArray("fields"u8);
        foreach (var own in value.Stream.Schema.Fields)
            Write(writer, own);
        writer.WriteEndArray();
        writer.WriteStartObject("details"u8);
        foreach (var (key, detail) in value.Stream.Details)
            writer.WriteString(key, detail);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        var stream = root.GetProperty("stream"u8);
        return new StreamPlan
        {
            RunId = root.GetProperty("run"u8).GetString()!,
            Object = root.GetProperty("object"u8).GetString()!,
            StartedAt = root.GetProperty("startedAt"u8).GetDateTime(),
            Lossy = Enum.Parse<LossyPolicy>(root.GetProperty("lossy"u8).GetString()!),
            IsIncremental = root.GetProperty("incremental"u8).GetBoolean(),
            Write = Enum.Parse<WriteMode>(root.GetProperty("write"u8).GetString()!),
            PrimaryKey = [.. Texts(root.GetProperty("primaryKey"u8))],
            Contract = root.TryGetProperty("contract"u8, out var contract) ? ReadContract(contract) : new SchemaContract(),
            Cursor = Text(root, "cursor") is { } cursor ? new IncrementalCursor(cursor, Text(root, "lookback")) : null,
            Where = Text(root, "where"),
            Sql = Text(root, "sql"),
            Capture = root.TryGetProperty("capture"u8, out var capture) ? ReadCapture(capture) : null,
            Columns = [.. root.GetProperty("columns"u8).EnumerateArray().Select(static column =>
                new PlannedColumn(column.GetProperty("source"u8).GetString()!, ReadField(column.GetProperty("field"u8)))
                {
                    TypeIsFixed = column.GetProperty("fixed"u8).GetBoolean(),
                })],
            Stream = new CatalogStream(stream.GetProperty("name"u8).GetString()!, new Schema(stream.GetProperty("fields"u8).EnumerateArray().Select(ReadField)))
            {
                Bytes = Number(stream, "bytes"),
                Rows = Number(stream, "rows"),
                PrimaryKey = Texts(stream.GetProperty("key"u8)),
                Details = stream.GetProperty("details"u8).EnumerateObject()
                    .ToImmutableDictionary(static detail => detail.Name, static detail => detail.Value.GetString()!),
            },
        }.Build();
    });

    private static void Write(Utf8JsonWriter writer, SchemaContract contract)
    {
        writer.WriteStartObject("contract"u8);
        writer.WriteBoolean("makesTables"u8, contract.MakesTables);
        writer.WriteString("newColumns"u8, contract.NewColumns.ToString());
        writer.WriteBoolean("widensTypes"u8, contract.WidensTypes);
        writer.WriteBoolean("keepsDropped"u8, contract.KeepsDropped);
        writer.WriteEndObject();
    }

    private static SchemaContract ReadContract(JsonElement element) => new()
    {
        MakesTables = element.GetProperty("makesTables"u8).GetBoolean(),
        NewColumns = Enum.Parse<NewColumnPolicy>(element.GetProperty("newColumns"u8).GetString()!),
        WidensTypes = element.GetProperty("widensTypes"u8).GetBoolean(),
        KeepsDropped = element.GetProperty("keepsDropped"u8).GetBoolean(),
    };

    private static void Write(Utf8JsonWriter writer, ChangeCapture capture)
    {
        writer.WriteStartObject("capture"u8);
        writer.WriteString("log"u8, capture.Log);
        writer.WriteString("deletes"u8, capture.Deletes.ToString());
        writer.WriteString("onPositionLost"u8, capture.OnPositionLost.ToString());
        writer.WriteBoolean("changesOnly"u8, capture.ChangesOnly);
        writer.WritePropertyName("options"u8);
        SyncPayloads.Texts.Write(writer, capture.Options);
        writer.WriteEndObject();
    }

    private static ChangeCapture ReadCapture(JsonElement element) => new(element.GetProperty("log"u8).GetString()!)
    {
        Deletes = Enum.Parse<DeleteHandling>(element.GetProperty("deletes"u8).GetString()!),
        OnPositionLost = Enum.Parse<PositionLoss>(element.GetProperty("onPositionLost"u8).GetString()!),
        ChangesOnly = element.GetProperty("changesOnly"u8).GetBoolean(),
        Options = element.GetProperty("options"u8).EnumerateObject()
            .ToImmutableDictionary(static option => option.Name, static option => option.Value.GetString()!),
    };

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static void Write(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
            writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    /// <summary>
    /// Writes a field. A type without children is written as pipeline files write it; the text of one with children would not say which may be null.
    /// </summary>
    private static void Write(Utf8JsonWriter writer, Field field)
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, field.Name);
        if (!field.Nullable)
            writer.WriteBoolean("required"u8, true);
        writer.WriteString("type"u8, field.Type.IsNested ? field.Type.Kind.ToString() : field.Type.ToString());
        if (field.Type.IsNested)
        {
            writer.WriteStartArray("children"u8);
            foreach (var child in field.Type.Fields)
                Write(writer, child);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    private static Field ReadField(JsonElement element)
    {
        var text = element.GetProperty("type"u8).GetString()!;
        var type = element.TryGetProperty("children"u8, out var children)
            ? DataType.Nested(Enum.Parse<TypeKind>(text), [.. children.EnumerateArray().Select(ReadField)])
            : DataType.Parse(text) ?? throw new JsonException($"'{text}' is no type");
        return new Field(element.GetProperty("name"u8).GetString()!, type, !element.TryGetProperty("required"u8, out _));
    }

    private static long? Number(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetInt64() : null;

    private static string[] Texts(JsonElement array) => [.. array.EnumerateArray().Select(static text => text.GetString()!)];
}

using System.Text.Json;
using Nebula.Engine.Connectors;

namespace Nebula.Orchestration.Sync;

/// <summary>How sets of keys lie in the state store: the bounds of ranges one behind the other, then the single keys.</summary>
internal static class KeySetPayloads
{
    /// <summary>The member that has them.</summary>
    public const string Name = "keys";

    /// <summary>Writes the member, where there is something to write.</summary>
    public static void Write(Utf8JsonWriter writer, KeySet? keys)
    {
        if (keys is null)
            return;
        writer.WriteStartArray(Name);
        writer.WriteStartArray();
        foreach (var range in keys.Ranges)
        {
            writer.WriteStringValue(range.From);
            writer.WriteStringValue(range.To);
        }
        writer.WriteEndArray();
        writer.WriteStartArray();
        foreach (var key in keys.Keys)
            writer.WriteStringValue(key);
        writer.WriteEndArray();
        writer.WriteEndArray();
    }

    /// <summary>Reads the value of the member.</summary>
    public static KeySet Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        var bounds = ReadList(ref reader);
        reader.Read();
        var keys = ReadList(ref reader);
        reader.Read();
        return new KeySet([.. bounds.Chunk(2).Select(static range => new KeyRange(range[0], range[^1]))], [.. keys.Select(static key => key ?? "")]);
    }

    private static List<string?> ReadList(ref Utf8JsonReader reader)
    {
        var list = new List<string?>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            list.Add(reader.GetString());
        return list;
    }
}

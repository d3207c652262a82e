using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration;

/// <summary>What all payloads share.</summary>
internal static class PayloadJson
{
    /// <summary>Text goes to files and histories, never into web pages: only what JSON demands is escaped.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = PlainJsonEncoder.Instance };

    /// <summary>Goes to the next member of an object and on to its value. The reader stands on the start of the object, or on the end of the last
    /// value.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="name">The member's name.</param>
    /// <returns>Whether there is one.</returns>
    public static bool NextMember(ref Utf8JsonReader reader, out string name)
    {
        name = "";
        if (!reader.Read() || reader.TokenType == JsonTokenType.EndObject)
            return false;
        if (reader.TokenType != JsonTokenType.PropertyName)
            throw new JsonException("expected an object");
        name = reader.GetString()!;
        reader.Read();
        return true;
    }

    /// <summary>Fails unless the reader stands on the start of an object.</summary>
    public static void ExpectObject(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("expected an object");
    }

    public static DataFormatException Malformed(ReadOnlySpan<byte> json, string what, Exception cause) => new(
        $"{what} is not what it should be: {DataFormatException.Show(json)} ({cause.Message}). It was written by another version, or damaged. "
        + "If it is the state of a stream, 'nebula state reset' forgets it.", inner: cause);
}

using System.Text.Json;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration;

/// <summary>Reads the value of a member of an object; the reader stands on its first token, and on its last afterwards.</summary>
/// <typeparam name="T">What the object stands for.</typeparam>
/// <param name="reader">The reader.</param>
/// <param name="name">The member's name.</param>
/// <param name="value">What there is of the object.</param>
/// <returns>The same with the member.</returns>
internal delegate T MemberReader<T>(ref Utf8JsonReader reader, string name, T value);

/// <summary>What all payloads share.</summary>
internal static class PayloadJson
{
    /// <summary>Text goes to files and histories, never into web pages: only what JSON demands is escaped.</summary>
    public static readonly JsonWriterOptions WriterOptions = new() { Encoder = PlainJsonEncoder.Instance };

    /// <summary>Makes a payload of an object.</summary>
    /// <typeparam name="T">What it stands for.</typeparam>
    /// <param name="write">Writes the members.</param>
    /// <param name="without">The value where no member is there.</param>
    /// <param name="read">Gives the value with one member more; ones that it does not know it leaves to <see cref="Skip"/>.</param>
    public static Payload<T> Object<T>(Action<Utf8JsonWriter, T> write, T without, MemberReader<T> read) => new((writer, value) =>
    {
        writer.WriteStartObject();
        write(writer, value);
        writer.WriteEndObject();
    }, (ref reader) =>
    {
        var value = without;
        ExpectObject(ref reader);
        while (NextMember(ref reader, out var name))
            value = read(ref reader, name, value);
        return value;
    });

    /// <summary>Passes over the value of a member.</summary>
    /// <param name="reader">The reader.</param>
    /// <param name="value">What there is of the object.</param>
    /// <returns>The same.</returns>
    public static T Skip<T>(ref Utf8JsonReader reader, T value)
    {
        reader.Skip();
        return value;
    }

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

using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Nebula.Engine.Diagnostics;

namespace Nebula.Orchestration;

/// <summary>Reads one value; the reader stands on its first token, and on its last afterwards.</summary>
/// <typeparam name="T">What is read.</typeparam>
/// <param name="reader">The reader.</param>
public delegate T PayloadReader<out T>(ref Utf8JsonReader reader);

/// <summary>How values of a type become the JSON text that travels through history, and back.</summary>
/// <typeparam name="T">The values.</typeparam>
/// <param name="write">Writes a value.</param>
/// <param name="read">Reads a value; members that it does not know have to be skipped.</param>
public sealed class Payload<T>(Action<Utf8JsonWriter, T> write, PayloadReader<T> read)
{
    /// <summary>Writes a value.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="value">The value.</param>
    public void Write(Utf8JsonWriter writer, T value) => write(writer, value);

    /// <summary>Reads the value whose first token the reader stands on.</summary>
    /// <param name="reader">The reader.</param>
    public T Read(ref Utf8JsonReader reader) => read(ref reader);

    /// <summary>Renders a value as JSON text.</summary>
    /// <param name="value">The value.</param>
    public string ToJson(T value) => Encoding.UTF8.GetString(ToUtf8(value).Span);

    /// <summary>Renders a value as JSON text in UTF-8.</summary>
    /// <param name="value">The value.</param>
    public ReadOnlyMemory<byte> ToUtf8(T value)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, PayloadJson.WriterOptions))
            write(writer, value);
        return buffer.WrittenMemory;
    }

    /// <summary>Reads JSON text.</summary>
    /// <param name="json">The text; null and empty are the JSON value null.</param>
    /// <param name="what">What the text is, for the message of an error.</param>
    /// <exception cref="DataFormatException">The text does not say what it should.</exception>
    public T FromJson(string? json, string what) => FromUtf8(string.IsNullOrEmpty(json) ? "null"u8 : Encoding.UTF8.GetBytes(json), what);

    /// <summary>Reads JSON text in UTF-8.</summary>
    /// <param name="json">The text.</param>
    /// <param name="what">What the text is, for the message of an error.</param>
    /// <exception cref="DataFormatException">The text does not say what it should.</exception>
    public T FromUtf8(ReadOnlySpan<byte> json, string what)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            return read(ref reader);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            throw PayloadJson.Malformed(json, what, e);
        }
    }
}

/// <summary>Payloads of simple types, and of types with metadata of the source generator.</summary>
public static class Payload
{
    /// <summary>Text; null where there is none.</summary>
    public static Payload<string?> String { get; } = new(static (writer, value) => writer.WriteStringValue(value), static (ref reader) => reader.GetString());

    /// <summary>Whole numbers.</summary>
    public static Payload<int> Int32 { get; } = new(static (writer, value) => writer.WriteNumberValue(value), static (ref reader) => reader.GetInt32());

    /// <summary>Nothing: tasks without input or result.</summary>
    public static Payload<Nothing> Nothing { get; } = new(static (writer, _) => writer.WriteNullValue(), static (ref reader) =>
    {
        reader.Skip();
        return Orchestration.Nothing.Value;
    });

    /// <summary>Makes a payload of a type for which the source generator of System.Text.Json wrote the code.</summary>
    /// <typeparam name="T">The type.</typeparam>
    /// <param name="type">Its metadata.</param>
    public static Payload<T> Of<T>(JsonTypeInfo<T> type) => new(
        (writer, value) => JsonSerializer.Serialize(writer, value, type),
        (ref reader) => JsonSerializer.Deserialize(ref reader, type)!);
}

/// <summary>The value of tasks without input or result. A class, as are all inputs and results of ours: code for those is shared, and compiled ahead.</summary>
public sealed class Nothing
{
    private Nothing()
    {
    }

    /// <summary>The only one.</summary>
    public static Nothing Value { get; } = new();
}

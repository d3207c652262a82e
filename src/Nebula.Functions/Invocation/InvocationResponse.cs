using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Nebula.Functions.Invocation;

/// <summary>The answer to a call of a function.</summary>
/// <remarks>The host's JSON library rewrites dates and numbers of untyped values, and an answer without a body hangs the call: values that matter are strings,
/// and there is always an object.</remarks>
internal sealed record InvocationResponse
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>An answer that says nothing but that the call is done.</summary>
    public static InvocationResponse Done { get; } = new();

    /// <summary>What orchestrations and activities give back.</summary>
    public string? ReturnValue { get; init; }

    /// <summary>What the caller of an HTTP function gets, in the output binding <see cref="FunctionDefinition.HttpOutput"/>.</summary>
    public HttpAnswer? Http { get; init; }

    /// <summary>Renders the answer as the host reads it.</summary>
    public ReadOnlyMemory<byte> ToUtf8()
    {
        var buffer = new ArrayBufferWriter<byte>((ReturnValue?.Length ?? 0) + 256);
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        writer.WriteStartObject();
        if (Http is { } http)
        {
            writer.WriteStartObject("Outputs"u8);
            writer.WritePropertyName(FunctionDefinition.HttpOutput);
            http.Write(writer);
            writer.WriteEndObject();
        }
        if (ReturnValue is { } value)
            writer.WriteString("ReturnValue"u8, value);
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }
}

/// <summary>An answer over HTTP. The body is text: one that the host sees as JSON would be rewritten.</summary>
/// <param name="Status">Its status code.</param>
/// <param name="Body">Its body.</param>
/// <param name="ContentType">The body's media type.</param>
internal sealed record HttpAnswer(int Status, string Body, string ContentType)
{
    /// <summary>Headers besides the content type.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>Writes the value of the output binding.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("statusCode"u8, Status);
        writer.WriteStartObject("headers"u8);
        writer.WriteString("content-type"u8, ContentType);
        foreach (var (name, value) in Headers)
            writer.WriteString(name, value);
        writer.WriteEndObject();
        writer.WriteString("body"u8, Body);
        writer.WriteEndObject();
    }
}

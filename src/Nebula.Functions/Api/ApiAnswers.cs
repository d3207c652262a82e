using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Invocation;

namespace Nebula.Functions.Api;

/// <summary>Makes answers of the HTTP API: JSON, and problems in the form of RFC 9457.</summary>
internal static class ApiAnswers
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Runs a function of the API; errors that Nebula understands become problems.</summary>
    public static async Task<InvocationResponse> AnswerAsync(Func<Task<HttpAnswer>> run)
    {
        try
        {
            return new InvocationResponse { Http = await run().ConfigureAwait(false) };
        }
        catch (NebulaException e) when (StatusOf(e.Kind) is { } status)
        {
            return new InvocationResponse { Http = Problem(status, e.Message) };
        }
    }

    /// <summary>An answer with a JSON document.</summary>
    public static HttpAnswer Json(int status, Action<Utf8JsonWriter> write) => new(status, Render(write), "application/json");

    /// <summary>A problem.</summary>
    public static HttpAnswer Problem(int status, string detail) => new(status, Render(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, "about:blank");
        writer.WriteString("title"u8, status switch
        {
            400 => "Bad Request",
            404 => "Not Found",
            409 => "Conflict",
            429 => "Too Many Requests",
            503 => "Service Unavailable",
            _ => "Internal Server Error",
        });
        writer.WriteNumber("status"u8, status);
        writer.WriteString("detail"u8, detail);
        writer.WriteEndObject();
    }), "application/problem+json");

    private static int? StatusOf(ErrorKind kind) => kind switch
    {
        ErrorKind.Configuration or ErrorKind.Data => 400,
        ErrorKind.NotFound => 404,
        ErrorKind.Locked => 409,
        ErrorKind.Throttled => 429,
        ErrorKind.Transient => 503,
        // what the caller cannot mend is an error of the app, and shows as a failed call
        _ => null,
    };

    private static string Render(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
            write(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

using System.Buffers;
using System.Text;
using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Protocol;

namespace Nebula.Orchestration.Replay;

/// <summary>
/// The envelope in which an activity's result travels: <c>{"ok":true,"value":…}</c> or <c>{"ok":false,"error":{…}}</c>. A host that calls activities over
/// HTTP throws the body of a failed call away, so failures of the activity itself have to travel as results; and it rewrites numbers and dates of JSON
/// values, so that there the envelope is sent as a JSON string, which <see cref="Read"/> accepts too.
/// </summary>
internal static class ActivityResult
{
    private const int MaxDepth = 4;

    public static string Success<T>(Payload<T> payload, T value) => Write(writer =>
    {
        writer.WriteBoolean("ok"u8, true);
        writer.WritePropertyName("value"u8);
        payload.Write(writer, value);
    });

    public static string Failure(Exception error)
    {
        var details = FailureDetails.Of(error);
        return Write(writer =>
        {
            writer.WriteBoolean("ok"u8, false);
            writer.WritePropertyName("error"u8);
            WriteFailure(writer, details, (error as NebulaException)?.RetryAfter, 0);
        });
    }

    /// <summary>Reads an envelope.</summary>
    /// <exception cref="TaskFailedException">The activity failed.</exception>
    /// <exception cref="DataFormatException">The text is no envelope.</exception>
    public static T Read<T>(string? json, string activity, Payload<T> payload)
    {
        var what = $"The result of activity '{activity}'";
        var text = Encoding.UTF8.GetBytes(json ?? "null");
        try
        {
            var reader = new Utf8JsonReader(text);
            reader.Read();
            if (reader.TokenType == JsonTokenType.String)
            {
                text = Encoding.UTF8.GetBytes(reader.GetString()!);
                reader = new Utf8JsonReader(text);
                reader.Read();
            }
            PayloadJson.ExpectObject(ref reader);
            while (PayloadJson.NextMember(ref reader, out var name))
                switch (name)
                {
                    case "value":
                        return payload.Read(ref reader);
                    case "error":
                        var (failure, retryAfter) = ReadFailure(ref reader, 0);
                        throw new TaskFailedException(activity, failure) { RetryAfter = retryAfter };
                    default:
                        reader.Skip();
                        break;
                }
            throw new JsonException("neither 'value' nor 'error'");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or OverflowException)
        {
            throw PayloadJson.Malformed(text, what, e);
        }
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, PayloadJson.WriterOptions))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void WriteFailure(Utf8JsonWriter writer, FailureDetails failure, TimeSpan? retryAfter, int depth)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, failure.ErrorType);
        writer.WriteString("message"u8, failure.Message);
        writer.WriteBoolean("retriable"u8, !failure.IsNonRetriable);
        if (retryAfter is { } wait)
            writer.WriteNumber("retryAfterMs"u8, (long)wait.TotalMilliseconds);
        if (failure.StackTrace is { } trace)
            writer.WriteString("stackTrace"u8, trace);
        if (failure.Inner is { } inner && depth < MaxDepth)
        {
            writer.WritePropertyName("inner"u8);
            WriteFailure(writer, inner, null, depth + 1);
        }
        writer.WriteEndObject();
    }

    private static (FailureDetails Failure, TimeSpan? RetryAfter) ReadFailure(ref Utf8JsonReader reader, int depth)
    {
        PayloadJson.ExpectObject(ref reader);
        var failure = new FailureDetails("", "");
        TimeSpan? retryAfter = null;
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "type":
                    failure = failure with { ErrorType = reader.GetString() ?? "" };
                    break;
                case "message":
                    failure = failure with { Message = reader.GetString() ?? "" };
                    break;
                case "retriable":
                    failure = failure with { IsNonRetriable = !reader.GetBoolean() };
                    break;
                case "retryAfterMs":
                    retryAfter = TimeSpan.FromMilliseconds(Math.Clamp(reader.GetInt64(), 0, (long)TimeSpan.FromDays(1).TotalMilliseconds));
                    break;
                case "stackTrace":
                    failure = failure with { StackTrace = reader.GetString() };
                    break;
                case "inner" when depth < MaxDepth:
                    failure = failure with { Inner = ReadFailure(ref reader, depth + 1).Failure };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return (failure, retryAfter);
    }
}

using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Hosting;
using Nebula.Functions.Invocation;

namespace Nebula.Functions.Api;

/// <summary>What the app tells about itself.</summary>
internal static class InfoApi
{
    private static readonly Lazy<string> OpenApi = new(static () =>
    {
        using var stream = typeof(InfoApi).Assembly.GetManifestResourceStream("openapi.json")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    });

    /// <summary>The description of the API.</summary>
    public static Task<InvocationResponse> OpenApiAsync(HandlerServices handler, FunctionCall call) =>
        Task.FromResult(new InvocationResponse { Http = new HttpAnswer(200, OpenApi.Value, "application/json") });

    /// <summary>Whether the app can work. Anyone may ask, so that it names nothing.</summary>
    public static Task<InvocationResponse> HealthAsync(HandlerServices handler, FunctionCall call) => ApiAnswers.AnswerAsync(async () =>
    {
        var reachable = await IsStateReachableAsync(handler, call.CancellationToken).ConfigureAwait(false);
        return ApiAnswers.Json(reachable ? 200 : 503, writer => Write(writer, handler, reachable));
    });

    private static void Write(Utf8JsonWriter writer, HandlerServices handler, bool isReachable)
    {
        writer.WriteStartObject();
        writer.WriteString("status"u8, isReachable ? "ok" : "unavailable");
        writer.WriteString("version"u8, typeof(InfoApi).Assembly.GetName().Version?.ToString(3));
        writer.WriteNumber("pipelines"u8, handler.Pipelines.All.Count);
        writer.WriteNumber("unusablePipelines"u8, handler.Pipelines.All.Count(static pipeline => pipeline.Config is null));
        writer.WriteBoolean("stateReachable"u8, isReachable);
        writer.WriteEndObject();
    }

    private static async Task<bool> IsStateReachableAsync(HandlerServices handler, CancellationToken cancellationToken)
    {
        try
        {
            await handler.State.GetAsync("health", cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (NebulaException)
        {
            return false;
        }
    }
}

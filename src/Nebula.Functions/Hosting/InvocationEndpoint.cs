using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Durable;
using Nebula.Functions.Invocation;

namespace Nebula.Functions.Hosting;

/// <summary>What the host talks to: <c>GET /</c> to see whether the handler is there, <c>POST /{function}</c> for each call.</summary>
/// <param name="functions">The functions.</param>
/// <param name="services">What they work with; made while the host talks already.</param>
/// <param name="lifetime">Counts the calls.</param>
/// <param name="log">Takes messages.</param>
internal sealed class InvocationEndpoint(IReadOnlyList<FunctionDefinition> functions, Task<HandlerServices> services, HandlerLifetime lifetime, ILogger log)
{
    private readonly Dictionary<string, FunctionDefinition> _functions =
        functions.ToDictionary(static function => function.Name, StringComparer.OrdinalIgnoreCase);

    /// <summary>Answers one request.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "/";
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
            await WriteAsync(context, path == "/" ? 200 : 404, "{}"u8.ToArray()).ConfigureAwait(false);
        else if (!HttpMethods.IsPost(context.Request.Method) || !_functions.TryGetValue(path[1..], out var function))
            await WriteAsync(context, 404, Encoding.UTF8.GetBytes("""{"error":"There is no such function."}""")).ConfigureAwait(false);
        else
            await InvokeAsync(context, function).ConfigureAwait(false);
    }

    private async Task InvokeAsync(HttpContext context, FunctionDefinition function)
    {
        var headers = context.Request.Headers;
        var traceParent = headers.TraceParent.FirstOrDefault();
        var invocationId = headers["X-Azure-Functions-InvocationId"].FirstOrDefault() ?? "";
        lifetime.Enter();
        using var span = Telemetry.Begin(function.Name, invocationId, traceParent, headers.TraceState.FirstOrDefault());
        using var scope = CallScope.Enter(new CallScope(function.Name, invocationId, span?.Id ?? traceParent, null));
        try
        {
            var answer = await RunAsync(context, function, invocationId).ConfigureAwait(false);
            await WriteAsync(context, 200, answer.ToUtf8()).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            log.LogWarning("The host gave the call up");
        }
        catch (Exception e)
        {
            // the host throws the body away: what went wrong stands in the log only
            Telemetry.Failed(e.Message);
            log.LogError(e, "The call failed");
            await WriteAsync(context, e is DataFormatException ? 400 : 500, "{}"u8.ToArray()).ConfigureAwait(false);
        }
        finally
        {
            lifetime.Leave();
        }
    }

    private async Task<InvocationResponse> RunAsync(HttpContext context, FunctionDefinition function, string invocationId)
    {
        var body = await ReadBodyAsync(context.Request).ConfigureAwait(false);
        InvocationRequest request;
        try
        {
            request = InvocationRequest.Read(body);
        }
        catch (DataFormatException e) when (function.IsOrchestrator)
        {
            log.LogError(e, "The call is none");
            return OrchestratorFunctions.Failed(e);
        }
        HandlerServices handler;
        try
        {
            handler = await services.ConfigureAwait(false);
        }
        catch (Exception) when (function.IsOrchestrator)
        {
            return OrchestratorFunctions.Later(request);
        }
        return await function.Run(handler, new FunctionCall(function.Name, invocationId, request, context.RequestAborted)).ConfigureAwait(false);
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBodyAsync(HttpRequest request)
    {
        const int MaxReserved = 1 << 24;
        var body = new MemoryStream((int)Math.Clamp(request.ContentLength ?? 4096, 0, MaxReserved));
        await request.Body.CopyToAsync(body, request.HttpContext.RequestAborted).ConfigureAwait(false);
        return body.GetBuffer().AsMemory(0, (int)body.Length);
    }

    private static async Task WriteAsync(HttpContext context, int status, ReadOnlyMemory<byte> body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(body).ConfigureAwait(false);
    }
}

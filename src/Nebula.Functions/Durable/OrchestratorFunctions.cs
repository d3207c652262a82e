using System.Buffers.Text;
using Microsoft.Extensions.Logging;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Hosting;
using Nebula.Functions.Invocation;
using Nebula.Orchestration.Protocol;

namespace Nebula.Functions.Durable;

/// <summary>Answers orchestrator turns: history in, actions out, as base64 of protobuf messages. An answer other than 200 ends the instance, so that there is
/// none: what cannot be run now is asked for again, what cannot be run at all fails with a reason.</summary>
internal static class OrchestratorFunctions
{
    private static int _isKnown;

    /// <summary>Runs one turn. Never throws.</summary>
    public static async Task<InvocationResponse> RunAsync(HandlerServices handler, FunctionCall call)
    {
        try
        {
            return await ExecuteAsync(handler, call).ConfigureAwait(false);
        }
        catch (OutOfMemoryException)
        {
            return Later(call.Request);
        }
        catch (Exception e)
        {
            handler.Log.LogError(e, "A turn cannot be run");
            return Failed(e);
        }
    }

    /// <summary>Answers a turn that cannot be run now: the extension gives it up and sends it again.</summary>
    public static InvocationResponse Later(InvocationRequest request)
    {
        try
        {
            return Encode(Later(Decode(request.Single.ToUtf8() ?? []).InstanceId));
        }
        catch (DataFormatException e)
        {
            return Failed(e);
        }
    }

    /// <summary>Answers a turn that can never be run: the instance ends with the reason.</summary>
    public static InvocationResponse Failed(Exception error)
    {
        var failure = FailureDetails.Of(error);
        return Encode(new OrchestratorResponse("", [new CompleteOrchestration(0, OrchestrationStatus.Failed, failure.Message) { Failure = failure }], null));
    }

    private static async Task<InvocationResponse> ExecuteAsync(HandlerServices handler, FunctionCall call)
    {
        var text = call.Request.Single.ToUtf8() ?? [];
        if (text is [(byte)'{', ..])
            return OldProtocol(handler);
        var request = Decode(text);
        using var scope = CallScope.ForInstance(request.InstanceId);
        TellExtension(handler, request);
        if (request.HasProperties && handler.Lifetime.IsStopping)
            return Encode(Later(request.InstanceId));
        handler.Log.LogDebug("Turn with {Past} old and {New} new events", request.PastEvents.Count, request.NewEvents.Count);
        var response = handler.Executor.Execute(request);
        await handler.Records.AddAsync(request, response).ConfigureAwait(false);
        return Encode(response);
    }

    /// <summary>Says once what the host's durable extension can do.</summary>
    private static void TellExtension(HandlerServices handler, OrchestratorRequest request)
    {
        if (Interlocked.Exchange(ref _isKnown, 1) != 0)
            return;
        if (request.HasProperties)
            handler.Log.LogInformation("The durable extension is of version 3 or newer");
        else
            handler.Log.LogWarning("The durable extension is older than version 3: turns that it sends while the handler ends cannot be put off. "
                + "Use an extension bundle of 4.34 or newer");
    }

    private static OrchestratorResponse Later(string instanceId) => new(instanceId, [], null) { RequiresHistory = true };

    private static OrchestratorRequest Decode(byte[] text)
    {
        var status = Base64.DecodeFromUtf8InPlace(text, out var length);
        return status == System.Buffers.OperationStatus.Done && length > 0 ? OrchestratorMessageCodec.ReadRequest(text.AsSpan(0, length))
            : throw new DataFormatException("The orchestrator's input is no base64 of a Durable Task message.");
    }

    private static InvocationResponse Encode(OrchestratorResponse response) =>
        new() { ReturnValue = Convert.ToBase64String(OrchestratorMessageCodec.WriteResponse(response)) };

    private static InvocationResponse OldProtocol(HandlerServices handler)
    {
        const string Reason = "The durable extension speaks its JSON protocol. "
            + "Set FUNCTIONS_WORKER_RUNTIME to 'custom', and use an extension bundle of 4.12 or newer.";
        handler.Log.LogError("{Reason}", Reason);
        // that protocol takes this as a failed orchestration
        return new InvocationResponse { ReturnValue = $$"""{"isDone":true,"actions":[],"error":"{{Reason}}"}""" };
    }
}

using System.Globalization;
using Microsoft.Extensions.Logging;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Hosting;
using Nebula.Functions.Invocation;
using Nebula.Functions.Runs;

namespace Nebula.Functions.Triggers;

/// <summary>Messages that start runs. One that can never be used is recorded and taken off the queue; one that cannot be used now fails, so that the queue
/// delivers it again, and after some times puts it aside.</summary>
internal static class MessageTriggers
{
    /// <summary>A message of a storage queue.</summary>
    public static Task<InvocationResponse> QueueAsync(HandlerServices handler, FunctionCall call) => RunAsync(handler, call, "queue", "Id", "InsertionTime");

    /// <summary>A message of a Service Bus queue.</summary>
    public static async Task<InvocationResponse> ServiceBusAsync(HandlerServices handler, FunctionCall call)
    {
        try
        {
            return await RunAsync(handler, call, "servicebus", "MessageId", "EnqueuedTimeUtc").ConfigureAwait(false);
        }
        catch (NebulaException)
        {
            // a message that fails comes again at once, and all its deliveries would be used up within a second; of storage queues host.json says how
            // long they wait
            await Task.Delay(handler.Settings.RedeliveryPause, handler.Lifetime.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    /// <summary>Records a message that can never be used.</summary>
    public static async Task RejectAsync(HandlerServices handler, FunctionCall call, string trigger, string text, NebulaException error)
    {
        var id = call.Request.Metadata("Id") ?? call.Request.Metadata("MessageId") ?? call.InvocationId;
        var key = await handler.Launcher.Slots.PutRejectedAsync(
            trigger, Occasions.Of("message", id), error.Message, text, DateTime.UtcNow, call.CancellationToken).ConfigureAwait(false);
        handler.Log.LogError("A message was rejected and recorded as '{Key}': {Reason}", key, error.Message);
    }

    /// <summary>Whether an error stays when the message is delivered again.</summary>
    public static bool IsPermanent(NebulaException error) => error.Kind is ErrorKind.Configuration or ErrorKind.NotFound or ErrorKind.Data;

    /// <summary>A time that the trigger tells beside the message.</summary>
    /// <param name="text">The time; null when it does not tell.</param>
    public static DateTime TimeOf(string? text) => DateTime.TryParse(
        text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : DateTime.UtcNow;

    private static async Task<InvocationResponse> RunAsync(HandlerServices handler, FunctionCall call, string trigger, string id, string time)
    {
        var text = call.Request.Get(FunctionList.Trigger).ToText() ?? "";
        RunMessage message;
        try
        {
            message = RunMessage.Parse(text);
            handler.Pipelines.Get(message.Pipeline);
        }
        catch (NebulaException e) when (IsPermanent(e))
        {
            await RejectAsync(handler, call, trigger, text, e).ConfigureAwait(false);
            return InvocationResponse.Done;
        }
        // from here on the message is not to blame, whatever the extension or the state answers
        var occasion = Occasions.Of(trigger, call.Request.Metadata(id) ?? call.InvocationId);
        var request = new RunRequest(message.Pipeline, occasion, TimeOf(call.Request.Metadata(time))) { Options = message.Options };
        var client = handler.Clients.Of(call.Request);
        var launch = await handler.Launcher.LaunchAsync(client, request, WhenBusy.Wait, call.CancellationToken).ConfigureAwait(false);
        handler.Log.LogInformation("A message asks for pipeline {Pipeline}: run {Run}, {Outcome}", message.Pipeline, launch.RunId, launch.Outcome);
        return InvocationResponse.Done;
    }
}

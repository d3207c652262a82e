using Microsoft.Extensions.Logging;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Hosting;
using Nebula.Functions.Invocation;
using Nebula.Functions.Runs;

namespace Nebula.Functions.Triggers;

/// <summary>Blobs that arrive, told by Event Grid through a storage queue: a blob trigger of the host would send the blob itself with each call.</summary>
internal static class BlobTrigger
{
    /// <summary>Runs the pipelines that wait for a blob, once for each version of it.</summary>
    public static async Task<InvocationResponse> RunAsync(HandlerServices handler, FunctionCall call)
    {
        var text = call.Request.Get(FunctionList.Trigger).ToText() ?? "";
        IReadOnlyList<BlobEvent> events;
        try
        {
            events = BlobEvent.Parse(text);
        }
        catch (NebulaException e) when (MessageTriggers.IsPermanent(e))
        {
            await MessageTriggers.RejectAsync(handler, call, "blob", text, e).ConfigureAwait(false);
            return InvocationResponse.Done;
        }
        foreach (var blob in events)
            await RunAsync(handler, call, blob).ConfigureAwait(false);
        // nobody knows which blobs a pipeline that cannot be read waits for: what it may miss is kept
        if (events.Any(static blob => blob.Type == BlobEvent.Created)
            && handler.Pipelines.All.Where(static pipeline => pipeline.Config is null).Select(static pipeline => $"'{pipeline.Name}'").ToList() is [_, ..] unusable)
            await MessageTriggers.RejectAsync(handler, call, "blob", text, NebulaException.Configuration(
                $"It may be for {string.Join(", ", unusable)}, which cannot be used. Mend that, deploy, and send the message again.")).ConfigureAwait(false);
        return InvocationResponse.Done;
    }

    private static async Task RunAsync(HandlerServices handler, FunctionCall call, BlobEvent blob)
    {
        if (blob.Type != BlobEvent.Created)
            return;
        var wanted = handler.Pipelines.All.Where(pipeline =>
            pipeline.Config?.Triggers.BlobPath is { } pattern && BlobPattern.Matches(pattern, blob.Path)).ToList();
        if (wanted.Count == 0)
            handler.Log.LogInformation("No pipeline waits for the blob {Path}", blob.Path);
        foreach (var pipeline in wanted)
        {
            var request = new RunRequest(pipeline.Name, Occasions.Of("blob", blob.Version, blob.Url), blob.At);
            var client = handler.Clients.Of(call.Request);
            var launch = await handler.Launcher.LaunchAsync(client, request, WhenBusy.Wait, call.CancellationToken).ConfigureAwait(false);
            handler.Log.LogInformation("Blob {Path} is for pipeline {Pipeline}: run {Run}, {Outcome}", blob.Path, pipeline.Name, launch.RunId, launch.Outcome);
        }
    }
}

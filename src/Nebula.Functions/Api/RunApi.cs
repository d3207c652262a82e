using System.Globalization;
using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Durable;
using Nebula.Functions.Hosting;
using Nebula.Functions.Invocation;
using Nebula.Functions.Runs;
using Nebula.Functions.Triggers;
using Nebula.Orchestration;
using Nebula.Orchestration.Protocol;
using Nebula.Orchestration.Sync;

namespace Nebula.Functions.Api;

/// <summary>Runs over HTTP: start, look at, control.</summary>
internal static class RunApi
{
    private const int MaxTop = 100;

    /// <summary>Starts a run, or joins the one that is under way.</summary>
    public static Task<InvocationResponse> StartAsync(HandlerServices handler, FunctionCall call) => ApiAnswers.AnswerAsync(async () =>
    {
        var http = HttpCall.Read(call.Request.Get(FunctionList.Trigger));
        var message = RunMessage.Parse(http.Body ?? throw NebulaException.Configuration(
            "The request has no body. Send it with its length: the Functions host drops one that is sent in chunks."));
        var key = http.Headers.GetValueOrDefault("Idempotency-Key");
        var occasion = Occasions.Of("http", key ?? Guid.NewGuid().ToString("n"));
        var request = new RunRequest(message.Pipeline, occasion, DateTime.UtcNow) { Options = message.Options };
        var launch = await handler.Launcher.LaunchAsync(handler.Clients.Of(call.Request), request, WhenBusy.Join, call.CancellationToken).ConfigureAwait(false);
        var address = new Uri(http.Url, $"{http.Url.AbsolutePath.TrimEnd('/')}/{Uri.EscapeDataString(launch.RunId)}").AbsoluteUri;
        return ApiAnswers.Json(202, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, launch.RunId);
            writer.WriteString("pipeline"u8, message.Pipeline);
            writer.WriteBoolean("joined"u8, launch.Outcome == LaunchOutcome.Joined);
            if (launch.Outcome == LaunchOutcome.Joined && !message.Options.IsEmpty)
                writer.WriteString("note"u8, "Another run of the pipeline is under way; the streams and variables of this call are not part of it.");
            writer.WriteString("statusUrl"u8, address);
            writer.WriteString("cancelUrl"u8, address + "/cancel");
            writer.WriteString("pauseUrl"u8, address + "/pause");
            writer.WriteString("resumeUrl"u8, address + "/resume");
            writer.WriteEndObject();
        }) with
        { Headers = [new("Location", address), new("Retry-After", "5")] };
    });

    /// <summary>Lists runs.</summary>
    public static Task<InvocationResponse> ListAsync(HandlerServices handler, FunctionCall call) => ApiAnswers.AnswerAsync(async () =>
    {
        var http = HttpCall.Read(call.Request.Get(FunctionList.Trigger));
        var client = handler.Clients.Of(call.Request);
        var query = QueryOf(http);
        List<InstanceState> runs = [];
        do
        {
            var page = await client.QueryAsync(query, call.CancellationToken).ConfigureAwait(false);
            runs.AddRange(page.Instances.Where(static instance => instance.Name.Equals(SyncDefinitions.SyncRun.Name, StringComparison.OrdinalIgnoreCase)));
            query = query with { ContinuationToken = page.ContinuationToken };
        }
        while (runs.Count < query.MaxInstances && query.ContinuationToken is not null);
        return ApiAnswers.Json(200, writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("runs"u8);
            foreach (var run in runs)
                Write(writer, run);
            writer.WriteEndArray();
            if (query.ContinuationToken is { } token)
                writer.WriteString("continuationToken"u8, token);
            writer.WriteEndObject();
        });
    });

    /// <summary>Tells how far a run is, and what came of it.</summary>
    public static Task<InvocationResponse> GetAsync(HandlerServices handler, FunctionCall call) => ApiAnswers.AnswerAsync(async () =>
    {
        var id = IdOf(HttpCall.Read(call.Request.Get(FunctionList.Trigger)));
        if (await handler.Clients.Of(call.Request).FindAsync(id, true, call.CancellationToken).ConfigureAwait(false) is { } run)
            return ApiAnswers.Json(200, writer => Write(writer, run));
        var (slot, _) = await handler.Launcher.Slots.FindAsync(RunRequest.PipelineOf(id), call.CancellationToken).ConfigureAwait(false);
        if (slot?.Run.RunId != id && slot?.Waiting.Any(waiting => waiting.RunId == id) != true)
            throw Unknown(id);
        return ApiAnswers.Json(200, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, id);
            writer.WriteString("pipeline"u8, slot.Run.Pipeline);
            writer.WriteString("status"u8, slot.Run.RunId == id ? "pending" : "waiting");
            writer.WriteEndObject();
        });
    });

    /// <summary>Cancels, pauses, resumes or terminates a run.</summary>
    public static Task<InvocationResponse> ControlAsync(HandlerServices handler, FunctionCall call) => ApiAnswers.AnswerAsync(async () =>
    {
        var http = HttpCall.Read(call.Request.Get(FunctionList.Trigger));
        var id = IdOf(http);
        var operation = http.Parameters.GetValueOrDefault("operation") ?? "";
        var signal = operation switch
        {
            "cancel" => SyncDefinitions.CancelEvent,
            "pause" => SyncDefinitions.PauseEvent,
            "resume" => SyncDefinitions.ResumeEvent,
            "terminate" => null,
            _ => throw NebulaException.NotFound($"A run has no operation '{operation}'. There are cancel, pause, resume and terminate."),
        };
        var client = handler.Clients.Of(call.Request);
        var run = await client.FindAsync(id, false, call.CancellationToken).ConfigureAwait(false);
        if (run is null)
        {
            // one that waits for its pipeline has no instance yet
            if (operation is not ("cancel" or "terminate") || !await handler.Launcher.WithdrawAsync(id, call.CancellationToken).ConfigureAwait(false))
                throw Unknown(id);
            return Accepted(id, operation);
        }
        if (run.IsEnded)
            throw new NebulaException(ErrorKind.Locked, $"Run '{id}' has ended: it is {StatusOf(run.Status)}.");
        if (signal is null)
        {
            const string Reason = "Terminated over the API.";
            await handler.Launcher.NoteTerminatedAsync(id, call.CancellationToken).ConfigureAwait(false);
            await client.ControlAsync(InstanceControl.Terminate, id, Reason, call.CancellationToken).ConfigureAwait(false);
            await Descendants.TerminateAsync(client, id, Reason, call.CancellationToken).ConfigureAwait(false);
            await handler.Records.AddTerminatedAsync(run, Reason).ConfigureAwait(false);
        }
        else
            await client.RaiseEventAsync(id, signal, "null", call.CancellationToken).ConfigureAwait(false);
        return Accepted(id, operation);
    });

    private static HttpAnswer Accepted(string id, string operation) => ApiAnswers.Json(202, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("id"u8, id);
        writer.WriteString("accepted"u8, operation);
        writer.WriteEndObject();
    });

    private static InstanceQuery QueryOf(HttpCall http)
    {
        var top = MaxTop;
        if (http.Query.GetValueOrDefault("top") is { } text
            && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out top) || top is < 1 or > MaxTop))
            throw NebulaException.Configuration($"'top' must be a whole number from 1 to {MaxTop}; it is '{text}'.");
        return new InstanceQuery
        {
            MaxInstances = top,
            ContinuationToken = http.Query.GetValueOrDefault("continuationToken"),
            InstanceIdPrefix = http.Query.GetValueOrDefault("pipeline") is { } pipeline ? pipeline + "." : null,
            Statuses = http.Query.GetValueOrDefault("status") is { } status ? [.. status.Split(',').SelectMany(StatusesOf)] : [],
            WithPayloads = true,
        };
    }

    private static OrchestrationStatus[] StatusesOf(string name) => name switch
    {
        "running" => [OrchestrationStatus.Running, OrchestrationStatus.ContinuedAsNew],
        "pending" => [OrchestrationStatus.Pending],
        "suspended" => [OrchestrationStatus.Suspended],
        "completed" => [OrchestrationStatus.Completed],
        "failed" => [OrchestrationStatus.Failed],
        "terminated" => [OrchestrationStatus.Terminated],
        _ => throw NebulaException.Configuration(
            $"'{name}' is no status to ask for. There are running, pending, suspended, completed, failed and terminated."),
    };

    private static void Write(Utf8JsonWriter writer, InstanceState run)
    {
        var result = Try(run.Status == OrchestrationStatus.Completed ? run.Output : null, SyncDefinitions.SyncRun.Output);
        writer.WriteStartObject();
        writer.WriteString("id"u8, run.InstanceId);
        writer.WriteString("pipeline"u8, RunRequest.PipelineOf(run.InstanceId));
        writer.WriteString("status"u8, result is null ? StatusOf(run.Status) : OutcomeOf(result));
        writer.WriteString("createdAt"u8, run.CreatedAt);
        writer.WriteString("updatedAt"u8, run.LastUpdatedAt);
        if (Try(run.CustomStatus, SyncDefinitions.Status) is { } progress)
        {
            writer.WritePropertyName("progress"u8);
            SyncDefinitions.Status.Write(writer, progress);
        }
        if (result is not null)
        {
            writer.WritePropertyName("result"u8);
            SyncDefinitions.SyncRun.Output.Write(writer, result);
        }
        if (run.Status is OrchestrationStatus.Failed or OrchestrationStatus.Terminated && (run.Failure?.Message ?? run.Output) is { } error)
            writer.WriteString("error"u8, error);
        writer.WriteEndObject();
    }

    private static T? Try<T>(string? json, Payload<T> payload) where T : class
    {
        try
        {
            return json is null ? null : payload.FromJson(json, "The run");
        }
        catch (DataFormatException)
        {
            return null;
        }
    }

    private static string OutcomeOf(SyncResult result) => result switch
    {
        { Failed: > 0, Completed: > 0 } => "partial",
        { Failed: > 0 } => "failed",
        { Cancelled: > 0 } => "cancelled",
        _ => "completed",
    };

    private static string StatusOf(OrchestrationStatus status) =>
        status == OrchestrationStatus.ContinuedAsNew ? "running" : status.ToString().ToLowerInvariant();

    private static string IdOf(HttpCall http)
    {
        var id = http.Parameters.GetValueOrDefault("id") ?? "";
        InstanceIds.Check(id);
        return id;
    }

    private static NebulaException Unknown(string id) => NebulaException.NotFound($"There is no run '{id}'. Runs are kept for a while after they end.");
}

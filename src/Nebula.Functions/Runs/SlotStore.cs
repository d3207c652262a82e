using System.Globalization;
using System.Text.Json;
using Nebula.Orchestration;
using Nebula.Orchestration.State;

namespace Nebula.Functions.Runs;

/// <summary>Keeps what the app knows about its pipelines: slots, occasions that were merged into another's run, times of schedules.</summary>
/// <param name="store">Where it is kept.</param>
internal sealed class SlotStore(IStateStore store)
{
    private const string Occasions = "occasions/";
    private const string Rejected = "rejected/";
    private static readonly Payload<PipelineSlot> Slots = new(WriteSlot, ReadSlot);
    private static readonly Payload<ScheduleTimes> Schedules = new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteString("schedule"u8, value.Schedule);
        writer.WriteString("last"u8, value.Last);
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var element = JsonElement.ParseValue(ref reader);
        return new ScheduleTimes(element.GetProperty("schedule"u8).GetString() ?? "", Utc(element.GetProperty("last"u8)));
    });

    /// <summary>Reads a pipeline's slot.</summary>
    /// <returns>Null when the pipeline never ran; and what <see cref="TryPutAsync"/> wants.</returns>
    public async Task<(PipelineSlot? Slot, StateEntry? Entry)> FindAsync(string pipeline, CancellationToken cancellationToken)
    {
        var key = SlotKey(pipeline);
        var entry = await store.GetAsync(key, cancellationToken).ConfigureAwait(false);
        return (entry is null ? null : Slots.FromUtf8(entry.Content.Span, $"The state '{key}'"), entry);
    }

    /// <summary>Changes a pipeline's slot, unless someone else did since it was read.</summary>
    /// <returns>Whether it was changed.</returns>
    public async Task<bool> TryPutAsync(PipelineSlot slot, StateEntry? before, CancellationToken cancellationToken)
    {
        try
        {
            await store.PutAsync(SlotKey(slot.Run.Pipeline), Slots.ToUtf8(slot), StateCondition.IfUnchanged(before), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (StateConflictException)
        {
            return false;
        }
    }

    /// <summary>Notes that another run counts for an occasion.</summary>
    public Task PutOccasionAsync(RunRequest request, string runId, CancellationToken cancellationToken) =>
        store.PutAsync(OccasionKey(request), Payload.String.ToUtf8(runId), StateCondition.None, cancellationToken);

    /// <summary>Tells which other run counts for an occasion.</summary>
    /// <returns>Null for none.</returns>
    public async Task<string?> FindOccasionAsync(RunRequest request, CancellationToken cancellationToken) =>
        await store.GetAsync(OccasionKey(request), cancellationToken).ConfigureAwait(false) is { } entry
            ? Payload.String.FromUtf8(entry.Content.Span, $"The state '{OccasionKey(request)}'") : null;

    /// <summary>Forgets occasions before a day, which nothing repeats any more, and messages that were rejected before it.</summary>
    public async Task RemoveOldAsync(DateTime before, CancellationToken cancellationToken)
    {
        var day = Day(before);
        foreach (var prefix in (string[])[Occasions, Rejected])
            await foreach (var key in store.ListAsync(prefix, cancellationToken).ConfigureAwait(false))
                if (string.CompareOrdinal(key.Split('/')[1], day) < 0)
                    await store.DeleteAsync(key, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads which time of a pipeline's schedule was the last that counted.</summary>
    public async Task<ScheduleTimes?> FindScheduleAsync(string pipeline, CancellationToken cancellationToken)
    {
        var key = ScheduleKey(pipeline);
        return await store.GetAsync(key, cancellationToken).ConfigureAwait(false) is { } entry
            ? Schedules.FromUtf8(entry.Content.Span, $"The state '{key}'") : null;
    }

    /// <summary>Writes which time of a pipeline's schedule was the last that counted.</summary>
    public Task PutScheduleAsync(string pipeline, ScheduleTimes times, CancellationToken cancellationToken) =>
        store.PutAsync(ScheduleKey(pipeline), Schedules.ToUtf8(times), StateCondition.None, cancellationToken);

    /// <summary>Keeps a message that cannot be used, for people to look at.</summary>
    /// <returns>The key under which it is.</returns>
    public async Task<string> PutRejectedAsync(string trigger, string id, string reason, string text, DateTime at, CancellationToken cancellationToken)
    {
        const int MaxText = 8_000;
        var key = $"{Rejected}{Day(at)}/{StateKeys.Segment($"{trigger}-{id}")}";
        var document = new Payload<string>((writer, value) =>
        {
            writer.WriteStartObject();
            writer.WriteString("at"u8, at);
            writer.WriteString("trigger"u8, trigger);
            writer.WriteString("reason"u8, reason);
            writer.WriteString("message"u8, value);
            writer.WriteEndObject();
        }, static (ref reader) => reader.GetString() ?? "");
        var content = document.ToUtf8(text.Length > MaxText ? text[..MaxText] : text);
        await store.PutAsync(key, content, StateCondition.None, cancellationToken).ConfigureAwait(false);
        return key;
    }

    private static string SlotKey(string pipeline) => $"slots/{StateKeys.Segment(pipeline)}";

    private static string ScheduleKey(string pipeline) => $"schedules/{StateKeys.Segment(pipeline)}";

    private static string OccasionKey(RunRequest request) =>
        $"{Occasions}{Day(request.At)}/{StateKeys.Segment(request.Pipeline)}/{StateKeys.Segment(request.Occasion)}";

    private static string Day(DateTime time) => time.ToString("yyyyMMdd", CultureInfo.InvariantCulture);

    private static void WriteSlot(Utf8JsonWriter writer, PipelineSlot slot)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("run"u8);
        WriteRequest(writer, slot.Run);
        writer.WriteString("since"u8, slot.Since);
        writer.WriteBoolean("isStarted"u8, slot.IsStarted);
        if (slot.IsTerminated)
            writer.WriteBoolean("isTerminated"u8, true);
        writer.WriteNumber("recoveries"u8, slot.Recoveries);
        writer.WriteStartArray("waiting"u8);
        foreach (var request in slot.Waiting)
            WriteRequest(writer, request);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static PipelineSlot ReadSlot(ref Utf8JsonReader reader)
    {
        var element = JsonElement.ParseValue(ref reader);
        try
        {
            return new PipelineSlot(ReadRequest(element.GetProperty("run"u8)))
            {
                Since = Utc(element.GetProperty("since"u8)),
                IsStarted = element.GetProperty("isStarted"u8).GetBoolean(),
                IsTerminated = element.TryGetProperty("isTerminated"u8, out var terminated) && terminated.GetBoolean(),
                Recoveries = element.GetProperty("recoveries"u8).GetInt32(),
                Waiting = [.. element.GetProperty("waiting"u8).EnumerateArray().Select(ReadRequest)],
            };
        }
        catch (KeyNotFoundException e)
        {
            throw new JsonException(e.Message);
        }
    }

    private static void WriteRequest(Utf8JsonWriter writer, RunRequest request)
    {
        writer.WriteStartObject();
        writer.WriteString("pipeline"u8, request.Pipeline);
        writer.WriteString("occasion"u8, request.Occasion);
        writer.WriteString("at"u8, request.At);
        if (!request.Options.IsEmpty)
        {
            writer.WritePropertyName("options"u8);
            request.Options.Write(writer);
        }
        writer.WriteEndObject();
    }

    private static RunRequest ReadRequest(JsonElement element) => new(
        element.GetProperty("pipeline"u8).GetString() ?? "", element.GetProperty("occasion"u8).GetString() ?? "", Utc(element.GetProperty("at"u8)))
    {
        Options = element.TryGetProperty("options"u8, out var options) ? RunOptions.Read(options) : new RunOptions(),
    };

    private static DateTime Utc(JsonElement element) => element.GetDateTime().ToUniversalTime();
}

/// <summary>Which time of a schedule was the last that counted.</summary>
/// <param name="Schedule">The schedule: another one begins anew.</param>
/// <param name="Last">The time, UTC.</param>
internal sealed record ScheduleTimes(string Schedule, DateTime Last);

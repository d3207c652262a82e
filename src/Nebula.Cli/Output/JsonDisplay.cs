using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Cli.Running;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Storage;

namespace Nebula.Cli.Output;

/// <summary>Tells programs about a run: one JSON object a line, the last of them the account. <c>nebula schema run-summary</c> describes them.</summary>
internal sealed class JsonDisplay(Stream target, Log log) : IRunDisplay, IDisposable
{
    private readonly Lock _lock = new();
    private readonly MemoryStream _line = new();
    private RunExecution? _run;

    public TimeSpan RefreshInterval => TimeSpan.FromSeconds(1);

    public void RunStarted(RunExecution run)
    {
        _run = run;
        Write("run_started", json =>
        {
            json.WriteString("pipeline", run.Plan.Name);
            json.WriteStartArray("streams");
            foreach (var stream in run.Streams)
                json.WriteStringValue(stream.Job.Name);
            json.WriteEndArray();
        });
    }

    public void StreamStarted(StreamExecution stream) => Write("stream_started", stream, json => json.WriteString("target", stream.Job.Target));

    public void StreamPlanned(StreamExecution stream) => Write("stream_planned", stream, json =>
    {
        json.WriteStartArray("columns");
        foreach (var column in stream.Plan!.Columns)
        {
            json.WriteStartObject();
            json.WriteString("name", column.Field.Name);
            json.WriteString("type", column.Field.Type.ToString());
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public void StreamRestarted(StreamExecution stream, string reason) =>
        Write("stream_restarted", stream, json => json.WriteString("reason", log.Redact(reason)));

    public void StreamWarned(StreamExecution stream, string warning) =>
        Write("stream_warned", stream, json => json.WriteString("warning", log.Redact(warning)));

    public void StreamEnded(StreamExecution stream) =>
        Write(stream.State == StreamState.Completed ? "stream_completed" : "stream_failed", json => WriteAccount(json, stream));

    public void Refresh()
    {
        foreach (var stream in _run!.Streams.Where(static stream => stream.State == StreamState.Running))
            Write("stream_progress", stream, json =>
            {
                WriteCounts(json, new Progress(stream));
                WriteRepair(json, stream);
            });
    }

    public void RunCompleted(RunExecution run) => Write("run_completed", json =>
    {
        json.WriteString("pipeline", run.Plan.Name);
        json.WriteString("status", run.ExitCode switch
        {
            ExitCode.Success => "succeeded",
            ExitCode.Partial => "partial",
            ExitCode.Interrupted => "interrupted",
            _ => "failed",
        });
        json.WriteNumber("exit_code", run.ExitCode);
        json.WriteString("started_at", run.StartedAt);
        json.WriteNumber("seconds", Math.Round(run.Elapsed.TotalSeconds, 3));
        json.WriteNumber("peak_memory_bytes", ProcessMemory.Peak);
        json.WriteStartArray("streams");
        foreach (var stream in run.Streams)
        {
            json.WriteStartObject();
            WriteAccount(json, stream);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });

    public void Dispose()
    {
        target.Dispose();
        _line.Dispose();
    }

    private void WriteAccount(Utf8JsonWriter json, StreamExecution stream)
    {
        json.WriteString("stream", stream.Job.Name);
        json.WriteString("state", stream.State switch
        {
            StreamState.Completed => "completed",
            StreamState.Interrupted => "interrupted",
            StreamState.OutputClosed => "output_closed",
            _ => "failed",
        });
        json.WriteString("target", stream.Job.Target);
        json.WriteStartArray("locations");
        foreach (var location in stream.Locations ?? [])
            json.WriteStringValue(location);
        json.WriteEndArray();
        WriteCounts(json, new Progress(stream));
        json.WriteStartArray("restarts");
        foreach (var reason in stream.Restarts)
            json.WriteStringValue(log.Redact(reason));
        json.WriteEndArray();
        if (stream.QuarantinedAt is { } quarantine)
            json.WriteString("quarantine", quarantine);
        WriteRepair(json, stream);
        if (stream.Metrics.Latency is { } latency)
        {
            json.WriteStartObject("latency_ms");
            json.WriteNumber("last", latency.Last.TotalMilliseconds);
            json.WriteNumber("p50", latency.Percentile(0.5).TotalMilliseconds);
            json.WriteNumber("p99", latency.Percentile(0.99).TotalMilliseconds);
            json.WriteNumber("max", latency.Longest.TotalMilliseconds);
            json.WriteEndObject();
        }
        if (stream.Metrics.Storage is { } storage)
        {
            json.WriteStartObject("storage");
            json.WriteString("mode", storage.Mode == StorageMode.Row ? "row" : "columnar");
            json.WriteNumber("switches", storage.Switches);
            json.WriteNumber("live_bytes_per_record", Math.Round(storage.BytesPerRecord, 1));
            json.WriteEndObject();
        }
        if (stream.Error is { } error)
            WriteError(json, error);
    }

    private static void WriteRepair(Utf8JsonWriter json, StreamExecution stream)
    {
        if (stream.Metrics.Repair is not { } repair)
            return;
        json.WriteStartObject("repair");
        json.WriteNumber("rows", repair.Rows);
        json.WriteNumber("rows_compared", repair.Compared);
        json.WriteNumber("rows_transferred", repair.Differing);
        json.WriteEndObject();
    }

    private static void WriteCounts(Utf8JsonWriter json, Progress progress)
    {
        json.WriteNumber("rows_read", progress.Read);
        json.WriteNumber("rows_written", progress.Written);
        json.WriteNumber("rows_skipped", progress.Skipped);
        json.WriteNumber("rows_quarantined", progress.Quarantined);
        json.WriteNumber("bytes_read", progress.BytesRead);
        if (progress.TotalBytes is { } total)
            json.WriteNumber("bytes_total", total);
        json.WriteNumber("bytes_written", progress.BytesWritten);
        json.WriteNumber("seconds", Math.Round(progress.Elapsed.TotalSeconds, 3));
        json.WriteNumber("rows_per_second", Math.Round(progress.RowsPerSecond));
        json.WriteNumber("bytes_per_second", Math.Round(progress.BytesPerSecond));
        if (progress.Retention is { } retention)
        {
            json.WriteStartObject("log");
            json.WriteString("name", retention.Log);
            json.WriteNumber("retained_bytes", retention.Bytes);
            if (retention.BytesLeft is { } left)
                json.WriteNumber("left_bytes", left);
            json.WriteEndObject();
        }
    }

    private void WriteError(Utf8JsonWriter json, Exception error)
    {
        json.WriteStartObject("error");
        json.WriteNumber("exit_code", ExitCode.Of(error));
        if (error is NebulaException nebula)
        {
            json.WriteString("kind", JsonNamingPolicy.SnakeCaseLower.ConvertName(nebula.Kind.ToString()));
            json.WriteString("message", log.Redact(nebula.Reason));
            if (nebula.Location is { } at)
            {
                json.WriteString("location", log.Redact(at.ToString()));
                if (at.Line > 0)
                    json.WriteNumber("line", at.Line);
                if (at.Column is { } column)
                    json.WriteString("column", column);
                if (at.ByteOffset >= 0)
                    json.WriteNumber("byte_offset", at.ByteOffset);
            }
        }
        else
        {
            json.WriteString("kind", "internal");
            json.WriteString("message", log.Redact($"{error.GetType().Name}: {error.Message}"));
        }
        json.WriteEndObject();
    }

    private void Write(string name, StreamExecution stream, Action<Utf8JsonWriter> content) => Write(name, json =>
    {
        json.WriteString("stream", stream.Job.Name);
        content(json);
    });

    private void Write(string name, Action<Utf8JsonWriter> content)
    {
        lock (_lock)
        {
            _line.SetLength(0);
            using (var json = new Utf8JsonWriter(_line, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
            {
                json.WriteStartObject();
                json.WriteString("event", name);
                json.WriteString("time", DateTime.UtcNow);
                json.WriteString("run_id", _run!.Plan.RunId);
                content(json);
                json.WriteEndObject();
            }
            _line.WriteByte((byte)'\n');
            target.Write(_line.GetBuffer(), 0, (int)_line.Length);
            target.Flush();
        }
    }
}

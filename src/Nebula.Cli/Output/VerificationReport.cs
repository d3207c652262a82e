using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Engine.Pipeline;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Output;

/// <summary>What came of verifying a run.</summary>
/// <param name="run">The run.</param>
/// <param name="streams">Its streams.</param>
/// <param name="isChanged">Whether the pipeline was changed since.</param>
internal sealed class VerificationReport(RunRecord run, IReadOnlyList<StreamVerification> streams, bool isChanged)
{
    private const int MostShown = 20;
    private const string Changed =
        "The pipeline was changed since the run: what is compared may lie elsewhere, or be written in another way, than what the run wrote.";

    /// <summary>Whether something lies at a target that is not what was committed.</summary>
    public bool Differs => streams.Any(static stream => stream.Outcome == VerificationOutcome.Differs);

    /// <summary>Writes it for people.</summary>
    /// <param name="output">Takes it.</param>
    /// <param name="width">Columns of the window; null for lines of any length.</param>
    public void WriteText(TextWriter output, int? width)
    {
        output.WriteLine($"run {run.RunId} of {run.Pipeline}, {run.StartedAt.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} UTC");
        var table = new TextTable("stream", "target", "chunks", "rows expected", "rows found", "columns compared", "result") { Absent = "-" };
        for (var column = 2; column <= 5; column++)
            table.AlignRight(column);
        foreach (var stream in streams)
        {
            var isRead = stream.Outcome is VerificationOutcome.Matches or VerificationOutcome.Differs;
            table.Add(stream.Stream, stream.Target, isRead ? Count(stream.Parts.Count) : null, isRead ? Count(stream.RowsExpected) : null,
                isRead ? Count(stream.RowsFound) : null, isRead ? stream.ColumnsCompared > 0 ? Count(stream.ColumnsCompared) : "none" : null,
                stream.Outcome switch
                {
                    VerificationOutcome.Matches => stream.ColumnsCompared > 0 ? "as committed" : "as many rows as committed",
                    VerificationOutcome.Differs => "DIFFERS",
                    _ => stream.Reason,
                });
        }
        table.Write(output, width);
        foreach (var stream in streams)
        {
            var differing = stream.Parts.Where(static part => !part.Matches).ToList();
            foreach (var part in differing.Take(MostShown))
                output.WriteLine($"{stream.Stream}, chunk {part.Chunk}, {part.Location}: {Describe(part)}");
            if (differing.Count > MostShown)
                output.WriteLine($"{stream.Stream}: and {differing.Count - MostShown} more chunks; --output json lists all");
        }
        if (isChanged && Differs)
            output.WriteLine(Changed);
        if (streams.Any(static stream => stream.Outcome == VerificationOutcome.Matches && stream.ColumnsCompared == 0))
            output.WriteLine("Where no columns are compared, rows were counted only: run with 'verify: chunk' (--verify chunk) to have values compared too.");
    }

    /// <summary>Writes it for programs: one JSON object.</summary>
    public void WriteJson(TextWriter output)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("run", run.RunId);
            json.WriteString("pipeline", run.Pipeline);
            json.WriteBoolean("matches", !Differs);
            json.WriteBoolean("pipeline_changed", isChanged);
            json.WriteStartArray("streams");
            foreach (var stream in streams)
                Write(json, stream);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        output.WriteLine(Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }

    private static void Write(Utf8JsonWriter json, StreamVerification stream)
    {
        json.WriteStartObject();
        json.WriteString("stream", stream.Stream);
        json.WriteString("target", stream.Target);
        json.WriteString("outcome", stream.Outcome switch
        {
            VerificationOutcome.Matches => "matches",
            VerificationOutcome.Differs => "differs",
            VerificationOutcome.Replaced => "replaced",
            VerificationOutcome.NotCommitted => "not_committed",
            _ => "not_comparable",
        });
        if (stream.Reason is { } reason)
            json.WriteString("reason", reason);
        json.WriteNumber("chunks", stream.Parts.Count);
        json.WriteNumber("rows_expected", stream.RowsExpected);
        json.WriteNumber("rows_found", stream.RowsFound);
        json.WriteNumber("columns_compared", stream.ColumnsCompared);
        json.WriteStartArray("differences");
        foreach (var part in stream.Parts.Where(static part => !part.Matches))
        {
            json.WriteStartObject();
            json.WriteNumber("chunk", part.Chunk);
            json.WriteString("location", part.Location);
            json.WriteNumber("rows_expected", part.RowsExpected);
            if (part.RowsFound is { } found)
                json.WriteNumber("rows_found", found);
            else
                json.WriteNull("rows_found");
            json.WriteStartArray("columns");
            foreach (var column in part.Columns)
                json.WriteStringValue(column);
            json.WriteEndArray();
            json.WriteBoolean("rows_mixed", part.AreRowsMixed);
            if (part.Problem is { } problem)
                json.WriteString("problem", problem);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Describe(PartComparison part)
    {
        if (part.RowsFound is not { } found)
            return part.Problem ?? "not reached";
        var what = found != part.RowsExpected ? $"{Count(part.RowsExpected)} rows were committed, {Count(found)} are there"
            : part.AreRowsMixed ? "every column has its values, but some are in other rows"
            : $"other values in {(part.Columns.Count == 1 ? "column" : "columns")} {string.Join(", ", part.Columns.Select(static column => $"\"{column}\""))}";
        return part.Problem is { } problem ? $"{what}; {problem}" : what;
    }

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}

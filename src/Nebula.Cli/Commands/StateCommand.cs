using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Nebula.Cli.Output;
using Nebula.Cli.Running;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.Sync;

namespace Nebula.Cli.Commands;

/// <summary><c>nebula state show|set|reset|export</c>: how far the streams of a pipeline are committed.</summary>
internal sealed class StateCommand : NebulaCommand
{
    private const string Show = "show";
    private const string Set = "set";
    private const string Reset = "reset";
    private const string Export = "export";
    private const int LongestPosition = 60;
    private readonly Argument<string> _what = new("what") { Description = "show, set, reset or export." };
    private readonly StateView _state;
    private readonly Option<string?> _stream = Flag.Text("--stream", "NAME", "The stream; for show, reset and export all when not set.");
    private readonly Option<string?> _position = Flag.Text("--position", "POSITION",
        "For set: how far the source is taken to be read, in the source's own words.");
    private readonly Option<string?> _output = Flag.Choice("--output", "For show: a table for people, or one JSON array.", "text", "json");

    public StateCommand(CommandContext context)
        : base("state", "Show, set or reset how far the streams of a pipeline are committed.", context)
    {
        _what.CompletionSources.Add(Show, Set, Reset, Export);
        Arguments.Add(_what);
        _state = new StateView(this);
        Options.Add(_stream);
        Options.Add(_position);
        Options.Add(_output);
        Examples =
        [
            "nebula state show pipeline.yaml", "nebula state show pipeline.yaml --output json",
            "nebula state export pipeline.yaml > state.json", "nebula state reset pipeline.yaml --stream orders.csv",
            "nebula state set pipeline.yaml --stream orders --position '2024-05-01'",
        ];
    }

    protected override int Execute(ParseResult arguments, CommandContext context)
    {
        var what = Flag.OneOf("'nebula state'", arguments.GetValue(_what)!, Show, Set, Reset, Export);
        if (Flag.Word(arguments, _output) is { } output)
            what = (what, output) switch
            {
                (Show, "json") => Export,
                (Show, _) or (Export, "json") => what,
                _ => throw NebulaException.Configuration(
                    $"--output is for 'nebula state show'; 'nebula state {what}' {(what == Export ? "is JSON" : "has one form")}."),
            };
        var state = _state.Find(arguments, context);
        ExecuteAsync(what, state, arguments.GetValue(_stream), arguments.GetValue(_position), context).GetAwaiter().GetResult();
        return ExitCode.Success;
    }

    private static async Task ExecuteAsync(string what, PipelineState state, string? stream, string? position, CommandContext context)
    {
        var sync = new SyncState(state.Store);
        if (what == Reset)
        {
            await ResetAsync(sync, state, stream, context).ConfigureAwait(false);
            return;
        }
        var known = new List<(string Pipeline, CommittedState State)>();
        await foreach (var entry in sync.ListCheckpointsAsync(state.Pipeline, context.Interruption).ConfigureAwait(false))
            known.Add(entry);
        if (stream is not null && what != Set)
        {
            var all = known.Select(static entry => entry.State.Checkpoint.Stream).ToList();
            known.RemoveAll(entry => entry.State.Checkpoint.Stream != stream);
            if (known.Count == 0)
                throw Unknown(stream, all);
        }
        switch (what)
        {
            case Show:
                WriteTable(known, context);
                break;
            case Export:
                WriteJson(known, context.Output);
                break;
            default:
                await SetAsync(sync, state, known, stream, position, context).ConfigureAwait(false);
                break;
        }
    }

    private static async Task ResetAsync(SyncState sync, PipelineState state, string? stream, CommandContext context)
    {
        var known = new List<(string Pipeline, string Stream)>();
        await foreach (var entry in sync.ListStreamsAsync(state.Pipeline, context.Interruption).ConfigureAwait(false))
            known.Add(entry);
        if (stream is not null && !known.Exists(entry => entry.Stream == stream))
            throw Unknown(stream, known.Select(static entry => entry.Stream));
        foreach (var (pipeline, name) in known.Where(entry => stream is null || entry.Stream == stream))
        {
            await sync.ResetCheckpointAsync(pipeline, name, context.Interruption).ConfigureAwait(false);
            context.Output.WriteLine($"{name}: forgotten; the next run reads everything");
        }
    }

    private static NebulaException Unknown(string stream, IEnumerable<string> known) =>
        NebulaException.NotFound($"Nothing is remembered of a stream '{stream}'.{Suggestion.For(stream, known)}");

    private static async Task SetAsync(
        SyncState sync, PipelineState state, List<(string Pipeline, CommittedState State)> known, string? stream, string? position, CommandContext context)
    {
        if (stream is null || position is null || state.Pipeline.Length == 0)
            throw NebulaException.Configuration("'nebula state set' needs a pipeline file, --stream and --position.");
        var before = known.Find(entry => entry.State.Checkpoint.Stream == stream).State;
        // the number goes on, so that a run that is under way sees that it was overtaken
        var checkpoint = new Checkpoint(stream, position, (before?.Checkpoint.Sequence ?? 0) + 1);
        await sync.SetCheckpointAsync(state.Pipeline, new CommittedState(checkpoint, ""), context.Interruption).ConfigureAwait(false);
        context.Output.WriteLine($"{stream}: {before?.Checkpoint.Position ?? "nothing"} -> {position}");
    }

    private static void WriteTable(List<(string Pipeline, CommittedState State)> known, CommandContext context)
    {
        if (known.Count == 0)
        {
            context.Output.WriteLine("Nothing was committed yet.");
            return;
        }
        var table = new TextTable("pipeline", "stream", "commits", "position");
        table.AlignRight(2);
        foreach (var (pipeline, committed) in known)
        {
            var position = committed.Checkpoint.Position;
            // of files it names all that were seen: a window would be full of them
            table.Add(pipeline, committed.Checkpoint.Stream, committed.Checkpoint.Sequence.ToString(CultureInfo.InvariantCulture),
                context.OutputWidth is null || position.Length <= LongestPosition ? position : string.Concat(position.AsSpan(0, LongestPosition), "…"));
        }
        table.Write(context.Output, context.OutputWidth);
    }

    private static void WriteJson(List<(string Pipeline, CommittedState State)> known, TextWriter output)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (var (pipeline, committed) in known)
            {
                json.WriteStartObject();
                json.WriteString("pipeline", pipeline);
                json.WriteString("stream", committed.Checkpoint.Stream);
                json.WriteNumber("sequence", committed.Checkpoint.Sequence);
                json.WriteString("position", committed.Checkpoint.Position);
                json.WriteString("token", committed.Token);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }
        output.WriteLine(System.Text.Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length));
    }
}

using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Nebula.Engine.Diagnostics;
using Nebula.Functions.Invocation;
using Nebula.Functions.Runs;

namespace Nebula.Functions.Triggers;

/// <summary>A request to run a pipeline, as callers and messages send it:
/// <c>{"pipeline": "shop", "streams": ["orders"], "env": {"DAY": "2026-03-01"}}</c>.</summary>
/// <param name="Pipeline">The pipeline.</param>
/// <param name="Options">What is asked for beyond the pipeline file.</param>
internal sealed record RunMessage(string Pipeline, RunOptions Options)
{
    private const int MaxEntries = 1_000;

    // it is part of histories and of the pipeline's slot, which both are read and written again and again
    private const int MaxText = 8_000;
    private static readonly string[] Members = ["pipeline", "streams", "env"];

    /// <summary>Reads a request.</summary>
    /// <param name="text">The text: JSON, or base64 of it.</param>
    /// <exception cref="NebulaException">It is none; the message says what is wrong.</exception>
    public static RunMessage Parse(string text)
    {
        if (text.Length > MaxText)
            throw Wrong($"It has {text.Length} characters, more than {MaxText}; longer lists belong into the pipeline file");
        var pipeline = "";
        var options = new RunOptions();
        try
        {
            if (ParseJson(text) is not { ValueKind: JsonValueKind.Object } message)
                throw Wrong("It is no JSON object");
            foreach (var member in message.EnumerateObject())
                switch (member.Name)
                {
                    case "pipeline":
                        pipeline = TextOf(member.Value, "'pipeline'");
                        break;
                    case "streams":
                        options = options with { Streams = StreamsOf(member.Value) };
                        break;
                    case "env":
                        options = options with { Variables = VariablesOf(member.Value) };
                        break;
                    default:
                        throw Wrong($"It has a member '{member.Name}', which there is none of.{Suggestion.For(member.Name, Members)}");
                }
        }
        catch (InvalidOperationException)
        {
            throw Wrong("A text in it is damaged");
        }
        return pipeline.Length > 0 ? new RunMessage(pipeline, options) : throw Wrong("It names no 'pipeline'");
    }

    /// <summary>Parses JSON, or base64 of it: senders differ, also those that the host's settings are made for.</summary>
    /// <param name="text">The text.</param>
    /// <returns>Null when it is neither.</returns>
    public static JsonElement? ParseJson(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text.Trim());
        if (EnvelopeValue.TryParse(bytes) is { ValueKind: JsonValueKind.Object or JsonValueKind.Array } json)
            return json;
        return Base64.DecodeFromUtf8InPlace(bytes, out var length) == System.Buffers.OperationStatus.Done
            ? EnvelopeValue.TryParse(bytes.AsMemory(0, length)) : null;
    }

    private static string[] StreamsOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MaxEntries)
            throw Wrong($"'streams' must be a list of at most {MaxEntries} names");
        return [.. value.EnumerateArray().Select(static stream => TextOf(stream, "a stream"))];
    }

    private static Dictionary<string, string> VariablesOf(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object || value.EnumerateObject().Count() > MaxEntries)
            throw Wrong($"'env' must be an object of at most {MaxEntries} texts");
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var variable in value.EnumerateObject())
            variables[variable.Name] = TextOf(variable.Value, $"the variable '{variable.Name}'");
        return variables;
    }

    private static string TextOf(JsonElement value, string what) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong($"{char.ToUpperInvariant(what[0])}{what[1..]} must be a text");

    private static NebulaException Wrong(string what) => NebulaException.Configuration(
        $$"""The request to run a pipeline cannot be used: {{what.TrimEnd('.')}}. Send {"pipeline": "name"}, with "streams" and "env" if wanted.""");
}

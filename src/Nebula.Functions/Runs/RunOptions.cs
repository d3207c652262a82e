using System.Collections.ObjectModel;
using System.Text.Json;

namespace Nebula.Functions.Runs;

/// <summary>What whoever starts a run asks for beyond the pipeline file.</summary>
internal sealed record RunOptions
{
    /// <summary>Names or wildcards of the streams that are wanted; empty for all.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];

    /// <summary>Variables that win over those of the process, for <c>${NAME}</c> in the pipeline file.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Whether nothing is asked for.</summary>
    public bool IsEmpty => Streams.Count == 0 && Variables.Count == 0;

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static RunOptions Read(JsonElement element) => new()
    {
        Streams = [.. element.GetProperty("streams"u8).EnumerateArray().Select(static stream => stream.GetString() ?? "")],
        Variables = element.GetProperty("variables"u8).EnumerateObject()
            .ToDictionary(static variable => variable.Name, static variable => variable.Value.GetString() ?? "", StringComparer.Ordinal),
    };

    /// <summary>Writes them.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("streams"u8);
        foreach (var stream in Streams)
            writer.WriteStringValue(stream);
        writer.WriteEndArray();
        writer.WriteStartObject("variables"u8);
        foreach (var (name, variable) in Variables)
            writer.WriteString(name, variable);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Whether the same is asked for.</summary>
    public bool IsSame(RunOptions other) => Streams.SequenceEqual(other.Streams, StringComparer.Ordinal) && Variables.Count == other.Variables.Count
        && Variables.All(variable => other.Variables.TryGetValue(variable.Key, out var value) && value == variable.Value);
}

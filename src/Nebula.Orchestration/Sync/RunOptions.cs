using System.Collections.Immutable;

namespace Nebula.Orchestration.Sync;

/// <summary>What whoever started a run asked for beyond the pipeline file. Kept in the state store, where the worker finds it under the run's id.</summary>
public sealed record RunOptions
{
    /// <summary>Names or patterns of the streams that are run; empty for all.</summary>
    public IReadOnlyList<string> Streams { get; init; } = [];

    /// <summary>Variables that win over those of the process, for <c>${NAME}</c> in the pipeline file.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Whether nothing was asked for.</summary>
    public bool IsEmpty => Streams.Count == 0 && Variables.Count == 0;

    /// <summary>How options travel and are kept.</summary>
    public static Payload<RunOptions> Payload => new(static (writer, value) =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("streams"u8);
        foreach (var stream in value.Streams)
            writer.WriteStringValue(stream);
        writer.WriteEndArray();
        writer.WriteStartObject("variables"u8);
        foreach (var (name, variable) in value.Variables)
            writer.WriteString(name, variable);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }, static (ref reader) =>
    {
        var value = new RunOptions();
        PayloadJson.ExpectObject(ref reader);
        while (PayloadJson.NextMember(ref reader, out var name))
            switch (name)
            {
                case "streams":
                    value = value with { Streams = SyncPayloads.ReadList(ref reader, Text) };
                    break;
                case "variables":
                    var variables = new Dictionary<string, string>(StringComparer.Ordinal);
                    PayloadJson.ExpectObject(ref reader);
                    while (PayloadJson.NextMember(ref reader, out var variable))
                        variables[variable] = reader.GetString() ?? "";
                    value = value with { Variables = variables };
                    break;
                default:
                    reader.Skip();
                    break;
            }
        return value;
    });

    private static Payload<string> Text => new(static (writer, value) => writer.WriteStringValue(value), static (ref reader) => reader.GetString() ?? "");
}

using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Pipeline;

/// <summary>Decides what becomes of the rows that the destination has, and by which columns rows are told apart.</summary>
internal static class PlannedKey
{
    /// <summary>Decides.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="request">What the user asked of it.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="capabilities">What the destination can do.</param>
    /// <exception cref="NebulaException">The user's key is no key, or a merge was asked for that cannot be.</exception>
    public static (WriteMode Write, ImmutableArray<string> Key) Of(
        CatalogStream stream, StreamRequest request, ImmutableArray<PlannedColumn> columns, DestinationCapabilities capabilities)
    {
        foreach (var name in request.PrimaryKey)
            if (stream.Schema.IndexOf(name) < 0)
                throw NebulaException.Configuration($"'primary_key' names the column \"{name}\", which {stream.Name} does not have."
                    + Suggestion.For(name, stream.Schema.Fields.Select(static field => field.Name)));
        var wanted = request.PrimaryKey.Count > 0 ? request.PrimaryKey : stream.PrimaryKey;
        var key = wanted.Select(name => columns.FirstOrDefault(column => column.SourceName == name)?.Field.Name).ToList();
        var left = wanted.Where((_, i) => key[i] is null).ToList();
        var isWhole = wanted.Count > 0 && left.Count == 0;
        var write = request.WriteInto(capabilities, isWhole);
        if (write == WriteMode.Merge && !capabilities.MergesRows)
            throw NebulaException.Configuration($"{stream.Name} cannot be merged: the target can only add rows. Use 'write: append'.");
        if (write == WriteMode.Merge && !isWhole)
            throw NebulaException.Configuration(wanted.Count == 0
                ? $"{stream.Name} cannot be merged: it has no key. Name the columns that identify a row (primary_key: [id]), or use 'write: append'."
                : $"{stream.Name} cannot be merged: 'select' leaves out {string.Join(", ", left.Select(static name => $"\"{name}\""))} of its key.");
        if (write == WriteMode.Replace && (request.IsIncremental || request.Capture is not null))
            throw NebulaException.Configuration($"{stream.Name} is read in parts, so that 'write: replace' would lose the earlier ones. Use merge or append.");
        return (write, isWhole ? [.. key!] : []);
    }
}

using Nebula.Engine.Configuration;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary>Source and target of a command line, and what <c>--set</c> says of them.</summary>
/// <param name="Source">Where rows come from.</param>
/// <param name="Target">Where rows go; null for commands that only look.</param>
internal sealed record PipelineEnds(Endpoint Source, Endpoint? Target)
{
    /// <summary>Gives each <c>KEY=VALUE</c> to the one that it names, or that knows the key; a setting of streams or of the run goes to the
    /// overrides.</summary>
    /// <exception cref="NebulaException">An assignment has no value, or nobody or both know the key.</exception>
    public void Assign(IEnumerable<string> assignments, List<ConfigOverride> overrides)
    {
        foreach (var assignment in assignments)
        {
            var (key, value, origin) = Split(assignment);
            if (OwnerOf(ref key) is { } owner)
                owner.Set(key, value, origin);
            else if (!key.Contains('.') && ConfigKeys.Overrides.Find(key) is null)
                throw NebulaException.Configuration(
                    $"{origin}: neither source, target nor run has a setting '{key}'.{Suggestion.For(key, Known())} "
                    + "'nebula list CONNECTOR' shows a connector's.");
            else
                overrides.Add(new ConfigOverride(key, value, origin) { IsList = key == "select" });
        }
    }

    /// <summary>Splits <c>KEY=VALUE</c>.</summary>
    /// <exception cref="NebulaException">It is not of that form.</exception>
    public static (string Key, string Value, string Origin) Split(string assignment)
    {
        var equals = assignment.IndexOf('=');
        return equals > 0 ? (assignment[..equals], assignment[(equals + 1)..], $"--set {assignment[..equals]}")
            : throw NebulaException.Configuration($"--set needs KEY=VALUE; it is '{assignment}'.");
    }

    private IEnumerable<string> Known() => Source.Descriptors.Concat(Target?.Descriptors ?? []).Select(static option => option.Name)
        .Concat(ConfigKeys.Overrides.Keys.Select(static key => key.Name)).Distinct();

    private Endpoint? OwnerOf(ref string key)
    {
        var dot = key.IndexOf('.');
        if (dot > 0)
        {
            var owner = key[..dot] switch { "source" => Source, "target" or "destination" or "dest" => Target, _ => null };
            if (owner is not null)
                key = key[(dot + 1)..];
            return owner;
        }
        var inSource = Source.Knows(key);
        var inTarget = Target?.Knows(key) ?? false;
        if (inSource && inTarget)
            throw NebulaException.Configuration($"--set {key}: source and target both know '{key}'. Write source.{key} or target.{key}.");
        return inSource ? Source : inTarget ? Target : null;
    }
}

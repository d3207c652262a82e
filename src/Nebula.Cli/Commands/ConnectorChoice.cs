using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary>A source or destination as the command line names it: a connector and its options, or just a path.</summary>
internal sealed class ConnectorChoice
{
    /// <summary>The path of standard input and output.</summary>
    public const string StandardStream = "-";

    private readonly string _role;
    private readonly string _pathFlag;
    private readonly Dictionary<string, OptionValue> _values = new(StringComparer.Ordinal);

    /// <param name="connectors">What there is.</param>
    /// <param name="role"><c>source</c> or <c>destination</c>.</param>
    /// <param name="pathFlag">The flag that sets the path, for messages.</param>
    /// <param name="name">A connector's name, or a path.</param>
    /// <param name="path">The path, when it was set apart.</param>
    /// <exception cref="NebulaException">There is no such connector, or a path is set twice.</exception>
    public ConnectorChoice(ConnectorRegistry connectors, string role, string pathFlag, string name, string? path)
    {
        _role = role;
        _pathFlag = pathFlag;
        if (connectors.Find(name) is { } found)
            Connector = found;
        else if (path is null && LooksLikePath(name))
            (Connector, path) = (connectors.Find("file")!, name);
        else
            throw NebulaException.Configuration(
                $"There is no connector '{name}'.{Suggestion.For(name, connectors.Connectors.Select(static c => c.Name))} 'nebula list' shows all; a path as {role} needs a dot or a slash in it.");
        if (path is not null)
            Set("path", path, pathFlag);
    }

    /// <summary>The connector.</summary>
    public ConnectorDescriptor Connector { get; }

    /// <summary>What can be set.</summary>
    public IReadOnlyList<OptionDescriptor> Descriptors => (_role == "source" ? Connector.SourceOptions : Connector.DestinationOptions)
        ?? throw NebulaException.Configuration($"'{Connector.Name}' cannot be a {_role}.");

    /// <summary>The path, for people; the connector's name when it has none.</summary>
    public string Path => _values.GetValueOrDefault("path")?.Text ?? Connector.Name;

    /// <summary>Sets an option.</summary>
    public void Set(string key, string value, string origin)
    {
        var descriptor = Descriptors.FirstOrDefault(d => d.Name == key);
        var items = descriptor?.Kind == OptionKind.TextList ? value.Split(',', StringSplitOptions.TrimEntries) : [value];
        _values[key] = new OptionValue(items, new SourceLocation(origin));
    }

    /// <summary>Checks all options.</summary>
    /// <exception cref="NebulaException">One is unknown, wrong or missing.</exception>
    public OptionValues Validate()
    {
        if (!_values.ContainsKey("path") && Descriptors.Any(static d => d.Name == "path" && d.IsRequired))
            throw NebulaException.Configuration($"The {_role} '{Connector.Name}' needs a path: {_pathFlag} PATH.");
        return new OptionValues($"{_role} \"{Connector.Name}\"", Descriptors, _values);
    }

    /// <summary>Gives each <c>KEY=VALUE</c> to the one that it names, or that knows the key.</summary>
    /// <exception cref="NebulaException">An assignment has no value, or nobody or both know the key.</exception>
    public static void Assign(IEnumerable<string> assignments, ConnectorChoice source, ConnectorChoice? destination)
    {
        foreach (var assignment in assignments)
        {
            var equals = assignment.IndexOf('=');
            if (equals <= 0)
                throw NebulaException.Configuration($"--set needs KEY=VALUE; it is '{assignment}'.");
            var (key, value) = (assignment[..equals], assignment[(equals + 1)..]);
            var origin = $"--set {key}";
            var dot = key.IndexOf('.');
            if (dot < 0)
                Find(key, source, destination).Set(key, value, origin);
            else if (key[..dot] == "source")
                source.Set(key[(dot + 1)..], value, origin);
            else if (key[..dot] is "target" or "destination" or "dest" && destination is not null)
                destination.Set(key[(dot + 1)..], value, origin);
            else
                throw NebulaException.Configuration($"--set {key}: '{key[..dot]}' is neither source nor target.");
        }
    }

    private static ConnectorChoice Find(string key, ConnectorChoice source, ConnectorChoice? destination)
    {
        var inSource = source.Descriptors.Any(d => d.Name == key);
        var inDestination = destination?.Descriptors.Any(d => d.Name == key) ?? false;
        if (inSource && inDestination)
            throw NebulaException.Configuration($"--set {key}: source and target both know '{key}'. Write source.{key} or target.{key}.");
        if (inSource)
            return source;
        if (inDestination)
            return destination!;
        var known = source.Descriptors.Concat(destination?.Descriptors ?? []).Select(static d => d.Name).Distinct();
        throw NebulaException.Configuration($"--set {key}: neither source nor target has an option '{key}'.{Suggestion.For(key, known)}");
    }

    private static bool LooksLikePath(string name) => name == StandardStream || name.AsSpan().IndexOfAny('.', '/', '\\') >= 0;
}

using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Configuration;

/// <summary>
/// Finds connections by name: in the variable <c>NEBULA_CONN_&lt;NAME&gt;</c> (a URL or a JSON map), then in the pipeline file, then in the user's own file.
/// Only the one asked for is resolved, so that a variable missing for another connection does no harm.
/// </summary>
/// <param name="environment">Variables, and the place of the user's file.</param>
/// <param name="binder">Checks what is found.</param>
/// <param name="problems">Takes what is wrong.</param>
internal sealed class ConnectionFinder(ConfigEnvironment environment, ConfigBinder binder, ConfigProblems problems)
{
    private const string VariablePrefix = "NEBULA_CONN_";

    /// <summary>Reads a source or target: a name, or a connection itself. Null when a problem was reported.</summary>
    /// <param name="node">What the file says.</param>
    /// <param name="connections">The connections of the file, checked.</param>
    public ConnectionConfig? Resolve(ConfigNode node, ConfigMap? connections)
    {
        switch (node)
        {
            case ConfigMap map:
                return Make(null, map);
            case ConfigScalar { IsSecret: false } name:
                return Find(name.Text, name.Location, connections);
            default:
                problems.Add(node.Location, "The name of a connection cannot be a secret, because names are shown.");
                return null;
        }
    }

    /// <summary>Finds a connection. Null when a problem was reported.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="location">Where it is asked for.</param>
    /// <param name="connections">The connections of the file, checked.</param>
    public ConnectionConfig? Find(string name, SourceLocation location, ConfigMap? connections)
    {
        var variable = VariablePrefix + string.Concat(name.Select(static c => char.IsAsciiLetterOrDigit(c) ? char.ToUpperInvariant(c) : '_'));
        if (environment.Find(variable) is { Length: > 0 } value)
            return FromVariable(name, variable, value);
        if (connections?.FindMap(name) is { } own)
            return Make(name, own);
        var known = connections?.Entries.Select(static entry => entry.Key).ToList() ?? [];
        if (environment.ConnectionsPath is { } path && File.Exists(path))
        {
            if (ReadShared(path) is not { } shared)
                return null;
            if (shared.FindMap(name) is { } found)
                return Make(name, binder.BindConnection(new Substitution(environment, problems).Resolve(found)));
            known.AddRange(shared.Entries.Select(static entry => entry.Key));
        }
        var near = Suggestion.For(name, known);
        problems.Add(location, $"There is no connection {ConfigScalar.Quote(name)}.{near} Define it under 'connections', in"
            + $" {environment.ConnectionsPath ?? "a connections file"} or in the variable {variable}; or write a map with a 'type' here.");
        return null;
    }

    /// <summary>Reads the connections of the user's own file. Null when a problem was reported.</summary>
    private ConfigMap? ReadShared(string path)
    {
        try
        {
            return ConfigTreeReader.ReadFile(path).FindMap(ConfigKeys.Connections.Name) ?? ConfigMap.Nothing;
        }
        catch (ConfigurationException error)
        {
            problems.Add(error);
            return null;
        }
    }

    private ConnectionConfig? FromVariable(string name, string variable, string value)
    {
        var location = new SourceLocation(variable);
        environment.Secrets.Add(value);
        if (value.TrimStart().StartsWith('{'))
            return Make(name, binder.BindConnection(ConfigTreeReader.Read(value, variable)));
        var colon = value.IndexOf("://", StringComparison.Ordinal);
        if (colon <= 0)
        {
            problems.Add(location, "The variable must hold a URL (type://…) or a JSON map with a 'type'.");
            return null;
        }
        if (Uri.TryCreate(value, UriKind.Absolute, out var url) && url.UserInfo.Split(':', 2) is [_, { Length: > 0 } password])
        {
            environment.Secrets.Add(password);
            environment.Secrets.Add(Uri.UnescapeDataString(password));
        }
        return new ConnectionConfig(name, value[..colon], location)
        {
            Options = new Dictionary<string, Connectors.OptionValue>(StringComparer.Ordinal) { ["url"] = new([value], location) },
        };
    }

    /// <summary>Makes a connection of a checked map. Null when it has no type, which was reported.</summary>
    private static ConnectionConfig? Make(string? name, ConfigMap map) => map.Find(ConfigKeys.ConnectionType.Name) is ConfigScalar { Text.Length: > 0 } type
        ? new ConnectionConfig(name ?? type.Text, type.Text, map.Location)
        {
            Options = ConfigValues.FlattenOptions(map, except: ConfigKeys.ConnectionType.Name),
        }
        : null;
}

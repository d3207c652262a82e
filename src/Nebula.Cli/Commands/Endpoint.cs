using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Cli.Commands;

/// <summary>A source or target as the command line names it: a connector and its options, or just a path.</summary>
internal sealed class Endpoint
{
    /// <summary>What a source is called.</summary>
    public const string Source = "source";

    /// <summary>What a target is called.</summary>
    public const string Target = "target";

    /// <summary>The connector of files whose names say their formats.</summary>
    public const string Files = "file";

    private const string StandardStream = "-";
    private const string FormatOption = "format";
    private const string PathOption = "path";
    private readonly string _role;
    private readonly string _pathFlag;
    private readonly Dictionary<string, OptionValue> _values = new(StringComparer.Ordinal);

    private Endpoint(ConnectorDescriptor connector, string role, string pathFlag)
    {
        Connector = connector;
        _role = role;
        _pathFlag = pathFlag;
        Descriptors = (role == Source ? connector.SourceOptions : connector.DestinationOptions)
            ?? throw NebulaException.Configuration($"'{connector.Name}' cannot be a {role}.");
    }

    /// <summary>The connector.</summary>
    public ConnectorDescriptor Connector { get; }

    /// <summary>What can be set.</summary>
    public IReadOnlyList<OptionDescriptor> Descriptors { get; }

    /// <summary>The path, for people; the connector's name when it has none.</summary>
    public string Path => _values.GetValueOrDefault(PathOption)?.Text ?? Connector.Name;

    /// <summary>Finds out what the user means.</summary>
    /// <param name="connectors">What there is.</param>
    /// <param name="role"><see cref="Source"/> or <see cref="Target"/>.</param>
    /// <param name="pathFlag">The flag that sets the path, for messages.</param>
    /// <param name="name">A connector's name, or a path.</param>
    /// <param name="path">The path, when it was set apart.</param>
    /// <param name="pathConnector">The connector of a path.</param>
    /// <exception cref="NebulaException">There is no such connector.</exception>
    public static Endpoint Find(ConnectorRegistry connectors, string role, string pathFlag, string name, string? path, string pathConnector = Files)
    {
        if (connectors.Find(name) is not { } connector)
        {
            // a pipe or a folder may have a name like any word; the connectors' own names come first
            if (path is not null || !(LooksLikePath(name) || (role == Source && System.IO.Path.Exists(name))))
                throw NebulaException.Configuration(
                    $"There is no connector '{name}'.{Suggestion.For(name, connectors.Connectors.Select(static c => c.Name))} "
                    + "'nebula list' shows all. A path in its place needs a dot or a slash in it.");
            (connector, path) = (connectors.Find(pathConnector)!, name);
        }
        var endpoint = new Endpoint(connector, role, pathFlag);
        endpoint.Set(PathOption, path, pathFlag);
        return endpoint;
    }

    /// <summary>Whether a word is meant as a path.</summary>
    public static bool LooksLikePath(string name) => name == StandardStream || name.AsSpan().IndexOfAny('.', '/', '\\') >= 0;

    /// <summary>Whether the connector has an option.</summary>
    public bool Knows(string key) => Descriptors.Any(descriptor => descriptor.Name == key);

    /// <summary>Sets an option; a null value leaves it as it is.</summary>
    public void Set(string key, string? value, string origin)
    {
        if (value is null)
            return;
        var isList = Descriptors.FirstOrDefault(descriptor => descriptor.Name == key)?.Kind == OptionKind.TextList;
        _values[key] = new OptionValue(isList ? Items(value) : [value], new SourceLocation(origin));
    }

    /// <summary>The items of a list: <c>a,b</c>, or as in YAML and JSON, <c>["a", 'b']</c>.</summary>
    private static string[] Items(string value)
    {
        if (value is not ['[', .. var inner, ']'])
            return value.Split(',', StringSplitOptions.TrimEntries);
        return inner.Trim().Length == 0 ? []
            : [.. inner.Split(',', StringSplitOptions.TrimEntries)
                .Select(static item => item.Length > 1 && item[0] is '"' or '\'' && item[^1] == item[0] ? item[1..^1] : item)];
    }

    /// <summary>Says in which format files are whose names do not say it.</summary>
    /// <param name="format">What the user said; null for nothing. Standard output is CSV then.</param>
    /// <param name="flag">How the user said it, for messages.</param>
    /// <exception cref="NebulaException">The connector is a format already.</exception>
    public void SetFormat(string? format, string flag)
    {
        if (Connector.Name == Files)
            Set(FormatOption, format ?? (_role == Target && Path == StandardStream && !_values.ContainsKey(FormatOption) ? "csv" : null), flag);
        else if (format is not null)
            throw NebulaException.Configuration($"{flag} says the format of a path; '{Connector.Name}' is one already.");
    }

    /// <summary>Makes the connection.</summary>
    /// <exception cref="NebulaException">It has no path and needs one.</exception>
    public ConnectionConfig ToConnection() =>
        !_values.ContainsKey(PathOption) && Descriptors.Any(static descriptor => descriptor.Name == PathOption && descriptor.IsRequired)
        ? throw NebulaException.Configuration($"The {_role} '{Connector.Name}' needs a path: {_pathFlag} PATH.")
        : new ConnectionConfig(Connector.Name, Connector.Name, new SourceLocation("command line")) { Options = _values };
}

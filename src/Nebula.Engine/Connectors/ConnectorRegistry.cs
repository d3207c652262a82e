using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Connectors;

/// <summary>The connectors that this program knows, by name. A third party adds one with a call; nothing here changes for it.</summary>
public sealed class ConnectorRegistry
{
    private readonly Dictionary<string, ConnectorDescriptor> _connectors = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _planned = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>All connectors, by name.</summary>
    public IEnumerable<ConnectorDescriptor> Connectors => _connectors.Values.Distinct().OrderBy(static connector => connector.Name, StringComparer.Ordinal);

    /// <summary>Adds a connector under its name and aliases.</summary>
    /// <param name="connector">The connector.</param>
    /// <exception cref="ArgumentException">A name is taken.</exception>
    public ConnectorRegistry Add(ConnectorDescriptor connector)
    {
        _connectors.Add(connector.Name, connector);
        foreach (var alias in connector.Aliases)
            _connectors.Add(alias, connector);
        return this;
    }

    /// <summary>Notes names of connectors that are to come, so that they are refused as such.</summary>
    /// <param name="names">The names.</param>
    public ConnectorRegistry Announce(params IEnumerable<string> names)
    {
        _planned.UnionWith(names);
        return this;
    }

    /// <summary>Whether a connector that is not here is to come.</summary>
    /// <param name="name">The name as the user wrote it.</param>
    public bool IsPlanned(string name) => _planned.Contains(name);

    /// <summary>Finds a connector by name or alias; null when there is none.</summary>
    /// <param name="name">The name as the user wrote it.</param>
    public ConnectorDescriptor? Find(string name) => _connectors.GetValueOrDefault(name);
}

/// <summary>A connector: its names, what it can be, its options and how it is made.</summary>
/// <param name="Name">The name that pipeline files use as <c>type</c>.</param>
/// <param name="Summary">One line for <c>nebula list</c>.</param>
public sealed record ConnectorDescriptor(string Name, string Summary)
{
    /// <summary>Further names.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What can be set when it is a source; null when it cannot be one.</summary>
    public IReadOnlyList<OptionDescriptor>? SourceOptions { get; init; }

    /// <summary>What can be set when it is a destination; null when it cannot be one.</summary>
    public IReadOnlyList<OptionDescriptor>? DestinationOptions { get; init; }

    /// <summary>Whether a source takes conditions, statements and cursors (<see cref="StreamPlan.Where"/>, <see cref="StreamPlan.Sql"/>,
    /// <see cref="StreamPlan.Cursor"/>).</summary>
    public bool TakesQueries { get; init; }

    /// <summary>Whether a source has a log of changes: it is an <see cref="IChangeSource"/>.</summary>
    public bool CapturesChanges { get; init; }

    /// <summary>Tells what connections its sources and destinations make; null when that is not counted.</summary>
    public Func<OptionValues, ConnectionUse>? FindConnections { get; init; }

    /// <summary>Makes the source of validated options.</summary>
    public Func<OptionValues, ISource>? CreateSource { get; init; }

    /// <summary>Makes the destination of validated options.</summary>
    public Func<OptionValues, IDestination>? CreateDestination { get; init; }

    /// <summary>Makes a source.</summary>
    /// <param name="options">Its options.</param>
    /// <exception cref="NebulaException">The connector is no source, or an option is wrong.</exception>
    public ISource Source(OptionValues options) => CreateSource is null
        ? throw NebulaException.Configuration($"'{Name}' can be a destination but not a source.")
        : CreateSource(options);

    /// <summary>Makes a destination.</summary>
    /// <param name="options">Its options.</param>
    /// <exception cref="NebulaException">The connector is no destination, or an option is wrong.</exception>
    public IDestination Destination(OptionValues options) => CreateDestination is null
        ? throw NebulaException.Configuration($"'{Name}' can be a source but not a destination.")
        : CreateDestination(options);
}

/// <summary>The connections that a source or a destination makes.</summary>
/// <param name="Server">Where they go; the same text is the same server.</param>
/// <param name="Option">The option that says how many there may be at a time.</param>
/// <param name="Most">What it is set to.</param>
/// <param name="Limit">Most to the server from all of a pipeline; null for no limit.</param>
public sealed record ConnectionUse(string Server, string Option, int Most, int? Limit)
{
    /// <summary>Fewest that work.</summary>
    public int Least { get; init; } = 1;

    /// <summary>Fewest that work where changes are captured.</summary>
    public int LeastToCapture { get; init; } = 1;
}

using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.State;

namespace Nebula.Functions.Runs;

/// <summary>Opens the state store that a setting names.</summary>
internal static class StateStores
{
    /// <summary>Opens it.</summary>
    /// <param name="location">A folder, or a URL.</param>
    /// <exception cref="NebulaException">The location is no place for state.</exception>
    public static IStateStore Open(string location) => location.Contains("://", StringComparison.Ordinal)
        ? throw NebulaException.Configuration($"NEBULA_STATE is '{location}'. It must be a folder.")
        : new LocalStateStore(location);
}

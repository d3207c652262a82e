using Nebula.Connectors.ObjectStores.AzureBlob;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.State;

namespace Nebula.Functions.Runs;

/// <summary>Opens the state store that a setting names.</summary>
internal static class StateStores
{
    /// <summary>Opens it.</summary>
    /// <param name="location">A folder, or a URL.</param>
    /// <exception cref="NebulaException">The location is no place for state.</exception>
    public static IStateStore Open(string location)
    {
        if (!location.Contains("://", StringComparison.Ordinal))
            return new LocalStateStore(location);
        var (container, folder) = BlobContainers.Open(location, "NEBULA_STATE");
        return new AzureBlobStateStore(container, folder);
    }
}

using Azure.Storage.Blobs;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.AzureBlob;

/// <summary>Opens containers for what is no connection of a pipeline, such as the state of an app.</summary>
public static class BlobContainers
{
    /// <summary>Opens the container that a location names, with the credentials that the environment has.</summary>
    /// <param name="location">A container or a folder in one: <c>az://container/folder</c>,
    /// <c>https://account.blob.core.windows.net/container/folder</c>.</param>
    /// <param name="owner">What the location belongs to, for messages.</param>
    /// <returns>The container, and the folder in it; empty for none.</returns>
    /// <exception cref="NebulaException">The location is none, or something is missing to reach it.</exception>
    public static (BlobContainerClient Container, string Folder) Open(string location, string owner)
    {
        if (ObjectPath.SchemeOf(location) is not { } scheme || !AzureBlobPath.Schemes.Contains(scheme))
            throw NebulaException.Configuration(
                $"{owner}: '{AzureBlobPath.Shown(location)}' is no container. Write https://ACCOUNT.blob.core.windows.net/CONTAINER or az://CONTAINER.");
        var path = AzureBlobPath.Parse(location);
        return (AzureBlobOptions.Open(path, new OptionValues(owner, AzureBlobOptions.Descriptors, []), null), path.Blob.Trim('/'));
    }
}

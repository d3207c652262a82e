using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.AzureBlob;

/// <summary>The ways to write where a blob is: <c>az://container/blob</c>, <c>abfss://container@account.dfs.core.windows.net/blob</c>,
/// <c>https://account.blob.core.windows.net/container/blob</c>.</summary>
/// <param name="Account">The account, where the path names it.</param>
/// <param name="Endpoint">Address of the account's blob service, where the path names it.</param>
/// <param name="Container">The container.</param>
/// <param name="Blob">The blob, a folder or a wildcard; not escaped.</param>
internal sealed record AzureBlobPath(string? Account, string? Endpoint, string Container, string Blob)
{
    /// <summary>The schemes of such paths.</summary>
    public static IReadOnlyList<string> Schemes { get; } = ["az", "azure", "abfs", "abfss", "wasb", "wasbs", "https"];

    /// <summary>The path in the one form that the rest of the program sees.</summary>
    public string Canonical => Blob.Length == 0 ? $"az://{Container}" : $"az://{Container}/{Blob}";

    /// <summary>Reads a path.</summary>
    /// <param name="path">The path as the user wrote it.</param>
    /// <exception cref="NebulaException">It is none.</exception>
    public static AzureBlobPath Parse(string path)
    {
        var scheme = ObjectPath.SchemeOf(path)!;
        var rest = path[(scheme.Length + 3)..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var (authority, blob) = slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..]);
        var parsed = scheme switch
        {
            "az" or "azure" => new AzureBlobPath(null, null, authority, blob),
            "https" => OfUrl(authority, blob),
            _ => OfFileSystem(authority, blob),
        };
        return parsed is { Container.Length: > 0 } ? parsed : throw NebulaException.Configuration(
            $"'{Shown(path)}' is no path in Azure Blob Storage. Write az://CONTAINER/PATH, "
            + "https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH.");
    }

    /// <summary>A path as it may be shown: without a signature.</summary>
    public static string Shown(string path) =>
        path.IndexOf('?', StringComparison.Ordinal) is >= 0 and var query && path.Contains("sig=", StringComparison.OrdinalIgnoreCase) ? path[..query] : path;

    private static AzureBlobPath? OfUrl(string host, string rest)
    {
        if (rest.Contains("sig=", StringComparison.OrdinalIgnoreCase) && rest.Contains('?'))
            throw NebulaException.Configuration(
                $"'https://{Shown($"{host}/{rest}")}' carries a signature, which paths must not: they are printed. "
                + "Leave everything from the question mark on out, and set 'sas_token' or AZURE_STORAGE_SAS_TOKEN to it.");
        var dot = host.IndexOf(".blob.", StringComparison.OrdinalIgnoreCase);
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var (container, blob) = slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..]);
        return dot <= 0 ? null : new AzureBlobPath(host[..dot], $"https://{host}", container, Uri.UnescapeDataString(blob));
    }

    private static AzureBlobPath? OfFileSystem(string authority, string blob)
    {
        var at = authority.IndexOf('@', StringComparison.Ordinal);
        if (at < 0)
            return null;
        var host = authority[(at + 1)..].Replace(".dfs.", ".blob.", StringComparison.OrdinalIgnoreCase);
        var dot = host.IndexOf(".blob.", StringComparison.OrdinalIgnoreCase);
        return dot <= 0 ? null : new AzureBlobPath(host[..dot], $"https://{host}", authority[..at], blob);
    }
}

using Azure.Core.Pipeline;
using Azure.Identity;
using Azure.Storage;
using Azure.Storage.Blobs;
using Nebula.Connectors.ObjectStores.Remote;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Connectors.ObjectStores.AzureBlob;

/// <summary>How Azure Blob Storage is reached: what users set, and what the environment says where they did not.</summary>
internal static class AzureBlobOptions
{
    private const string Auto = "auto";
    private static readonly string[] Credentials = [Auto, "default", "managed_identity", "workload_identity", "environment", "cli", "anonymous"];

    /// <summary>What can be set.</summary>
    public static IReadOnlyList<OptionDescriptor> Descriptors { get; } =
    [
        new("account", OptionKind.Text, "Azure: the storage account, when the path does not name it; else AZURE_STORAGE_ACCOUNT."),
        new("connection_string", OptionKind.Text, "Azure: the account's connection string; else AZURE_STORAGE_CONNECTION_STRING.") { IsSecret = true },
        new("account_key", OptionKind.Text, "Azure: the account's key; else AZURE_STORAGE_KEY.") { IsSecret = true },
        new("sas_token", OptionKind.Text, "Azure: a shared access signature; else AZURE_STORAGE_SAS_TOKEN.") { IsSecret = true },
        new("auth", OptionKind.Choice,
            "Azure: where credentials come from: the first of the above that is set, else the identity found (auto); "
            + "any identity found (default); just one kind; or none (anonymous).", Auto)
        {
            Choices = Credentials,
        },
        new("client_id", OptionKind.Text, "Azure: which user-assigned managed or workload identity, by its client id; else AZURE_CLIENT_ID."),
    ];

    /// <summary>Opens a container.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="options">What the user set.</param>
    /// <param name="endpoint">Address of the service that the user set; null for the account's.</param>
    /// <exception cref="NebulaException">Something is missing or contradicts.</exception>
    public static BlobContainerClient Open(AzureBlobPath path, OptionValues options, string? endpoint)
    {
        var auth = options.Text("auth")!;
        var isAuto = auth == Auto;
        var account = path.Account ?? options.Text("account");
        var client = ClientOptions(RateLimit.Of(options, $"az://{endpoint ?? path.Endpoint ?? account}/{path.Container}"));
        // what is set on the connection goes before what the environment says
        var key = isAuto ? options.Text("account_key") : null;
        var signature = isAuto ? options.Text("sas_token") : null;
        var connection = isAuto ? options.Text("connection_string") ?? (key is null && signature is null ? ConnectionOf(account) : null) : null;
        if (connection is not null)
            return FromConnectionString(connection, path, options, client);
        account ??= Variable("AZURE_STORAGE_ACCOUNT");
        if (isAuto && key is null && signature is null)
            (key, signature) = (Variable("AZURE_STORAGE_KEY"), Variable("AZURE_STORAGE_SAS_TOKEN"));
        var service = Address(endpoint ?? path.Endpoint ?? (account is null
            ? throw NebulaException.Configuration(
                $"{options.Owner}: which storage account is '{path.Canonical}' in? Set 'account' or AZURE_STORAGE_ACCOUNT, "
                + $"or write https://ACCOUNT.blob.core.windows.net/{path.Container}/...",
                options.LocationOf("path"))
            : $"https://{account}.blob.core.windows.net"), options);
        var container = new Uri($"{service.AbsoluteUri.TrimEnd('/')}/{Uri.EscapeDataString(path.Container)}");
        if (key is not null)
            return new BlobContainerClient(container, SharedKey(account ?? service.AbsolutePath.Trim('/'), key, options), client);
        if (signature is not null)
            return new BlobContainerClient(new UriBuilder(container) { Query = signature.TrimStart('?') }.Uri, client);
        if (auth == "anonymous")
            return new BlobContainerClient(container, client);
        if (service.Scheme != Uri.UriSchemeHttps)
            throw NebulaException.Configuration(
                $"{options.Owner}: '{service}' is not encrypted, so no identity is shown to it. "
                + "Set 'account_key' or 'connection_string', or an endpoint with https.",
                options.LocationOf("endpoint"));
        return new BlobContainerClient(container, Identity(auth, options), client);
    }

    private static BlobClientOptions ClientOptions(RateLimit? limit)
    {
        var client = new BlobClientOptions();
        client.Retry.Mode = Azure.Core.RetryMode.Exponential;
        client.Retry.MaxRetries = 5;
        client.Retry.Delay = TimeSpan.FromMilliseconds(400);
        client.Retry.MaxDelay = TimeSpan.FromSeconds(20);
        client.Retry.NetworkTimeout = TimeSpan.FromSeconds(60);
        client.Diagnostics.IsLoggingEnabled = false;
        client.Diagnostics.IsDistributedTracingEnabled = false;
        if (limit is not null)
        {
            client.Transport = new HttpClientTransport(LimitedHttp.Client(limit));
            client.Retry.NetworkTimeout = LimitedHttp.TimeoutOf(client.Retry.NetworkTimeout, limit);
        }
        return client;
    }

    /// <summary>The connection string of the environment, unless it is of another account than the one that is named.</summary>
    private static string? ConnectionOf(string? account) =>
        Variable("AZURE_STORAGE_CONNECTION_STRING") is { } connection
        && (account is null || connection.Split(';').Any(part => part.Trim().Equals($"AccountName={account}", StringComparison.OrdinalIgnoreCase)))
            ? connection : null;

    private static BlobContainerClient FromConnectionString(string connection, AzureBlobPath path, OptionValues options, BlobClientOptions client)
    {
        BlobContainerClient opened;
        try
        {
            opened = new BlobContainerClient(connection, path.Container, client);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw NebulaException.Configuration($"{options.Owner}: the connection string is not complete. Copy it from 'Access keys' of the storage account.",
                options.LocationOf("connection_string"));
        }
        return path.Account is null || opened.AccountName == path.Account ? opened : throw NebulaException.Configuration(
            $"{options.Owner}: the connection string is of account '{opened.AccountName}', but the path names account '{path.Account}'.",
            options.LocationOf("connection_string") ?? options.LocationOf("path"));
    }

    private static StorageSharedKeyCredential SharedKey(string account, string key, OptionValues options)
    {
        try
        {
            return new StorageSharedKeyCredential(account, key);
        }
        catch (FormatException)
        {
            throw NebulaException.Configuration(
                $"{options.Owner}: the account key is none: it is not Base64. Copy it from 'Access keys' of the storage account.",
                options.LocationOf("account_key"));
        }
    }

    private static Azure.Core.TokenCredential Identity(string auth, OptionValues options)
    {
        var clientId = options.Text("client_id") ?? Variable("AZURE_CLIENT_ID");
        return auth switch
        {
            "managed_identity" =>
                new ManagedIdentityCredential(clientId is null ? ManagedIdentityId.SystemAssigned : ManagedIdentityId.FromUserAssignedClientId(clientId)),
            "workload_identity" => new WorkloadIdentityCredential(new WorkloadIdentityCredentialOptions { ClientId = clientId }),
            "environment" => new EnvironmentCredential(),
            "cli" => new AzureCliCredential(),
            _ => new DefaultAzureCredential(new DefaultAzureCredentialOptions
            {
                ManagedIdentityClientId = clientId,
                WorkloadIdentityClientId = clientId,
                ExcludeInteractiveBrowserCredential = true
            }),
        };
    }

    private static Uri Address(string endpoint, OptionValues options) =>
        Uri.TryCreate(endpoint, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address.Query.Length == 0 ? address
            : throw NebulaException.Configuration(
            $"{options.Owner}: 'endpoint' must be an address such as https://ACCOUNT.blob.core.windows.net.", options.LocationOf("endpoint"));

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

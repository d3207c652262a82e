using System.Security.Cryptography;
using Azure.Storage;
using Azure.Storage.Blobs;

namespace Nebula.Integration.Tests.Servers;

/// <summary>A container of Azurite.</summary>
internal sealed class AzureWorld : StoreWorld
{
    public const string Account = "nebulatest";
    private readonly Uri _server;
    private readonly BlobContainerClient _container;

    private AzureWorld(Uri server, string container)
    {
        _server = server;
        _container = new BlobContainerClient(new Uri(server, $"{Account}/{container}"), new StorageSharedKeyCredential(Account, Key));
        Root = $"az://{container}";
    }

    /// <summary>The account's key, new for each run of the tests.</summary>
    public static string Key { get; } = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));

    public override string Root { get; }

    public override Uri Address => _server;

    public override IEnumerable<(string Name, string Value)> VariablesAt(Uri address) => [("AZURE_STORAGE_CONNECTION_STRING", Connection(address))];

    public static async Task<StoreWorld> CreateAsync(Uri server, string container)
    {
        var world = new AzureWorld(server, container);
        await world._container.CreateAsync();
        return world;
    }

    public static string Connection(Uri address) => $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={Key};BlobEndpoint={address}{Account};";

    public override IEnumerable<(string Name, string Value)> Settings(Uri address) =>
        [("endpoint", $"{address}{Account}"), ("account", Account), ("account_key", Key)];

    public override Task PutAsync(string key, byte[] content) => _container.GetBlobClient(key).UploadAsync(new MemoryStream(content), overwrite: true);

    public override async Task<byte[]?> GetAsync(string key)
    {
        var blob = _container.GetBlobClient(key);
        return await blob.ExistsAsync() ? (await blob.DownloadContentAsync()).Value.Content.ToArray() : null;
    }

    public override async Task<string[]> KeysAsync() =>
        [.. (await _container.GetBlobsAsync().ToListAsync()).Select(static blob => blob.Name).Order(StringComparer.Ordinal)];

    public override Task<int> UnfinishedAsync() => Task.FromResult(0);

    public override void Dispose()
    {
    }
}

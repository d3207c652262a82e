using System.Collections.Concurrent;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;

namespace Nebula.Integration.Tests.Servers;

/// <summary>A container of a running server, and a view of it that does not go through Nebula.</summary>
internal abstract class StoreWorld : IDisposable
{
    public const string Azure = "azure", S3 = "s3";

    /// <summary>What URLs of the container begin with, without a slash at the end.</summary>
    public abstract string Root { get; }

    /// <summary>Variables with which the program reaches the server.</summary>
    public IEnumerable<(string Name, string Value)> Variables => VariablesAt(Address);

    /// <summary>Variables with which the program reaches it.</summary>
    /// <param name="address">The server, or what stands before it.</param>
    public abstract IEnumerable<(string Name, string Value)> VariablesAt(Uri address);

    /// <summary>Options with which a connection reaches the server.</summary>
    /// <param name="address">The server, or what stands before it.</param>
    public abstract IEnumerable<(string Name, string Value)> Settings(Uri address);

    /// <summary>Where the server listens.</summary>
    public abstract Uri Address { get; }

    /// <summary>The URL of an object.</summary>
    public string Url(string key) => $"{Root}/{key}";

    public abstract Task PutAsync(string key, byte[] content);

    public abstract Task<byte[]?> GetAsync(string key);

    /// <summary>All objects that a reader sees.</summary>
    public abstract Task<string[]> KeysAsync();

    /// <summary>Uploads that were begun and neither published nor given up; always 0 where nobody can see them.</summary>
    public abstract Task<int> UnfinishedAsync();

    public abstract void Dispose();

    /// <summary>All objects that are data: without those that only Nebula looks at.</summary>
    public async Task<string[]> DataAsync() => [.. (await KeysAsync()).Where(static key =>
        !key.EndsWith(IObjectStore.StagedSuffix, StringComparison.Ordinal) && !key.EndsWith(IObjectStore.ManifestSuffix, StringComparison.Ordinal))];

    public OptionValues Options(string key, Uri? address = null, params (string Name, string Value)[] more) =>
        new("store", [new OptionDescriptor("path", OptionKind.Text, "path"), RateLimit.Option, .. ObjectStoreCatalog.Options],
            Settings(address ?? Address).Concat(more).GroupBy(static s => s.Name).Select(static s => s.Last()).Append(("path", Url(key)))
                .Select(static s => KeyValuePair.Create(s.Item1, new OptionValue([s.Item2], new SourceLocation("test")))));

    /// <summary>Opens the store as Nebula does.</summary>
    public IObjectStore Open(Uri? address = null, params (string Name, string Value)[] more) => ObjectStoreCatalog.Open(Options("", address, more));
}

/// <summary>The servers of all tests. Each test has a container of its own.</summary>
public sealed class StoreServers : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, Task<StoreServer>> _servers = new();
    private readonly ConcurrentBag<StoreWorld> _worlds = [];

    internal async Task<StoreWorld> WorldAsync(string name)
    {
        var container = $"test-{Guid.NewGuid():n}";
        var world = name == StoreWorld.Azure
            ? await AzureWorld.CreateAsync((await ServerAsync("azurite.mjs", ("AZURITE_ACCOUNTS", $"{AzureWorld.Account}:{AzureWorld.Key}"))).Address,
                container)
            : await S3World.CreateAsync((await ServerAsync("s3.mjs")).Address, container);
        _worlds.Add(world);
        return world;
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var world in _worlds)
            world.Dispose();
        foreach (var server in _servers.Values)
            await (await server).DisposeAsync();
    }

    private Task<StoreServer> ServerAsync(string script, params (string Name, string Value)[] variables) =>
        _servers.GetOrAdd(script, _ => StoreServer.StartAsync(script, variables));
}

/// <summary>Tests that share the servers, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class StoreTests : ICollectionFixture<StoreServers>
{
    public const string Name = "object stores";
}

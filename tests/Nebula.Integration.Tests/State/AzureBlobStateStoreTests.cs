using Azure.Storage;
using Azure.Storage.Blobs;
using Nebula.Engine.Diagnostics;
using Nebula.Integration.Tests.Servers;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Tests.State;

namespace Nebula.Integration.Tests.State;

[Collection(StoreTests.Name)]
public sealed class AzureBlobStateStoreTests(StoreServers servers)
{
    [StoreTheory]
    [MemberData(nameof(StateStoreContract.Keys), MemberType = typeof(StateStoreContract))]
    public async Task Put_AnyKey_IsFoundUnderItsName(string key) => await (await ContractAsync()).AnyKeyIsFoundUnderItsName(key);

    [StoreTheory]
    [MemberData(nameof(StateStoreContract.NoKeys), MemberType = typeof(StateStoreContract))]
    public async Task Get_NoKey_IsRefused(string key) => await (await ContractAsync()).NoKeyIsRefused(key);

    [StoreFact]
    public async Task Put_ConditionDoesNotHold_WritesNothing() => await (await ContractAsync()).ConditionThatDoesNotHoldWritesNothing();

    [StoreFact]
    public async Task Put_ManyWritersOfManyStores_LoseNoIncrement() => await (await ContractAsync()).ManyWritersLoseNoIncrement();

    [StoreFact]
    public async Task Put_SeveralCreateAtOnce_OneWins() => await (await ContractAsync()).SeveralThatCreateAtOnceOneWins();

    [StoreFact]
    public async Task List_Prefix_GivesItsKeysInOrder() => await (await ContractAsync()).PrefixGivesItsKeysInOrder();

    [StoreFact]
    public async Task Put_AnswerLost_IsNoConflict()
    {
        var world = await servers.WorldAsync(StoreWorld.Azure);
        await using var proxy = new FaultProxy(world.Address) { BytesBeforeCut = 0 };
        var store = new AzureBlobStateStore(Container(world, proxy.Address, AzureWorld.Key));
        var first = await store.PutAsync("k", "1"u8.ToArray(), StateCondition.IfAbsent, default);
        await store.GetAsync("k", default);
        // the server writes, and its answer is cut off
        proxy.CutOpen();
        proxy.Cuts = 1;
        var second = await store.PutAsync("k", "2"u8.ToArray(), StateCondition.IfMatch(first), default);
        Assert.Equal(1, proxy.Broken);
        Assert.Equal(second, (await store.GetAsync("k", default))!.ETag);
    }

    [StoreFact]
    public async Task Get_WrongKeyOrNoContainer_SaysWhatToDo()
    {
        var world = await servers.WorldAsync(StoreWorld.Azure);
        var refused = await Assert.ThrowsAsync<NebulaException>(
            () => new AzureBlobStateStore(Container(world, world.Address, Convert.ToBase64String(new byte[64])))
                .GetAsync("k", default));
        Assert.Contains(refused.Kind, (ErrorKind[])[ErrorKind.Authentication, ErrorKind.Permission]);
        var missing = new BlobContainerClient(
            new Uri(world.Address, $"{AzureWorld.Account}/missing"),
            new StorageSharedKeyCredential(AzureWorld.Account, AzureWorld.Key));
        var error = await Assert.ThrowsAsync<NebulaException>(() => new AzureBlobStateStore(missing).PutAsync("k", default, StateCondition.None, default));
        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains("container 'missing' of account", error.Message, StringComparison.Ordinal);
    }

    private static BlobContainerClient Container(StoreWorld world, Uri address, string key) =>
        new(new Uri(address, $"{AzureWorld.Account}/{world.Root["az://".Length..]}"), new StorageSharedKeyCredential(AzureWorld.Account, key));

    private async Task<StateStoreContract> ContractAsync()
    {
        var world = await servers.WorldAsync(StoreWorld.Azure);
        var container = Container(world, world.Address, AzureWorld.Key);
        await world.PutAsync("other/a.json", [1]);
        return new StateStoreContract(
            new AzureBlobStateStore(container, "/nebula/state/"),
            new AzureBlobStateStore(Container(world, world.Address, AzureWorld.Key), "nebula/state"));
    }
}

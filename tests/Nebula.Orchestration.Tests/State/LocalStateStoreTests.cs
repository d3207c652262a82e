using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Tests.State;

public sealed class LocalStateStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LocalStateStore _store;
    private readonly LocalStateStore _other;
    private readonly StateStoreContract _contract;

    public LocalStateStoreTests()
    {
        _store = new LocalStateStore(Path.Combine(_folder.Path, "state"));
        _other = new LocalStateStore(Path.Combine(_folder.Path, "state"));
        _contract = new StateStoreContract(_store, _other);
    }

    public void Dispose()
    {
        _store.Dispose();
        _other.Dispose();
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.tmp", SearchOption.AllDirectories));
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(StateStoreContract.Keys), MemberType = typeof(StateStoreContract))]
    public Task Put_AnyKey_IsFoundUnderItsName(string key) => _contract.AnyKeyIsFoundUnderItsName(key);

    [Theory]
    [MemberData(nameof(StateStoreContract.NoKeys), MemberType = typeof(StateStoreContract))]
    public Task Get_NoKey_IsRefused(string key) => _contract.NoKeyIsRefused(key);

    [Fact]
    public Task Put_ConditionDoesNotHold_WritesNothing() => _contract.ConditionThatDoesNotHoldWritesNothing();

    [Fact]
    public Task Put_ManyWritersOfManyStores_LoseNoIncrement() => _contract.ManyWritersLoseNoIncrement();

    [Fact]
    public Task Put_SeveralCreateAtOnce_OneWins() => _contract.SeveralThatCreateAtOnceOneWins();

    [Fact]
    public Task List_Prefix_GivesItsKeysInOrder() => _contract.PrefixGivesItsKeysInOrder();
}

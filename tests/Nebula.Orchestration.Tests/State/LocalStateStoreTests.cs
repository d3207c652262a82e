using System.Text;
using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Tests.State;

public sealed class LocalStateStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LocalStateStore _store;

    public LocalStateStoreTests() => _store = new LocalStateStore(Path.Combine(_folder.Path, "state"));

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a/b/c")]
    [InlineData("a.json/b.json")]
    [InlineData("ünï/köde %41/x:y*?")]
    [InlineData("a/.hidden")]
    public async Task Put_AnyKey_IsFoundUnderItsName(string key)
    {
        Assert.Null(await _store.GetAsync(key, default));
        var tag = await _store.PutAsync(key, Encoding.UTF8.GetBytes("1"), StateCondition.None, default);
        var entry = await _store.GetAsync(key, default);
        Assert.Equal(("1", tag), (Encoding.UTF8.GetString(entry!.Content.Span), entry.ETag));
        Assert.Equal([key], await _store.ListAsync("", default).ToListAsync());
        Assert.True(await _store.DeleteAsync(key, default));
        Assert.False(await _store.DeleteAsync(key, default));
        Assert.Empty(await _store.ListAsync("", default).ToListAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("../a")]
    [InlineData("a/./b")]
    public async Task Get_NoKey_IsRefused(string key) => await Assert.ThrowsAsync<ArgumentException>(() => _store.GetAsync(key, default));

    [Fact]
    public async Task Put_ConditionDoesNotHold_WritesNothing()
    {
        await Assert.ThrowsAsync<StateConflictException>(() => Put("1", StateCondition.IfMatch("x")));
        var first = await Put("1", StateCondition.IfAbsent);
        await Assert.ThrowsAsync<StateConflictException>(() => Put("2", StateCondition.IfAbsent));
        var second = await Put("2", StateCondition.IfMatch(first));
        await Assert.ThrowsAsync<StateConflictException>(() => Put("3", StateCondition.IfMatch(first)));
        Assert.Equal(second, (await _store.GetAsync("k", default))!.ETag);
        Assert.Empty(Directory.GetFiles(_folder.Path, "*.tmp", SearchOption.AllDirectories));

        Task<string> Put(string content, StateCondition condition) => _store.PutAsync("k", Encoding.UTF8.GetBytes(content), condition, default);
    }

    [Fact]
    public async Task Put_ManyWritersOfManyStores_LoseNoIncrement()
    {
        using var other = new LocalStateStore(Path.Combine(_folder.Path, "state"));
        LocalStateStore[] stores = [_store, other];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 25;)
                try
                {
                    var store = stores[writer % 2];
                    var entry = await store.GetAsync("counter", default);
                    var value = entry is null ? 0 : int.Parse(Encoding.UTF8.GetString(entry.Content.Span), System.Globalization.CultureInfo.InvariantCulture);
                    await store.PutAsync("counter", Encoding.UTF8.GetBytes($"{value + 1}"), StateCondition.IfUnchanged(entry), default);
                    i++;
                }
                catch (StateConflictException)
                {
                }
        })));
        Assert.Equal("100", Encoding.UTF8.GetString((await _store.GetAsync("counter", default))!.Content.Span));
    }

    [Fact]
    public async Task Put_SeveralCreateAtOnce_OneWins()
    {
        var created = await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            try
            {
                await _store.PutAsync("k", Encoding.UTF8.GetBytes($"{writer}"), StateCondition.IfAbsent, default);
                return 1;
            }
            catch (StateConflictException)
            {
                return 0;
            }
        })));
        Assert.Equal(1, created.Sum());
    }

    [Fact]
    public async Task List_Prefix_GivesItsKeysInOrder()
    {
        foreach (var key in (string[])["a/2", "a/10", "ab", "a/1/x", "b"])
            await _store.PutAsync(key, default, StateCondition.None, default);
        Assert.Equal(["a/1/x", "a/10", "a/2"], await _store.ListAsync("a/", default).ToListAsync());
        Assert.Equal(["a/1/x", "a/10"], await _store.ListAsync("a/1", default).ToListAsync());
        Assert.Empty(await _store.ListAsync("x/", default).ToListAsync());
    }
}

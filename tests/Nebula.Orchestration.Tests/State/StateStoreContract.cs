using System.Globalization;
using System.Text;
using Nebula.Orchestration.State;

namespace Nebula.Orchestration.Tests.State;

/// <summary>What every state store promises.</summary>
/// <param name="store">A store, empty.</param>
/// <param name="other">Another view of the same documents, as another process has it.</param>
internal sealed class StateStoreContract(IStateStore store, IStateStore other)
{
    public static TheoryData<string> Keys =>
        ["a", "a/b/c", "a.json/b.json", "ünï/köde %41/x:y*?", "a/.hidden", "a./b.", "a\\b", "a b+c&d#e", new string('k', 200)];

    public static TheoryData<string> NoKeys => ["", "/a", "a//b", "a/", "../a", "a/./b"];

    public async Task AnyKeyIsFoundUnderItsName(string key)
    {
        Assert.Null(await store.GetAsync(key, default));
        var tag = await store.PutAsync(key, Encoding.UTF8.GetBytes("1"), StateCondition.None, default);
        var entry = await other.GetAsync(key, default);
        Assert.Equal(("1", tag), (Encoding.UTF8.GetString(entry!.Content.Span), entry.ETag));
        Assert.Equal([key], await store.ListAsync("", default).ToListAsync());
        Assert.Equal([key], await store.ListAsync(key, default).ToListAsync());
        Assert.True(await store.DeleteAsync(key, default));
        Assert.False(await store.DeleteAsync(key, default));
        Assert.Empty(await store.ListAsync("", default).ToListAsync());
    }

    public async Task NoKeyIsRefused(string key) => await Assert.ThrowsAsync<ArgumentException>(() => store.GetAsync(key, default));

    public async Task ConditionThatDoesNotHoldWritesNothing()
    {
        await Assert.ThrowsAsync<StateConflictException>(() => Put("1", StateCondition.IfMatch("\"x\"")));
        var first = await Put("1", StateCondition.IfAbsent);
        await Assert.ThrowsAsync<StateConflictException>(() => Put("2", StateCondition.IfAbsent));
        var second = await Put("2", StateCondition.IfMatch(first));
        await Assert.ThrowsAsync<StateConflictException>(() => Put("3", StateCondition.IfMatch(first)));
        Assert.Equal(second, (await other.GetAsync("k", default))!.ETag);
        await store.DeleteAsync("k", default);
        await Assert.ThrowsAsync<StateConflictException>(() => Put("3", StateCondition.IfMatch(second)));

        Task<string> Put(string content, StateCondition condition) => store.PutAsync("k", Encoding.UTF8.GetBytes(content), condition, default);
    }

    public async Task ManyWritersLoseNoIncrement()
    {
        IStateStore[] stores = [store, other];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < 25;)
                try
                {
                    var mine = stores[writer % 2];
                    var entry = await mine.GetAsync("counter", default);
                    var value = entry is null ? 0 : int.Parse(Encoding.UTF8.GetString(entry.Content.Span), CultureInfo.InvariantCulture);
                    await mine.PutAsync("counter", Encoding.UTF8.GetBytes($"{value + 1}"), StateCondition.IfUnchanged(entry), default);
                    i++;
                }
                catch (StateConflictException)
                {
                }
        })));
        Assert.Equal("100", Encoding.UTF8.GetString((await store.GetAsync("counter", default))!.Content.Span));
    }

    public async Task SeveralThatCreateAtOnceOneWins()
    {
        var created = await Task.WhenAll(Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            try
            {
                await (writer % 2 == 0 ? store : other).PutAsync("k", Encoding.UTF8.GetBytes($"{writer}"), StateCondition.IfAbsent, default);
                return 1;
            }
            catch (StateConflictException)
            {
                return 0;
            }
        })));
        Assert.Equal(1, created.Sum());
    }

    public async Task PrefixGivesItsKeysInOrder()
    {
        foreach (var key in (string[])["a/2", "a/10", "ab", "a/1/x", "b"])
            await store.PutAsync(key, default, StateCondition.None, default);
        Assert.Equal(["a/1/x", "a/10", "a/2"], await other.ListAsync("a/", default).ToListAsync());
        Assert.Equal(["a/1/x", "a/10"], await other.ListAsync("a/1", default).ToListAsync());
        Assert.Empty(await other.ListAsync("x/", default).ToListAsync());
    }
}

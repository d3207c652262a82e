using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Orchestration.State;
using Nebula.Orchestration.Sync;

namespace Nebula.Orchestration.Tests.Sync;

/// <summary>A page that is sealed by two at once, as when the host takes a slow worker for a dead one.</summary>
public sealed class SealPageTests : IDisposable
{
    private static readonly PageTask Page = new(new StreamTask("run-1", "shop", 0), "a", 0, 0, 3);
    private static readonly ActivityContext Context = new("i", default);
    private readonly TemporaryFolder _folder = new();
    private readonly LocalStateStore _store;

    public SealPageTests() => _store = new LocalStateStore(Path.Combine(_folder.Path, "state"));

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("parts/000000")]
    [InlineData("parts/000001")]
    [InlineData("parts/000002")]
    public async Task SealPage_WhileAnotherDoes_GivesItsParts(string meanwhile)
    {
        var state = new SyncState(_store);
        for (var i = 0; i < Page.Count; i++)
            await state.RecordPartAsync(Page, new StagedPart(i, $"at {i}", 10 + i, 100), default);
        Staged? first = null;
        var racing = new RacingStore(_store, meanwhile, async () => first = await Activities(_store).SealPageAsync(Context, Page));
        var second = await Activities(racing).SealPageAsync(Context, Page);
        Assert.Equal(new Staged(33, 300, 3), first);
        Assert.Equal(first, second);
        Assert.Equal(["at 0", "at 1", "at 2"], (await state.FindManifestAsync(Page, default))!.Select(static part => part.Location));
        Assert.Equal(["runs/run-1/0/a/manifest/000000"], await _store.ListAsync("runs/", default).ToListAsync());
    }

    [Fact]
    public async Task SealPage_ChunkMovedAgainAfterAnotherSealed_KeepsTheFirstPart()
    {
        var page = Page with { Count = 1 };
        var state = new SyncState(_store);
        await state.RecordPartAsync(page, new StagedPart(0, "first", 10, 100), default);
        var racing = new RacingStore(_store, "parts/000000", async () =>
        {
            await Activities(_store).SealPageAsync(Context, page);
            await state.RecordPartAsync(page, new StagedPart(0, "again", 10, 100), default);
        });
        await Activities(racing).SealPageAsync(Context, page);
        Assert.Equal("first", Assert.Single((await state.FindManifestAsync(page, default))!).Location);
    }

    [Fact]
    public async Task SealPage_RecordGone_FailsAndSaysWhich()
    {
        await new SyncState(_store).RecordPartAsync(Page, new StagedPart(0, "at 0", 10, 100), default);
        var error = await Assert.ThrowsAsync<NebulaException>(() => Activities(_store).SealPageAsync(Context, Page));
        Assert.Contains("Chunk 1 was moved, but its record is gone", error.Message, StringComparison.Ordinal);
    }

    private SyncActivities Activities(IStateStore store) => new(new FolderWorld(_folder.Path), store);

    /// <summary>A store that lets something else happen before a document is read for the first time.</summary>
    private sealed class RacingStore(IStateStore store, string raced, Func<Task> meanwhile) : IStateStore
    {
        private Func<Task>? _meanwhile = meanwhile;

        public async Task<StateEntry?> GetAsync(string key, CancellationToken cancellationToken)
        {
            if (key.EndsWith(raced, StringComparison.Ordinal) && Interlocked.Exchange(ref _meanwhile, null) is { } other)
                await other();
            return await store.GetAsync(key, cancellationToken);
        }

        public Task<string> PutAsync(string key, ReadOnlyMemory<byte> content, StateCondition condition, CancellationToken cancellationToken) =>
            store.PutAsync(key, content, condition, cancellationToken);

        public IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken cancellationToken) => store.ListAsync(prefix, cancellationToken);

        public Task<bool> DeleteAsync(string key, CancellationToken cancellationToken) => store.DeleteAsync(key, cancellationToken);
    }
}

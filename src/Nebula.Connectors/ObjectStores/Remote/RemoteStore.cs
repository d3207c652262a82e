using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.ObjectStores.Remote;

/// <summary>Objects of one container of a service, which are read by ranges and appear in one step.</summary>
/// <param name="backend">The service, which this owns.</param>
/// <param name="resolve">Puts a path as the user wrote it into the form of <see cref="IRemoteBackend.Root"/>.</param>
internal sealed class RemoteStore(IRemoteBackend backend, Func<string, string> resolve) : IObjectStore
{
    private const int MostPartsUnderWay = 8;

    // where more objects are written at a time, as partitions are, each gets less memory
    private const int ManyOpen = 8;
    private const int NearNames = 1_000;
    private readonly SemaphoreSlim _slots = new(MostPartsUnderWay);
    private readonly Dictionary<string, ObjectLock> _locks = new(StringComparer.Ordinal);
    private int _open;

    public long BufferBytes => Math.Max(TransferMemory.PerObject, 2L * TransferMemory.PartSize(backend.SmallestPart));

    public long LibraryBytes => TransferMemory.ClientShare;

    public bool Joins => true;

    public bool Renames => false;

    public string Resolve(string path) => resolve(path);

    public bool IsFolder(string path) => path.EndsWith('/') || path == backend.Root;

    public Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken) =>
        new RemoteListing(backend).FindAsync(pattern, cancellationToken);

    public NebulaException Missing(string path)
    {
        var slash = path.LastIndexOf('/') + 1;
        var near = backend.ListAsync(KeyOf(path[..slash]), recursive: false,
            CancellationToken.None).Take(NearNames).ToListAsync().AsTask().GetAwaiter().GetResult();
        return NebulaException.NotFound($"'{path}' does not "
            + $"exist.{Suggestion.For(path[slash..].TrimEnd('/'), near.Select(static o => ObjectPath.NameOf(o.Key.TrimEnd('/'))))}");
    }

    public Stream OpenRead(StoredObject file, long offset = 0, CancellationToken cancellationToken = default) =>
        new ReadAheadStream(new RangeReader(backend, Pin(file, cancellationToken)), offset, cancellationToken);

    public IRandomAccess OpenRandom(StoredObject file, CancellationToken cancellationToken = default) =>
        new CachedRanges(file.Path, new RangeReader(backend, Pin(file, cancellationToken)), cancellationToken);

    public void CheckWritable(string path)
    {
        var key = Hidden(IsFolder(path) ? $"{KeyOf(path)}check" : KeyOf(path), $"check-{Guid.NewGuid():n}");
        Wait(backend.PutAsync(key, default, "", CancellationToken.None));
        Wait(backend.DeleteAsync(key, CancellationToken.None));
    }

    public IDisposable Claim(string path, string pattern, string runId, bool goesOn, CancellationToken cancellationToken)
    {
        var taken = Wait(ObjectLock.TakeAsync(backend, Hidden(KeyOf(path), "lock"), runId, path, cancellationToken));
        lock (_locks)
            _locks[pattern] = taken;
        return new Claimed(this, pattern, taken);
    }

    public IReadOnlyList<string> FindAbandoned(string path, string pattern, string runId, IEnumerable<string> staged)
    {
        var (prefix, isTarget) = TargetsOf(path, pattern);
        return Wait(backend.FindAbandonedAsync(prefix, isTarget, staged, CancellationToken.None));
    }

    public IStagedObject Stage(string path, string runId, int? chunkIndex = null)
    {
        var key = KeyOf(path);
        if (key.Length == 0 || key.EndsWith('/'))
            throw NebulaException.Configuration($"'{path}' is a folder. Give the path of a file in it.");
        var size = Interlocked.Increment(ref _open) > ManyOpen ? backend.SmallestPart : TransferMemory.PartSize(backend.SmallestPart);
        return new StagedUpload(backend.Upload(key, runId, chunkIndex), _slots, size, () => Interlocked.Decrement(ref _open));
    }

    public bool Publish(IReadOnlyList<string> staged, string path, string token)
    {
        lock (_locks)
            foreach (var (pattern, taken) in _locks)
                if (taken.IsLost && (pattern == path || Glob.Matches(pattern, path)))
                    throw new NebulaException(ErrorKind.Locked,
                        $"'{path}' is not published: this run was silent for so long that another one took the target over. Run again.");
        return Wait(backend.PublishAsync(staged, KeyOf(path), token, CancellationToken.None));
    }

    public void Discard(string staged) => backend.DiscardAsync(staged, CancellationToken.None).GetAwaiter().GetResult();

    public void Delete(string path, string root) => backend.DeleteAsync(KeyOf(path), CancellationToken.None).GetAwaiter().GetResult();

    public SmallObject? ReadSmall(string path) => Wait(SmallObjects.ReadAsync(backend, KeyOf(path), CancellationToken.None));

    public SmallObject WriteSmall(string path, ReadOnlyMemory<byte> content, SmallObject? expected, string runId) =>
        Wait(backend.PutAsync(KeyOf(path), content, expected?.Version ?? "", CancellationToken.None)) is { } version ? new SmallObject(content, version)
            : Wait(SmallObjects.ReadAsync(backend, KeyOf(path), CancellationToken.None)) is { } now && now.Content.Span.SequenceEqual(content.Span) ? now
            : throw new NebulaException(ErrorKind.Locked, $"'{path}' was changed by another run meanwhile. Wait for that run, or write to another path.");

    public void Dispose()
    {
        _slots.Dispose();
        backend.Dispose();
    }

    /// <summary>The key of something hidden that belongs to an object: lists of data leave it out, by the ending ours and by the point those of many other
    /// programs.</summary>
    internal static string Hidden(string key, string what) => $"{FolderOf(key)}.{key[(key.LastIndexOf('/') + 1)..]}.{what}{IObjectStore.StagedSuffix}";

    /// <summary>What a claim is about: where to look, and which keys are its objects, or hidden and belong to them.</summary>
    private (string Prefix, Func<string, bool> IsTarget) TargetsOf(string path, string pattern)
    {
        var (key, keys) = (KeyOf(path), KeyOf(pattern));
        var wildcard = pattern == path ? -1 : keys.AsSpan().IndexOfAny('*', '?');
        var staged = Hidden(key, "")[..^IObjectStore.StagedSuffix.Length];
        return (wildcard < 0 ? FolderOf(key) : keys[..wildcard], found => (wildcard < 0 ? found == key : Glob.Matches(keys, found))
            || (found.StartsWith(staged, StringComparison.Ordinal) && found.EndsWith(IObjectStore.StagedSuffix, StringComparison.Ordinal)
                && found != Hidden(key, "lock")));
    }

    private static string FolderOf(string key) => key[..(key.LastIndexOf('/') + 1)];

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static void Wait(Task task) => task.GetAwaiter().GetResult();

    private string KeyOf(string path) => RemoteListing.KeyOf(backend, path);

    /// <summary>The version that was listed; the one that is there now when none was.</summary>
    private RemoteObject Pin(StoredObject file, CancellationToken cancellationToken) =>
        file is { Size: { } size, Version: { } version } ? new RemoteObject(KeyOf(file.Path), size, version)
        : Wait(backend.FindAsync(KeyOf(file.Path), cancellationToken)) ?? throw Missing(file.Path);

    private sealed class Claimed(RemoteStore store, string pattern, ObjectLock taken) : IDisposable
    {
        public void Dispose()
        {
            lock (store._locks)
                store._locks.Remove(pattern);
            taken.Dispose();
        }
    }
}

using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Delivery.Tests;

/// <summary>The effects on an object store.</summary>
internal sealed class SteppedStore(IObjectStore inner, Steps steps) : IObjectStore
{
    public bool Joins => inner.Joins;

    public bool Continues => inner.Continues;

    public bool Renames => inner.Renames;

    public string Resolve(string path) => inner.Resolve(path);

    public bool IsFolder(string path) => inner.IsFolder(path);

    public Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken) => inner.ListAsync(pattern, cancellationToken);

    public NebulaException Missing(string path) => inner.Missing(path);

    public bool ComesOnce(string path) => inner.ComesOnce(path);

    public Stream OpenRead(StoredObject file, long offset, CancellationToken cancellationToken) => inner.OpenRead(file, offset, cancellationToken);

    public IRandomAccess OpenRandom(StoredObject file, CancellationToken cancellationToken) => inner.OpenRandom(file, cancellationToken);

    public void CheckWritable(string path) => inner.CheckWritable(path);

    public IDisposable Claim(string path, string pattern, string runId, bool goesOn, CancellationToken cancellationToken) =>
        steps.Around("store.claim", () => inner.Claim(path, pattern, runId, goesOn, cancellationToken));

    public IStagedObject Stage(string path, string runId, int? chunkIndex) =>
        steps.Around("store.stage", () => new Staged(inner.Stage(path, runId, chunkIndex), steps));

    public IStagedObject Continue(string staged) => steps.Around("store.continue", () => new Staged(inner.Continue(staged), steps));

    public bool Publish(IReadOnlyList<string> staged, string path, string token) => steps.Around("store.publish", () => inner.Publish(staged, path, token));

    public IReadOnlyList<string> FindAbandoned(string path, string pattern, string runId, IEnumerable<string> staged) =>
        inner.FindAbandoned(path, pattern, runId, staged);

    public void Discard(string staged) => inner.Discard(staged);

    public void Delete(string path, string root) => steps.Around("store.delete", () =>
    {
        inner.Delete(path, root);
        return true;
    });

    public SmallObject? ReadSmall(string path) => inner.ReadSmall(path);

    public SmallObject WriteSmall(string path, ReadOnlyMemory<byte> content, SmallObject? expected, string runId) =>
        steps.Around("store.manifest", () => inner.WriteSmall(path, content, expected, runId));

    public void Dispose() => inner.Dispose();

    private sealed class Staged(IStagedObject inner, Steps steps) : IStagedObject
    {
        public string Location => inner.Location;

        public long Length => inner.Length;

        public void Write(ReadOnlySpan<byte> bytes)
        {
            steps.Reach("store.write");
            inner.Write(bytes);
            steps.Reach("store.write.done");
        }

        public void Flush() => inner.Flush();

        public void Complete() => steps.Around("store.complete", () =>
        {
            inner.Complete();
            return true;
        });

        public void Interrupt() => inner.Interrupt();

        public void Dispose() => inner.Dispose();
    }
}

using Nebula.Connectors.Files;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Tests;

/// <summary>Objects in memory; <c>-</c> is standard input, which can be read once.</summary>
internal sealed class MemoryStore : IObjectStore
{
    private readonly SortedDictionary<string, byte[]> _objects = new(StringComparer.Ordinal);
    private bool _inputTaken;

    public MemoryStore Add(string path, byte[] content)
    {
        _objects[path] = content;
        return this;
    }

    /// <summary>Called before each read of a file's bytes.</summary>
    public Action? Reading { get; set; }

    /// <summary>Most bytes that one read gives.</summary>
    public int Portion { get; set; } = int.MaxValue;

    public Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<StoredObject>>(
        [.. _objects.Where(o => Glob.IsWildcard(pattern) ? Glob.Matches(pattern, o.Key) : o.Key == pattern).Select(static o => new StoredObject(o.Key, o.Key, o.Key == "-" ? null : o.Value.Length))]);

    public bool ComesOnce(string path) => path == "-";

    public Stream OpenRead(string path)
    {
        if (path == "-")
        {
            Assert.False(_inputTaken, "standard input is opened twice");
            _inputTaken = true;
        }
        return _objects.TryGetValue(path, out var content) ? new PortionStream(this, content) : throw NebulaException.NotFound($"'{path}' does not exist.");
    }

    public IRandomAccess OpenRandom(string path) => _objects.TryGetValue(path, out var content) ? new Bytes(path, content) : throw NebulaException.NotFound($"'{path}' does not exist.");

    public bool Exists(string path) => _objects.ContainsKey(path);

    public void Delete(string path, string root) => _objects.Remove(path);

    public IStagedObject Stage(string path, string runId) => throw new NotSupportedException();

    public void Publish(string staged, string path) => throw new NotSupportedException();

    public void Discard(string staged) => throw new NotSupportedException();

    public void DiscardLeftovers(string path) => throw new NotSupportedException();

    private sealed class Bytes(string name, byte[] content) : IRandomAccess
    {
        public string Name => name;

        public long Length => content.Length;

        public void Read(long offset, Span<byte> target) => content.AsSpan((int)offset, target.Length).CopyTo(target);

        public void Dispose()
        {
        }
    }

    private sealed class PortionStream(MemoryStore store, byte[] content) : ReadOnlyStream
    {
        private int _position;

        public override int Read(Span<byte> buffer)
        {
            store.Reading?.Invoke();
            var count = Math.Min(Math.Min(buffer.Length, store.Portion), content.Length - _position);
            content.AsSpan(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }
    }
}

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

    public bool Joins => false;

    public bool Renames => true;

    public string Resolve(string path) => path;

    public bool IsFolder(string path) => false;

    public NebulaException Missing(string path) => NebulaException.NotFound($"'{path}' does not exist.");

    public Task<IReadOnlyList<StoredObject>> ListAsync(string pattern, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<StoredObject>>(
        [.. _objects.Where(o => Glob.IsWildcard(pattern) ? Glob.Matches(pattern, o.Key) : o.Key == pattern)
            .Select(static o => new StoredObject(o.Key, o.Key, o.Key == "-" ? null : o.Value.Length))]);

    public bool ComesOnce(string path) => path == "-";

    public Stream OpenRead(StoredObject file, long offset = 0, CancellationToken cancellationToken = default)
    {
        var path = file.Path;
        if (path == "-")
        {
            Assert.False(_inputTaken, "standard input is opened twice");
            _inputTaken = true;
        }
        return _objects.TryGetValue(path, out var content)
            ? new PortionStream(this, content) { Start = (int)offset }
            : throw NebulaException.NotFound($"'{path}' does not exist.");
    }

    public IRandomAccess OpenRandom(StoredObject file, CancellationToken cancellationToken = default) =>
        _objects.TryGetValue(file.Path, out var content) ? new Bytes(file.Path, content) : throw NebulaException.NotFound($"'{file.Path}' does not exist.");

    public void Delete(string path, string root) => _objects.Remove(path);

    public void CheckWritable(string path) => throw new NotSupportedException();

    public IDisposable Claim(string path, string pattern, string runId, bool goesOn, CancellationToken cancellationToken) => throw new NotSupportedException();

    public IStagedObject Stage(string path, string runId, int? chunkIndex = null) => throw new NotSupportedException();

    public bool Publish(IReadOnlyList<string> staged, string path, string token) => throw new NotSupportedException();

    public void Discard(string staged) => throw new NotSupportedException();

    public SmallObject? ReadSmall(string path) => throw new NotSupportedException();

    public SmallObject WriteSmall(string path, ReadOnlyMemory<byte> content, SmallObject? expected, string runId) => throw new NotSupportedException();

    public void Dispose()
    {
    }

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

        public int Start
        {
            init => _position = value;
        }

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

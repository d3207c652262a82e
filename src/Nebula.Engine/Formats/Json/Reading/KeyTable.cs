namespace Nebula.Engine.Formats.Json.Reading;

/// <summary>
/// Numbers byte strings in the order in which they were added. Hashes are seeded per process, so that no input can be made of keys that collide.
/// </summary>
internal sealed class KeyTable
{
    private int[] _buckets = new int[16];
    private (byte[] Key, int Hash, int Next)[] _entries = new (byte[], int, int)[8];

    /// <summary>Number of keys.</summary>
    public int Count { get; private set; }

    /// <summary>The text of a key.</summary>
    public byte[] this[int key] => _entries[key].Key;

    /// <summary>Finds a key; -1 when it is not there.</summary>
    public int Find(ReadOnlySpan<byte> key)
    {
        var hash = Hash(key);
        for (var at = _buckets[hash & (_buckets.Length - 1)]; at > 0; at = _entries[at - 1].Next)
            if (_entries[at - 1].Hash == hash && key.SequenceEqual(_entries[at - 1].Key))
                return at - 1;
        return -1;
    }

    /// <summary>Adds a key that is not there yet.</summary>
    /// <returns>Its number.</returns>
    public int Add(ReadOnlySpan<byte> key)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
            _buckets = new int[Count * 4];
            for (var i = 0; i < Count; i++)
                Link(i);
        }
        _entries[Count] = (key.ToArray(), Hash(key), 0);
        Link(Count);
        return Count++;
    }

    private void Link(int entry)
    {
        ref var bucket = ref _buckets[_entries[entry].Hash & (_buckets.Length - 1)];
        _entries[entry].Next = bucket;
        bucket = entry + 1;
    }

    private static int Hash(ReadOnlySpan<byte> key)
    {
        var hash = new HashCode();
        hash.AddBytes(key);
        return hash.ToHashCode();
    }
}

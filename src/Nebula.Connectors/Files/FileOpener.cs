using System.Collections.Concurrent;
using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>
/// Opens files and takes off their compression. What comes only once, standard input and pipes, can be opened for samples any number of times, but to its end
/// only once. Owns the store.
/// </summary>
/// <param name="store">Where the files are.</param>
/// <param name="options">What the user set.</param>
/// <param name="parent">Whose store this one shares, and what comes only once; null when it owns both.</param>
internal sealed class FileOpener(IObjectStore store, OptionValues options, FileOpener? parent = null) : IDisposable
{
    private readonly ConcurrentDictionary<string, ReplayStream> _replayed = parent?._replayed ?? new();
    private readonly ConcurrentDictionary<string, SpooledBytes> _spooled = parent?._spooled ?? new();
    private readonly CancellationTokenSource _reads = new();

    /// <summary>Makes an opener whose reads can be interrupted apart from those of others.</summary>
    /// <returns>The opener; whoever takes it disposes of it, and of what it opened before.</returns>
    public FileOpener Fork() => new(store, options, this);

    /// <summary>Opens a file for reading its uncompressed bytes.</summary>
    /// <param name="file">The file.</param>
    /// <param name="sampleOnly">Whether the file will be opened again.</param>
    public CountedStream Open(StoredObject file, bool sampleOnly)
    {
        var stored = store.ComesOnce(file.Path)
            ? _replayed.GetOrAdd(file.Path, _ => OpenOnce(file)).Rewind(isLast: !sampleOnly)
            : store.OpenRead(file, cancellationToken: _reads.Token);
        return new CountedStream(stored, counted => FileCodecs.Decode(counted, file.Path, options));
    }

    /// <summary>Opens a file that is not compressed for reading from some place on.</summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">The first byte wanted.</param>
    public CountedStream OpenAt(StoredObject file, long offset) => new(store.OpenRead(file, offset, _reads.Token));

    /// <summary>Whether parts of a file can be read on their own: it does not come only once, and is not compressed as a whole.</summary>
    /// <param name="file">The file.</param>
    public bool HasParts(StoredObject file)
    {
        if (store.ComesOnce(file.Path) || file.Size is null)
            return false;
        using var bytes = store.OpenRandom(file, _reads.Token);
        Span<byte> head = stackalloc byte[FileCodecs.SignatureLength];
        head = head[..(int)Math.Min(head.Length, bytes.Length)];
        bytes.Read(0, head);
        return FileCodecs.Of(head, file.Path, options) == CompressionCodecs.None;
    }

    /// <summary>Opens the stored bytes of a file for reading in any order.</summary>
    /// <param name="file">The file, for which <see cref="HasParts"/> holds.</param>
    public IRandomAccess OpenStored(StoredObject file) => store.OpenRandom(file, _reads.Token);

    /// <summary>Reads the first bytes of a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="size">Most bytes read.</param>
    /// <param name="isWhole">Whether they are all there are.</param>
    public PooledBuffer Sample(StoredObject file, int size, out bool isWhole)
    {
        using var stream = Open(file, sampleOnly: true);
        var buffer = BufferPool.Shared.Rent(size);
        try
        {
            buffer.Length = TextBlocks.Fill(stream, buffer.Span[..size]);
            isWhole = buffer.Length < size;
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Opens a file for reading its uncompressed bytes in any order. What comes only once, or compressed, is put into a temporary file first.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <returns>The bytes; whoever takes them disposes of them.</returns>
    public IRandomAccess OpenRandom(StoredObject file)
    {
        // it is needed twice, to find the columns and to read them
        if (store.ComesOnce(file.Path))
            return _spooled.GetOrAdd(file.Path, _ => Spool(file)).Share();
        var bytes = store.OpenRandom(file, _reads.Token);
        try
        {
            Span<byte> head = stackalloc byte[FileCodecs.SignatureLength];
            head = head[..(int)Math.Min(head.Length, bytes.Length)];
            bytes.Read(0, head);
            if (FileCodecs.Of(head, file.Path, options) == CompressionCodecs.None)
                return bytes;
        }
        catch
        {
            bytes.Dispose();
            throw;
        }
        bytes.Dispose();
        return Spool(file);
    }

    /// <summary>Ends a read that waits, for somebody to write or for an answer.</summary>
    public void Interrupt()
    {
        _reads.Cancel();
        foreach (var input in _replayed.Values)
            input.Interrupt();
    }

    public void Dispose()
    {
        _reads.Dispose();
        if (parent is not null)
            return;
        foreach (var input in _replayed.Values)
            input.Dispose();
        foreach (var bytes in _spooled.Values)
            bytes.Dispose();
        store.Dispose();
    }

    private SpooledBytes Spool(StoredObject file)
    {
        using var stream = Open(file, sampleOnly: false);
        return SpooledBytes.Of(stream, file.Name);
    }

    private ReplayStream OpenOnce(StoredObject file)
    {
        var input = new ReplayStream(store.OpenRead(file));
        if (_reads.IsCancellationRequested)
            input.Interrupt();
        return input;
    }
}

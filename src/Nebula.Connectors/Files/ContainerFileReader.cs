using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>Reads the files of a chunk one behind the other. A file is closed when all its blocks are decoded.</summary>
/// <param name="format">The format.</param>
/// <param name="chunk">The files, or the parts of one.</param>
/// <param name="opener">Opens them, which this owns.</param>
/// <param name="options">What the user set.</param>
/// <param name="plan">The columns wanted.</param>
/// <param name="context">Block size and pool.</param>
internal sealed class ContainerFileReader(
    IContainerFormat format, FileChunk chunk, FileOpener opener, OptionValues options, StreamPlan plan, ReadContext context) : ISourceReader
{
    private readonly List<OpenFile> _open = [];
    private OpenFile? _current;
    private int _next;
    private long _finishedBytes;
    private CancellationTokenRegistration _interruption;

    public long? TotalBytes { get; } = FileSplitter.BytesOf(chunk);

    public long BytesRead => Interlocked.Read(ref _finishedBytes) + (Volatile.Read(ref _current)?.Reader.BytesRead ?? 0);

    public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken)
    {
        if (_interruption == default)
            _interruption = cancellationToken.UnsafeRegister(static opener => ((FileOpener)opener!).Interrupt(), opener);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_current is null)
            {
                if (_next == chunk.Files.Count)
                    return default;
                _current = Open(chunk.Files[_next], _next);
                _next++;
            }
            if (_current.Reader.Next() is { } block)
                return new ValueTask<RawBlock?>(_current.Lend(block));
            Interlocked.Add(ref _finishedBytes, _current.Reader.BytesRead);
            _current.Release();
            _current = null;
        }
    }

    public void Decode(RawBlock block, IDecodeSink sink)
    {
        var lent = (LentBlock)block.Detail!;
        lent.File.Reader.Decode(lent.Block, lent.File.Mapping.Before(sink, block.Position));
        lent.File.Release();
    }

    public ValueTask DisposeAsync()
    {
        _interruption.Dispose();
        foreach (var file in _open)
            file.Close();
        opener.Dispose();
        return default;
    }

    private OpenFile Open(StoredObject stored, int index)
    {
        var file = format.Open(opener.OpenRandom(stored), options, context.Pool);
        try
        {
            var mapping = new FileMapping(plan, file.Schema, stored.Name, context.Pool);
            var opened = new OpenFile(index, file, file.OpenReader(mapping.FileColumns, chunk.Parts?.First ?? 0, chunk.Parts?.Count, context), mapping);
            _open.RemoveAll(static other => other.IsClosed);
            _open.Add(opened);
            return opened;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A block with the file that it came from.</summary>
    private sealed record LentBlock(OpenFile File, RawBlock Block) : IDisposable
    {
        public void Dispose() => Block.Dispose();
    }

    /// <summary>A file, open as long as somebody fetches or decodes.</summary>
    private sealed class OpenFile(int index, IContainerFile file, IContainerReader reader, FileMapping mapping)
    {
        private int _users = 1;
        private int _closed;

        public IContainerReader Reader => reader;

        public FileMapping Mapping => mapping;

        public bool IsClosed => Volatile.Read(ref _closed) != 0;

        public RawBlock Lend(RawBlock block)
        {
            Interlocked.Increment(ref _users);
            return new RawBlock(block.Buffer, block.Position with { FileIndex = index }) { Detail = new LentBlock(this, block) };
        }

        public void Release()
        {
            if (Interlocked.Decrement(ref _users) == 0)
                Close();
        }

        public void Close()
        {
            if (Interlocked.Exchange(ref _closed, 1) != 0)
                return;
            reader.Dispose();
            file.Dispose();
        }
    }
}

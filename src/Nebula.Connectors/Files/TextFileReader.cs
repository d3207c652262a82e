using Nebula.Connectors.ObjectStores;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>Reads the files of a chunk one behind the other, all with the same dialect and columns.</summary>
internal sealed class TextFileReader(ITextFormat format, IReadOnlyList<StoredObject> files, FileOpener opener, StreamPlan plan, ReadContext context) : ISourceReader
{
    private readonly IBlockDecoder _decoder = format.CreateDecoder(plan, context.Pool);
    private TextBlocks? _current;
    private int _next;
    private CancellationTokenRegistration _interruption;
    private long _finishedBytes;

    public long? TotalBytes { get; } = files.All(static file => file.Size is not null) ? files.Sum(static file => file.Size) : null;

    public long BytesRead => Interlocked.Read(ref _finishedBytes) + (Volatile.Read(ref _current)?.BytesRead ?? 0);

    public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken)
    {
        if (_interruption == default)
            _interruption = cancellationToken.UnsafeRegister(static opener => ((FileOpener)opener!).Interrupt(), opener);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_current is null)
            {
                if (_next == files.Count)
                    return default;
                _current = new TextBlocks(format, plan.Stream.Details, files[_next], _next, opener, context, sampleOnly: false);
                _next++;
            }
            if (_current.Next() is { } block)
                return new ValueTask<RawBlock?>(block);
            var finished = _current;
            Interlocked.Add(ref _finishedBytes, finished.BytesRead);
            _current = null;
            finished.Dispose();
        }
    }

    public void Decode(RawBlock block, IDecodeSink sink) => _decoder.Decode(block, sink);

    public ValueTask DisposeAsync()
    {
        _interruption.Dispose();
        _current?.Dispose();
        return default;
    }
}

using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;

namespace Nebula.Connectors.Files;

/// <summary>Reads the files of a chunk one behind the other, all with the same dialect and columns. Owns the opener.</summary>
internal sealed class TextFileReader(ITextFormat format, FileChunk chunk, FileOpener opener, StreamPlan plan, ReadContext context) : ISourceReader
{
    private const int LineBuffer = 1 << 20;
    private readonly IBlockDecoder _decoder = format.CreateDecoder(plan, context.Pool);
    private TextBlocks? _current;
    private int _next;
    private CancellationTokenRegistration _interruption;
    private long _finishedBytes;

    public long? TotalBytes { get; } = FileSplitter.BytesOf(chunk);

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
                if (_next == chunk.Files.Count)
                    return default;
                _current = new TextBlocks(format, plan.Stream.Details, chunk.Files[_next], _next, opener, context, sampleOnly: false, chunk.Range);
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

    public long CountLinesBefore()
    {
        if (chunk.Range is not { Start: > 0 } range)
            return 0;
        var lineEnd = (byte)(plan.Stream.Details.GetValueOrDefault("newline") == "cr" ? '\r' : '\n');
        // after an error the reads of the chunk are interrupted
        using var fresh = opener.Fork();
        using var stream = fresh.OpenAt(chunk.Files[0], 0);
        using var buffer = context.Pool.Rent(LineBuffer);
        var lines = 0L;
        for (var left = range.Start; left > 0;)
        {
            var read = TextBlocks.Fill(stream, buffer.Span[..(int)Math.Min(left, LineBuffer)]);
            if (read == 0)
                break;
            lines += buffer.Span[..read].Count(lineEnd);
            left -= read;
        }
        return lines;
    }

    public ValueTask DisposeAsync()
    {
        _interruption.Dispose();
        _current?.Dispose();
        opener.Dispose();
        return default;
    }
}

using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Deflate;

/// <summary>Decodes deflate data inside a container: header, body, trailer. Subclasses know the container.</summary>
internal abstract unsafe class DeflateDecompressor : Decompressor
{
    // Small enough to stay in the second-level cache until it is copied out.
    private const int WindowSize = Inflater.HistorySize + (128 << 10);
    private readonly Inflater _inflater;
    private readonly PooledBuffer _window;
    private int _windowEnd;
    private int _delivered;
    private int _historyStart;
    private Part _part;

    protected DeflateDecompressor(BufferPool pool)
    {
        _window = pool.Rent(WindowSize);
        _inflater = new Inflater(pool);
    }

    private enum Part
    {
        Header,
        Body,
        Trailer,
        Done,
    }

    public sealed override bool IsComplete => _part == Part.Done && _delivered == _windowEnd;

    public sealed override int Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Consumed = 0;
        while (true)
        {
            var rest = input[Consumed..];
            switch (_part)
            {
                case Part.Header:
                    var header = TryReadHeader(rest);
                    if (header < 0)
                        return 0;
                    Consumed += header;
                    _inflater.Reset();
                    _historyStart = _windowEnd;
                    _part = Part.Body;
                    break;
                case Part.Body:
                    if (_delivered == _windowEnd)
                        Inflate(rest);
                    if (_delivered < _windowEnd)
                        return Deliver(output);
                    if (!_inflater.IsFinished)
                        return 0;
                    _part = Part.Trailer;
                    break;
                case Part.Trailer:
                    var trailer = TryReadTrailer(rest);
                    if (trailer < 0)
                        return 0;
                    Consumed += trailer;
                    _part = Part.Done;
                    break;
                default:
                    if (rest.IsEmpty)
                        return 0;
                    Consumed += SkipAfterEnd(rest, out var anotherFollows);
                    if (!anotherFollows)
                        return 0;
                    _part = Part.Header;
                    break;
            }
        }
    }

    public sealed override void Dispose()
    {
        _inflater.Dispose();
        _window.Dispose();
    }

    /// <summary>Reads the header. Bytes used, or -1 when it is not all there.</summary>
    protected abstract int TryReadHeader(ReadOnlySpan<byte> input);

    /// <summary>Learns of decoded bytes, to sum them up.</summary>
    protected abstract void Update(ReadOnlySpan<byte> content);

    /// <summary>Reads and checks the trailer. Bytes used, or -1 when it is not all there.</summary>
    protected abstract int TryReadTrailer(ReadOnlySpan<byte> input);

    /// <summary>Judges what stands behind the trailer, at least one byte. Bytes used.</summary>
    protected virtual int SkipAfterEnd(ReadOnlySpan<byte> input, out bool anotherFollows) =>
        throw new CompressionFault("more bytes follow after its end", 0, "Cut them off, or write the content as one stream.");

    private void Inflate(ReadOnlySpan<byte> input)
    {
        if (_inflater.IsFinished)
            return;
        if (WindowSize - _windowEnd < 4 * Inflater.OutputMargin)
            Slide();
        fixed (byte* start = input)
        {
            var inputAt = start;
            var window = _window.Pointer;
            var outputAt = window + _windowEnd;
            _inflater.Inflate(ref inputAt, start + input.Length, window + _historyStart, ref outputAt, window + WindowSize);
            Consumed += (int)(inputAt - start);
            var end = (int)(outputAt - window);
            Update(new ReadOnlySpan<byte>(window + _windowEnd, end - _windowEnd));
            _windowEnd = end;
        }
    }

    private void Slide()
    {
        var gone = _windowEnd - Inflater.HistorySize;
        _window.Span[gone.._windowEnd].CopyTo(_window.Span);
        _historyStart = Math.Max(_historyStart - gone, 0);
        _windowEnd = _delivered = Inflater.HistorySize;
    }

    private int Deliver(Span<byte> output)
    {
        var count = Math.Min(output.Length, _windowEnd - _delivered);
        _window.Span.Slice(_delivered, count).CopyTo(output);
        _delivered += count;
        return count;
    }
}

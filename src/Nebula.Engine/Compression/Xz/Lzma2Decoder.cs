using System.Buffers.Binary;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Xz;

/// <summary>Decodes the chunks of LZMA2 data, each at once, into a window that holds the dictionary.</summary>
/// <param name="pool">Where the window comes from.</param>
internal sealed unsafe class Lzma2Decoder(BufferPool pool) : IDisposable
{
    private const int MaxChunk = 2 << 20;
    private const int LargestWindow = 128 << 20;
    private readonly LzmaDecoder _lzma = new();
    private PooledBuffer? _window;
    private long _dictionarySize;
    private int _dictionaryStart;
    private int _end;
    private int _delivered;
    private long _position;
    private bool _needsDictionary;
    private bool _needsProperties;

    /// <summary>Whether the end mark was read.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Content decoded and not yet taken.</summary>
    public ReadOnlySpan<byte> Content => _window is null ? default : _window.Span[_delivered.._end];

    /// <summary>Starts a new block.</summary>
    /// <param name="dictionarySize">How far back matches may refer.</param>
    public void Start(long dictionarySize)
    {
        _dictionarySize = Math.Min(dictionarySize, LargestWindow);
        _needsDictionary = _needsProperties = true;
        _dictionaryStart = _end = _delivered = 0;
        HasEnded = false;
    }

    /// <summary>Takes content.</summary>
    /// <param name="count">Bytes of <see cref="Content"/> taken.</param>
    public void Take(int count) => _delivered += count;

    /// <summary>Decodes the next chunk. All content must have been taken.</summary>
    /// <returns>Bytes of input used; 0 when the chunk is not all there.</returns>
    /// <exception cref="CompressionFault">The chunk is corrupt.</exception>
    public int TryReadChunk(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return 0;
        var control = input[0];
        if (control == 0)
        {
            HasEnded = true;
            return 1;
        }
        return control < 0x80 ? TryReadPlain(input, control) : TryReadCompressed(input, control);
    }

    public void Dispose() => _window?.Dispose();

    private int TryReadPlain(ReadOnlySpan<byte> input, byte control)
    {
        const int Header = 3;
        if (control > 2)
            throw new CompressionFault("an LZMA2 chunk begins wrongly");
        if (input.Length < Header)
            return 0;
        var length = BinaryPrimitives.ReadUInt16BigEndian(input[1..]) + 1;
        if (input.Length < Header + length)
            return 0;
        Prepare(length, resets: control == 1);
        input.Slice(Header, length).CopyTo(_window!.Span[_end..]);
        Advance(length);
        return Header + length;
    }

    private int TryReadCompressed(ReadOnlySpan<byte> input, byte control)
    {
        var reset = control >> 5 & 3;
        var header = reset >= 2 ? 6 : 5;
        if (input.Length < header)
            return 0;
        var length = ((control & 0x1F) << 16) + BinaryPrimitives.ReadUInt16BigEndian(input[1..]) + 1;
        var compressed = BinaryPrimitives.ReadUInt16BigEndian(input[3..]) + 1;
        if (input.Length < header + compressed)
            return 0;
        Prepare(length, resets: reset == 3);
        if (reset >= 2)
            _lzma.SetProperties(input[5]);
        else if (_needsProperties)
            throw new CompressionFault("the first LZMA chunk has no properties");
        else if (reset == 1)
            _lzma.Reset();
        _needsProperties = false;
        var window = _window!.Pointer;
        _lzma.Decode(input.Slice(header, compressed), window + _dictionaryStart, window + _end, length, _position);
        Advance(length);
        return header + compressed;
    }

    /// <summary>Makes room for a chunk behind as much of the dictionary as may be referred to.</summary>
    private void Prepare(int length, bool resets)
    {
        if (resets)
        {
            _dictionaryStart = _end;
            _position = 0;
        }
        else if (_needsDictionary)
        {
            throw new CompressionFault("the first LZMA2 chunk does not reset the dictionary");
        }
        _needsDictionary = false;
        if (_window is not null && _window.Capacity - _end >= length)
            return;
        var kept = (int)Math.Min(_end - _dictionaryStart, _dictionarySize);
        var target = _window;
        if (target is null || target.Capacity < kept + length || kept > target.Capacity / 2)
            target = pool.Rent(Math.Max(kept + length, (int)Math.Min(2L * (kept + length), _dictionarySize + MaxChunk)));
        if (_window is not null)
            _window.Span.Slice(_end - kept, kept).CopyTo(target.Span);
        if (target != _window)
            _window?.Dispose();
        _window = target;
        _dictionaryStart = 0;
        _end = _delivered = kept;
    }

    private void Advance(int length)
    {
        _end += length;
        _position += length;
    }
}

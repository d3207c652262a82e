using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;

namespace Nebula.Engine.Compression.Deflate;

/// <summary>Decodes a zlib stream (RFC 1950), or raw deflate data where it does not begin as one.</summary>
/// <param name="pool">Where working memory comes from.</param>
internal sealed class ZlibDecompressor(BufferPool pool) : DeflateDecompressor(pool)
{
    private const int HeaderSize = 2;
    private const int TrailerSize = 4;
    private const int PresetDictionary = 0x20;
    private bool _isRaw;
    private uint _adler = Adler32.Initial;

    protected override int TryReadHeader(ReadOnlySpan<byte> input)
    {
        if (input.Length < HeaderSize)
            return -1;
        // Raw data cannot look like this: as a stored block it would have padding bits set, which no writer does.
        _isRaw = (input[0] & 0x0F) != 8 || input[0] >> 4 > 7 || (input[0] << 8 | input[1]) % 31 != 0;
        if (_isRaw)
            return 0;
        if ((input[1] & PresetDictionary) != 0)
            throw new CompressionFault("it needs a preset dictionary, which is not in the file", 1, "Write it again without a dictionary.");
        return HeaderSize;
    }

    protected override void Update(ReadOnlySpan<byte> content)
    {
        if (!_isRaw)
            _adler = Adler32.Update(_adler, content);
    }

    protected override int TryReadTrailer(ReadOnlySpan<byte> input)
    {
        if (_isRaw)
            return 0;
        if (input.Length < TrailerSize)
            return -1;
        var stored = BinaryPrimitives.ReadUInt32BigEndian(input);
        if (stored != _adler)
            throw new CompressionFault($"the Adler-32 of its content is 0x{_adler:X8}, but 0x{stored:X8} is stored");
        return TrailerSize;
    }
}

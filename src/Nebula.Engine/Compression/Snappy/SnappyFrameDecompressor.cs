using System.Buffers.Binary;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Snappy;

/// <summary>Decodes the framing format of Snappy and S2, chunk by chunk; every chunk's checksum is verified.</summary>
/// <param name="framing">Which of the two.</param>
/// <param name="pool">Where working memory comes from.</param>
internal sealed class SnappyFrameDecompressor(SnappyFraming framing, BufferPool pool) : Decompressor
{
    private PooledBuffer? _content;
    private int _delivered;
    private int _skip;
    private bool _identified;

    public override bool IsComplete => _identified && _skip == 0 && _delivered == Pending;

    private int Pending => _content?.Length ?? 0;

    public override int Decompress(ReadOnlySpan<byte> input, Span<byte> output)
    {
        Consumed = 0;
        while (_delivered == Pending)
        {
            var rest = input[Consumed..];
            var written = 0;
            var used = _skip > 0 ? Skip(rest) : TryReadChunk(rest, output, out written);
            if (used < 0)
                return 0;
            Consumed += used;
            if (written > 0)
                return written;
        }
        var count = Math.Min(output.Length, Pending - _delivered);
        _content!.Span.Slice(_delivered, count).CopyTo(output);
        _delivered += count;
        return count;
    }

    public override void Dispose() => _content?.Dispose();

    private int Skip(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty)
            return -1;
        var count = Math.Min(_skip, input.Length);
        _skip -= count;
        return count;
    }

    /// <summary>Reads one chunk. Bytes used, or -1 when it is not all there; content that fits goes straight to the output.</summary>
    private int TryReadChunk(ReadOnlySpan<byte> input, Span<byte> output, out int written)
    {
        written = 0;
        if (input.Length < SnappyFraming.ChunkHeaderSize)
            return -1;
        var type = input[0];
        var length = input[1] | input[2] << 8 | input[3] << 16;
        var total = SnappyFraming.ChunkHeaderSize + length;
        if (!_identified && type != SnappyFraming.IdentifierChunk)
            throw new CompressionFault($"it does not begin with the stream identifier of {framing.Name}", 0,
                "Bare Snappy blocks and Hadoop's framing are not read; write the file in the framing format (as 'snzip' does).");
        switch (type)
        {
            case SnappyFraming.IdentifierChunk:
                if (input.Length < SnappyFraming.IdentifierSize)
                    return -1;
                if (!framing.Accepts(input[..SnappyFraming.IdentifierSize]))
                    throw new CompressionFault($"a stream identifier is not that of {framing.Name}", 0,
                        SnappyFraming.S2.Accepts(input[..SnappyFraming.IdentifierSize]) ? "The file is S2: set its compression to 's2'." : null);
                _identified = true;
                return SnappyFraming.IdentifierSize;
            case SnappyFraming.CompressedChunk or SnappyFraming.UncompressedChunk:
                if (length < SnappyFraming.ChecksumSize || length > SnappyFraming.ChecksumSize + SnappyBlock.MaxCompressedLength(framing.MaxBlockSize))
                    throw new CompressionFault($"a data chunk has {length} bytes, which cannot be");
                if (input.Length < total)
                    return -1;
                written = Decode(type, input[SnappyFraming.ChunkHeaderSize..total], output);
                return total;
            case < SnappyFraming.FirstSkippableChunk:
                throw new CompressionFault($"a chunk has the reserved type 0x{type:X2}");
            default:
                _skip = length;
                return SnappyFraming.ChunkHeaderSize;
        }
    }

    private int Decode(byte type, ReadOnlySpan<byte> chunk, Span<byte> output)
    {
        var data = chunk[SnappyFraming.ChecksumSize..];
        var used = 0;
        var length = type == SnappyFraming.CompressedChunk ? SnappyBlock.ReadLength(data, out used) : data.Length;
        if (length > framing.MaxBlockSize)
            throw new CompressionFault($"a chunk announces {length} bytes of content, more than the {framing.MaxBlockSize} there can be");
        var fits = length <= output.Length;
        var target = fits ? output[..length] : Reserve(length);
        if (type == SnappyFraming.CompressedChunk)
            SnappyBlock.Decode(data[used..], target, framing.AllowsRepeats);
        else
            data.CopyTo(target);
        var stored = BinaryPrimitives.ReadUInt32LittleEndian(chunk);
        var actual = SnappyFraming.Checksum(target);
        if (stored != actual)
            throw new CompressionFault($"the checksum of a chunk is 0x{actual:X8}, but 0x{stored:X8} is stored");
        if (fits)
            return length;
        (_content!.Length, _delivered) = (length, 0);
        return 0;
    }

    private Span<byte> Reserve(int length)
    {
        if (_content is null || _content.Capacity < length)
        {
            _content?.Dispose();
            _content = null;
            _delivered = 0;
            _content = pool.Rent(length);
        }
        return _content.Span[..length];
    }
}

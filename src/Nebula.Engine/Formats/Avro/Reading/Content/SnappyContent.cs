using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Avro.Reading.Content;

/// <summary>Snappy blocks, followed by the CRC-32 of their content, most significant byte first (Avro specification, "snappy").</summary>
/// <param name="pool">Where the content goes.</param>
internal sealed unsafe class SnappyContent(BufferPool pool) : AvroContent
{
    private const int ChecksumSize = 4;

    // three bytes can stand for 64
    private const int MaxRatio = 22;
    private PooledBuffer? _content;

    /// <inheritdoc/>
    public override void Open(AvroInput data)
    {
        if (data.Length > BufferPool.MaxCapacity)
            throw new DataFormatException($"A snappy block has {data.Length} bytes, more than the {BufferPool.MaxCapacity} supported. Write the file with "
                + "smaller blocks.");
        if (data.Length <= ChecksumSize)
            throw new DataFormatException($"A snappy block has {data.Length} bytes, too few for its content and checksum. Fetch or write the file again.");
        if (data.IsComplete)
        {
            Decompress(new ReadOnlySpan<byte>(data.At, (int)data.Length));
            return;
        }
        using var whole = pool.Rent((int)data.Length);
        whole.Length = (int)data.Length;
        data.CopyTo(whole.Content);
        Decompress(whole.Content);
    }

    /// <inheritdoc/>
    public override void Fill()
    {
    }

    /// <inheritdoc/>
    public override void Dispose() => _content?.Dispose();

    private void Decompress(ReadOnlySpan<byte> data)
    {
        var block = data[..^ChecksumSize];
        var length = SnappyBlock.ReadLength(block);
        if (length > (long)MaxRatio * block.Length || length > BufferPool.MaxCapacity)
            throw new DataFormatException($"A snappy block of {block.Length} bytes claims to hold {length}, more than it can. Fetch or write the file again.");
        if (_content is null || _content.Capacity < length)
        {
            _content?.Dispose();
            _content = null;
            _content = pool.Rent(length);
        }
        _content.Length = SnappyBlock.Decompress(block, _content.Span);
        var stored = BinaryPrimitives.ReadUInt32BigEndian(data[^ChecksumSize..]);
        var actual = Crc32.Update(0, _content.Content);
        if (stored != actual)
            throw new DataFormatException($"The CRC-32 of the block's content is 0x{actual:X8}, but 0x{stored:X8} is stored. The data was changed after it "
                + "was written: fetch or write it again.");
        At = _content.Pointer;
        End = At + length;
        IsComplete = true;
    }
}

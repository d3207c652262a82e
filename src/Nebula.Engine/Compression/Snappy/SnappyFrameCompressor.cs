using System.Buffers.Binary;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Compression.Snappy;

/// <summary>Writes each piece as a stream of its own; the framing formats allow streams to follow each other.</summary>
/// <param name="framing">Snappy or S2.</param>
internal sealed class SnappyFrameCompressor(SnappyFraming framing) : ICompressor
{
    private int _hasStreams;

    public bool IsParallel => true;

    public PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool) => piece.IsEmpty ? pool.Rent(0) : CompressStream(piece, pool);

    public PooledBuffer Finish(BufferPool pool) => _hasStreams != 0 ? pool.Rent(0) : CompressStream([], pool);

    public void Dispose()
    {
    }

    private PooledBuffer CompressStream(ReadOnlySpan<byte> piece, BufferPool pool)
    {
        _hasStreams = 1;
        const int chunkOverhead = SnappyFraming.ChunkHeaderSize + SnappyFraming.ChecksumSize + 32;
        var chunks = piece.Length / framing.WrittenBlockSize + 1;
        var stream = pool.Rent(checked(SnappyFraming.IdentifierSize + chunks * chunkOverhead + SnappyBlock.MaxCompressedLength(piece.Length)));
        var output = stream.Span;
        framing.Identifier.CopyTo(output);
        var at = SnappyFraming.IdentifierSize;
        for (var rest = piece; !rest.IsEmpty;)
        {
            var content = rest[..Math.Min(rest.Length, framing.WrittenBlockSize)];
            rest = rest[content.Length..];
            var data = output[(at + SnappyFraming.ChunkHeaderSize + SnappyFraming.ChecksumSize)..];
            var length = SnappyBlock.Compress(content, data);
            var type = SnappyFraming.CompressedChunk;
            if (length >= content.Length)
            {
                content.CopyTo(data);
                (type, length) = (SnappyFraming.UncompressedChunk, content.Length);
            }
            BinaryPrimitives.WriteInt32LittleEndian(output[at..], (length + SnappyFraming.ChecksumSize) << 8 | type);
            BinaryPrimitives.WriteUInt32LittleEndian(output[(at + SnappyFraming.ChunkHeaderSize)..], SnappyFraming.Checksum(content));
            at += SnappyFraming.ChunkHeaderSize + SnappyFraming.ChecksumSize + length;
        }
        stream.Length = at;
        return stream;
    }
}

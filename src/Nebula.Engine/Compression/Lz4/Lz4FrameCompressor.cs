using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;

namespace Nebula.Engine.Compression.Lz4;

/// <summary>Writes each piece as a frame of its own, with content size and checksum and independent blocks of up to 4 MB.</summary>
internal sealed class Lz4FrameCompressor : ICompressor
{
    private const int BlockSize = 4 << 20;
    private const int Overhead = 4 + 11 + 4 + 4; // signature, descriptor, end mark, checksum
    private int _hasFrames;

    public bool IsParallel => true;

    public PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool) => piece.IsEmpty ? pool.Rent(0) : CompressFrame(piece, pool);

    public PooledBuffer Finish(BufferPool pool) => _hasFrames != 0 ? pool.Rent(0) : CompressFrame([], pool);

    public void Dispose()
    {
    }

    private PooledBuffer CompressFrame(ReadOnlySpan<byte> piece, BufferPool pool)
    {
        _hasFrames = 1;
        var blocks = piece.Length / BlockSize + 1;
        var frame = pool.Rent(checked(Overhead + 20 * blocks + Lz4Block.MaxCompressedLength(piece.Length)));
        var output = frame.Span;
        BinaryPrimitives.WriteUInt32LittleEndian(output, Lz4FrameDecompressor.Signature);
        var at = 4 + Lz4FrameDescriptor.Write(piece.Length, output[4..]);
        for (var rest = piece; !rest.IsEmpty;)
        {
            var content = rest[..Math.Min(rest.Length, BlockSize)];
            rest = rest[content.Length..];
            var length = Lz4Block.Compress(content, output[(at + 4)..]);
            var header = (uint)length;
            if (length >= content.Length)
            {
                content.CopyTo(output[(at + 4)..]);
                length = content.Length;
                header = (uint)length | 0x8000_0000;
            }
            BinaryPrimitives.WriteUInt32LittleEndian(output[at..], header);
            at += 4 + length;
        }
        BinaryPrimitives.WriteUInt32LittleEndian(output[at..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(output[(at + 4)..], XxHash32.Hash(piece));
        frame.Length = at + 8;
        return frame;
    }
}

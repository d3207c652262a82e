using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Compression.Deflate;

namespace Nebula.Engine.Compression.Gzip;

/// <summary>Writes each piece as a gzip member (RFC 1952, section 2.2).</summary>
/// <param name="level">1 to 9.</param>
internal sealed class GzipCompressor(int level) : ICompressor
{
    private const int TrailerSize = 8;
    private int _hasMembers;

    public bool IsParallel => true;

    // No name, no time: the same content gives the same bytes. XFL tells the level (2: smallest, 4: fastest), the system is unknown (255).
    private ReadOnlySpan<byte> Header => level switch
    {
        9 => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255],
        1 => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255],
        _ => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255],
    };

    public PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool) => piece.IsEmpty ? pool.Rent(0) : CompressMember(piece, pool);

    public PooledBuffer Finish(BufferPool pool) => _hasMembers != 0 ? pool.Rent(0) : CompressMember([], pool);

    public void Dispose()
    {
    }

    private PooledBuffer CompressMember(ReadOnlySpan<byte> piece, BufferPool pool)
    {
        _hasMembers = 1;
        using var output = new PooledOutput();
        output.Begin(pool, piece.Length / 3 + 64);
        output.Write(Header);
        DeflateBlock.WriteTo(output, piece, level);
        var trailer = output.Reserve(TrailerSize);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, Crc32.Update(0, piece));
        BinaryPrimitives.WriteInt32LittleEndian(trailer[4..], piece.Length);
        output.Advance(TrailerSize);
        return output.Take();
    }
}

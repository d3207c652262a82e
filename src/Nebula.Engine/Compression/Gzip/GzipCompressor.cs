using System.Buffers.Binary;
using System.IO.Compression;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;

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
        >= 9 => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255],
        1 => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255],
        _ => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255],
    };

    public PooledBuffer Compress(ReadOnlySpan<byte> piece, BufferPool pool)
    {
        if (piece.IsEmpty)
            return pool.Rent(0);
        _hasMembers = 1;
        using var output = new PooledOutput();
        output.Begin(pool, piece.Length / 3 + 64);
        output.Write(Header);
        using (var deflate = new DeflateStream(output, new ZLibCompressionOptions { CompressionLevel = level }, leaveOpen: true))
            deflate.Write(piece);
        var trailer = output.Reserve(TrailerSize);
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, Crc32.Update(0, piece));
        BinaryPrimitives.WriteInt32LittleEndian(trailer[4..], piece.Length);
        output.Advance(TrailerSize);
        return output.Take();
    }

    public PooledBuffer Finish(BufferPool pool)
    {
        if (_hasMembers != 0)
            return pool.Rent(0);
        using var output = new PooledOutput();
        output.Begin(pool, 32);
        output.Write(Header);
        output.Write([0x03, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]); // an empty block of fixed codes, then checksum and length 0: DeflateStream writes nothing at all
        return output.Take();
    }

    public void Dispose()
    {
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Encodings;

/// <summary>Reads bits, most significant first in bytes that are run length encoded (ORC v1, "Boolean Run Length Encoding"), into Arrow's order.</summary>
/// <param name="stream">The encoded bytes. Stays the caller's.</param>
/// <param name="pool">Where working memory comes from.</param>
internal sealed unsafe class BooleanReader(ByteStream stream, BufferPool pool) : IDisposable
{
    private readonly ByteRunReader _bytes = new(stream);
    private PooledBuffer? _decoded;
    private byte _partial;
    private int _partialBits;
    private int _expectedBits = -1;

    /// <summary>Reads bits.</summary>
    /// <param name="target">Where they go, least significant first; whole 64-bit words are written.</param>
    /// <param name="count">How many.</param>
    public void Read(Span<byte> target, int count)
    {
        if (count == 0)
            return;
        // bits left of the byte before, then whole bytes; the last one may be left over in part again
        var start = (8 - _partialBits) & 7;
        var bytes = (start + count + 7) / 8;
        var first = _partialBits > 0 ? 1 : 0;
        var capacity = bytes + sizeof(ulong);
        if (_decoded is null || _decoded.Capacity < capacity)
        {
            _decoded?.Dispose();
            _decoded = null;
            _decoded = pool.Rent(capacity);
        }
        var decoded = _decoded.Pointer;
        decoded[0] = _partial;
        if (bytes > first)
        {
            _bytes.Read(decoded + first, bytes - first);
            ReverseBits(decoded + first, bytes - first);
        }
        var end = start + count & 7;
        _partial = decoded[bytes - 1];
        _partialBits = end == 0 ? 0 : 8 - end;
        if (start == 0)
        {
            _decoded.Span[..bytes].CopyTo(target);
            target[bytes..Bitmap.ByteCount(count)].Clear();
            ClearTail(target, count);
        }
        else
            Shift(_decoded.Span, start, target, count);
    }

    /// <summary>Leaves out what comes before a row group.</summary>
    /// <param name="bytes">Number of bytes.</param>
    /// <param name="bits">Number of bits behind them, 0 to 7.</param>
    public void Skip(long bytes, int bits)
    {
        _bytes.Skip(bytes);
        if (bits == 0)
            return;
        byte value;
        _bytes.Read(&value, 1);
        ReverseBits(&value, 1);
        _partial = value;
        _partialBits = 8 - bits;
    }

    /// <summary>Says where reading must end; see <see cref="VerifyEnd"/>.</summary>
    /// <param name="bytes">Bytes from the stream's mark on that belong to this row group.</param>
    /// <param name="bits">Bits behind them that do.</param>
    public void ExpectEnd(long bytes, int bits)
    {
        // a byte of which only some bits belong to this row group is read as a whole
        _bytes.ExpectEnd(bytes + (bits > 0 ? 1 : 0));
        _expectedBits = bits;
    }

    /// <summary>Checks that reading ended where it must.</summary>
    public void VerifyEnd()
    {
        if (_expectedBits < 0)
            return;
        _bytes.VerifyEnd();
        if (_expectedBits != ((8 - _partialBits) & 7))
            throw RunPosition.IndexContradicts();
    }

    /// <inheritdoc/>
    public void Dispose() => _decoded?.Dispose();

    private static void ClearTail(Span<byte> bits, int count)
    {
        if ((count & 7) != 0)
            bits[count >> 3] &= (byte)((1 << (count & 7)) - 1);
    }

    private static void Shift(Span<byte> source, int shift, Span<byte> target, int count)
    {
        for (var i = 0; i < count; i += 64)
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(source[(i >> 3)..]) >> shift;
            if (count - i + shift > 64)
                word |= (ulong)source[(i >> 3) + 8] << (64 - shift);
            if (count - i < 64)
                word &= ulong.MaxValue >> (64 - (count - i));
            BinaryPrimitives.WriteUInt64LittleEndian(target[(i >> 3)..], word);
        }
    }

    private static void ReverseBits(byte* bytes, int count)
    {
        var i = 0;
        for (; i + sizeof(ulong) <= count; i += sizeof(ulong))
            Unsafe.WriteUnaligned(bytes + i, ReverseBitsOfBytes(Unsafe.ReadUnaligned<ulong>(bytes + i)));
        for (; i < count; i++)
            bytes[i] = (byte)ReverseBitsOfBytes(bytes[i]);
    }

    private static ulong ReverseBitsOfBytes(ulong word)
    {
        word = (word >> 1 & 0x5555_5555_5555_5555) | (word & 0x5555_5555_5555_5555) << 1;
        word = (word >> 2 & 0x3333_3333_3333_3333) | (word & 0x3333_3333_3333_3333) << 2;
        return (word >> 4 & 0x0F0F_0F0F_0F0F_0F0F) | (word & 0x0F0F_0F0F_0F0F_0F0F) << 4;
    }
}

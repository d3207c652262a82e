using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Decodes booleans.</summary>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class BitValues(BufferPool pool) : LeafValues
{
    private PooledBuffer? _bits;
    private int _count;
    private PageEncoding _encoding;
    private byte* _start;
    private byte* _end;
    private long _position;
    private RleBitPackedReader _runs;

    /// <inheritdoc/>
    public override void SetDictionary(byte* start, byte* end, int count) => throw new ParquetFault("booleans have a dictionary, which is not possible", 0);

    /// <inheritdoc/>
    public override void StartPage(PageEncoding encoding, byte* start, byte* end)
    {
        (_encoding, _position) = (encoding, 0);
        _start = start;
        _end = end;
        switch (encoding)
        {
            case PageEncoding.Plain:
                break;
            case PageEncoding.Rle when end - start < sizeof(int):
                _runs = new RleBitPackedReader(start, start, 1);
                break;
            case PageEncoding.Rle:
                var length = BinaryPrimitives.ReadUInt32LittleEndian(new ReadOnlySpan<byte>(start, sizeof(int)));
                if (length > end - start - sizeof(int))
                    throw new ParquetFault($"booleans of {length} bytes are announced where {end - start - sizeof(int)} are left", 0);
                _runs = new RleBitPackedReader(start + sizeof(int), start + sizeof(int) + length, 1);
                break;
            default:
                throw new ParquetFault($"booleans are encoded as {encoding}, which is not possible", 0);
        }
    }

    /// <inheritdoc/>
    public override void Begin(int slots)
    {
        _count = 0;
        Reserve(slots);
    }

    /// <inheritdoc/>
    public override void Append(int count)
    {
        Reserve(count);
        var target = new Span<byte>(_bits!.Pointer, _bits.Capacity + BufferPool.Padding);
        if (_encoding == PageEncoding.Rle)
            _runs.ReadBits(target, _count, count);
        else
        {
            if (_position + count > (_end - _start) * 8)
                throw new ParquetFault("there are fewer values than announced", _end - _start);
            var first = (int)(_position >> 3);
            BitRange.Copy(new ReadOnlySpan<byte>(_start + first, (count >> 3) + 24), (int)(_position & 7), target, _count, count);
            _position += count;
        }
        _count += count;
    }

    /// <inheritdoc/>
    public override Column Finish(DataType type, int slots, PooledBuffer? validity)
    {
        Reserve(slots - _count);
        if (validity is not null)
            ValueSpread.SpreadBits(_bits!.Pointer, validity.Pointer, slots, _count);
        var column = new Column(type, slots, slots - _count, validity, _bits!);
        _bits = null;
        return column;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _bits?.Dispose();
        _bits = null;
    }

    private void Reserve(int more)
    {
        var needed = Bitmap.ByteCount(checked(_count + more)) + sizeof(ulong);
        if (_bits is not null && _bits.Capacity >= needed)
            return;
        var larger = pool.Rent(Math.Max(needed, Math.Min(2 * (_bits?.Capacity ?? 0), BufferPool.MaxCapacity / 2)));
        if (_bits is not null)
        {
            Buffer.MemoryCopy(_bits.Pointer, larger.Pointer, larger.Capacity, Bitmap.ByteCount(_count));
            _bits.Dispose();
        }
        _bits = larger;
    }
}

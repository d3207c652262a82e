using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Snappy;
using Nebula.Engine.Diagnostics;

namespace Nebula.Engine.Formats.Avro.Writing;

/// <summary>Writes rows (Avro specification, "Binary Encoding") into a buffer that grows. Used by one thread.</summary>
internal sealed unsafe class AvroRowWriter : IDisposable
{
    private const int ShortText = 32;

    // Texts with no more than a few numbers between them are one place to search.
    private const int PlaceGap = 8;
    // A number in front of a text often differs only in its first byte from the row before.
    private const int PlaceLead = 3;
    private const int FirstPlaces = 4096;
    private readonly BufferPool _pool;
    private readonly AvroCursor* _columns;
    private readonly int _count;
    private readonly int _rowWidth;
    private PooledBuffer _buffer;
    private PooledBuffer _places;
    private SearchPlace* _place;
    private SearchPlace* _lastPlace;
    private int _textLength;
    private byte* _limit;

    /// <summary>Makes a writer.</summary>
    /// <param name="columns">The columns of the batch.</param>
    /// <param name="count">Number of columns.</param>
    /// <param name="capacity">Bytes expected.</param>
    /// <param name="pool">Where the buffer comes from.</param>
    public AvroRowWriter(AvroCursor* columns, int count, int capacity, BufferPool pool)
    {
        _columns = columns;
        _count = count;
        _pool = pool;
        for (var i = 0; i < count; i++)
            _rowWidth += columns[i].MaxWidth;
        _buffer = pool.Rent(Math.Max(capacity, 2 * _rowWidth));
        _limit = _buffer.Pointer + _buffer.Capacity - _rowWidth;
        _places = pool.Rent(FirstPlaces * sizeof(SearchPlace));
    }

    /// <summary>Where in <see cref="Content"/> text is, when it is most of it; empty otherwise.</summary>
    public ReadOnlySpan<SearchPlace> Text => 2L * _textLength < _buffer.Length ? default
        : _places.As<SearchPlace>()[1..((int)(_place - (SearchPlace*)_places.Pointer) + 1)];

    /// <summary>The bytes of the rows written last.</summary>
    public ReadOnlySpan<byte> Content => _buffer.Content;

    /// <summary>Writes rows over those written before.</summary>
    /// <param name="row">The first row.</param>
    /// <param name="end">The row behind the last.</param>
    /// <param name="enough">Bytes with which to stop.</param>
    /// <returns>The row behind the last one written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Write(int row, int end, int enough)
    {
        var p = _buffer.Pointer;
        _textLength = 0;
        _place = (SearchPlace*)_places.Pointer;
        _lastPlace = _place + _places.Capacity / sizeof(SearchPlace) - 1;
        // nothing adjoins what lies before the content
        *_place = new SearchPlace(0, -PlaceGap - 1);
        do
        {
            if (p > _limit)
                p = Grow(p, 0);
            p = WriteFields(p, _columns, _count, row);
            row++;
        }
        while (row < end && p - _buffer.Pointer < enough);
        _buffer.Length = (int)(p - _buffer.Pointer);
        return row;
    }

    public void Dispose()
    {
        _buffer.Dispose();
        _places.Dispose();
    }

    /// <summary>Writes an int or long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* WriteLong(byte* p, long value)
    {
        var rest = (ulong)(value << 1 ^ value >> 63);
        if (rest < 0x80)
        {
            *p = (byte)rest;
            return p + 1;
        }
        return rest < 1UL << 56 && Bmi2.X64.IsSupported ? WriteSpread(p, rest) : WriteLoop(p, rest);
    }

    /// <summary>Up to eight groups of seven bits at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* WriteSpread(byte* p, ulong value)
    {
        const ulong Payload = 0x7F7F7F7F7F7F7F7F;
        var last = (63 - BitOperations.LeadingZeroCount(value)) / 7;
        *(ulong*)p = Bmi2.X64.ParallelBitDeposit(value, Payload) | (~Payload & ((1UL << 8 * last) - 1));
        return p + last + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* WriteLoop(byte* p, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            *p++ = (byte)(value | 0x80);
        *p = (byte)value;
        return p + 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* WriteFields(byte* p, AvroCursor* columns, int count, int index)
    {
        for (var column = columns; column < columns + count; column++)
        {
            if (column->Validity != null && (column->Validity[index >> 3] >> (index & 7) & 1) == 0)
            {
                if (!column->IsNullable)
                    ThrowNull();
                *p++ = 0;
                continue;
            }
            // the second branch; overwritten where there is no union
            *p = 2;
            p += column->IsNullable ? 1 : 0;
            switch (column->Kind)
            {
                case AvroWriteKind.Int64:
                    p = WriteLong(p, ((long*)column->Values)[index]);
                    break;
                case AvroWriteKind.Bytes:
                    p = WriteBytes(p, column->Values, column->Offsets[index], column->Offsets[index + 1]);
                    break;
                case AvroWriteKind.Float64:
                    *(long*)p = ((long*)column->Values)[index];
                    p += sizeof(long);
                    break;
                case AvroWriteKind.Int32:
                    p = WriteLong(p, ((int*)column->Values)[index]);
                    break;
                case AvroWriteKind.Bool:
                    *p++ = (byte)(column->Values[index >> 3] >> (index & 7) & 1);
                    break;
                case AvroWriteKind.DictionaryBytes:
                    var entry = column->Indices[index];
                    p = WriteBytes(p, column->Values, column->Offsets[entry], column->Offsets[entry + 1]);
                    break;
                default:
                    p = WriteRare(p, column, index);
                    break;
            }
        }
        return p;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* WriteBytes(byte* p, byte* values, int start, int end)
    {
        var length = end - start;
        p = WriteLong(p, length);
        if (p + length > _limit)
            p = Grow(p, length);
        if (length <= ShortText)
            Vector256.Load(values + start).Store(p);
        else
            Buffer.MemoryCopy(values + start, p, length, length);
        AddPlace((int)(p - _buffer.Pointer), length);
        return p + length;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddPlace(int start, int length)
    {
        _textLength += length;
        if (start - _place->End <= PlaceGap)
        {
            *_place = new SearchPlace(_place->Start, start + length);
            return;
        }
        if (_place == _lastPlace)
            GrowPlaces();
        *++_place = new SearchPlace(Math.Max(1, start - PlaceLead), start + length);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GrowPlaces()
    {
        var used = (int)(_place - (SearchPlace*)_places.Pointer) + 1;
        var larger = _pool.Rent(checked(2 * used * sizeof(SearchPlace)));
        _places.As<SearchPlace>()[..used].CopyTo(larger.As<SearchPlace>());
        _places.Dispose();
        _places = larger;
        _place = (SearchPlace*)larger.Pointer + used - 1;
        _lastPlace = (SearchPlace*)larger.Pointer + larger.Capacity / sizeof(SearchPlace) - 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* WriteRare(byte* p, AvroCursor* column, int index)
    {
        switch (column->Kind)
        {
            case AvroWriteKind.Struct:
                return WriteFields(p, column->Children, column->ChildCount, index);
            case AvroWriteKind.List:
                return WriteItems(p, column, column->Offsets[index], column->Offsets[index + 1], 1);
            case AvroWriteKind.Map:
                return WriteItems(p, column, column->Offsets[index], column->Offsets[index + 1], 2);
            case AvroWriteKind.Int8:
                return WriteLong(p, ((sbyte*)column->Values)[index]);
            case AvroWriteKind.Int16:
                return WriteLong(p, ((short*)column->Values)[index]);
            case AvroWriteKind.UInt8:
                return WriteLong(p, column->Values[index]);
            case AvroWriteKind.UInt16:
                return WriteLong(p, ((ushort*)column->Values)[index]);
            case AvroWriteKind.UInt32:
                return WriteLong(p, ((uint*)column->Values)[index]);
            case AvroWriteKind.UInt64:
                return WriteDecimal(p, ((ulong*)column->Values)[index]);
            case AvroWriteKind.Float32:
                *(int*)p = ((int*)column->Values)[index];
                return p + sizeof(int);
            case AvroWriteKind.Decimal64:
                return WriteDecimal(p, ((long*)column->Values)[index]);
            case AvroWriteKind.Decimal128:
                return WriteDecimal(p, ((Int128*)column->Values)[index]);
            default:
                Vector128.Load(column->Values + 16L * index).Store(p);
                return p + 16;
        }
    }

    /// <summary>All items in one block.</summary>
    private byte* WriteItems(byte* p, AvroCursor* column, int start, int end, int columns)
    {
        if (start < end)
        {
            p = WriteLong(p, end - start);
            var width = column->Children->MaxWidth + (columns > 1 ? column->Children[1].MaxWidth : 0);
            for (var i = start; i < end; i++)
            {
                if (p + width > _limit)
                    p = Grow(p, width);
                p = WriteFields(p, column->Children, columns, i);
            }
        }
        *p = 0;
        return p + 1;
    }

    /// <summary>Two's complement in as few bytes as possible, most significant first, with their number in front.</summary>
    private static byte* WriteDecimal(byte* p, Int128 value)
    {
        var magnitude = value ^ value >> 127;
        var bytes = (int)(128 - Int128.LeadingZeroCount(magnitude)) / 8 + 1;
        *p++ = (byte)(2 * bytes);
        var high = (UInt128)value << 8 * (16 - bytes);
        BinaryPrimitives.WriteUInt128BigEndian(new Span<byte>(p, 16), high);
        return p + bytes;
    }

    /// <summary>Makes room for a number of bytes and a row's fields behind them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* Grow(byte* p, int bytes)
    {
        var used = (int)(p - _buffer.Pointer);
        var needed = (long)used + bytes + 2L * _rowWidth;
        if (needed > BufferPool.MaxCapacity)
            throw new NebulaException(ErrorKind.Limit, "A row is larger than 2 GB when written as Avro. Leave out the column that makes it so large.");
        var larger = _pool.Rent((int)Math.Min(Math.Max(needed, 2L * _buffer.Capacity), BufferPool.MaxCapacity));
        new Span<byte>(_buffer.Pointer, used).CopyTo(larger.Span);
        _buffer.Dispose();
        _buffer = larger;
        _limit = larger.Pointer + larger.Capacity - _rowWidth;
        return larger.Pointer + used;
    }

    private static void ThrowNull() => throw new NebulaException(ErrorKind.Schema,
        "A column that is declared as never null has a null. Read the source again with the column nullable, or fill its nulls.");
}

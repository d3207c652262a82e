using System.Runtime.CompilerServices;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Decodes values of fixed width: numbers, times, decimals, UUIDs, intervals.</summary>
internal sealed unsafe class FixedValues : LeafValues
{
    private const int Piece = 1024;
    private readonly BufferPool _pool;
    private readonly SchemaLeaf _leaf;
    private readonly ValueConversion? _conversion;
    private readonly bool _isByteArray;
    private readonly int _storedWidth;
    private readonly int _width;
    private readonly ByteArrayReader _byteArrays;
    private readonly ByteArrayBuffer _scratch;
    private PooledBuffer? _values;
    private PooledBuffer? _dictionary;
    private int _dictionaryCount = -1;
    private int _count;
    private PageEncoding _encoding;
    private byte* _start;
    private byte* _at;
    private byte* _end;
    private RleBitPackedReader _indices;
    private DeltaBinaryPackedReader _deltas;
    private ByteStreamSplitReader _streams;

    /// <summary>Makes the decoder of a leaf.</summary>
    /// <param name="leaf">The leaf.</param>
    /// <param name="pool">Where buffers come from.</param>
    public FixedValues(SchemaLeaf leaf, BufferPool pool)
    {
        (_leaf, _pool, _conversion) = (leaf, pool, leaf.Type.Conversion);
        _isByteArray = leaf.Element.Type == PhysicalType.ByteArray;
        _storedWidth = leaf.Element.Type switch
        {
            PhysicalType.Int32 or PhysicalType.Float => 4,
            PhysicalType.Int64 or PhysicalType.Double => 8,
            PhysicalType.Int96 => 12,
            PhysicalType.FixedLenByteArray => leaf.Element.TypeLength!.Value,
            _ => 0,
        };
        _width = leaf.Type.IsInterval ? 12 : leaf.Type.Type.ByteWidth;
        _byteArrays = new ByteArrayReader(_isByteArray ? -1 : _storedWidth, pool);
        _scratch = new ByteArrayBuffer(pool);
    }

    private byte* Next => _values!.Pointer + (long)_count * _width;

    /// <inheritdoc/>
    public override void SetDictionary(byte* start, byte* end, int count)
    {
        var held = _isByteArray ? (end - start) / sizeof(int) : (end - start) / _storedWidth;
        if (count > held)
            throw new ParquetFault($"a dictionary of {count} values is announced in {end - start} bytes", 0);
        _dictionary?.Dispose();
        _dictionary = null;
        _dictionary = _pool.Rent(checked((int)Math.Min((long)count * _width, BufferPool.MaxCapacity)));
        if (_isByteArray)
        {
            _byteArrays.Start(PageEncoding.Plain, start, end);
            ConvertByteArrays(_dictionary.Pointer, count);
        }
        else
            Convert(start, _dictionary.Pointer, count);
        _dictionaryCount = count;
    }

    /// <inheritdoc/>
    public override void StartPage(PageEncoding encoding, byte* start, byte* end)
    {
        _encoding = encoding;
        _start = _at = start;
        _end = end;
        if (IsDictionary(encoding))
        {
            if (_dictionaryCount < 0)
                throw new ParquetFault("a page refers to a dictionary, and there is none", 0);
            _indices = StartIndices(start, end);
            return;
        }
        switch (encoding)
        {
            case PageEncoding.Plain when !_isByteArray:
                break;
            case PageEncoding.DeltaBinaryPacked when _leaf.Element.Type is PhysicalType.Int32 or PhysicalType.Int64:
                _deltas = new DeltaBinaryPackedReader(start, end);
                break;
            case PageEncoding.ByteStreamSplit when !_isByteArray && _storedWidth != 12:
                _streams = new ByteStreamSplitReader(start, end, _storedWidth);
                break;
            case PageEncoding.Plain or PageEncoding.DeltaLengthByteArray when _isByteArray:
            case PageEncoding.DeltaByteArray when _isByteArray || _leaf.Element.Type == PhysicalType.FixedLenByteArray:
                _byteArrays.Start(encoding, start, end);
                break;
            default:
                throw new ParquetFault($"values of type {_leaf.Element.Type} are encoded as {encoding}, which is not supported", 0);
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
        if (IsDictionary(_encoding))
            AppendIndexed(count);
        else if (_encoding == PageEncoding.Plain && !_isByteArray)
        {
            if ((long)count * _storedWidth > _end - _at)
                throw new ParquetFault("there are fewer values than announced", _at - _start);
            Convert(_at, Next, count);
            _at += (long)count * _storedWidth;
        }
        else if (_encoding == PageEncoding.DeltaBinaryPacked)
            AppendDeltas(count);
        else if (_encoding == PageEncoding.ByteStreamSplit)
            AppendStreams(count);
        else
            ConvertByteArrays(Next, count);
        _count += count;
    }

    /// <inheritdoc/>
    public override Column Finish(DataType type, int slots, PooledBuffer? validity)
    {
        Reserve(slots - _count);
        var values = _values!;
        if (_count == 0)
            new Span<byte>(values.Pointer, checked(slots * _width)).Clear();
        else if (validity is not null)
            ValueSpread.Spread(values.Pointer, _width, validity.Pointer, slots, _count);
        if (_leaf.Type.IsInterval)
            return FinishInterval(type, slots, validity);
        var column = new Column(type, slots, slots - _count, validity, values);
        _values = null;
        return column;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _values?.Dispose();
        _dictionary?.Dispose();
        _values = _dictionary = null;
        _byteArrays.Dispose();
        _scratch.Dispose();
    }

    private void Reserve(int more)
    {
        var needed = ((long)_count + more) * _width;
        if (_values is not null && _values.Capacity >= needed)
            return;
        if (needed > BufferPool.MaxCapacity)
            throw new ParquetFault($"{_count + (long)more} values are too many for one batch");
        var larger = _pool.Rent((int)Math.Min(Math.Max(needed, 2L * (_values?.Capacity ?? 0)), BufferPool.MaxCapacity));
        if (_values is not null)
        {
            Buffer.MemoryCopy(_values.Pointer, larger.Pointer, larger.Capacity, (long)_count * _width);
            _values.Dispose();
        }
        _values = larger;
    }

    private void AppendIndexed(int count)
    {
        var indices = stackalloc uint[Piece + 16];
        var target = Next;
        for (var done = 0; done < count; done += Piece)
        {
            var piece = Math.Min(Piece, count - done);
            _indices.Read(indices, piece);
            if (DictionaryGather.Max(indices, piece) is var max && max >= (uint)_dictionaryCount)
                throw new ParquetFault($"a value is entry {max} of a dictionary that has {_dictionaryCount}");
            DictionaryGather.Gather(_dictionary!.Pointer, _width, indices, target, piece);
            target += (long)piece * _width;
        }
    }

    private void AppendDeltas(int count)
    {
        if (_conversion is null)
        {
            if (_storedWidth == sizeof(int))
                _deltas.Read((int*)Next, count);
            else
                _deltas.Read((long*)Next, count);
            return;
        }
        var stored = stackalloc long[Piece];
        var target = Next;
        for (var done = 0; done < count; done += Piece)
        {
            var piece = Math.Min(Piece, count - done);
            if (_storedWidth == sizeof(int))
                _deltas.Read((int*)stored, piece);
            else
                _deltas.Read(stored, piece);
            _conversion.Convert((byte*)stored, target, piece);
            target += (long)piece * _width;
        }
    }

    private void AppendStreams(int count)
    {
        _streams.Require(count);
        if (_conversion is null)
        {
            _streams.Read(Next, count);
            return;
        }
        var perPiece = Math.Max(1, Piece * sizeof(long) / _storedWidth);
        _scratch.Clear();
        _scratch.ReserveBytes(0, (long)perPiece * _storedWidth);
        var target = Next;
        for (var done = 0; done < count; done += perPiece)
        {
            var piece = Math.Min(perPiece, count - done);
            _streams.Read(_scratch.Bytes, piece);
            _conversion.Convert(_scratch.Bytes, target, piece);
            target += (long)piece * _width;
        }
    }

    private void Convert(byte* source, byte* target, int count)
    {
        if (_conversion is not null)
            _conversion.Convert(source, target, count);
        else
            Buffer.MemoryCopy(source, target, (long)count * _width, (long)count * _width);
    }

    private void ConvertByteArrays(byte* target, int count)
    {
        for (var done = 0; done < count; done += Piece)
        {
            var piece = Math.Min(Piece, count - done);
            _scratch.Clear();
            _byteArrays.Read(_scratch, piece);
            if (!_isByteArray)
                Convert(_scratch.Bytes, target, piece);
            else
                for (var i = 0; i < piece; i++)
                    BigEndianDecimal.Write(_scratch[i], target + (long)i * _width, _width);
            target += (long)piece * _width;
        }
    }

    private Column FinishInterval(DataType type, int slots, PooledBuffer? validity)
    {
        using var scope = new BufferScope();
        var parts = new Column[3];
        for (var part = 0; part < parts.Length; part++)
        {
            var buffer = scope.Add(_pool.Rent(checked(slots * sizeof(uint))));
            for (var i = 0; i < slots; i++)
                ((uint*)buffer.Pointer)[i] = Unsafe.ReadUnaligned<uint>(_values!.Pointer + 12L * i + 4 * part);
            parts[part] = new Column(DataType.UInt32, slots, 0, null, buffer);
        }
        scope.Release();
        return new Column(type, slots, slots - _count, validity, null, null, [.. parts]);
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Encodings;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Parquet.Reading;

/// <summary>Decodes strings, JSON and binary values. A batch is either of positions in the dictionary or of bytes, never both.</summary>
/// <param name="type">Type of the column.</param>
/// <param name="fixedLength">Bytes that every value has; -1 when each has its own length.</param>
/// <param name="keepsDictionary">Whether the column may keep the dictionary.</param>
/// <param name="maxBytes">Most bytes that the values of a batch may take.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed unsafe class ByteArrayValues(DataType type, int fixedLength, bool keepsDictionary, int maxBytes, BufferPool pool) : LeafValues
{
    private const int Piece = 1024;

    // batches share a dictionary; but who gets them may look at all of it for each, unless values are too long to be written out
    private const int MostEntries = IContainerReader.BatchRows;
    private const int LongValue = 256;

    // front-coded values, and entries of a dictionary written out, may be far longer than their page
    private const long LeastLimit = 64 << 20;
    private const int MostExpansion = 64;
    private readonly ByteArrayReader _reader = new(fixedLength, pool);
    private readonly ByteArrayBuffer _values = new(pool);
    private readonly ByteArrayBuffer _dictionary = new(pool);
    private Column? _dictionaryColumn;
    private readonly bool _isText = type.Kind is TypeKind.String or TypeKind.Json;
    private bool _hasDictionary;
    private bool _keepsThisDictionary;
    private int _dictionaryCount;
    private int _dictionaryLength;
    private PooledBuffer? _positions;
    private int _positionCount;
    private bool _isOfPositions;
    private bool _isEmpty = true;
    private PageEncoding _encoding;
    private RleBitPackedReader _indices;

    private bool IsOfPositionsIn(PageEncoding encoding) => IsDictionary(encoding) && _keepsThisDictionary;

    /// <inheritdoc/>
    public override void SetDictionary(byte* start, byte* end, int count)
    {
        _dictionary.Clear();
        if (count > (end - start) / (fixedLength < 0 ? sizeof(int) : fixedLength))
            throw new ParquetFault($"a dictionary of {count} values is announced in {end - start} bytes", 0);
        _reader.Start(PageEncoding.Plain, start, end);
        _reader.Read(_dictionary, count);
        CheckText(_dictionary);
        _hasDictionary = true;
        (_dictionaryCount, _dictionaryLength) = (count, _dictionary.Length);
        _keepsThisDictionary = keepsDictionary && type.Kind == TypeKind.String && count > 0
            && (count <= MostEntries || _dictionary.Length / count >= LongValue);
        if (!_keepsThisDictionary)
            return;
        _dictionary.Detach(out var offsets, out var bytes);
        _dictionaryColumn = new Column(type, count, 0, null, bytes, offsets);
    }

    /// <inheritdoc/>
    public override void StartPage(PageEncoding encoding, byte* start, byte* end)
    {
        _encoding = encoding;
        _values.Limit = Math.Min(maxBytes, Math.Max(LeastLimit, MostExpansion * (end - start + _dictionaryLength)));
        if (!IsDictionary(encoding))
        {
            _reader.Start(encoding, start, end);
            return;
        }
        if (!_hasDictionary)
            throw new ParquetFault("a page refers to a dictionary, and there is none", 0);
        _indices = StartIndices(start, end);
    }

    /// <inheritdoc/>
    public override void Begin(int slots)
    {
        _values.Clear();
        _positionCount = 0;
        _isEmpty = true;
        _isOfPositions = false;
    }

    /// <inheritdoc/>
    public override bool IsParticular => _keepsThisDictionary;

    /// <inheritdoc/>
    public override bool CanContinueWith(PageEncoding encoding) => IsOfPositionsIn(_encoding) == IsOfPositionsIn(encoding);

    /// <inheritdoc/>
    public override int CountWithin(int count, long bytes) => IsDictionary(_encoding) ? count : _reader.CountWithin(count, bytes);

    /// <inheritdoc/>
    public override void Append(int count)
    {
        if (count == 0)
            return;
        if (_isEmpty)
            (_isEmpty, _isOfPositions) = (false, IsOfPositionsIn(_encoding));
        if (!IsDictionary(_encoding))
            _reader.Read(_values, count);
        else if (_isOfPositions)
            AppendPositions(count);
        else
            AppendIndexed(count);
    }

    /// <inheritdoc/>
    public override Column Finish(DataType columnType, int slots, PooledBuffer? validity)
    {
        if (_isOfPositions)
            return FinishPositions(columnType, slots, validity);
        CheckText(_values);
        var count = _values.Count;
        _values.ReserveValues(slots - count);
        if (validity is not null)
            ValueSpread.SpreadOffsets(_values.Offsets, validity.Pointer, slots, count);
        _values.Detach(out var offsets, out var bytes);
        return new Column(columnType, slots, slots - count, validity, bytes, offsets);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _reader.Dispose();
        _values.Dispose();
        _dictionary.Dispose();
        _dictionaryColumn?.Dispose();
        _dictionaryColumn = null;
        _positions?.Dispose();
        _positions = null;
    }

    private void AppendPositions(int count)
    {
        ReservePositions(count);
        var target = (uint*)_positions!.Pointer + _positionCount;
        _indices.Read(target, count);
        CheckPositions(target, count);
        _positionCount += count;
    }

    private void CheckPositions(uint* positions, int count)
    {
        if (DictionaryGather.Max(positions, count) is var max && max >= (uint)_dictionaryCount)
            throw new ParquetFault($"a value is entry {max} of a dictionary that has {_dictionaryCount}");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AppendIndexed(int count)
    {
        var indices = stackalloc uint[Piece + 16];
        _values.ReserveValues(count);
        _values.ReserveBytes(_values.Length, 0);
        var dictionary = _dictionary.Bytes;
        var starts = _dictionary.Offsets;
        for (var done = 0; done < count; done += Piece)
        {
            var piece = Math.Min(Piece, count - done);
            _indices.Read(indices, piece);
            CheckPositions(indices, piece);
            var offsets = _values.Offsets + _values.Count;
            var bytes = _values.Bytes;
            var (capacity, used) = (_values.Capacity, _values.Length);
            for (var i = 0; i < piece; i++)
            {
                var start = starts[indices[i]];
                var length = starts[indices[i] + 1] - start;
                if (length > capacity - used)
                {
                    _values.ReserveBytes(used, length);
                    bytes = _values.Bytes;
                    capacity = _values.Capacity;
                }
                if (length <= 16)
                    Vector128.Load(dictionary + start).Store(bytes + used);
                else
                    Unsafe.CopyBlockUnaligned(bytes + used, dictionary + start, (uint)length);
                used += length;
                offsets[i + 1] = used;
            }
            _values.Advance(piece);
        }
    }

    private void ReservePositions(int more)
    {
        var needed = ((long)_positionCount + more + 16) * sizeof(int);
        if (_positions is not null && _positions.Capacity >= needed)
            return;
        if (needed > BufferPool.MaxCapacity)
            throw new ParquetFault($"{_positionCount + (long)more} values are too many for one batch");
        var larger = pool.Rent((int)Math.Min(Math.Max(needed, 2L * (_positions?.Capacity ?? 0)), BufferPool.MaxCapacity));
        if (_positions is not null)
        {
            Buffer.MemoryCopy(_positions.Pointer, larger.Pointer, larger.Capacity, (long)_positionCount * sizeof(int));
            _positions.Dispose();
        }
        _positions = larger;
    }

    private Column FinishPositions(DataType columnType, int slots, PooledBuffer? validity)
    {
        ReservePositions(slots - _positionCount);
        if (validity is not null)
            ValueSpread.Spread(_positions!.Pointer, sizeof(int), validity.Pointer, slots, _positionCount);
        var column = new Column(columnType, slots, slots - _positionCount, validity, _positions!, dictionary: _dictionaryColumn!.Share());
        _positions = null;
        return column;
    }

    /// <summary>Checks that values of text are UTF-8: all bytes together, and that no value begins within a character.</summary>
    private void CheckText(ByteArrayBuffer values)
    {
        if (!_isText || values.Length == 0)
            return;
        var bytes = new ReadOnlySpan<byte>(values.Bytes, values.Length);
        if (System.Text.Ascii.IsValid(bytes))
            return;
        var wrong = Utf8Validator.FindInvalid(bytes) >= 0;
        for (var i = 0; i < values.Count && !wrong; i++)
            wrong = values.Offsets[i] < values.Length && (values.Bytes[values.Offsets[i]] & 0xC0) == 0x80;
        for (var i = 0; wrong && i < values.Count; i++)
            if (Utf8Validator.FindInvalid(values[i]) >= 0)
                throw NotText(values[i]);
    }

    private static ParquetFault NotText(ReadOnlySpan<byte> value) => new(
        $"the text {DataFormatException.Show(value)} (0x{Convert.ToHexString(value[..Math.Min(value.Length, 32)])}) is not UTF-8", -1,
        "Leave out the column, or have its writer declare it as binary.");
}

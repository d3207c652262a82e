using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>string, char and varchar with a dictionary (ORC v1, "String, Char, and VarChar Columns").</summary>
internal sealed unsafe class DictionaryStringColumnReader : ColumnReader
{
    private const int SliceLength = 4096;
    private readonly IntegerReader? _indices;
    private readonly int _size;
    private readonly int _column;
    private GrowingBuffer? _offsets;
    private PooledBuffer? _bytes;

    /// <summary>Opens the streams of a column.</summary>
    public DictionaryStringColumnReader(BlockStreams block, OrcType type, DataType dataType, string path) : base(block, type, dataType, path)
    {
        _column = type.Id;
        var size = block.EncodingOf(type.Id).DictionarySize;
        _size = size <= int.MaxValue / sizeof(int) - 1 ? (int)size : throw new OrcFault($"a dictionary claims {size} entries") { Column = path };
        _indices = block.OpenIntegers(type.Id, StreamKind.Data, isSigned: false);
    }

    protected override Column ReadValues(int slots, int count, PooledBuffer? validity, BufferScope scope)
    {
        var pool = Block.Settings.Pool;
        var indices = scope.Add(pool.Rent(checked(slots * sizeof(int))));
        if (count > 0)
        {
            if (_offsets is null)
                ReadDictionary();
            (_indices ?? throw BlockStreams.Missing(StreamKind.Data)).Read((int*)indices.Pointer, count);
        }
        var dense = indices.As<int>()[..count];
        var offsets = _offsets is null ? default : _offsets.As<int>();
        long total = 0;
        foreach (var index in dense)
        {
            if ((uint)index >= (uint)_size)
                throw new OrcFault($"a value refers to entry {index} of a dictionary with {_size}");
            total += offsets[index + 1] - offsets[index];
        }
        indices.As<int>()[count..slots].Clear();
        if (count < slots && count > 0)
            Slots.Spread((int*)indices.Pointer, count, validity!.Span, slots);
        // Long entries are not repeated per row; short ones are cheaper to write out than to carry a dictionary along with every batch.
        return count > 0 && total > DictionaryBytes + (long)_size * sizeof(int)
            ? WithDictionary(slots, count, validity, indices, scope)
            : WrittenOut(slots, count, validity, indices, (int)total, scope);
    }

    protected override void VerifyStreams() => _indices?.VerifyEnd();

    private int DictionaryBytes => _offsets is null ? 0 : _offsets.As<int>()[_size];

    private Column WithDictionary(int slots, int count, PooledBuffer? validity, PooledBuffer indices, BufferScope scope)
    {
        var pool = Block.Settings.Pool;
        var offsets = scope.Add(pool.Rent((_size + 1) * sizeof(int)));
        _offsets!.Content.CopyTo(offsets.Span);
        var bytes = scope.Add(pool.Rent(DictionaryBytes));
        _bytes!.Span[..DictionaryBytes].CopyTo(bytes.Span);
        // null slots refer to entry 0, which exists because there are values
        if (count < slots)
            ClampNulls(indices.As<int>()[..slots]);
        return new Column(DataType, slots, slots - count, validity, indices, null, default, new Column(DataType, _size, 0, null, bytes, offsets));
    }

    private void ClampNulls(Span<int> indices)
    {
        foreach (ref var index in indices)
            if ((uint)index >= (uint)_size)
                index = 0;
    }

    private Column WrittenOut(int slots, int count, PooledBuffer? validity, PooledBuffer indices, int total, BufferScope scope)
    {
        var pool = Block.Settings.Pool;
        var offsets = scope.Add(pool.Rent(checked((slots + 1) * sizeof(int))));
        // short entries are copied 16 bytes at a time
        var bytes = scope.Add(pool.Rent(total));
        var ends = (int*)offsets.Pointer;
        ends[0] = 0;
        var end = 0;
        if (count == 0)
            offsets.As<int>()[..(slots + 1)].Clear();
        else
        {
            var entries = (int*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _offsets!.Content[0]);
            var source = _bytes!.Pointer;
            var target = bytes.Pointer;
            var from = (int*)indices.Pointer;
            var valid = validity is null || count == slots ? default : validity.Span;
            for (var i = 0; i < slots; i++)
            {
                if (valid.IsEmpty || Bitmap.Get(valid, i))
                {
                    var (start, next) = (entries[from[i]], entries[from[i] + 1]);
                    var length = next - start;
                    if (length <= 16)
                        Vector128.Load(source + start).Store(target + end);
                    else
                        Buffer.MemoryCopy(source + start, target + end, length, length);
                    end += length;
                }
                ends[i + 1] = end;
            }
        }
        indices.Dispose();
        return new Column(DataType, slots, slots - count, validity, bytes, offsets);
    }

    private void ReadDictionary()
    {
        var pool = Block.Settings.Pool;
        var lengths = Block.OpenIntegers(_column, StreamKind.Length, isSigned: false);
        if (_size > 0 && lengths is null)
            throw BlockStreams.Missing(StreamKind.Length);
        _offsets = Block.CreateBuffer();
        _offsets.Append(0);
        using var slice = pool.Rent(SliceLength * sizeof(long));
        var sum = 0L;
        for (var done = 0; done < _size; done += SliceLength)
        {
            var step = Math.Min(SliceLength, _size - done);
            lengths!.Read((long*)slice.Pointer, step);
            foreach (var length in slice.As<long>()[..step])
            {
                if (length < 0 || (sum += length) > BufferPool.MaxCapacity)
                    throw new OrcFault($"an entry of a dictionary has the impossible length {length}");
                _offsets.Append((int)sum);
            }
        }
        var data = Block.OpenBytes(_column, StreamKind.DictionaryData);
        if (data is null && _size > 0)
            throw BlockStreams.Missing(StreamKind.DictionaryData);
        BlockStreams.CheckHolds(data, sum);
        _bytes = Block.Rent((int)sum);
        data?.CopyTo(_bytes.Pointer, sum);
        if (DataType.Kind == TypeKind.String)
            VariableValues.RequireUtf8(_bytes.Span[..(int)sum], _offsets.As<int>());
    }
}

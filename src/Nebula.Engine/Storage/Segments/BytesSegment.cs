using Nebula.Engine.Columns;
using Nebula.Engine.Storage.Packing;

namespace Nebula.Engine.Storage.Segments;

/// <summary>Strings, binary and JSON: the bytes one behind the other and their packed lengths,
/// or where values repeat enough each of them once and packed indices.</summary>
internal sealed class BytesSegment : ColumnSegment
{
    private readonly PackedIntegers _numbers;
    private readonly PooledBuffer? _bytes;
    private readonly BytesSegment? _dictionary;

    private BytesSegment(Column column, PooledBuffer? validity, PackedIntegers numbers, PooledBuffer? bytes, BytesSegment? dictionary)
        : base(column.Type, column.Length, column.NullCount, validity)
    {
        _numbers = numbers;
        _bytes = bytes;
        _dictionary = dictionary;
    }

    protected override long ValueBytes => _numbers.BufferBytes + (_bytes?.Capacity ?? 0) + (_dictionary?.BufferBytes ?? 0);

    public static BytesSegment Encode(BufferPool pool, Column column, PooledBuffer? validity)
    {
        using var encoded = DictionaryEncoder.TryEncode(pool, column, maxDistinct: column.Length / 2);
        return encoded is null ? EncodePlain(pool, column, validity) : EncodeDictionary(pool, encoded, validity);
    }

    protected override Column DecodeValues(BufferPool pool, int nulls, PooledBuffer? validityCopy)
    {
        if (_dictionary is not null)
            return DecodeDictionary(pool, _dictionary, nulls, validityCopy);
        using var scope = new BufferScope();
        var offsets = scope.Add(OffsetDecoder.Decode(pool, _numbers));
        var length = offsets.As<int>()[Length];
        var bytes = scope.Add(pool.Rent(length));
        _bytes!.Span[..length].CopyTo(bytes.Span);
        scope.Release();
        return new Column(Type, Length, nulls, validityCopy, bytes, offsets);
    }

    protected override void DisposeValues()
    {
        _numbers.Dispose();
        _bytes?.Dispose();
        _dictionary?.Dispose();
    }

    private static BytesSegment EncodePlain(BufferPool pool, Column column, PooledBuffer? validity)
    {
        using var scope = new BufferScope();
        using var scratch = new IntegerScratch(pool, column.Length);
        scratch.Lengths(column.Offsets);
        var lengths = scope.Add(scratch.Pack());
        var bytes = CopyExact(pool, column.Bytes);
        scope.Release();
        return new BytesSegment(column, validity, lengths, bytes, null);
    }

    private static BytesSegment EncodeDictionary(BufferPool pool, Column column, PooledBuffer? validity)
    {
        using var scope = new BufferScope();
        using var scratch = new IntegerScratch(pool, column.Length);
        scratch.Widen(column.Indices);
        var indices = scope.Add(scratch.Pack());
        var dictionary = EncodePlain(pool, column.Dictionary!, validity: null);
        scope.Release();
        return new BytesSegment(column, validity, indices, null, dictionary);
    }

    private Column DecodeDictionary(BufferPool pool, BytesSegment dictionary, int nulls, PooledBuffer? validityCopy)
    {
        using var entries = dictionary.Decode(pool);
        using var scope = new BufferScope();
        var indices = scope.Add(pool.Rent(checked(Length * sizeof(int))));
        var target = indices.As<int>()[..Length];
        Span<long> piece = stackalloc long[PackedIntegerReader.PieceLength];
        var reader = _numbers.Read();
        while (!target.IsEmpty)
        {
            var count = Math.Min(piece.Length, target.Length);
            reader.Next(piece[..BitPacking.RoundUp(count)]);
            for (var i = 0; i < count; i++)
                target[i] = (int)piece[i];
            target = target[count..];
        }
        var (values, offsets) = DictionaryEncoder.Gather(pool, entries, indices.As<int>()[..Length]);
        return new Column(Type, Length, nulls, validityCopy, values, offsets);
    }
}

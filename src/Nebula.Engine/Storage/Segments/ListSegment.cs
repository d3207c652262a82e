using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Storage.Packing;

namespace Nebula.Engine.Storage.Segments;

/// <summary>Lists and maps: packed lengths, and a segment per child.</summary>
internal sealed class ListSegment : ColumnSegment
{
    private readonly PackedIntegers _lengths;
    private readonly ImmutableArray<ColumnSegment> _children;

    private ListSegment(Column column, PooledBuffer? validity, PackedIntegers lengths, ImmutableArray<ColumnSegment> children)
        : base(column.Type, column.Length, column.NullCount, validity)
    {
        _lengths = lengths;
        _children = children;
    }

    protected override long ValueBytes => _lengths.BufferBytes + _children.Sum(static child => child.BufferBytes);

    public static ListSegment Encode(BufferPool pool, Column column, PooledBuffer? validity)
    {
        using var scope = new BufferScope();
        using var scratch = new IntegerScratch(pool, column.Length);
        scratch.Lengths(column.Offsets);
        var lengths = scope.Add(scratch.Pack());
        var children = EncodeAll(pool, column.Children);
        scope.Release();
        return new ListSegment(column, validity, lengths, children);
    }

    protected override Column DecodeValues(BufferPool pool, int nulls, PooledBuffer? validityCopy)
    {
        using var scope = new BufferScope();
        var offsets = scope.Add(OffsetDecoder.Decode(pool, _lengths));
        var children = DecodeAll(pool, _children);
        scope.Release();
        return new Column(Type, Length, nulls, validityCopy, null, offsets, children);
    }

    protected override void DisposeValues()
    {
        _lengths.Dispose();
        foreach (var child in _children)
            child.Dispose();
    }
}

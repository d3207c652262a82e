using System.Collections.Immutable;
using Nebula.Engine.Columns;

namespace Nebula.Engine.Storage.Segments;

/// <summary>Structs: a segment per field.</summary>
internal sealed class StructSegment : ColumnSegment
{
    private readonly ImmutableArray<ColumnSegment> _children;

    private StructSegment(Column column, PooledBuffer? validity, ImmutableArray<ColumnSegment> children)
        : base(column.Type, column.Length, column.NullCount, validity) => _children = children;

    protected override long ValueBytes => _children.Sum(static child => child.BufferBytes);

    public static StructSegment Encode(BufferPool pool, Column column, PooledBuffer? validity) => new(column, validity, EncodeAll(pool, column.Children));

    protected override Column DecodeValues(BufferPool pool, int nulls, PooledBuffer? validityCopy) =>
        new(Type, Length, nulls, validityCopy, null, children: DecodeAll(pool, _children));

    protected override void DisposeValues()
    {
        foreach (var child in _children)
            child.Dispose();
    }
}

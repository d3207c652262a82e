using Nebula.Engine.Columns;

namespace Nebula.Engine.Storage.Segments;

/// <summary>Booleans: a bit each.</summary>
internal sealed class BooleanSegment(Column column, PooledBuffer? validity, PooledBuffer bits)
    : ColumnSegment(column.Type, column.Length, column.NullCount, validity)
{
    protected override long ValueBytes => bits.Capacity;

    protected override Column DecodeValues(BufferPool pool, int nulls, PooledBuffer? validityCopy)
    {
        var source = bits.Span[..Bitmap.ByteCount(Length)];
        var copy = pool.Rent(source.Length);
        source.CopyTo(copy.Span);
        return new Column(Type, Length, nulls, validityCopy, copy);
    }

    protected override void DisposeValues() => bits.Dispose();
}

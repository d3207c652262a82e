using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Storage.Segments;

/// <summary>A sealed column in compact form: a validity bitmap where there are nulls, and encoded values. Owns its buffers.</summary>
/// <param name="type">Type of the values.</param>
/// <param name="length">Number of values.</param>
/// <param name="nullCount">Number of them that are null.</param>
/// <param name="validity">Bit per value; null where no value is null.</param>
internal abstract class ColumnSegment(DataType type, int length, int nullCount, PooledBuffer? validity) : IDisposable
{
    /// <summary>Type of the values.</summary>
    public DataType Type { get; } = type;

    /// <summary>Number of values.</summary>
    public int Length { get; } = length;

    /// <summary>Bytes on loan, children included.</summary>
    public long BufferBytes => (validity?.Capacity ?? 0) + ValueBytes;

    /// <summary>Bytes on loan without validity.</summary>
    protected abstract long ValueBytes { get; }

    /// <summary>Encodes a column, which stays as it is.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="column">The column; not dictionary-encoded, its offsets starting at 0.</param>
    public static ColumnSegment Encode(BufferPool pool, Column column)
    {
        using var scope = new BufferScope();
        var validity = column.NullCount == 0 ? null : scope.Add(CopyExact(pool, column.Validity));
        ColumnSegment segment = ColumnLayouts.Of(column.Type) switch
        {
            ColumnLayout.Bits => new BooleanSegment(column, validity, CopyExact(pool, column.Bits)),
            ColumnLayout.Fixed when column.Type.ByteWidth == 16 => WideSegment.Encode(pool, column, validity),
            ColumnLayout.Fixed => NumberSegment.Encode(pool, column, validity),
            ColumnLayout.Bytes => BytesSegment.Encode(pool, column, validity),
            ColumnLayout.List => ListSegment.Encode(pool, column, validity),
            _ => StructSegment.Encode(pool, column, validity),
        };
        scope.Release();
        return segment;
    }

    /// <summary>Encodes several columns, all or none.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="columns">The columns.</param>
    public static ImmutableArray<ColumnSegment> EncodeAll(BufferPool pool, ImmutableArray<Column> columns)
    {
        using var scope = new BufferScope();
        var segments = ImmutableArray.CreateBuilder<ColumnSegment>(columns.Length);
        foreach (var column in columns)
            segments.Add(scope.Add(Encode(pool, column)));
        scope.Release();
        return segments.MoveToImmutable();
    }

    /// <summary>Decodes several columns, all or none.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="segments">The columns.</param>
    public static ImmutableArray<Column> DecodeAll(BufferPool pool, ImmutableArray<ColumnSegment> segments)
    {
        using var scope = new BufferScope();
        var columns = ImmutableArray.CreateBuilder<Column>(segments.Length);
        foreach (var segment in segments)
            columns.Add(scope.Add(segment.Decode(pool)));
        scope.Release();
        return columns.MoveToImmutable();
    }

    /// <summary>Decodes the column.</summary>
    /// <param name="pool">Where buffers come from.</param>
    public Column Decode(BufferPool pool)
    {
        using var scope = new BufferScope();
        PooledBuffer? copy = null;
        if (validity is not null)
        {
            var source = validity.Span[..Bitmap.ByteCount(Length)];
            copy = scope.Add(pool.Rent(source.Length));
            source.CopyTo(copy.Span);
        }
        var column = DecodeValues(pool, nullCount, copy);
        scope.Release();
        return column;
    }

    /// <summary>Returns all buffers.</summary>
    public void Dispose()
    {
        validity?.Dispose();
        DisposeValues();
    }

    /// <summary>Makes the column of the decoded values and the validity given, which it owns once this succeeds.</summary>
    protected abstract Column DecodeValues(BufferPool pool, int nulls, PooledBuffer? validityCopy);

    /// <summary>Returns the buffers of the values.</summary>
    protected abstract void DisposeValues();

    /// <summary>Copies bytes to a buffer without slack.</summary>
    protected static PooledBuffer CopyExact(BufferPool pool, ReadOnlySpan<byte> bytes)
    {
        var copy = pool.RentExact(bytes.Length);
        bytes.CopyTo(copy.Span);
        return copy;
    }
}

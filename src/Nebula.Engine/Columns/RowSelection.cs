using System.Collections.Immutable;

namespace Nebula.Engine.Columns;

/// <summary>Picks values of columns by their positions.</summary>
internal static class RowSelection
{
    /// <summary>Makes a column of some values of another, in any order.</summary>
    /// <param name="source">The column; it stays the caller's.</param>
    /// <param name="rows">Positions of the values.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <exception cref="Diagnostics.DataFormatException">The values need more than a buffer can hold.</exception>
    public static Column Take(Column source, ReadOnlySpan<int> rows, BufferPool pool)
    {
        using var scope = new BufferScope();
        var nulls = 0;
        var validity = source.NullCount == 0 ? null : scope.Add(TakeBits(source.Validity, rows, pool, out nulls));
        if (nulls == 0)
        {
            validity?.Dispose();
            validity = null;
        }
        PooledBuffer? values = null, offsets = null;
        Column? dictionary = null;
        var children = ImmutableArray<Column>.Empty;
        if (source.Dictionary is not null)
        {
            values = scope.Add(TakeFixed<int>(source, rows, pool));
            dictionary = scope.Add(source.Dictionary.Share());
        }
        else
            switch (ColumnLayouts.Of(source.Type))
            {
                case ColumnLayout.Bits:
                    values = scope.Add(TakeBits(source.Bits, rows, pool, out _));
                    break;
                case ColumnLayout.Fixed:
                    values = scope.Add(source.Type.ByteWidth switch
                    {
                        1 => TakeFixed<byte>(source, rows, pool),
                        2 => TakeFixed<short>(source, rows, pool),
                        4 => TakeFixed<int>(source, rows, pool),
                        8 => TakeFixed<long>(source, rows, pool),
                        _ => TakeFixed<Int128>(source, rows, pool),
                    });
                    break;
                case ColumnLayout.Bytes:
                    offsets = scope.Add(TakeLengths(source, rows, pool));
                    values = scope.Add(TakeBytes(source, rows, offsets, pool));
                    break;
                case ColumnLayout.List:
                    offsets = scope.Add(TakeLengths(source, rows, pool));
                    using (var elements = Elements(source, rows, offsets.As<int>()[rows.Length], pool))
                        children = TakeChildren(source, elements.As<int>()[..offsets.As<int>()[rows.Length]], pool, scope);
                    break;
                default:
                    children = TakeChildren(source, rows, pool, scope);
                    break;
            }
        var column = new Column(source.Type, rows.Length, nulls, validity, values, offsets, children, dictionary);
        scope.Release();
        return column;
    }

    private static ImmutableArray<Column> TakeChildren(Column source, ReadOnlySpan<int> rows, BufferPool pool, BufferScope scope)
    {
        var children = ImmutableArray.CreateBuilder<Column>(source.Children.Length);
        foreach (var child in source.Children)
            children.Add(scope.Add(Take(child, rows, pool)));
        return children.MoveToImmutable();
    }

    private static PooledBuffer TakeBits(ReadOnlySpan<byte> source, ReadOnlySpan<int> rows, BufferPool pool, out int cleared)
    {
        var bits = pool.Rent(Bitmap.ByteCount(rows.Length));
        var target = bits.Span[..Bitmap.ByteCount(rows.Length)];
        target.Clear();
        var set = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            var bit = source[rows[i] >> 3] >> (rows[i] & 7) & 1;
            target[i >> 3] |= (byte)(bit << (i & 7));
            set += bit;
        }
        cleared = rows.Length - set;
        return bits;
    }

    private static unsafe PooledBuffer TakeFixed<T>(Column source, ReadOnlySpan<int> rows, BufferPool pool) where T : unmanaged
    {
        var buffer = pool.Rent(checked(rows.Length * sizeof(T)));
        var target = buffer.As<T>()[..rows.Length];
        var values = source.Values<T>();
        for (var i = 0; i < target.Length; i++)
            target[i] = values[rows[i]];
        return buffer;
    }

    /// <summary>The offsets of the values when they stand one behind the other.</summary>
    private static PooledBuffer TakeLengths(Column source, ReadOnlySpan<int> rows, BufferPool pool)
    {
        var buffer = pool.Rent(checked((rows.Length + 1) * sizeof(int)));
        var target = buffer.As<int>()[..(rows.Length + 1)];
        var offsets = source.Offsets;
        var end = 0L;
        target[0] = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            end += offsets[rows[i] + 1] - offsets[rows[i]];
            target[i + 1] = (int)end;
        }
        if (end <= BufferPool.MaxCapacity)
            return buffer;
        buffer.Dispose();
        throw new Diagnostics.DataFormatException($"Values of one column need {Diagnostics.Units.FormatSize(end)} in one batch, more than a buffer can hold. "
            + "Use smaller batches, or leave out the column.");
    }

    private static PooledBuffer TakeBytes(Column source, ReadOnlySpan<int> rows, PooledBuffer targetOffsets, BufferPool pool)
    {
        var ends = targetOffsets.As<int>();
        var buffer = pool.Rent(ends[rows.Length]);
        buffer.Length = ends[rows.Length];
        var target = buffer.Span;
        var offsets = source.Offsets;
        var bytes = source.Bytes;
        for (var i = 0; i < rows.Length; i++)
            bytes[offsets[rows[i]]..offsets[rows[i] + 1]].CopyTo(target[ends[i]..]);
        return buffer;
    }

    /// <summary>Positions of the elements of lists.</summary>
    private static PooledBuffer Elements(Column source, ReadOnlySpan<int> rows, int count, BufferPool pool)
    {
        var buffer = pool.Rent(checked(count * sizeof(int)));
        var target = buffer.As<int>();
        var offsets = source.Offsets;
        var next = 0;
        foreach (var row in rows)
            for (var element = offsets[row]; element < offsets[row + 1]; element++)
                target[next++] = element;
        return buffer;
    }
}

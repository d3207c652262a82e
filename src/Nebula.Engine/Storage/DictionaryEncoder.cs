using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Storage.Packing;

namespace Nebula.Engine.Storage;

/// <summary>Finds the distinct values of string columns.</summary>
internal static class DictionaryEncoder
{
    /// <summary>Distinct values beyond which a dictionary no longer fits caches, and a search for more is not worth its time.</summary>
    public const int DefaultMaxDistinct = 1 << 16;

    /// <summary>Encodes a string, binary or JSON column as indices into its distinct values, if that makes it smaller.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="column">The column, which stays as it is. Null slots get the index 0.</param>
    /// <param name="maxDistinct">Most distinct values; the search ends when there are more.</param>
    /// <returns>The encoded column, or null when it would not be smaller with indices packed to as few bits as they need.</returns>
    public static Column? TryEncode(BufferPool pool, Column column, int maxDistinct = DefaultMaxDistinct)
    {
        if (column.Dictionary is not null)
            throw new ArgumentException("The column is dictionary-encoded already.", nameof(column));
        if (column.Length == 0 || maxDistinct <= 0)
            return null;
        using var scope = new BufferScope();
        var indices = scope.Add(pool.Rent(checked(column.Length * sizeof(int))));
        using var table = new DistinctBytes(pool, column.Type);
        if (!FindAll(column, table, indices.As<int>()[..column.Length], maxDistinct) || !Pays(column, table))
            return null;
        PooledBuffer? validity = null;
        if (column.NullCount > 0)
        {
            validity = scope.Add(pool.Rent(column.Validity.Length));
            column.Validity.CopyTo(validity.Span);
        }
        var encoded = new Column(column.Type, column.Length, column.NullCount, validity, indices, dictionary: table.Build());
        scope.Release();
        return encoded;
    }

    /// <summary>Writes a dictionary-encoded column out.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="column">The column, which stays as it is.</param>
    /// <exception cref="DataFormatException">The values together exceed what one buffer holds.</exception>
    public static Column Decode(BufferPool pool, Column column)
    {
        using var builder = new ColumnBuilder(pool, column.Type);
        builder.AppendRange(column, 0, column.Length);
        return builder.Build();
    }

    /// <summary>Writes out the values that indices stand for.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="entries">The dictionary.</param>
    /// <param name="indices">Positions in it.</param>
    /// <returns>Bytes and offsets of a column.</returns>
    public static (PooledBuffer Values, PooledBuffer Offsets) Gather(BufferPool pool, Column entries, ReadOnlySpan<int> indices)
    {
        using var scope = new BufferScope();
        var starts = entries.Offsets;
        var offsets = scope.Add(pool.Rent(checked((indices.Length + 1) * sizeof(int))));
        var ends = offsets.As<int>()[..(indices.Length + 1)];
        var total = 0L;
        ends[0] = 0;
        for (var i = 0; i < indices.Length; i++)
        {
            var index = indices[i];
            total += starts[index + 1] - starts[index];
            ends[i + 1] = (int)total;
        }
        if (total > BufferPool.MaxCapacity)
            throw new DataFormatException($"The strings of one column take {Units.FormatSize(total)} in one batch, more than the "
                + $"{Units.FormatSize(BufferPool.MaxCapacity)} that a buffer can hold. Use smaller batches.");
        var values = scope.Add(pool.Rent((int)total));
        Copy(entries, indices, ends, values);
        scope.Release();
        return (values, offsets);
    }

    private static void Copy(Column entries, ReadOnlySpan<int> indices, ReadOnlySpan<int> ends, PooledBuffer values)
    {
        var starts = entries.Offsets;
        var bytes = entries.Bytes;
        var target = values.Span;
        for (var i = 0; i < indices.Length; i++)
        {
            var start = starts[indices[i]];
            var length = starts[indices[i] + 1] - start;
            // Both buffers are padded: copying a register more than needed costs less than copying just the length, and the next value overwrites the rest.
            if (length <= Vector256<byte>.Count)
                Vector256.LoadUnsafe(in MemoryMarshal.GetReference(bytes), (nuint)start).StoreUnsafe(ref MemoryMarshal.GetReference(target), (nuint)ends[i]);
            else
                bytes.Slice(start, length).CopyTo(target[ends[i]..]);
        }
    }

    private static bool FindAll(Column column, DistinctBytes table, Span<int> indices, int maxDistinct)
    {
        var offsets = column.Offsets;
        var bytes = column.Bytes;
        for (var i = 0; i < indices.Length; i++)
        {
            indices[i] = 0;
            if (column.IsNull(i))
                continue;
            var index = table.Find(bytes[offsets[i]..offsets[i + 1]]);
            if (index < 0 || index >= maxDistinct)
                return false;
            indices[i] = index;
        }
        // Null slots point at entry 0, which must exist.
        if (table.Count == 0)
            table.Find([]);
        return true;
    }

    private static bool Pays(Column column, DistinctBytes table)
    {
        var plain = column.Offsets[column.Length] - column.Offsets[0] + (long)BitPacking.WidthOf((ulong)table.LongestLength) * column.Length / 8;
        var encoded = table.ByteCount + 2L * table.Count + (long)BitPacking.WidthOf((ulong)table.Count - 1) * column.Length / 8;
        return encoded < plain;
    }
}

using System.Runtime.InteropServices;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Columns;

/// <summary>Which buffers the values of a column lie in. Code that only moves values needs just this and <see cref="DataType.ByteWidth"/>.</summary>
internal enum ColumnLayout
{
    /// <summary>One bit per value.</summary>
    Bits,

    /// <summary><see cref="DataType.ByteWidth"/> bytes per value.</summary>
    Fixed,

    /// <summary>Offsets into bytes: string, binary, json.</summary>
    Bytes,

    /// <summary>Offsets into one child (list) or two (map).</summary>
    List,

    /// <summary>Children of the same length, no values of its own.</summary>
    Struct,
}

/// <summary>Facts about a column that follow from its layout.</summary>
internal static class ColumnLayouts
{
    /// <summary>The layout of values of a type.</summary>
    public static ColumnLayout Of(DataType type) => type.Kind switch
    {
        TypeKind.Bool => ColumnLayout.Bits,
        TypeKind.String or TypeKind.Binary or TypeKind.Json => ColumnLayout.Bytes,
        TypeKind.List or TypeKind.Map => ColumnLayout.List,
        TypeKind.Struct => ColumnLayout.Struct,
        _ => ColumnLayout.Fixed,
    };

    /// <summary>The values buffer of a column of fixed width as bytes.</summary>
    public static ReadOnlySpan<byte> FixedBytes(Column column) => column.Type.ByteWidth switch
    {
        1 => column.Values<byte>(),
        2 => MemoryMarshal.AsBytes(column.Values<short>()),
        4 => MemoryMarshal.AsBytes(column.Values<int>()),
        8 => MemoryMarshal.AsBytes(column.Values<long>()),
        _ => MemoryMarshal.AsBytes(column.Values<Int128>()),
    };

    /// <summary>
    /// Bytes of working memory that a range of a column may need, children included:
    /// at least what its values take, and 8 for each value that is widened to 64 bits.
    /// </summary>
    /// <param name="column">The column.</param>
    /// <param name="start">First value.</param>
    /// <param name="count">Number of values.</param>
    public static long SizeOf(Column column, int start, int count)
    {
        var size = 0L;
        switch (Of(column.Type))
        {
            case ColumnLayout.Bits:
                return count;
            case ColumnLayout.Fixed:
                return (long)count * Math.Max(column.Type.ByteWidth, sizeof(long));
            case ColumnLayout.Bytes when column.Dictionary is null:
                return column.Offsets[start + count] - column.Offsets[start] + (long)count * sizeof(long);
            case ColumnLayout.Bytes:
                for (var i = start; i < start + count; i++)
                    size += sizeof(long) + (column.IsNull(i) ? 0 : column.GetBytes(i).Length);
                return size;
            case ColumnLayout.List:
                var (first, last) = (column.Offsets[start], column.Offsets[start + count]);
                foreach (var child in column.Children)
                    size += SizeOf(child, first, last - first);
                return size + (long)count * sizeof(long);
            default:
                foreach (var child in column.Children)
                    size += SizeOf(child, start, count);
                return size + count;
        }
    }
}

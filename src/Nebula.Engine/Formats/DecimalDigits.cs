using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats;

/// <summary>
/// Sees to it that no decimal has more digits than its type declares. Arrow files may hold such values; a format that derives its storage, or what readers
/// allocate, from the declared digits must not be given them.
/// </summary>
internal static unsafe class DecimalDigits
{
    /// <summary>Checks all decimals of a batch, nested ones included.</summary>
    /// <param name="batch">The rows.</param>
    /// <exception cref="NebulaException">A value has too many digits; says which.</exception>
    public static void Require(RecordBatch batch)
    {
        for (var i = 0; i < batch.Columns.Length; i++)
            if (HasDecimals(batch.Columns[i].Type))
                Check(batch.Columns[i], batch.Schema.Fields[i].Name, null);
    }

    private static bool HasDecimals(DataType type) => type.Kind == TypeKind.Decimal || type.Fields.Any(static field => HasDecimals(field.Type));

    private static void Check(Column column, string path, Nesting? outer)
    {
        for (var i = 0; i < column.Children.Length; i++)
            if (HasDecimals(column.Type.Fields[i].Type))
                Check(column.Children[i], $"{path}.{column.Type.Fields[i].Name}", new Nesting(column, outer));
        if (column.Type.Kind != TypeKind.Decimal)
            return;
        for (var i = -1; (i = NextTooLong(column, i + 1)) >= 0;)
            if (RowOf(i, outer) is { } row)
                throw TooLong(column, i, path, row);
    }

    /// <summary>The first value from a position on that is not null and has too many digits; -1 when there is none.</summary>
    private static int NextTooLong(Column column, int start)
    {
        if (column.Type.ByteWidth == sizeof(long))
        {
            var most = (long)Digits.PowersOfTen[column.Type.Precision] - 1;
            var values = column.Values<long>();
            for (var i = start; i < values.Length; i++)
                // one comparison for both signs
                if ((ulong)(values[i] + most) > 2 * (ulong)most && !column.IsNull(i))
                    return i;
        }
        else
        {
            var most = Int128.One;
            for (var i = 0; i < column.Type.Precision; i++)
                most *= 10;
            var values = column.Values<Int128>();
            for (var i = start; i < values.Length; i++)
                if ((values[i] >= most || values[i] <= -most) && !column.IsNull(i))
                    return i;
        }
        return -1;
    }

    /// <summary>The row that a nested value belongs to; null when it lies under a null, or between lists, where anything may be.</summary>
    private static int? RowOf(int index, Nesting? outer)
    {
        for (; outer is not null; outer = outer.Outer)
        {
            if (outer.Column.Type.Kind != TypeKind.Struct)
            {
                var offsets = outer.Column.Offsets;
                var list = offsets.BinarySearch(index);
                list = list >= 0 ? list : ~list - 1;
                // of lists that start at the same place only the last has values
                while (list >= 0 && list + 1 < offsets.Length && offsets[list + 1] <= index)
                    list++;
                if (list < 0 || list >= outer.Column.Length)
                    return null;
                index = list;
            }
            if (outer.Column.IsNull(index))
                return null;
        }
        return index;
    }

    private static NebulaException TooLong(Column column, int index, string path, int row)
    {
        var text = stackalloc byte[64];
        var end = column.Type.ByteWidth == sizeof(long)
            ? NumberFormatter.WriteDecimal(text, column.Values<long>()[index], column.Type.Scale)
            : NumberFormatter.WriteDecimal(text, column.Values<Int128>()[index], column.Type.Scale);
        return new NebulaException(ErrorKind.Data,
            $"The value {Encoding.UTF8.GetString(text, (int)(end - text))} of column \"{path}\" has more digits than its type {column.Type} allows "
            + $"(row {row + 1:N0} of those that are written together). Cast the column to a decimal of more digits.");
    }

    /// <summary>A column around another.</summary>
    private sealed record Nesting(Column Column, Nesting? Outer);
}

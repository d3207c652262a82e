using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Writes out as text what ORC has no type for: UUIDs and times of day.</summary>
internal static unsafe class TextColumns
{
    private const int LongestText = 64;

    /// <summary>Whether values of a type are written as their text.</summary>
    public static bool IsText(DataType type) => type.Kind is TypeKind.Uuid or TypeKind.Time;

    /// <summary>Makes a column of texts, one per slot.</summary>
    /// <param name="column">The column, which stays as it is. The texts of null slots mean nothing.</param>
    /// <param name="pool">Where buffers come from.</param>
    public static Column Convert(Column column, BufferPool pool)
    {
        using var scope = new BufferScope();
        var bytes = scope.Add(new GrowingBuffer(pool));
        var offsets = scope.Add(pool.Rent(checked((column.Length + 1) * sizeof(int))));
        var ends = offsets.As<int>();
        ends[0] = 0;
        for (var i = 0; i < column.Length; i++)
        {
            if (!column.IsNull(i))
                Append(column, i, bytes);
            ends[i + 1] = bytes.Length;
        }
        PooledBuffer? validity = null;
        if (column.NullCount > 0)
        {
            validity = scope.Add(pool.Rent(column.Validity.Length));
            column.Validity.CopyTo(validity.Span);
        }
        var text = new Column(DataType.String, column.Length, column.NullCount, validity, bytes.Detach(), offsets);
        scope.Release();
        return text;
    }

    private static void Append(Column column, int index, GrowingBuffer bytes)
    {
        fixed (byte* start = bytes.Extend(LongestText))
        {
            byte* end;
            if (column.Type.Kind == TypeKind.Uuid)
            {
                var value = column.Values<UInt128>()[index];
                end = UuidText.Write(start, (byte*)&value);
            }
            else
                end = Temporal.WriteTime(start, column.Values<long>()[index], column.Type.Unit == TimeUnit.Nanosecond);
            bytes.Shrink(LongestText - (int)(end - start));
        }
    }
}

using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Orc;

namespace Nebula.Engine.Tests.Formats.Arrow;

/// <summary>Random columns whose maps have no null keys.</summary>
internal static class ArrowColumns
{
    // Lists in lists would otherwise grow without end.
    private const int MaxElements = 5000;

    public static RecordBatch Batch(BufferPool pool, Schema schema, int rows, double nulls, Random random) =>
        new(schema, [.. schema.Fields.Select(field => Column(pool, field.Type, rows, nulls, random))], rows);

    public static Column Column(BufferPool pool, DataType type, int rows, double nulls, Random random)
    {
        if (!type.IsNested)
            return OrcRandomColumns.Column(pool, type, rows, nulls, random);
        var validity = pool.Rent(Bitmap.ByteCount(rows));
        var nullCount = 0;
        for (var i = 0; i < rows; i++)
        {
            var isNull = random.NextDouble() < nulls;
            nullCount += isNull ? 1 : 0;
            Bitmap.Set(validity.Span, i, !isNull);
        }
        if (type.Kind == TypeKind.Struct)
            return new Column(type, rows, nullCount, validity, null, children: [.. type.Fields.Select(field => Column(pool, field.Type, rows, nulls, random))]);
        var offsets = pool.Rent((rows + 1) * sizeof(int));
        offsets.As<int>()[0] = 0;
        for (var i = 0; i < rows; i++)
            offsets.As<int>()[i + 1] = offsets.As<int>()[i] + (Bitmap.Get(validity.Span, i) && offsets.As<int>()[i] < MaxElements ? random.Next(4) : 0);
        var elements = offsets.As<int>()[rows];
        return new Column(type, rows, nullCount, validity, null, offsets, [.. type.Fields.Select(field => Column(pool, field.Type, elements, field.Nullable
            ? nulls : 0, random))]);
    }
}

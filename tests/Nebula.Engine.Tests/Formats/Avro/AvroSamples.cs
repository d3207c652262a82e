using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Avro;

/// <summary>Columns of valid values of every type, extremes among them.</summary>
internal static class AvroSamples
{
    private static readonly long[] Longs = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, long.MaxValue, long.MinValue, 1L << 55, (1L << 55) - 1, 1L << 56,
        -(1L << 62)];
    private static readonly double[] Doubles = [0.0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon, double.MaxValue, 0.1];
    private static readonly string[] Texts = ["", "a", "Zoë", "日本語", "🎉", "\0", "a\"b\\c\n", new('x', 31), new('y', 32), new('z', 33), new('ä', 500)];

    /// <summary>Types that are written as they are.</summary>
    public static DataType[] Exact { get; } =
    [
        DataType.Bool, DataType.Int32, DataType.Int64, DataType.Float32, DataType.Float64, DataType.Decimal(9, 2), DataType.Decimal(18, 4),
            DataType.Decimal(19, 0),
        DataType.Decimal(38, 9), DataType.Date, DataType.Time, DataType.Timestamp(), DataType.Timestamp(zone: "UTC"), DataType.Timestamp(TimeUnit.Nanosecond),
        DataType.Timestamp(TimeUnit.Nanosecond, "UTC"), DataType.String, DataType.Binary, DataType.Uuid,
        DataType.List(DataType.Int32), DataType.List(DataType.List(DataType.String)), DataType.Map(DataType.String, DataType.Float64),
        DataType.Map(DataType.Int64, DataType.List(DataType.Bool)), DataType.Struct(),
        DataType.Struct(new Field("a", DataType.Int64, nullable: false), new Field("b", DataType.Uuid),
            new Field("c", DataType.Struct(new Field("d", DataType.Uuid)))),
        DataType.List(DataType.Struct(new Field("x", DataType.Float32),
            new Field("y", DataType.Map(DataType.String, DataType.Struct(new Field("z", DataType.Bool)))))),
    ];

    /// <summary>Types that are read back wider.</summary>
    public static (DataType Written, DataType Read)[] Widened { get; } =
    [
        (DataType.Int8, DataType.Int32), (DataType.Int16, DataType.Int32), (DataType.UInt8, DataType.Int32), (DataType.UInt16, DataType.Int32),
        (DataType.UInt32, DataType.Int64), (DataType.UInt64, DataType.Decimal(20, 0)), (DataType.Json, DataType.String),
        (DataType.Timestamp(zone: "Europe/Berlin"), DataType.Timestamp(zone: "UTC")),
    ];

    public static RecordBatch Batch(BufferPool pool, Schema schema, int rows, double nulls, Random random)
    {
        var columns = schema.Fields.Select(field => new ColumnBuilder(pool, field.Type)).ToArray();
        for (var row = 0; row < rows; row++)
            for (var i = 0; i < columns.Length; i++)
                Append(columns[i], schema.Fields[i], nulls, random);
        return new RecordBatch(schema, [.. columns.Select(static column => column.Build())], rows);
    }

    public static void Append(ColumnBuilder column, Field field, double nulls, Random random)
    {
        if (field.Nullable && random.NextDouble() < nulls)
        {
            column.AppendNull();
            return;
        }
        switch (column.Layout)
        {
            case ColumnLayout.Bits:
                column.AppendBool(random.Next(2) == 0);
                break;
            case ColumnLayout.Bytes when field.Type.Kind == TypeKind.Binary:
                var bytes = new byte[random.Next(70)];
                random.NextBytes(bytes);
                column.AppendBytes(bytes);
                break;
            case ColumnLayout.Bytes:
                column.AppendBytes(Encoding.UTF8.GetBytes(field.Type.Kind == TypeKind.Json ? $"{{\"a\":{random.Next()}}}" : Texts[random.Next(Texts.Length)]));
                break;
            case ColumnLayout.List:
                for (var count = random.Next(8) == 0 ? random.Next(100) : random.Next(3); count > 0; count--)
                    for (var i = 0; i < column.Children.Length; i++)
                        Append(column.Children[i], field.Type.Fields[i], nulls, random);
                column.EndList();
                break;
            case ColumnLayout.Struct:
                for (var i = 0; i < column.Children.Length; i++)
                    Append(column.Children[i], field.Type.Fields[i], nulls, random);
                column.EndStruct();
                break;
            default:
                AppendFixed(column, field.Type, random);
                break;
        }
    }

    private static void AppendFixed(ColumnBuilder column, DataType type, Random random)
    {
        var value = random.Next(3) == 0 ? random.NextInt64(long.MinValue, long.MaxValue) : Longs[random.Next(Longs.Length)];
        switch (type.Kind)
        {
            case TypeKind.Float32:
                column.Append((float)Doubles[random.Next(Doubles.Length)]);
                break;
            case TypeKind.Float64:
                column.Append(random.Next(2) == 0 ? Doubles[random.Next(Doubles.Length)] : random.NextDouble());
                break;
            case TypeKind.Decimal:
                var bound = Int128.Parse(new string('9', type.Precision), System.Globalization.CultureInfo.InvariantCulture);
                var wide = random.Next(4) switch
                {
                    0 => bound,
                    1 => -bound,
                    2 => value % (bound + 1),
                    _ => (((Int128)value << 64) | (ulong)random.NextInt64()) % (bound + 1)
                };
                if (type.ByteWidth == 8)
                    column.Append((long)wide);
                else
                    column.Append(wide);
                break;
            default:
                switch (type.ByteWidth)
                {
                    case 1:
                        column.Append((byte)value);
                        break;
                    case 2:
                        column.Append((short)value);
                        break;
                    case 4:
                        column.Append((int)value);
                        break;
                    case 8:
                        column.Append(value);
                        break;
                    default:
                        column.Append(new Int128((ulong)random.NextInt64(), (ulong)value));
                        break;
                }
                break;
        }
    }
}

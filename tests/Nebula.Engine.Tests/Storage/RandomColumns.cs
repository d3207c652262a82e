using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Storage;

/// <summary>Columns of every type with values that are hard on encodings: extremes, runs, steps, NaN payloads, negative zero, empty strings.</summary>
internal static class RandomColumns
{
    private static readonly double[] Doubles =
    [
        0.0, -0.0, 1.5, 12.34, -99.99, 1e300, -1e-300, double.NaN, double.MaxValue, double.MinValue, double.Epsilon,
        double.PositiveInfinity, double.NegativeInfinity, BitConverter.UInt64BitsToDouble(0x7FF8_0000_DEAD_BEEF),
        BitConverter.UInt64BitsToDouble(0xFFF0_0000_0000_0001), 0.1 + 0.2, 9007199254740993.0,
    ];

    private static readonly long[] Longs = [0, 1, -1, long.MinValue, long.MaxValue, int.MinValue, int.MaxValue, 127, -128, 255, 1L << 53];

    /// <summary>One type of each kind and layout.</summary>
    public static ImmutableArray<DataType> Types { get; } =
    [
        DataType.Bool, DataType.Int8, DataType.Int16, DataType.Int32, DataType.Int64, DataType.UInt8, DataType.UInt16, DataType.UInt32, DataType.UInt64,
        DataType.Float32, DataType.Float64, DataType.Decimal(18, 4), DataType.Decimal(38, 9), DataType.Date, DataType.Time, DataType.TimeNanoseconds,
            DataType.Timestamp(),
        DataType.Timestamp(TimeUnit.Nanosecond, "UTC"), DataType.String, DataType.Binary, DataType.Uuid, DataType.Json,
        DataType.List(DataType.Int32), DataType.Map(DataType.String, DataType.Float64),
        DataType.Struct(new Field("a", DataType.Int64), new Field("b", DataType.String), new Field("c", DataType.Bool)),
        DataType.List(DataType.Struct(new Field("x", DataType.Float32), new Field("y", DataType.List(DataType.String)))),
        DataType.Struct(new Field("m", DataType.Map(DataType.Int16, DataType.List(DataType.Decimal(38, 0)))), new Field("e", DataType.Struct())),
    ];

    public static RecordBatch Batch(BufferPool pool, Schema schema, int rows, double nulls, Random random) =>
        new(schema, [.. schema.Fields.Select(field => Column(pool, field.Type, rows, nulls, random))], rows);

    public static Column Column(BufferPool pool, DataType type, int rows, double nulls, Random random)
    {
        using var builder = new ColumnBuilder(pool, type);
        var style = random.Next(6);
        for (var i = 0; i < rows; i++)
            AppendValue(builder, i, style, nulls, random);
        return builder.Build();
    }

    public static DataType Type(Random random, int depth) => random.Next(depth > 0 ? 12 : 9) switch
    {
        9 => DataType.List(Type(random, depth - 1)),
        10 => DataType.Map(Type(random, depth - 1), Type(random, depth - 1)),
        11 => DataType.Struct([.. Enumerable.Range(0, random.Next(4)).Select(i => new Field($"f{i}", Type(random, depth - 1)))]),
        _ => Types[random.Next(22)],
    };

    private static void AppendValue(ColumnBuilder builder, int i, int style, double nulls, Random random)
    {
        if (nulls > 0 && random.NextDouble() < nulls)
        {
            builder.AppendNull();
            return;
        }
        switch (builder.Layout)
        {
            case ColumnLayout.Bits:
                builder.AppendBool(random.Next(2) == 0);
                break;
            case ColumnLayout.Bytes:
                builder.AppendBytes(Bytes(i, style, random));
                break;
            case ColumnLayout.List:
                for (var count = random.Next(4); count > 0; count--)
                    foreach (var child in builder.Children)
                        AppendValue(child, child.Length, style, nulls, random);
                builder.EndList();
                break;
            case ColumnLayout.Struct:
                foreach (var child in builder.Children)
                    AppendValue(child, i, style, nulls, random);
                builder.EndStruct();
                break;
            default:
                AppendFixed(builder, i, style, random);
                break;
        }
    }

    private static void AppendFixed(ColumnBuilder builder, int i, int style, Random random)
    {
        var value = Integer(i, style, random);
        switch (builder.Type.Kind)
        {
            case TypeKind.Float32:
                builder.Append((float)Double(i, style, random));
                break;
            case TypeKind.Float64:
                builder.Append(Double(i, style, random));
                break;
            default:
                switch (builder.ByteWidth)
                {
                    case 1:
                        builder.Append((byte)value);
                        break;
                    case 2:
                        builder.Append((short)value);
                        break;
                    case 4:
                        builder.Append((int)value);
                        break;
                    case 8:
                        builder.Append(value);
                        break;
                    default:
                        builder.Append(style == 0 ? new Int128((ulong)random.NextInt64(), (ulong)Integer(i, style, random)) : value);
                        break;
                }
                break;
        }
    }

    private static long Integer(int i, int style, Random random) => style switch
    {
        0 => Longs[random.Next(Longs.Length)],
        1 => 1000 + 3L * i,
        2 => random.Next(-50, 50),
        3 => 1_600_000_000_000_000 + 1_000_000L * random.Next(100_000_000),
        4 => random.NextInt64(long.MinValue, long.MaxValue),
        _ => 42,
    };

    private static double Double(int i, int style, Random random) => style switch
    {
        0 => Doubles[random.Next(Doubles.Length)],
        1 => i,
        2 => random.Next(-10_000, 10_000) / 100.0,
        3 => i < 5000 ? random.Next(1000) / 10.0 : random.Next(1_000_000) / 100_000.0,
        4 => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)),
        _ => -7.25,
    };

    private static byte[] Bytes(int i, int style, Random random)
    {
        byte[] bytes = style switch
        {
            0 => new byte[random.Next(40)],
            1 => System.Text.Encoding.UTF8.GetBytes($"user{i}@example.net"),
            2 => System.Text.Encoding.UTF8.GetBytes($"city {random.Next(60)}"),
            3 => [],
            4 => new byte[16],
            _ => System.Text.Encoding.UTF8.GetBytes(new string('ä', random.Next(3))),
        };
        if (style is 0 or 4)
            random.NextBytes(bytes);
        return bytes;
    }
}

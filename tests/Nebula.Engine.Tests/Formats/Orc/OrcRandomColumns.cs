using System.Collections.Immutable;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Orc;

/// <summary>Columns with values that every encoding of ORC meets sooner or later, all of them legal for their types.</summary>
internal static class OrcRandomColumns
{
    private static readonly long[] Extremes = [0, 1, -1, long.MinValue, long.MaxValue, int.MinValue, int.MaxValue, short.MinValue, short.MaxValue, 127, -128,
        255, 256, 1L << 53];

    public static ImmutableArray<DataType> Types { get; } =
    [
        DataType.Bool, DataType.Int8, DataType.Int16, DataType.Int32, DataType.Int64, DataType.UInt8, DataType.UInt16, DataType.UInt32, DataType.UInt64,
        DataType.Float32, DataType.Float64, DataType.Decimal(9, 2), DataType.Decimal(18, 0), DataType.Decimal(38, 9), DataType.Date, DataType.Time,
            DataType.TimeNanoseconds,
        DataType.Timestamp(), DataType.Timestamp(TimeUnit.Nanosecond), DataType.Timestamp(TimeUnit.Nanosecond, "UTC"), DataType.String, DataType.Binary,
            DataType.Uuid, DataType.Json,
        DataType.List(DataType.Int32), DataType.Map(DataType.String, DataType.Float64),
            DataType.Struct(new Field("a", DataType.Int64), new Field("b", DataType.String), new Field("c", DataType.Bool)),
        DataType.List(DataType.Struct(new Field("x", DataType.Float32), new Field("y", DataType.List(DataType.String)))),
        DataType.Struct(new Field("m", DataType.Map(DataType.Int16, DataType.List(DataType.Decimal(38, 0)))), new Field("e", DataType.Struct())),
    ];

    public static RecordBatch Batch(BufferPool pool, Schema schema, int rows, double nulls, Random random, int? style = null) =>
        new(schema, [.. schema.Fields.Select(field => Column(pool, field.Type, rows, nulls, random, style))], rows);

    public static Column Column(BufferPool pool, DataType type, int rows, double nulls, Random random, int? style = null)
    {
        using var builder = new ColumnBuilder(pool, type);
        var chosen = style ?? random.Next(8);
        for (var i = 0; i < rows; i++)
            Append(builder, i, chosen, nulls, random);
        return builder.Build();
    }

    private static void Append(ColumnBuilder builder, int i, int style, double nulls, Random random)
    {
        if (nulls > 0 && random.NextDouble() < nulls)
        {
            builder.AppendNull();
            return;
        }
        switch (builder.Layout)
        {
            case ColumnLayout.Bits:
                builder.AppendBool(style == 7 || random.Next(2) == 0);
                break;
            case ColumnLayout.Bytes:
                builder.AppendBytes(Bytes(builder.Type, i, style, random));
                break;
            case ColumnLayout.List:
                for (var count = random.Next(style == 5 ? 1 : 4); count > 0; count--)
                    foreach (var child in builder.Children)
                        Append(child, child.Length, style, nulls, random);
                builder.EndList();
                break;
            case ColumnLayout.Struct:
                foreach (var child in builder.Children)
                    Append(child, i, style, nulls, random);
                builder.EndStruct();
                break;
            default:
                AppendFixed(builder, Integer(i, style, random), random);
                break;
        }
    }

    private static void AppendFixed(ColumnBuilder builder, long value, Random random)
    {
        var type = builder.Type;
        switch (type.Kind)
        {
            case TypeKind.Float32:
                builder.Append(random.Next(10) == 0 ? float.NaN : random.Next(10) == 0 ? -0.0f : (float)value / 7);
                break;
            case TypeKind.Float64:
                builder.Append(random.Next(10) == 0 ? double.NegativeInfinity : random.Next(10) == 0 ? BitConverter.Int64BitsToDouble(value) : value / 3.0);
                break;
            case TypeKind.Decimal when type.ByteWidth == 8:
                builder.Append(value % (long)Math.Pow(10, type.Precision));
                break;
            case TypeKind.Decimal:
                builder.Append((Int128)value * random.Next(1, int.MaxValue));
                break;
            case TypeKind.Time:
                builder.Append((long)((ulong)value % (type.Unit == TimeUnit.Microsecond ? 86_400_000_000ul : 86_400_000_000_000ul)));
                break;
            case TypeKind.Timestamp:
                var perSecond = type.Unit == TimeUnit.Microsecond ? 1_000_000 : 1_000_000_000;
                // within what nanoseconds can tell, and not in the last second before 1970
                value %= type.Unit == TimeUnit.Microsecond ? long.MaxValue / 1000 : long.MaxValue;
                builder.Append(value >= -perSecond && value < 0 ? -value : value);
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
                        builder.Append(new Int128((ulong)value, (ulong)random.NextInt64()));
                        break;
                }
                break;
        }
    }

    private static long Integer(int i, int style, Random random) => style switch
    {
        0 => Extremes[random.Next(Extremes.Length)],
        1 => 1000 + 3L * i,
        2 => random.Next(-50, 50),
        3 => 1_600_000_000_000_000 + 1_000_000L * random.Next(100_000_000),
        4 => random.NextInt64(long.MinValue, long.MaxValue),
        5 => 5L * i + random.Next(5),
        6 => random.Next(40) == 0 ? random.NextInt64(1L << 40) : random.Next(100),
        _ => random.Next(30) == 0 ? 43 : 42,
    };

    private static byte[] Bytes(DataType type, int i, int style, Random random)
    {
        var text = style switch
        {
            0 => new string('é', random.Next(20)) + random.Next(1000),
            1 => $"user{i}@example.net",
            2 => $"city {random.Next(60)}",
            3 => "",
            4 => new string((char)random.Next(0x3041, 0x3096), random.Next(40)),
            6 => random.Next(200) == 0 ? new string('z', 3000) : "z",
            _ => "constant",
        };
        return type.Kind == TypeKind.Binary ? [0xFF, .. Encoding.UTF8.GetBytes(text)]
            : Encoding.UTF8.GetBytes(type.Kind == TypeKind.Json ? $"\"{text}\"" : text);
    }
}

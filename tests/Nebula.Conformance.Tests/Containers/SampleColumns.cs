using System.Text;
using System.Text.Json;
using Nebula.Engine.Columns;
using Nebula.Engine.Schemas;

namespace Nebula.Conformance.Tests.Containers;

/// <summary>How values of a generated column relate to each other: each finds another way through an encoder.</summary>
internal enum SampleStyle
{
    /// <summary>Least, greatest and special values.</summary>
    Extremes,

    /// <summary>All different and rising.</summary>
    Rising,

    /// <summary>A few that lie close together.</summary>
    Few,

    /// <summary>A few that lie far apart.</summary>
    FewWide,

    /// <summary>All different.</summary>
    Random,

    /// <summary>Always the same.</summary>
    Constant,

    /// <summary>Long runs.</summary>
    Runs,
}

/// <summary>
/// Generates columns of every type. Every value is legal for its type, and within what all readers can tell (years 1 to 9999, or 1678 to 2261 for
/// nanoseconds).
/// </summary>
internal static class SampleColumns
{
    private static readonly long[] Extremes =
    [
        0, 1, -1, long.MinValue, long.MaxValue, int.MinValue, int.MaxValue, uint.MaxValue,
        short.MinValue, short.MaxValue, ushort.MaxValue, sbyte.MinValue, byte.MaxValue,
    ];

    private static readonly double[] FloatExtremes =
    [
        0.0, -0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity, 1, -1.5,
        float.MaxValue, float.Epsilon, double.MaxValue, double.Epsilon,
    ];

    /// <summary>Types without children.</summary>
    public static IReadOnlyList<DataType> FlatTypes { get; } =
    [
        DataType.Bool, DataType.Int8, DataType.Int16, DataType.Int32, DataType.Int64, DataType.UInt8, DataType.UInt16, DataType.UInt32, DataType.UInt64,
        DataType.Float32, DataType.Float64, DataType.Decimal(9, 2), DataType.Decimal(18, 0), DataType.Decimal(20, 5), DataType.Decimal(38, 38),
        DataType.Date, DataType.Time, DataType.TimeNanoseconds,
        DataType.Timestamp(), DataType.Timestamp(zone: "UTC"), DataType.Timestamp(TimeUnit.Nanosecond), DataType.Timestamp(TimeUnit.Nanosecond, "UTC"),
        DataType.String, DataType.Json, DataType.Binary, DataType.Uuid,
    ];

    /// <summary>Types with children, several deep.</summary>
    public static IReadOnlyList<DataType> NestedTypes { get; } =
    [
        DataType.List(DataType.Int32),
        DataType.List(DataType.List(DataType.String)),
        DataType.Struct(new Field("a", DataType.Int64), new Field("b", DataType.String), new Field("c", DataType.Bool)),
        DataType.Map(DataType.String, DataType.Float64),
        DataType.List(DataType.Struct(new Field("x", DataType.Float32), new Field("y", DataType.List(DataType.Date)))),
        DataType.Struct(
            new Field("m", DataType.Map(DataType.Int16, DataType.List(DataType.Decimal(38, 2)))),
            new Field("s", DataType.Struct(new Field("t", DataType.Timestamp())))),
    ];

    /// <summary>Generates a column.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="type">Its type.</param>
    /// <param name="rows">Number of values.</param>
    /// <param name="nulls">Share of nulls.</param>
    /// <param name="style">How values relate to each other.</param>
    /// <param name="random">Where chance comes from.</param>
    public static Column Create(BufferPool pool, DataType type, int rows, double nulls, SampleStyle style, Random random)
    {
        using var builder = new ColumnBuilder(pool, type);
        for (var i = 0; i < rows; i++)
            Append(builder, i, nulls, style, random, isNullable: true);
        return builder.Build();
    }

    private static void Append(ColumnBuilder builder, int i, double nulls, SampleStyle style, Random random, bool isNullable)
    {
        if (isNullable && random.NextDouble() < nulls)
        {
            builder.AppendNull();
            return;
        }
        switch (builder.Layout)
        {
            case ColumnLayout.Bits:
                builder.AppendBool(style == SampleStyle.Constant || (style == SampleStyle.Runs ? i / 300 : random.Next()) % 2 == 0);
                break;
            case ColumnLayout.Bytes:
                builder.AppendBytes(Bytes(builder.Type, i, style, random));
                break;
            case ColumnLayout.List:
                for (var count = random.Next(style == SampleStyle.Constant ? 2 : 5); count > 0; count--)
                    for (var child = 0; child < builder.Children.Length; child++)
                        Append(builder.Children[child], builder.Children[child].Length, nulls, style, random, builder.Type.Fields[child].Nullable);
                builder.EndList();
                break;
            case ColumnLayout.Struct:
                foreach (var child in builder.Children)
                    Append(child, i, nulls, style, random, isNullable: true);
                builder.EndStruct();
                break;
            default:
                AppendFixed(builder, i, style, random);
                break;
        }
    }

    private static void AppendFixed(ColumnBuilder builder, int i, SampleStyle style, Random random)
    {
        var type = builder.Type;
        var value = Integer(i, style, random);
        switch (type.Kind)
        {
            case TypeKind.Float32:
                builder.Append(style == SampleStyle.Extremes ? (float)FloatExtremes[random.Next(FloatExtremes.Length)] : (float)value / 8);
                break;
            case TypeKind.Float64:
                builder.Append(style == SampleStyle.Extremes ? FloatExtremes[random.Next(FloatExtremes.Length)] : value / 3.0);
                break;
            case TypeKind.Decimal when type.ByteWidth == 8:
                builder.Append(value % (long)Math.Pow(10, type.Precision));
                break;
            case TypeKind.Decimal:
                var limit = Int128.Parse("1" + new string('0', type.Precision));
                var usual = (Int128)value * (style == SampleStyle.Random ? value : 1) % limit;
                builder.Append(style != SampleStyle.Extremes ? usual : random.Next(3) switch { 0 => limit - 1, 1 => 1 - limit, _ => usual });
                break;
            case TypeKind.Uuid:
                builder.Append(new Int128((ulong)value, (ulong)(style == SampleStyle.Random ? random.NextInt64() : value)));
                break;
            case TypeKind.Date:
                builder.Append((int)Within(value, -719_162, 2_932_896));
                break;
            case TypeKind.Time:
                builder.Append(Within(value, 0, type.Unit == TimeUnit.Microsecond ? 86_399_999_999 : 86_399_999_999_999));
                break;
            case TypeKind.Timestamp when type.Unit == TimeUnit.Microsecond:
                builder.Append(Within(value, -62_135_596_800_000_000, 253_402_300_799_999_999));
                break;
            case TypeKind.Timestamp:
                builder.Append(Within(value, -9_214_560_000_000_000_000, 9_214_646_400_000_000_000));
                break;
            default:
                AppendInteger(builder, value);
                break;
        }
    }

    private static void AppendInteger(ColumnBuilder builder, long value)
    {
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
            default:
                builder.Append(value);
                break;
        }
    }

    private static long Within(long value, long min, long max) =>
        value < min ? value == long.MinValue ? min : min + (long)((ulong)value % (ulong)(max - min))
        : value > max ? value == long.MaxValue ? max : min + value % (max - min)
        : value;

    private static long Integer(int i, SampleStyle style, Random random) => style switch
    {
        SampleStyle.Extremes => Extremes[random.Next(Extremes.Length)],
        SampleStyle.Rising => 1000 + 3L * i + random.Next(3),
        SampleStyle.Few => random.Next(-20, 30),
        SampleStyle.FewWide => (random.Next(40) - 17) * 123_456_789_123L,
        SampleStyle.Random => random.NextInt64(long.MinValue, long.MaxValue),
        SampleStyle.Constant => 42,
        _ => i / 100 * 7L,
    };

    private static byte[] Bytes(DataType type, int i, SampleStyle style, Random random)
    {
        var text = style switch
        {
            SampleStyle.Extremes => random.Next(4) switch { 0 => "", 1 => new string('é', random.Next(100)), 2 => "\U0010FFFF", _ => "\"\\\u0001\n" },
            SampleStyle.Rising => $"https://example.net/catalogue/part/{i:000000}/index",
            SampleStyle.Few => $"city {random.Next(60)}",
            SampleStyle.FewWide => new string((char)('a' + random.Next(26)), random.Next(20, 90)),
            SampleStyle.Random => Convert.ToHexString(BitConverter.GetBytes(random.NextInt64()))[..random.Next(17)],
            SampleStyle.Constant => "constant",
            _ => $"run {i / 100}",
        };
        return type.Kind switch
        {
            TypeKind.Json => JsonSerializer.SerializeToUtf8Bytes(text),
            TypeKind.Binary when style is SampleStyle.Extremes or SampleStyle.Random => [0xFF, .. Encoding.UTF8.GetBytes(text), 0xFF],
            _ => Encoding.UTF8.GetBytes(text),
        };
    }
}

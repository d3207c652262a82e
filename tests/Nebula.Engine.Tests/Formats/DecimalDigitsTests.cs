using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Avro;
using Nebula.Engine.Formats.Orc;
using Nebula.Engine.Formats.Parquet;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats;

public sealed class DecimalDigitsTests
{
    public static TheoryData<string> FormatNames => ["parquet", "avro", "orc"];

    public static TheoryData<int, int, string, bool> Values => new()
    {
        { 4, 2, "9999", true },
        { 4, 2, "-9999", true },
        { 4, 2, "10000", false },
        { 4, 2, "-10000", false },
        { 1, 0, "9", true },
        { 1, 0, "10", false },
        { 18, 3, "999999999999999999", true },
        { 18, 3, "1000000000000000000", false },
        { 18, 3, "9223372036854775807", false },
        { 18, 3, "-9223372036854775808", false },
        { 19, 3, "9999999999999999999", true },
        { 19, 3, "-10000000000000000000", false },
        { 38, 10, "99999999999999999999999999999999999999", true },
        { 38, 10, "-99999999999999999999999999999999999999", true },
        { 38, 10, "100000000000000000000000000000000000000", false },
        { 38, 10, "-170141183460469231731687303715884105728", false },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Encode_Decimal_AcceptsJustTheDeclaredDigits(int precision, int scale, string unscaled, bool good)
    {
        foreach (var name in FormatNames)
        {
            using var pool = new BufferPool();
            var schema = new Schema([new Field("n", DataType.Int32), new Field("amount", DataType.Decimal(precision, scale))]);
            using (var builder = new RecordBatchBuilder(pool, schema))
            {
                for (var row = 0; row < 5; row++)
                {
                    builder.Columns[0].Append(row);
                    Append(builder.Columns[1], row == 3 ? Int128.Parse(unscaled) : 1);
                    builder.Length++;
                }
                using var batch = builder.Build();
                AssertEncodes(name, batch, pool, good ? null : "row 4", "\"amount\"");
            }
            Assert.Equal(0, pool.Outstanding);
        }
    }

    [Theory]
    [MemberData(nameof(FormatNames))]
    public void Encode_DecimalWithinLists_NamesTheRow(string name)
    {
        using var pool = new BufferPool();
        var item = DataType.Struct(new Field("price", DataType.Decimal(3, 1)));
        var schema = new Schema([new Field("items", DataType.List(item))]);
        using (var builder = new RecordBatchBuilder(pool, schema))
        {
            var list = builder.Columns[0];
            foreach (var prices in (int[][])[[1, 2], [], [999], [], [7, 1000], [8]])
            {
                foreach (var price in prices)
                {
                    list.Children[0].Children[0].Append((long)price);
                    list.Children[0].EndStruct();
                }
                list.EndList();
                builder.Length++;
            }
            using var batch = builder.Build();
            AssertEncodes(name, batch, pool, "row 5", "price", "100.0", "decimal(3,1)");
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [MemberData(nameof(FormatNames))]
    public void Encode_MeaninglessBitsOfNulls_AreNoDecimals(string name)
    {
        using var pool = new BufferPool();
        var type = DataType.Struct(new Field("price", DataType.Decimal(3, 1)));
        var (validity, outer, values) = (pool.Rent(64), pool.Rent(64), pool.Rent(64));
        validity.Span.Fill(0xFF);
        outer.Span.Fill(0xFF);
        values.As<long>().Fill(5);
        // the second value is null itself, the third lies in a null struct
        values.As<long>()[1] = values.As<long>()[2] = long.MinValue;
        Bitmap.Set(validity.Span, 1, false);
        Bitmap.Set(outer.Span, 2, false);
        var child = new Column(type.Fields[0].Type, 4, 1, validity, values);
        using (var batch = new RecordBatch(new Schema([new Field("s", type)]), [new Column(type, 4, 1, outer, null, children: [child])], 4))
            AssertEncodes(name, batch, pool, null);
        Assert.Equal(0, pool.Outstanding);
    }

    private static void AssertEncodes(string name, RecordBatch batch, BufferPool pool, string? refusal, params string[] also)
    {
        IContainerFormat format = name switch { "parquet" => new ParquetFormat(), "avro" => new AvroFormat(), _ => new OrcFormat() };
        OptionDescriptor[] all = [new("compression", OptionKind.Choice, "", format.OwnCodecs![0]), new("compression_level", OptionKind.Integer, ""),
            .. format.WriteOptions];
        var encoder = format.CreateEncoder(batch.Schema, new OptionValues(name, all, []), pool);
        if (refusal is null)
        {
            encoder.Encode(batch).Dispose();
            return;
        }
        var error = Assert.Throws<NebulaException>(() => encoder.Encode(batch).Dispose());
        Assert.Equal(ErrorKind.Data, error.Kind);
        foreach (var part in (string[])[refusal, .. also])
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    private static void Append(ColumnBuilder column, Int128 value)
    {
        if (column.Type.ByteWidth == sizeof(long))
            column.Append((long)value);
        else
            column.Append(value);
    }
}

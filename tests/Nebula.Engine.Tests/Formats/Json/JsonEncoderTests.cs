using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Json.Writing;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Json;

public sealed class JsonEncoderTests
{
    private static readonly long Noon = (long)(new DateTime(2024, 2, 29, 12, 0, 1, DateTimeKind.Utc) - DateTime.UnixEpoch).TotalMicroseconds;

    public static TheoryData<int> Levels => [.. Simd.Available.Select(static level => (int)level)];

    public static TheoryData<string, object?, string> Values => new()
    {
        { "int8", -128L, "-128" },
        { "int64", long.MinValue, "-9223372036854775808" },
        { "uint64", (Int128)ulong.MaxValue, "18446744073709551615" },
        { "uint32", 4294967295L, "4294967295" },
        { "float64", 1.5, "1.5" },
        { "float64", 3.0, "3.0" },
        { "float64", -0.0, "-0.0" },
        { "float64", 5e-324, "5E-324" },
        { "float64", double.NaN, "\"NaN\"" },
        { "float64", double.NegativeInfinity, "\"-Infinity\"" },
        { "float32", 0.1, "0.1" },
        { "float32", double.PositiveInfinity, "\"Infinity\"" },
        { "decimal(10,2)", 1230L, "12.30" },
        { "decimal(10,2)", -5L, "-0.05" },
        { "decimal(38,3)", -Int128.Parse("12345678901234567890123456789012345678", null), "-12345678901234567890123456789012345.678" },
        { "bool", true, "true" },
        { "bool", false, "false" },
        { "string", "", "\"\"" },
        { "string", "a\"b\\c\b\f\n\r\t\u0001\u001f\u007fé😀", "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f\u007fé😀\"" },
        { "date", 19782L, "\"2024-02-29\"" },
        { "date", (long)int.MaxValue, "\"+5881580-07-11\"" },
        { "time", 3_600_000_000L * 23 + 500_000, "\"23:00:00.500\"" },
        { "time", -1L, "\"-1\"" },
        { "timestamp", Noon, "\"2024-02-29T12:00:01\"" },
        { "timestamp(UTC)", Noon + 1, "\"2024-02-29T12:00:01.000001Z\"" },
        { "timestamp(ns)", (Noon * 1000) + 1, "\"2024-02-29T12:00:01.000000001\"" },
        { "uuid", BinaryPrimitives.ReadUInt128LittleEndian(Convert.FromHexString("00112233445566778899AABBCCDDEEFF")),
            "\"00112233-4455-6677-8899-aabbccddeeff\"" },
        { "binary", new byte[] { 0, 255, 1 }, "\"AP8B\"" },
        { "json", "{\"a\": [1,\r\n2.50]}", "{\"a\": [1,  2.50]}" },
        { "json", "", "null" },
        { "list<int64>", new object?[] { 1L, null, 3L }, "[1,null,3]" },
        { "list<string>", new object?[] { "x", null, "" }, "[\"x\",null,\"\"]" },
        { "list<list<bool>>", new object?[] { Array.Empty<object?>(), null, new object?[] { true } }, "[[],null,[true]]" },
        { "struct<a: int64, b: string>", new object?[] { 1L, null }, "{\"a\":1,\"b\":null}" },
        { "map<string, int64>", new (object, object?)[] { ("k\"", 1L), ("", null) }, "{\"k\\\"\":1,\"\":null}" },
        { "map<int64, string>", new (object, object?)[] { (7L, "x") }, "{\"7\":\"x\"}" },
        { "map<date, list<int64>>", new (object, object?)[] { (0L, Array.Empty<object?>()) }, "{\"1970-01-01\":[]}" },
        { "map<float64, int64>", new (object, object?)[] { (0.5, 1L), (2.0, null) }, "[{\"key\":0.5,\"value\":1},{\"key\":2.0,\"value\":null}]" },
        { "string", null, "null" },
        { "int64", null, "null" },
        { "struct<a: int64>", null, "null" },
    };

    [Theory, MemberData(nameof(Values))]
    public void Encode_Value_IsWrittenAsDocumented(string type, object? value, string expected)
    {
        var schema = new Schema([new Field("v", DataType.Parse(type)!)]);
        Assert.Equal($"{{\"v\":{expected}}}\n{{\"v\":null}}\n", Encode(schema, [[value], [null]]));
    }

    [Fact]
    public void Encode_ManyKinds_AreWrittenSideBySide()
    {
        var rows = Values.Select(static row => ((string)row[0], row[1], (string)row[2])).Where(static row => row.Item2 is not null).ToArray();
        var schema = new Schema(rows.Select(static (row, i) => new Field(new string('k', i) + "\"", DataType.Parse(row.Item1)!)));
        var expected = "{" + string.Join(",", rows.Select(static (row, i) => $"\"{new string('k', i)}\\\"\":{row.Item3}")) + "}\n";
        object?[] values = [.. rows.Select(static row => row.Item2)];
        Assert.Equal(expected + expected, Encode(schema, [values, values]));
    }

    [Fact]
    public void Encode_Array_SeparatesRowsAndLeavesTheFrameToTheFile()
    {
        using var pool = new BufferPool();
        var schema = new Schema([new Field("a", DataType.Int64)]);
        var encoder = new JsonEncoder(schema, isArray: true, omitNulls: false, pool, Simd.Level);
        using var batch = TestColumns.Batch(pool, schema, [1L], [2L]);
        using var block = encoder.Encode(batch);
        using var two = MemoryOutput.Of(encoder, block, block);
        Assert.Equal("[\n{\"a\":1},\n{\"a\":2},\n{\"a\":1},\n{\"a\":2}\n]\n", two.Text);
        using var none = MemoryOutput.Of(encoder);
        Assert.Equal("[]", none.Text.Replace("\n", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Encode_OmitNulls_LeavesKeysOutEverywhere()
    {
        var schema = new Schema([new Field("a", DataType.Int64), new Field("b", DataType.String),
            new Field("c", DataType.Parse("list<struct<x: int64, y: string>>")!)]);
        Assert.Equal("{\"b\":\"x\",\"c\":[{\"x\":1},{},null]}\n{}\n", Encode(schema,
            [[null, "x", new object?[] { new object?[] { 1L, null }, new object?[] { null, null }, null }], [null, null, null]], omitNulls: true));
    }

    [Fact]
    public void Encode_DictionaryColumn_WritesItsEntries()
    {
        using var pool = new BufferPool();
        var schema = new Schema([new Field("a", DataType.String)]);
        using (var batch = new RecordBatch(schema, [TestColumns.Dictionary(pool, ["x", "long \" one"], [1, 0, null, 1])], 4))
        using (var block = new JsonEncoder(schema, false, false, pool, Simd.Level).Encode(batch))
            Assert.Equal("{\"a\":\"long \\\" one\"}\n{\"a\":\"x\"}\n{\"a\":null}\n{\"a\":\"long \\\" one\"}\n", Text(block.Buffer.Content));
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory, MemberData(nameof(Levels))]
    public void Encode_StringsOfEveryLengthAndEscape_ReadBackTheSame(int level)
    {
        const int Seed = 77;
        var random = new Random(Seed);
        using var pool = new BufferPool();
        var schema = new Schema([new Field("a", DataType.String), new Field("b", DataType.String)]);
        object?[][] rows = [.. Enumerable.Range(0, 600).Select(i => new object?[] { RandomText(random, i % 200), RandomText(random, random.Next(40)) })];
        using (var batch = TestColumns.Batch(pool, schema, rows))
        using (var block = new JsonEncoder(schema, false, false, pool, (SimdLevel)level).Encode(batch))
        {
            var lines = Text(block.Buffer.Content).TrimEnd('\n').Split('\n');
            Assert.Equal(rows.Length, lines.Length);
            for (var i = 0; i < lines.Length; i++)
            {
                var read = JsonDocument.Parse(lines[i]).RootElement;
                Assert.Equal((rows[i][0], rows[i][1]), ((object?)read.GetProperty("a").GetString(), (object?)read.GetProperty("b").GetString()));
            }
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Encode_StringOfControlCharacters_GrowsTheBuffer()
    {
        var schema = new Schema([new Field("a", DataType.String)]);
        var text = new string('\u0001', 1_000_000);
        Assert.Equal("{\"a\":\"" + string.Concat(Enumerable.Repeat("\\u0001", text.Length)) + "\"}\n{\"a\":\"x\"}\n", Encode(schema, [[text], ["x"]]));
    }

    [Fact]
    public void Encode_LargePlainString_NeedsHardlyMoreThanItsLength()
    {
        const int Size = 8 << 20;
        using var pool = new BufferPool();
        var schema = new Schema([new Field("a", DataType.String)]);
        using var batch = TestColumns.Batch(pool, schema, [new string('x', Size)]);
        var before = pool.OutstandingBytes;
        using var block = new JsonEncoder(schema, false, false, pool, Simd.Level).Encode(batch);
        Assert.InRange(pool.OutstandingBytes - before, Size, Size * 5L / 4 + 4096);
    }

    internal static string RandomText(Random random, int length)
    {
        var text = new StringBuilder();
        var plain = random.Next(3);
        while (text.Length < length)
            text.Append(plain == 0 ? (char)('a' + random.Next(26)) : random.Next(plain == 1 ? 60 : 6) switch
            {
                0 => '"',
                1 => '\\',
                2 => (char)random.Next(32),
                3 => 'é',
                4 => '\u2028',
                _ => 'z',
            });
        return text.ToString();
    }

    private static string Encode(Schema schema, object?[][] rows, bool omitNulls = false)
    {
        using var pool = new BufferPool();
        string text;
        using (var batch = TestColumns.Batch(pool, schema, rows))
        using (var block = new JsonEncoder(schema, isArray: false, omitNulls, pool, Simd.Level).Encode(batch))
        {
            Assert.Equal(rows.Length, block.Rows);
            text = Text(block.Buffer.Content);
        }
        Assert.Equal(0, pool.Outstanding);
        return text;
    }

    private static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}

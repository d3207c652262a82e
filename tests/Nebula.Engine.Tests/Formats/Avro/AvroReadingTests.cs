using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Avro;

public sealed class AvroReadingTests
{
    public static TheoryData<string, byte[], string> Wrong => new()
    {
        { "\"boolean\"", [2], "the byte 2 as a boolean" },
        { "\"int\"", new AvroBytes().Long(1L << 31).ToArray(), "2147483648 as an int" },
        { "\"string\"", new AvroBytes().Long(-1).ToArray(), "a length of -1 bytes" },
        { "\"string\"", new AvroBytes().Long(long.MaxValue).ToArray(), "a length of" },
        { "\"string\"", new AvroBytes().Long(5).Raw(1, 2).ToArray(), "does not end within its block" },
        { "\"string\"", new AvroBytes().Sized(0xC3).ToArray(), "record 1 is not UTF-8" },
        { "\"long\"", [0x80], "does not end within its block" },
        { "\"long\"", [0, 0], "more bytes than its 1 records need" },
        { """["null","int"]""", [4], "the branch 2 of a union of two" },
        { """["int","string"]""", [4], "the branch 2 of a union of 2" },
        { """{"type":"enum","name":"e","symbols":["A"]}""", [2], "the symbol 1 of an enum that has 1" },
        { """{"type":"array","items":"int"}""", new AvroBytes().Long(long.MaxValue / 2).ToArray(), "a list of" },
        { """{"type":"array","items":"int"}""", new AvroBytes().Long(long.MinValue).Long(0).ToArray(), "a list of 9223372036854775808 items" },
        { """{"type":"array","items":"null"}""", new AvroBytes().Long(1L << 40).Long(0).ToArray(), "a list of 1099511627776 items" },
        { """{"type":"array","items":{"type":"record","name":"r","fields":[]}}""", new AvroBytes().Long(1L << 40).Long(0).ToArray(), "a list of" },
        { """{"type":"map","values":"int"}""", new AvroBytes().Long(3).Text("a").ToArray(), "does not end within its block" },
        { """{"type":"long","logicalType":"timestamp-millis"}""", new AvroBytes().Long(long.MaxValue / 500).ToArray(), "beyond the years" },
        { """{"type":"bytes","logicalType":"decimal","precision":2}""",
            new AvroBytes().Sized(100).ToArray(), "the unscaled decimal 100, which has more than 2 digits" },
        { """{"type":"bytes","logicalType":"decimal","precision":40}""", new AvroBytes().Sized([0x7F, .. new byte[16]]).ToArray(), "more than 38 digits" },
        { """["int","string","bytes"]""", new AvroBytes().Long(1).Sized(0xFF).ToArray(), "a text that is not UTF-8" },
    };

    [Theory, MemberData(nameof(Wrong))]
    public void Read_WrongValue_SaysWhatAndWhere(string schema, byte[] record, string reason)
    {
        foreach (var type in new[] { schema, $$"""{"type":"record","name":"row","fields":[{"name":"column","type":{{schema}}}]}""" })
        {
            var file = AvroBytes.File(type).Block(1, new AvroBytes().Raw(record)).ToArray();
            using var pool = new BufferPool();
            foreach (var blockSize in new[] { 1, 1 << 20 })
            {
                var error = Assert.Throws<DataFormatException>(() => AvroMemory.Read(pool, file, blockSize: blockSize));
                Assert.Contains(reason, error.Message, StringComparison.OrdinalIgnoreCase);
                Assert.StartsWith("test.avro, byte ", error.Message, StringComparison.Ordinal);
            }
            Assert.Equal(0, pool.Outstanding);
        }
    }

    [Fact]
    public void Read_RecordsWithoutBytes_AreBounded()
    {
        using var pool = new BufferPool();
        var many = AvroBytes.File("\"null\"").Block(long.MaxValue, new AvroBytes()).ToArray();
        Assert.Contains("claims to have", Assert.Throws<DataFormatException>(() => AvroMemory.Read(pool, many)).Message, StringComparison.Ordinal);
        var some = AvroMemory.Read(pool, AvroBytes.File("\"null\"").Block(100_000, new AvroBytes()).ToArray());
        Assert.Equal(100_000, some.Sum(static batch => batch.Columns[0].NullCount));
        some.ForEach(static batch => batch.Dispose());
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_ItemsWithManyFieldsWithoutBytes_AreBounded()
    {
        var fields = string.Join(',', Enumerable.Range(0, 2000).Select(static i => $$"""{"name":"f{{i}}","type":"null"}"""));
        var schema = $$$"""{"type":"array","items":{"type":"record","name":"r","fields":[{"name":"x","type":"int"},{{{fields}}}]}}""";
        var items = new AvroBytes().Long(100_000).Raw(new byte[100_000]).Long(0);
        using var pool = new BufferPool();
        var error = Assert.Throws<DataFormatException>(() => AvroMemory.Read(pool, AvroBytes.File(schema).Block(1, items).ToArray()));
        Assert.Contains("a list of 100000 items", error.Message, StringComparison.Ordinal);
        Assert.InRange(pool.PeakBytes, 0, 16 << 20);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_RecordInsideItself_IsJsonDownToABound()
    {
        const string Schema = """{"type":"record","name":"Node","fields":[{"name":"value","type":"int"},{"name":"next","type":["null","Node"]}]}""";
        using var pool = new BufferPool();
        var list = new AvroBytes().Long(1).Long(1).Long(2).Long(1).Long(3).Long(0);
        var batch = Assert.Single(AvroMemory.Read(pool, AvroBytes.File(Schema).Block(1, list).ToArray()));
        Assert.Equal(DataType.Json, batch.Columns[1].Type);
        Assert.Equal("""{"value":2,"next":{"value":3,"next":null}}""", Encoding.UTF8.GetString(batch.Columns[1].GetBytes(0)));
        batch.Dispose();
        var endless = new AvroBytes().Raw([.. Enumerable.Repeat<byte>(2, 1_000_000)]);
        Assert.Contains("levels deep", Assert.Throws<DataFormatException>(() =>
            AvroMemory.Read(pool, AvroBytes.File(Schema).Block(1, endless).ToArray())).Message, StringComparison.Ordinal);
        Assert.Contains("levels deep",
            Assert.Throws<DataFormatException>(() => AvroMemory.Read(pool, AvroBytes.File(Schema).Block(1, endless).ToArray(), ["value"])).Message,
                StringComparison.Ordinal);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_RecordsThatMultiply_AreRefused()
    {
        var schema = new StringBuilder("""{"type":"record","name":"r0","fields":[""");
        var inner = "\"int\"";
        for (var i = 1; i < 20; i++)
            inner = $$"""{"type":"record","name":"r{{i}}","fields":[{"name":"a","type":{{inner}}},{"name":"b","type":"{{(i == 1 ? "int" : $"r{i - 1}")}}"}]}""";
        schema.Append($$"""{"name":"x","type":{{inner}}}]}""");
        using var pool = new BufferPool();
        Assert.Contains("columns", Assert.Throws<DataFormatException>(() => AvroMemory.Read(pool, AvroBytes.File(schema.ToString()).ToArray())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Read_BlocksOfItemsWithTheirSize_AreReadAndPassedOver()
    {
        const string Schema = """{"type":"record","name":"r","fields":[{"name":"list","type":{"type":"array","items":"long"}},{"name":"map","type":{"type":"map","values":"long"}},{"name":"last","type":"int"}]}""";
        var row = new AvroBytes().Long(-2).Long(2).Long(7).Long(8).Long(1).Long(9).Long(0).Long(-1).Long(3).Text("k").Long(5).Long(0).Long(42);
        var file = AvroBytes.File(Schema).Block(1, row).ToArray();
        using var pool = new BufferPool();
        using (var batch = Assert.Single(AvroMemory.Read(pool, file)))
        {
            Assert.Equal([7, 8, 9], batch.Columns[0].Children[0].Values<long>().ToArray());
            Assert.Equal(5, batch.Columns[1].Children[1].Values<long>()[0]);
        }
        using (var batch = Assert.Single(AvroMemory.Read(pool, file, ["last"])))
            Assert.Equal(42, batch.Columns[0].Values<int>()[0]);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_UnionsOfNumbers_AreWidened()
    {
        const string Schema =
            """{"type":"record","name":"r","fields":[{"name":"a","type":["null","int","long"]},{"name":"b","type":["int","double","float"]}]}""";
        var rows = new AvroBytes().Long(0).Long(0).Long(3).Long(1).Long(4).Long(1).Double(0.5).Long(2).Long(1L << 40).Long(2).Raw(BitConverter.GetBytes(0.25f));
        using var pool = new BufferPool();
        using var batch = Assert.Single(AvroMemory.Read(pool, AvroBytes.File(Schema).Block(3, rows).ToArray()));
        Assert.True(batch.Columns[0].IsNull(0));
        Assert.Equal([4, 1L << 40], batch.Columns[0].Values<long>()[1..].ToArray());
        Assert.Equal([3, 0.5, 0.25], batch.Columns[1].Values<double>().ToArray());
    }
}

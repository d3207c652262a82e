using Nebula.Engine.Columns;
using Nebula.Engine.Compression.Checksums;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Parquet.Metadata;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;

namespace Nebula.Engine.Tests.Formats.Parquet;

public sealed class ParquetEncoderTests : IDisposable
{
    private readonly BufferPool _pool = new();

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    public static TheoryData<string, object[], string> Encodings => new()
    {
        { "int64", [.. Values(static i => (long)i)], "DeltaBinaryPacked" },
        { "int64", [.. Values(static i => (long)(Scatter(i) % 100))], "RleDictionary" },
        { "int64", [.. Values(static i => Scatter(i) % 50 * 1_000_000_007L)], "RleDictionary" },
        { "int64", [.. Values(static _ => 42L)], "RleDictionary" },
        { "float64", [.. Values(static i => Math.Sqrt(i))], "ByteStreamSplit" },
        { "float64", [.. Values(static i => Scatter(i) % 90 / 4.0)], "RleDictionary" },
        { "string", [.. Values(static i => $"city {Scatter(i) % 60}")], "RleDictionary" },
        { "string", [.. Values(static i => Convert.ToHexString(BitConverter.GetBytes(Math.Sin(i))))], "DeltaLengthByteArray" },
        { "string", [.. Values(static i => $"https://example.net/catalogue/part/{i:000000000}/index")], "DeltaByteArray" },
        { "bool", [.. Values(static i => i % 3 == 0)], "Plain" },
        { "uuid", [.. Values(static i => (UInt128)i * 0x1234_5678_9ABC_DEF0)], "Plain" },
    };

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Encode_ValuesOfAKind_ChoosesTheEncodingThatSuitsThem(string type, object[] values, string encoding) =>
        Assert.Equal(encoding, ParquetWriting.Of(_pool, DataType.Parse(type)!, values).Chunk().Encodings[0].ToString());

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Encode_WithoutDeltaEncodings_UsesOnlyPlainAndDictionaries(string type, object[] values, string encoding)
    {
        var used = ParquetWriting.Of(_pool, DataType.Parse(type)!, values, ("delta_encodings", "false")).Chunk().Encodings;
        Assert.All(used, static e => Assert.Contains(e, (PageEncoding[])[PageEncoding.Plain, PageEncoding.RleDictionary, PageEncoding.Rle]));
        Assert.True(encoding != "RleDictionary" || used[0] == PageEncoding.RleDictionary);
    }

    [Fact]
    public void Encode_NullInAColumnThatAllowsNone_IsRefused()
    {
        var schema = new Schema([new Field("id", DataType.Int32, nullable: false)]);
        using var batch = new RecordBatch(schema, [TestColumns.Make(_pool, DataType.Int32, [1L, null])], 2);
        var error = Assert.Throws<NebulaException>(() => ParquetWriting.Encoder(_pool, schema).Encode(batch));
        Assert.Equal(ErrorKind.Schema, error.Kind);
        Assert.Contains("\"id\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateEncoder_StructWithoutFields_IsRefused()
    {
        var error = Assert.Throws<NebulaException>(() => ParquetWriting.Encoder(_pool, new Schema([new Field("s", DataType.Struct())])));
        Assert.Contains("\"s\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CreateEncoder_DeepNesting_IsWrittenOrRefused()
    {
        var type = DataType.Int32;
        for (var depth = 0; depth < 100; depth++)
            type = DataType.List(type);
        ParquetWriting.Encoder(_pool, new Schema([new Field("deep", type)]));
        for (var depth = 0; depth < 100; depth++)
            type = DataType.List(type);
        Assert.Throws<NebulaException>(() => ParquetWriting.Encoder(_pool, new Schema([new Field("deep", type)])));
    }

    [Theory]
    [InlineData("bloom_filter", "nmae", "Did you mean 'name'?")]
    [InlineData("sorted_by", "nmae desc", "Did you mean 'name'?")]
    [InlineData("row_group_rows", "0", "1 to 10000000 rows")]
    [InlineData("row_group_size", "1KiB", "65536 to")]
    [InlineData("compression_level", "3", "snappy has no levels")]
    [InlineData("metadata", "novalue", "key=value")]
    public void CreateEncoder_WrongOption_SaysWhatWouldBeRight(string key, string value, string expected)
    {
        var error = Assert.Throws<NebulaException>(() => ParquetWriting.Encoder(_pool, new Schema([new Field("name", DataType.String)]), (key, value)));
        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains("pipeline.yaml", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Footer_WithNotesAndOrder_SaysThem()
    {
        var file = ParquetWriting.Of(_pool, DataType.Int32, [1L, 2L], ("metadata", "team=a=b"), ("sorted_by", "c desc nulls first"));
        Assert.Equal(new KeyValue("team", "a=b"), Assert.Single(file.Footer.KeyValues));
        Assert.Equal(new SortingColumn(0, Descending: true, NullsFirst: true), Assert.Single(file.Footer.RowGroups[0].SortingColumns));
        Assert.StartsWith("nebula version ", file.Footer.CreatedBy, StringComparison.Ordinal);
        Assert.Equal(2, file.Footer.RowCount);
        Assert.Equal(ColumnOrder.TypeDefined, Assert.Single(file.Footer.ColumnOrders));
    }

    private static int Scatter(int i) => (int)(XxHash64.Hash(BitConverter.GetBytes(i)) >> 40);

    private static IEnumerable<object> Values<T>(Func<int, T> make) where T : notnull => Enumerable.Range(1, 20_000).Select(i => (object)make(i));
}

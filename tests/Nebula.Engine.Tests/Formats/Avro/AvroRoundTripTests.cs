using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Avro;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Storage;
using Xunit.Abstractions;

namespace Nebula.Engine.Tests.Formats.Avro;

public sealed class AvroRoundTripTests(ITestOutputHelper output)
{
    public static TheoryData<string> Codecs => [.. new AvroFormat().OwnCodecs!];

    [Theory, MemberData(nameof(Codecs))]
    public void WriteAndRead_EveryType_GivesTheSameRows(string codec)
    {
        const int seed = 20240607;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        foreach (var nulls in new[] { 0, 0.3, 1 })
            foreach (var rows in new[] { 0, 1, 63, 1000 })
            {
                var schema = new Schema(AvroSamples.Exact.SelectMany(static (type, i) =>
                    new[] { new Field($"n{i}", type), new Field($"v{i}", type, nullable: false) }));
                using var pool = new BufferPool();
                using (var batch = AvroSamples.Batch(pool, schema, rows, nulls, random))
                {
                    var file = AvroMemory.Write(pool, schema, AvroMemory.WriteOptions(("compression", codec), ("block_size", "20KB")), batch);
                    foreach (var blockSize in new[] { 64, 5000, 1 << 20 })
                        AssertHolds(batch, AvroMemory.Read(pool, file, blockSize: blockSize));
                    AssertHolds(batch, AvroMemory.Read(pool, file, ["v3", "n17"], blockSize: 5000), "v3", "n17");
                }
                Assert.Equal(0, pool.Outstanding);
            }
    }

    [Fact]
    public void WriteAndRead_WidenedTypes_KeepTheirValues()
    {
        var random = new Random(7);
        using var pool = new BufferPool();
        foreach (var (written, read) in AvroSamples.Widened)
        {
            Assert.Equal(Fidelity.Widened, new AvroFormat().Map(written).Fidelity);
            var schema = new Schema([new Field("v", written)]);
            using var batch = AvroSamples.Batch(pool, schema, 500, 0.2, random);
            var actual = AvroMemory.Read(pool, AvroMemory.Write(pool, schema, AvroMemory.WriteOptions(), batch));
            var column = Assert.Single(actual).Columns[0];
            Assert.Equal(read, column.Type);
            for (var i = 0; i < 500; i++)
            {
                Assert.Equal(batch.Columns[0].IsNull(i), column.IsNull(i));
                if (!column.IsNull(i))
                    Assert.Equal(Text(batch.Columns[0], i), Text(column, i));
            }
            actual.ForEach(static one => one.Dispose());
        }
    }

    [Fact]
    public void Map_TypesThatAreExact_AreReadBackAsTheSame()
    {
        foreach (var type in AvroSamples.Exact)
            Assert.Equal(Fidelity.Exact, new AvroFormat().Map(type).Fidelity);
        Assert.Equal(Fidelity.Lossy, new AvroFormat().Map(DataType.TimeNanoseconds).Fidelity);
    }

    [Fact]
    public void WriteAndRead_NamesThatAvroForbids_ComeBack()
    {
        string[] names = ["first name", "größe", "1st", "", "a.b", "a_x2Eb", "normal", "a\"b", "first name"];
        using var pool = new BufferPool();
        var schema = new Schema(names.Select(static name => new Field(name, DataType.Struct(new Field("in ner", DataType.Int32)))));
        using (var batch = AvroSamples.Batch(pool, schema, 3, 0, new Random(1)))
            AssertHolds(batch, AvroMemory.Read(pool, AvroMemory.Write(pool, schema, AvroMemory.WriteOptions(), batch)));
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("snappy")]
    [InlineData("zstd")]
    public void WriteAndRead_OneGiantRow_Works(string codec)
    {
        using var pool = new BufferPool();
        var schema = new Schema([new Field("text", DataType.String), new Field("items", DataType.List(DataType.Int64))]);
        using (var text = new ColumnBuilder(pool, DataType.String))
        using (var items = new ColumnBuilder(pool, DataType.List(DataType.Int64)))
        {
            text.AppendBytes(new byte[5 << 20]);
            for (var i = 0; i < 700_000; i++)
                items.Children[0].Append((long)i * i);
            items.EndList();
            using var batch = new RecordBatch(schema, [text.Build(), items.Build()], 1);
            var file = AvroMemory.Write(pool, schema, AvroMemory.WriteOptions(("compression", codec)), batch);
            foreach (var blockSize in new[] { 1 << 10, 64 << 20 })
                AssertHolds(batch, AvroMemory.Read(pool, file, blockSize: blockSize));
            if (codec != "snappy")
                Assert.Contains("there may be 1048576", Assert.Throws<DataFormatException>(() =>
                    AvroMemory.Read(pool, file, blockSize: 1 << 10, maxRecordSize: 1 << 20)).Message, StringComparison.Ordinal);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void WriteAndRead_ManyColumns_Works()
    {
        using var pool = new BufferPool();
        var schema = new Schema(Enumerable.Range(0, 3000).Select(static i => new Field($"c{i}", AvroSamples.Exact[i % 18])));
        using (var batch = AvroSamples.Batch(pool, schema, 40, 0.5, new Random(3)))
            AssertHolds(batch, AvroMemory.Read(pool, AvroMemory.Write(pool, schema, AvroMemory.WriteOptions(), batch)));
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_NoColumns_CountsRows()
    {
        using var pool = new BufferPool();
        using (var batch = UsersBatch.Create(pool, 40_000, 0.1))
        {
            var batches = AvroMemory.Read(pool, AvroMemory.Write(pool, batch.Schema, AvroMemory.WriteOptions(), batch), []);
            Assert.Equal(40_000, batches.Sum(static read => read.Length));
            Assert.All(batches, static read => Assert.InRange(read.Length, 1, IContainerReader.BatchRows));
            batches.ForEach(static read => read.Dispose());
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void OpenReader_SomeParts_ReadsTheirRows()
    {
        using var pool = new BufferPool();
        using (var batch = UsersBatch.Create(pool, 5000))
        {
            var bytes = AvroMemory.Write(pool, batch.Schema, AvroMemory.WriteOptions(("block_size", "10KB")), batch);
            using var file = new AvroFormat().Open(new AvroMemory(bytes), AvroMemory.ReadOptions(), pool);
            Assert.Null(file.Rows);
            var parts = file.Parts;
            Assert.Equal(5000, file.Rows);
            Assert.Equal(bytes.Length, parts[^1].Offset + parts[^1].Bytes);
            var row = 0;
            for (var part = 0; part < parts.Count; part += 3)
            {
                using var reader = file.OpenReader([0], part, 3, new Connectors.ReadContext(pool, 7000));
                foreach (var read in AvroMemory.Drain(reader))
                    using (read)
                        foreach (var id in read.Columns[0].Values<long>())
                            Assert.Equal(++row, id);
            }
            Assert.Equal(5000, row);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Encode_NullInAColumnThatHasNone_IsRefused()
    {
        using var pool = new BufferPool();
        var schema = new Schema([new Field("v", DataType.Int32, nullable: false)]);
        using (var column = new ColumnBuilder(pool, DataType.Int32))
        {
            column.AppendNull();
            using var batch = new RecordBatch(schema, [column.Build()], 1);
            Assert.Throws<NebulaException>(() => AvroMemory.Write(pool, schema, AvroMemory.WriteOptions(), batch));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    private static void AssertHolds(RecordBatch expected, List<RecordBatch> actual, params string[] columns)
    {
        try
        {
            var row = 0;
            foreach (var batch in actual)
            {
                var fields = columns.Length == 0
                    ? [.. expected.Schema.Fields] : columns.Select(name => expected.Schema.Fields[expected.Schema.IndexOf(name)]).ToArray();
                for (var i = 0; i < fields.Length; i++)
                {
                    Assert.Equal(fields[i], batch.Schema.Fields[i]);
                    ColumnAssert.EqualRange(expected.Columns[expected.Schema.Fields.IndexOf(fields[i], columns.Length == 0 ? i : 0)], row, batch.Columns[i], 0,
                        batch.Length, fields[i].Name);
                }
                row += batch.Length;
            }
            Assert.Equal(expected.Length, row);
        }
        finally
        {
            actual.ForEach(static batch => batch.Dispose());
        }
    }

    private static string Text(Column column, int row) => column.Type.Kind switch
    {
        TypeKind.String or TypeKind.Json => System.Text.Encoding.UTF8.GetString(column.GetBytes(row)),
        TypeKind.Decimal => $"{column.Values<Int128>()[row]}",
        TypeKind.UInt8 => $"{column.Values<byte>()[row]}",
        TypeKind.Int8 => $"{column.Values<sbyte>()[row]}",
        TypeKind.UInt16 => $"{column.Values<ushort>()[row]}",
        TypeKind.Int16 => $"{column.Values<short>()[row]}",
        TypeKind.UInt32 => $"{column.Values<uint>()[row]}",
        TypeKind.Int32 => $"{column.Values<int>()[row]}",
        TypeKind.UInt64 => $"{column.Values<ulong>()[row]}",
        _ => $"{column.Values<long>()[row]}",
    };
}

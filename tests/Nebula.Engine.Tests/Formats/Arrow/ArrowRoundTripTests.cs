using System.Collections.Immutable;
using System.Globalization;
using Nebula.Engine.Columns;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Arrow;
using Nebula.Engine.Formats.Arrow.Metadata;
using Nebula.Engine.Formats.Arrow.Writing;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Orc;
using Nebula.Engine.Tests.Storage;

namespace Nebula.Engine.Tests.Formats.Arrow;

public sealed class ArrowRoundTripTests
{
    private static readonly (string, string)[][] Forms =
    [
        [], [("layout", "stream")], [("compression", "lz4")], [("compression", "zstd")], [("compression", "zstd"), ("compression_level", "19"), ("layout",
            "stream")],
    ];

    public static TheoryData<int> FormNumbers => [.. Enumerable.Range(0, Forms.Length)];

    [Theory, MemberData(nameof(FormNumbers))]
    public void WriteThenRead_EveryType_GivesTheSameRows(int form)
    {
        foreach (var nulls in (double[])[0, 0.3, 1])
            foreach (var (type, index) in OrcRandomColumns.Types.Select(static (type, i) => (type, i)))
                foreach (var rows in (int[])[1, 7, 64, 1000])
                    AssertRoundTrip(new Schema([new Field("c", type)]), [rows], nulls, 1000 * form + index, form);
    }

    [Theory, MemberData(nameof(FormNumbers))]
    public void WriteThenRead_RandomSchemas_GivesTheSameRows(int form)
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var schema = new Schema(Enumerable.Range(0, random.Next(1, 8)).Select(i => new Field(i % 3 == 2 ? "same" : $"column {i}", RandomType(random, 3))));
            AssertRoundTrip(schema, [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(300))], random.Next(3) * 0.4, seed, form);
        }
    }

    [Fact]
    public void WriteThenRead_ManyRowsInOneBatch_ComeInBatchesOfBoundedSize()
    {
        using var pool = new BufferPool();
        using (var batch = UsersBatch.Create(pool, 50_000, nulls: 0.1))
        {
            var file = ArrowMemory.Write(batch.Schema, pool, [batch]);
            foreach (var blockSize in (int[])[64 << 10, 300 << 10, 16 << 20])
            {
                var start = 0;
                foreach (var read in ArrowMemory.Read(file, pool, blockSize))
                    using (read)
                    {
                        Assert.InRange(read.Length, 1, Engine.Formats.IContainerReader.BatchRows);
                        ColumnAssert.Equal(batch, start, read);
                        start += read.Length;
                    }
                Assert.Equal(50_000, start);
            }
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_SmallBlocksOfALargeBatch_HoldLittleMemory()
    {
        using var pool = new BufferPool();
        byte[] file;
        using (var batch = UsersBatch.Create(pool, 100_000))
            file = ArrowMemory.Write(batch.Schema, pool, [batch]);
        Assert.True(file.Length > 6 << 20);
        using var small = new BufferPool();
        using (var opened = ArrowMemory.Open(file, small))
        using (var reader = opened.OpenReader([0, 1, 2, 3, 4, 5, 6, 7], 0, null, new Engine.Connectors.ReadContext(small, 64 << 10)))
        {
            var rows = 0;
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, new Counter(count => rows += count));
            Assert.Equal(100_000, rows);
            Assert.InRange(reader.BytesRead, file.Length / 2, file.Length * 11L / 10);
        }
        Assert.True(small.PeakBytes < 2 << 20, $"{small.PeakBytes} bytes were on loan at once");
        Assert.Equal(0, small.Outstanding);
    }

    [Fact]
    public void Read_OneColumn_ReadsItsBytesOnly()
    {
        using var pool = new BufferPool();
        byte[] file;
        using (var batch = UsersBatch.Create(pool, 20_000))
            file = ArrowMemory.Write(batch.Schema, pool, [batch]);
        using (var opened = ArrowMemory.Open(file, pool))
        using (var reader = opened.OpenReader([3], 0, null, new Engine.Connectors.ReadContext(pool, 1 << 20)))
        {
            while (reader.Next() is { } block)
                using (block)
                    reader.Decode(block, new Counter(static _ => { }));
            Assert.InRange(reader.BytesRead, 20_000 * 8, 20_000 * 8 + 4096);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("file")]
    [InlineData("stream")]
    public void Read_SomeParts_GivesTheirRows(string layout)
    {
        using var pool = new BufferPool();
        using (var batch = UsersBatch.Create(pool, 4_000))
        using (var other = UsersBatch.Create(pool, 1_000))
        {
            var file = ArrowMemory.Write(batch.Schema, pool, [other, batch, other], ("layout", layout));
            using (var opened = ArrowMemory.Open(file, pool))
            {
                Assert.Equal(3, opened.Parts.Count);
                Assert.All(opened.Parts, part => Assert.True(part.Offset > 0 && part.Bytes > 0 && part.Offset + part.Bytes <= file.Length));
            }
            var read = ArrowMemory.Read(file, pool, firstPart: 1, parts: 1);
            Assert.Equal(4_000, Assert.Single(read).Length);
            ColumnAssert.Equal(batch, 0, read[0]);
            read[0].Dispose();
            Assert.Equal([4_000, 1_000], ArrowMemory.Read(file, pool, columns: [], firstPart: 1).Select(static b => b.Length));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Read_FixedWidthAndText_LiesInTheMemoryOfTheBlock()
    {
        using var pool = new BufferPool();
        byte[] file;
        using (var batch = UsersBatch.Create(pool, 16_384))
            file = ArrowMemory.Write(batch.Schema, pool, [batch]);
        using (var opened = ArrowMemory.Open(file, pool))
        using (var reader = opened.OpenReader([0, 1, 5, 7], 0, null, new Engine.Connectors.ReadContext(pool, 16 << 20)))
        using (var block = reader.Next()!)
        {
            var before = pool.Outstanding;
            reader.Decode(block, new Counter(_ => Assert.Equal(before, pool.Outstanding)));
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Encode_SameRowsFromDifferentMemory_GivesTheSameBytes()
    {
        using var pool = new BufferPool();
        var files = new List<byte[]>();
        foreach (var fill in (byte[])[0, 0xCD])
        {
            using (var dirt = pool.Rent(1 << 20))
                dirt.Span.Fill(fill);
            using var batch = ArrowColumns.Batch(pool, new Schema(OrcRandomColumns.Types.Select(static (type, i) => new Field($"{i}", type))), 500, 0.3,
                new Random(5));
            files.Add(ArrowMemory.Write(batch.Schema, pool, [batch]));
        }
        Assert.Equal(files[0], files[1]);
    }

    [Fact]
    public void Encode_DictionaryColumn_WritesItsValues()
    {
        using var pool = new BufferPool();
        var schema = new Schema([new Field("d", DataType.String), new Field("l", DataType.List(DataType.String))]);
        using (var words = Text(pool, "eins", "zwei", "", "vier"))
        using (var list = ArrowColumns.Column(pool, DataType.List(DataType.String), 100, 0.2, new Random(1)))
        {
            var indices = pool.Rent(400);
            var validity = pool.Rent(16);
            for (var i = 0; i < 100; i++)
            {
                indices.As<int>()[i] = i % 4;
                Bitmap.Set(validity.Span, i, i % 5 != 0);
            }
            using var column = new Column(DataType.String, 100, 20, validity, indices, dictionary: words.Share());
            var batch = new RecordBatch(schema, [column, list], 100);
            using var read = ArrowMemory.ReadAll(ArrowMemory.Write(schema, pool, [batch]), pool);
            for (var i = 0; i < 100; i++)
            {
                Assert.Equal(i % 5 == 0, read.Columns[0].IsNull(i));
                if (i % 5 != 0)
                    Assert.Equal(words.GetBytes(i % 4), read.Columns[0].GetBytes(i));
            }
            ColumnAssert.EqualRange(list, 0, read.Columns[1], 0, 100, "l");
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void WriteThenRead_ThreeThousandColumns_GivesTheSameRows() =>
        AssertRoundTrip(new Schema(Enumerable.Range(0, 3000).Select(static i => new Field($"c{i}",
            OrcRandomColumns.Types[i % OrcRandomColumns.Types.Length]))), [20, 1], 0.2, 3, 0);

    [Fact]
    public void WriteThenRead_DeeplyNested_GivesTheSameRows()
    {
        var type = DataType.Int32;
        for (var i = 0; i < 100; i++)
            type = i % 2 == 0 ? DataType.List(type) : DataType.Struct(new Field("inner", type));
        AssertRoundTrip(new Schema([new Field("deep", type)]), [50], 0.05, 1, 0);
    }

    [Fact]
    public void Read_NestedTooDeep_IsRefused()
    {
        var type = DataType.Int32;
        for (var i = 0; i < 300; i++)
            type = DataType.List(type);
        using var pool = new BufferPool();
        // our own format would not write it
        var file = ArrowMemory.Write(new ArrowEncoder(new Schema([new Field("deep", type)]), new ArrowOptions(IsStream: false, BodyCodec.None, 0), pool), []);
        var refusal = Assert.Throws<DataFormatException>(() => ArrowMemory.Open(file, pool));
        Assert.Contains("nested", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData("zstd", "0")]
    [InlineData("zstd", "23")]
    [InlineData("lz4", "3")]
    [InlineData("none", "1")]
    public void CreateEncoder_WrongLevel_IsRefused(string codec, string level)
    {
        using var pool = new BufferPool();
        var refusal = Assert.Throws<NebulaException>(() => ArrowMemory.Encoder(new Schema([new Field("a", DataType.Bool)]), pool, ("compression", codec),
            ("compression_level", level)));
        Assert.Equal(ErrorKind.Configuration, refusal.Kind);
        Assert.Contains("compression_level", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_AnyBatch_IsAlignedTo64Bytes()
    {
        using var pool = new BufferPool();
        using var batch = UsersBatch.Create(pool, 1000, nulls: 0.5);
        var file = ArrowMemory.Write(batch.Schema, pool, [batch, batch]);
        using var opened = ArrowMemory.Open(file, pool);
        Assert.All(opened.Parts, static part => Assert.Equal(0, part.Offset % 64 + part.Bytes % 64));
    }

    private static void AssertRoundTrip(Schema schema, int[] rows, double nulls, int seed, int form)
    {
        using var pool = new BufferPool();
        var random = new Random(seed);
        var batches = rows.Select(count => ArrowColumns.Batch(pool, schema, count, nulls, random)).ToList();
        try
        {
            var file = ArrowMemory.Write(schema, pool, batches, Forms[form]);
            foreach (var blockSize in (int[])[1, 4 << 20])
            {
                using var read = ArrowMemory.ReadAll(file, pool, blockSize);
                Assert.Equal(schema, read.Schema);
                Assert.Equal(rows.Sum(), read.Length);
                var start = 0;
                foreach (var batch in batches)
                {
                    for (var i = 0; i < schema.Fields.Length; i++)
                        ColumnAssert.EqualRange(batch.Columns[i], 0, read.Columns[i], start, batch.Length, string.Create(CultureInfo.InvariantCulture,
                            $"seed {seed}, form {form}, {schema.Fields[i]}"));
                    start += batch.Length;
                }
            }
        }
        finally
        {
            batches.ForEach(static batch => batch.Dispose());
        }
        Assert.Equal(0, pool.Outstanding);
    }

    private static DataType RandomType(Random random, int depth) => random.Next(depth > 0 ? 12 : 9) switch
    {
        9 => DataType.List(RandomType(random, depth - 1)),
        10 => DataType.Map(DataType.String, RandomType(random, depth - 1)),
        11 => DataType.Struct([.. Enumerable.Range(0, random.Next(4)).Select(i => new Field($"f{i}", RandomType(random, depth - 1)))]),
        _ => OrcRandomColumns.Types[random.Next(24)],
    };

    private static Column Text(BufferPool pool, params ImmutableArray<string> values)
    {
        using var builder = new ColumnBuilder(pool, DataType.String);
        foreach (var value in values)
            builder.AppendBytes(System.Text.Encoding.UTF8.GetBytes(value));
        return builder.Build();
    }

    private sealed class Counter(Action<int> count) : Engine.Connectors.IDecodeSink
    {
        public void Add(RecordBatch batch)
        {
            using (batch)
                count(batch.Length);
        }

        public void Reject(Engine.Connectors.RejectedRow row) => Assert.Fail(row.Reason);

        public void Lines(long lines)
        {
        }
    }
}

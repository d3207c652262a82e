using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Orc;

public sealed class OrcReaderTests : IDisposable
{
    private readonly BufferPool _pool = new();

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    [Fact]
    public void Open_NoStripes_HasColumnsAndNoRows()
    {
        var schema = new Schema([new Field("a", DataType.Int32), new Field("b", DataType.List(DataType.String))]);
        var bytes = OrcTestFile.Write(_pool, schema, []);
        using var file = OrcTestFile.Open(_pool, bytes);
        Assert.Equal(schema, file.Schema);
        Assert.Equal(0, file.Rows);
        Assert.Empty(OrcTestFile.Read(_pool, bytes).Rows);
    }

    [Fact]
    public void Read_SomeColumns_ReadsNothingElse()
    {
        var schema = new Schema([new Field("a", DataType.Int64), new Field("big", DataType.String), new Field("c", DataType.Int64)]);
        using var batch = OrcRandomColumns.Batch(_pool, schema, 20_000, 0, new Random(3), style: 4);
        var bytes = new TestBytes(OrcTestFile.Write(_pool, schema, [batch], ("compression", "none")));
        using var file = new OrcFormat().Open(bytes, new OptionValues("test", new OrcFormat().ReadOptions, []), _pool);
        bytes.Reads.Clear();
        using var reader = file.OpenReader([2, 0], 0, null, new ReadContext(_pool, 64 << 20));
        var rows = new BatchSink();
        while (reader.Next() is { } block)
            using (block)
                reader.Decode(block, rows);
        Assert.Equal(["c", "a"], rows.Columns);
        Assert.Equal(20_000, rows.Rows);
        Assert.InRange(bytes.Reads.Sum(static read => (long)read.Length), 20_000 * 16, 20_000 * 17 + 4096);
    }

    [Fact]
    public void Read_NoColumns_StillCountsRows()
    {
        var schema = new Schema([new Field("a", DataType.Int64)]);
        using var batch = OrcRandomColumns.Batch(_pool, schema, 40_000, 0.5, new Random(3));
        var read = OrcTestFile.Read(_pool, OrcTestFile.Write(_pool, schema, [batch, batch]), columns: []);
        Assert.Equal(80_000, read.Rows.Count);
    }

    [Fact]
    public void Read_ThreeThousandColumns_GivesThemAll()
    {
        var schema = new Schema(Enumerable.Range(0, 3000).Select(static i => new Field($"c{i}", OrcRandomColumns.Types[i % 24])));
        using var batch = OrcRandomColumns.Batch(_pool, schema, 20, 0.2, new Random(5));
        Assert.Equal(OrcTestFile.Render(batch), OrcTestFile.Read(_pool, OrcTestFile.Write(_pool, schema, [batch])).Rows);
    }

    [Fact]
    public void Read_RowsThatGrowSuddenly_AreReadInSmallerBatches()
    {
        var schema = new Schema([new Field("s", DataType.String), new Field("l", DataType.List(DataType.String))]);
        using var builder = new RecordBatchBuilder(_pool, schema);
        for (var i = 0; i < 6000; i++)
        {
            var text = Encoding.UTF8.GetBytes(i < 5900 ? $"{i}" : new string((char)('a' + i % 26), 1_000_000));
            builder.Columns[0].AppendBytes(text);
            builder.Columns[1].Children[0].AppendBytes(text);
            builder.Columns[1].EndList();
            builder.Length++;
        }
        using var batch = builder.Build();
        var read = OrcTestFile.Read(_pool, OrcTestFile.Write(_pool, schema, [batch], ("row_index_stride", "100000")));
        Assert.Equal(6000, read.Rows.Count);
        Assert.Equal(OrcTestFile.Render(batch)[5990], read.Rows[5990]);
    }

    [Fact]
    public void Read_RecordAboveTheLimit_IsRefused()
    {
        var schema = new Schema([new Field("s", DataType.String)]);
        using var builder = new RecordBatchBuilder(_pool, schema);
        builder.Columns[0].AppendBytes(new byte[100_000]);
        builder.Length++;
        using var batch = builder.Build();
        var bytes = OrcTestFile.Write(_pool, schema, [batch]);
        Assert.Single(OrcTestFile.Read(_pool, bytes, maxRecordSize: 100_000).Rows);
        var error = Assert.Throws<DataFormatException>(() => OrcTestFile.Read(_pool, bytes, maxRecordSize: 99_999));
        Assert.Equal("s", error.Location?.Column);
        Assert.Contains("memory limit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_StringThatIsNoUtf8_IsRefusedWithItsColumn()
    {
        var schema = new Schema([new Field("n", DataType.Int32), new Field("s", DataType.String)]);
        using var builder = new RecordBatchBuilder(_pool, schema);
        foreach (var text in (byte[][])[[0x61], [0xC3], [0xA4]])
        {
            builder.Columns[0].Append(1);
            builder.Columns[1].AppendBytes(text);
            builder.Length++;
        }
        using var batch = builder.Build();
        var error = Assert.Throws<DataFormatException>(() => OrcTestFile.Read(_pool, OrcTestFile.Write(_pool, schema, [batch])));
        Assert.Equal("s", error.Location?.Column);
        Assert.Contains("UTF-8", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_TimestampsOutsideOfNanoseconds_NeedMicroseconds()
    {
        var schema = new Schema([new Field("t", DataType.Timestamp())]);
        using var builder = new RecordBatchBuilder(_pool, schema);
        builder.Columns[0].Append(253_370_764_800_000_000L);
        builder.Length++;
        using var batch = builder.Build();
        var bytes = OrcTestFile.Write(_pool, schema, [batch]);
        Assert.Equal(["{t: 253370764800000000000}"], OrcTestFile.Read(_pool, bytes).Rows);
        var error = Assert.Throws<DataFormatException>(() => OrcTestFile.Read(_pool, bytes, options: ("timestamp_unit", "ns")));
        Assert.Contains("9999-01-01T00:00:00.000000000", error.Message, StringComparison.Ordinal);
        Assert.Contains("timestamp_unit: us", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_TimestampThatReadersMistake_IsRefused()
    {
        var schema = new Schema([new Field("t", DataType.Timestamp())]);
        using var builder = new RecordBatchBuilder(_pool, schema);
        builder.Columns[0].Append(-500_000L);
        builder.Length++;
        using var batch = builder.Build();
        Assert.Contains("-500000", Assert.Throws<DataFormatException>(() => OrcTestFile.Write(_pool, schema, [batch])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("zstd")]
    public void Read_WrongRowIndex_IsNoticedAndCanBeIgnored(string codec)
    {
        var schema = new Schema([new Field("a", DataType.Int64)]);
        using var builder = new RecordBatchBuilder(_pool, schema);
        var random = new Random(9);
        for (var i = 0; i < 50_000; i++)
            builder.Columns[0].Append(random.NextInt64());
        builder.Length = 50_000;
        using var batch = builder.Build();
        var bytes = OrcTestFile.Write(_pool, schema, [batch], ("compression", codec), ("row_index_stride", "1000"));
        var rows = OrcTestFile.Render(batch);
        var noticed = 0;
        // a change of an index can make it unreadable, which is as good as none; what must not happen are other rows
        for (var at = 3; at < 3 + IndexLength(bytes); at++)
        {
            var changed = (byte[])bytes.Clone();
            changed[at] ^= 0x10;
            try
            {
                Assert.Equal(rows, OrcTestFile.Read(_pool, changed, blockSize: 16 << 10).Rows);
            }
            catch (DataFormatException)
            {
                noticed++;
                Assert.Equal(rows, OrcTestFile.Read(_pool, changed, blockSize: 16 << 10, options: ("use_row_index", "false")).Rows);
            }
            if (at > 40)
                at += 12;
        }
        Assert.InRange(noticed, 1, 1500);
    }

    [Fact]
    public void Read_CutFile_IsRefusedAtEveryLength()
    {
        var schema = new Schema([new Field("a", DataType.Int64), new Field("s", DataType.String)]);
        using var batch = OrcRandomColumns.Batch(_pool, schema, 100, 0.1, new Random(3));
        var bytes = OrcTestFile.Write(_pool, schema, [batch]);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<DataFormatException>(() => OrcTestFile.Read(_pool, bytes[..length]));
    }

    [Fact]
    public void Inspect_File_TellsStatisticsAndEncodings()
    {
        var schema = new Schema([new Field("id", DataType.Int32), new Field("city", DataType.String), new Field("price", DataType.Decimal(10, 2))]);
        using var builder = new RecordBatchBuilder(_pool, schema);
        for (var i = 0; i < 1000; i++)
        {
            builder.Columns[0].Append(i - 10);
            builder.Columns[1].AppendBytes(i % 3 == 0 ? "Bonn"u8 : "Köln"u8);
            if (i == 5)
                builder.Columns[2].AppendNull();
            else
                builder.Columns[2].Append(100L * i);
        }
        builder.Length = 1000;
        using var batch = builder.Build();
        using var file = OrcTestFile.Open(_pool, OrcTestFile.Write(_pool, schema, [batch, batch], ("bloom_filter", "city")));
        var inspection = file.Inspect();
        Assert.Contains(new("schema", "struct<id:int,city:string,price:decimal(10,2)>"), inspection.Properties);
        Assert.Contains(new("rows", "2000"), inspection.Properties);
        var columns = inspection.Tables.Single(static table => table.Title == "columns");
        string Cell(int row, string header) => columns.Rows[row][columns.Headers.ToList().IndexOf(header)];
        Assert.Equal(("-10", "989", "979000"), (Cell(0, "minimum"), Cell(0, "maximum"), Cell(0, "sum")));
        Assert.Equal(("Bonn", "Köln", "DictionaryV2", "yes"), (Cell(1, "minimum"), Cell(1, "maximum"), Cell(1, "encodings"), Cell(1, "bloom_filter")));
        Assert.Equal(("0.00", "999.00", "yes", "1998"), (Cell(2, "minimum"), Cell(2, "maximum"), Cell(2, "has_null"), Cell(2, "values")));
        Assert.Equal(2, inspection.Tables.Single(static table => table.Title == "stripes").Rows.Count);
    }

    [Theory]
    [InlineData("stripe_size", "1KB")]
    [InlineData("row_index_stride", "5")]
    [InlineData("bloom_filter", "nosuch")]
    [InlineData("compression_level", "40")]
    public void Write_OptionOutOfRange_IsRefused(string name, string value)
    {
        var error = Assert.Throws<NebulaException>(() => OrcTestFile.Write(_pool, new Schema([new Field("a", DataType.Int32)]), [], (name, value)));
        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    private int IndexLength(byte[] bytes)
    {
        using var file = OrcTestFile.Open(_pool, bytes);
        var stripes = file.Inspect().Tables.Single(static table => table.Title == "stripes");
        return int.Parse(stripes.Rows[0][stripes.Headers.ToList().IndexOf("index_bytes")], System.Globalization.CultureInfo.InvariantCulture);
    }

    private sealed class BatchSink : IDecodeSink
    {
        public long Rows { get; private set; }

        public IEnumerable<string> Columns { get; private set; } = [];

        public void Add(RecordBatch batch)
        {
            using (batch)
            {
                Rows += batch.Length;
                Columns = batch.Schema.Fields.Select(static field => field.Name);
            }
        }

        public void Reject(RejectedRow row) => throw new DataFormatException(row.Reason, row.Location);

        public void Lines(long count)
        {
        }
    }
}

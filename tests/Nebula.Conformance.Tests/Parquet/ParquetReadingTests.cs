using System.Collections.Immutable;
using System.Text;
using Nebula.Conformance.Tests.Containers;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Parquet;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Parquet;

/// <summary>How files are read: which bytes, in which pieces.</summary>
public sealed class ParquetReadingTests(ITestOutputHelper output) : IDisposable
{
    private readonly ParquetFormat _format = new();
    private readonly BufferPool _pool = new();

    [Fact]
    public void Read_SomeColumnsInAnyOrder_FetchesNothingElse()
    {
        if (Open("parquet/duckdb/lineitem-arrow.parquet") is not { } opened)
            return;
        var (file, bytes) = opened;
        using (file)
        {
            bytes.Ranges.Clear();
            var rows = Read(file, [3, 1], 1 << 20);
            Assert.Equal(6005, rows.Count);
            Assert.StartsWith($"{{\"{file.Schema.Fields[3].Name}\":", rows[0], StringComparison.Ordinal);
            var wanted = Read(file, [1], 1 << 20).Zip(Read(file, [3], 1 << 20), static (a, b) => $"{{{b[1..^1]},{a[1..^1]}}}");
            Assert.Equal(wanted, rows);
            Assert.True(bytes.Ranges.Sum(static range => range.Length) < 2 * file.Parts.Sum(static part => part.Bytes) / 4);
        }
    }

    [Fact]
    public void Read_NoColumns_CountsRowsWithoutReading()
    {
        if (Open("parquet/duckdb/manyrowgroups.parquet") is not { } opened)
            return;
        var (file, bytes) = opened;
        using (file)
        {
            bytes.Ranges.Clear();
            Assert.Equal(1001, Read(file, [], 1 << 20).Count);
            Assert.Empty(bytes.Ranges);
        }
    }

    [Fact]
    public void Read_PartByPart_GivesTheRowsOfTheWhole()
    {
        if (Open("parquet/hyparquet/rowgroups.parquet") is not { } opened)
            return;
        var (file, _) = opened;
        using (file)
        {
            Assert.True(file.Parts.Count > 1);
            var parts = Enumerable.Range(0, file.Parts.Count).SelectMany(part => Read(file, [0], 1 << 20, part, 1)).ToList();
            Assert.Equal(Read(file, [0], 1 << 20), parts);
            Assert.Equal(file.Parts.Select(static part => part.Rows),
                Enumerable.Range(0, file.Parts.Count).Select(part => (long?)Read(file, [0], 1 << 20, part, 1).Count));
        }
    }

    [Theory]
    // flat and nested; with and without an offset index; pages of version 1 and 2
    [InlineData("parquet/apache/alltypes_tiny_pages_plain.parquet")]
    [InlineData("parquet/duckdb/dictionary_multipage.parquet")]
    [InlineData("parquet/hyparquet/offset_indexed.parquet")]
    [InlineData("parquet/apache/overflow_i16_page_cnt.parquet")]
    [InlineData("parquet/hyparquet/struct_offset_index.parquet")]
    [InlineData("parquet/hyparquet/rowend_struct.parquet")]
    public void Read_LargeRowGroups_AreCutAndGiveTheSameRows(string name)
    {
        if (Open(name) is not { } opened)
            return;
        var (file, _) = opened;
        using (file)
        {
            var columns = Enumerable.Range(0, file.Schema.Fields.Length).ToImmutableArray();
            var whole = Read(file, columns, 1 << 26);
            foreach (var blockSize in (int[])[100, 3000, 20_000])
                Assert.Equal(whole, Read(file, columns, blockSize));
            output.WriteLine($"{name}: {CountBlocks(file, columns, 100)} blocks");
            Assert.True(CountBlocks(file, columns, 100) > file.Parts.Count);
        }
    }

    [Fact]
    public void Inspect_FileWithIndexesAndBloomFilters_ShowsThem()
    {
        if (Open("parquet/apache/data_index_bloom_encoding_with_length.parquet") is not { } opened)
            return;
        var (file, _) = opened;
        using (file)
        {
            var inspection = file.Inspect();
            Assert.Contains(inspection.Properties, static property => property is { Key: "rows", Value: "14" });
            foreach (var table in inspection.Tables)
                Assert.All(table.Rows, row => Assert.Equal(table.Headers.Count, row.Count));
            var chunks = inspection.Tables.Single(static table => table.Title == "column_chunks");
            string Cell(string header) => chunks.Rows[0][chunks.Headers.ToList().IndexOf(header)];
            Assert.Equal("column offset", Cell("page_index"));
            Assert.Equal("1", Cell("pages"));
            Assert.NotEqual("", Cell("bloom_filter_bytes"));
        }
    }

    public void Dispose()
    {
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }

    private (IContainerFile File, RecordedBytes Bytes)? Open(string name)
    {
        if (!SharedFixtures.TryFind("parquet", output, out _))
            return null;
        var bytes = new RecordedBytes(File.ReadAllBytes(Path.Combine(SharedFixtures.Root!, name)));
        return (_format.Open(bytes, new OptionValues("parquet", _format.ReadOptions, []), _pool), bytes);
    }

    private List<string> Read(IContainerFile file, ImmutableArray<int> columns, int blockSize, int firstPart = 0, int? partCount = null)
    {
        using var reader = file.OpenReader(columns, firstPart, partCount, new ReadContext(_pool, blockSize));
        var sink = new Sink();
        while (reader.Next() is { } block)
            using (block)
                reader.Decode(block, sink);
        return sink.Lines;
    }

    private int CountBlocks(IContainerFile file, ImmutableArray<int> columns, int blockSize)
    {
        using var reader = file.OpenReader(columns, 0, null, new ReadContext(_pool, blockSize));
        var count = 0;
        for (; reader.Next() is { } block; count++)
            block.Dispose();
        return count;
    }

    private sealed class RecordedBytes(byte[] bytes) : IRandomAccess
    {
        public string Name => "recorded";

        public long Length => bytes.Length;

        public List<(long Offset, int Length)> Ranges { get; } = [];

        public void Read(long offset, Span<byte> target)
        {
            Ranges.Add((offset, target.Length));
            bytes.AsSpan((int)offset, target.Length).CopyTo(target);
        }

        public void Dispose()
        {
        }
    }

    private sealed class Sink : IDecodeSink
    {
        public List<string> Lines { get; } = [];

        public void Add(RecordBatch batch)
        {
            Assert.InRange(batch.Length, 1, IContainerReader.BatchRows);
            using (batch)
                for (var row = 0; row < batch.Length; row++)
                {
                    var text = new StringBuilder();
                    FixtureRows.Render(text, batch.Schema, batch.Columns, row);
                    Lines.Add(text.ToString());
                }
        }

        public void Reject(RejectedRow row) => Assert.Fail(row.Reason);

        void IDecodeSink.Lines(long count)
        {
        }
    }
}

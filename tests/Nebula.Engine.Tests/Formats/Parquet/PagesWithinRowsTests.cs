using System.Buffers.Binary;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Parquet;
using Nebula.Engine.Formats.Parquet.Metadata;

namespace Nebula.Engine.Tests.Formats.Parquet;

/// <summary>Pages of version 1 may begin anywhere within a row. Files like that are made here by hand: lists of integers beside plain ones.</summary>
public class PagesWithinRowsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Read_RowsAcrossPages_GivesTheSameListsHoweverTheyAreCut(int seed)
    {
        var random = new Random(seed);
        var rows = Enumerable.Range(0, random.Next(1, 400)).Select(_ =>
            Enumerable.Range(0, random.Next(4) == 0 ? random.Next(100) : random.Next(4)).Select(_ => random.Next()).ToArray()).ToArray();
        var file = MakeFile(rows, random);
        foreach (var blockSize in (int[])[1, 50, 300, 2000, 1 << 20])
        {
            var (lists, ids, blocks) = Read(file, blockSize);
            Assert.Equal(rows, lists);
            Assert.Equal(Enumerable.Range(0, rows.Length), ids);
            if (blockSize == 1 && rows.Length > 200)
                Assert.True(blocks > 2, $"{blocks} blocks");
        }
    }

    [Fact]
    public void Read_FirstValueRepeats_IsRefused()
    {
        var file = MakeFile([[1, 2], [3]], new Random(1), firstRepetition: 1);
        Assert.Contains("repeats", Assert.Throws<DataFormatException>(() => Read(file, 1 << 20)).Message, StringComparison.Ordinal);
    }

    private static (List<int[]> Lists, List<int> Ids, int Blocks) Read(byte[] bytes, int blockSize)
    {
        var format = new ParquetFormat();
        using var pool = new BufferPool();
        var sink = new Sink();
        var blocks = 0;
        using (var file = format.Open(new Bytes(bytes), new OptionValues("parquet", format.ReadOptions, []), pool))
        using (var reader = file.OpenReader([0, 1], 0, null, new ReadContext(pool, blockSize)))
            for (; reader.Next() is { } block; blocks++)
                using (block)
                {
                    try
                    {
                        reader.Decode(block, sink);
                    }
                    catch (DataFormatException)
                    {
                        block.Dispose();
                        Assert.Equal(0, pool.Outstanding);
                        throw;
                    }
                }
        Assert.Equal(0, pool.Outstanding);
        return (sink.Lists, sink.Ids, blocks);
    }

    private static byte[] MakeFile(int[][] rows, Random random, int firstRepetition = 0)
    {
        var bytes = new List<byte>("PAR1"u8.ToArray());
        var levels = rows.SelectMany(static row => row.Length == 0
            ? [(Repetition: 0, Definition: 0, Value: 0)]
            : row.Select(static (value, i) => (Repetition: i == 0 ? 0 : 1, Definition: 1, Value: value))).ToArray();
        levels[0].Repetition = firstRepetition;
        var lists = bytes.Count;
        for (var at = 0; at < levels.Length;)
        {
            var page = levels.AsSpan(at, Math.Min(levels.Length - at, random.Next(1, 60))).ToArray();
            AddPage(bytes, page.Length, [.. Levels(page.Select(static level => level.Repetition)), .. Levels(page.Select(static level => level.Definition)),
                .. page.Where(static level => level.Definition == 1).SelectMany(static level => BitConverter.GetBytes(level.Value))]);
            at += page.Length;
        }
        var ids = bytes.Count;
        for (var at = 0; at < rows.Length;)
        {
            var count = Math.Min(rows.Length - at, random.Next(1, 90));
            AddPage(bytes, count, [.. Enumerable.Range(at, count).SelectMany(BitConverter.GetBytes)]);
            at += count;
        }
        AddFooter(bytes, rows.Length, levels.Length, lists, ids, bytes.Count);
        return [.. bytes];
    }

    private static void AddFooter(List<byte> bytes, int rows, int levels, int lists, int ids, int end)
    {
        static void AddChunk(string name, int values, int start, int length, ThriftCompactWriter writer)
        {
            var metadata = new ThriftCompactWriter();
            FileMetadataWriter.Write(new ColumnMetadata
            {
                Type = PhysicalType.Int32,
                Encodings = [PageEncoding.Plain],
                PathInSchema = [name],
                Codec = PageCodec.Uncompressed,
                ValueCount = values,
                TotalUncompressedSize = length,
                TotalCompressedSize = length,
                DataPageOffset = start,
            }, metadata);
            FileMetadataWriter.Write(metadata.Written, new ColumnChunk(), writer);
        }

        var writer = new ThriftCompactWriter();
        var footer = new FileMetadata
        {
            Version = 1,
            Schema =
            [
                new SchemaElement("root") { ChildCount = 2 },
                new SchemaElement("list") { Type = PhysicalType.Int32, Repetition = Repetition.Repeated },
                new SchemaElement("id") { Type = PhysicalType.Int32, Repetition = Repetition.Required },
            ],
            RowCount = rows,
            RowGroups = [],
        };
        FileMetadataWriter.Begin(footer, 1, writer);
        FileMetadataWriter.BeginRowGroup(2, writer);
        AddChunk("list", levels, lists, ids - lists, writer);
        AddChunk("id", rows, ids, end - ids, writer);
        FileMetadataWriter.EndRowGroup(new RowGroup { Columns = [], TotalByteSize = end - lists, RowCount = rows }, writer);
        FileMetadataWriter.End(footer, writer);
        bytes.AddRange(writer.Written.ToArray());
        bytes.AddRange(BitConverter.GetBytes(bytes.Count - end));
        bytes.AddRange("PAR1"u8.ToArray());
    }

    private static void AddPage(List<byte> bytes, int values, byte[] content)
    {
        var writer = new ThriftCompactWriter();
        PageHeaderWriter.Write(new PageHeader
        {
            Type = PageType.Data,
            CompressedSize = content.Length,
            UncompressedSize = content.Length,
            ValueCount = values,
            Encoding = PageEncoding.Plain,
            DefinitionLevelEncoding = PageEncoding.Rle,
            RepetitionLevelEncoding = PageEncoding.Rle,
        }, writer);
        bytes.AddRange(writer.Written.ToArray());
        bytes.AddRange(content);
    }

    /// <summary>Levels as runs of one.</summary>
    private static byte[] Levels(IEnumerable<int> levels)
    {
        var runs = levels.SelectMany(static level => (byte[])[2, (byte)level]).ToArray();
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, runs.Length);
        return [.. length, .. runs];
    }

    private sealed class Bytes(byte[] bytes) : IRandomAccess
    {
        public string Name => "made.parquet";

        public long Length => bytes.Length;

        public void Read(long offset, Span<byte> target) => bytes.AsSpan((int)offset, target.Length).CopyTo(target);

        public void Dispose()
        {
        }
    }

    private sealed class Sink : IDecodeSink
    {
        public List<int[]> Lists { get; } = [];

        public List<int> Ids { get; } = [];

        public void Add(RecordBatch batch)
        {
            using (batch)
            {
                var (list, offsets) = (batch.Columns[0], batch.Columns[0].Offsets.ToArray());
                for (var i = 0; i < batch.Length; i++)
                    Lists.Add(list.Children[0].Values<int>()[offsets[i]..offsets[i + 1]].ToArray());
                Ids.AddRange(batch.Columns[1].Values<int>());
            }
        }

        public void Reject(RejectedRow row) => Assert.Fail(row.Reason);

        public void Lines(long count)
        {
        }
    }
}

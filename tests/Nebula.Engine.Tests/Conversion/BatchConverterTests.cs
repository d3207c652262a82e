using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Conversion;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;
using Nebula.Engine.Tests.Storage;

namespace Nebula.Engine.Tests.Conversion;

public sealed class BatchConverterTests
{
    private static readonly Schema From = Schema("a: int64, b: string");

    [Fact]
    public void Convert_ColumnsOfOtherOrder_AreMoved()
    {
        using var pool = new BufferPool();
        var sink = new Sink();
        using (var rows = New(pool, "b: string, a: int64", [1, 0]).Convert(TestColumns.Batch(pool, From, [1L, "x"], [2L, "y"]), sink, default))
        {
            Assert.Equal(["x|1", "y|2"], Show(rows));
            Assert.Empty(sink.Rejected);
        }
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Convert_SourceNotWanted_IsReturned()
    {
        using var pool = new BufferPool();
        New(pool, "a: int64", [0]).Convert(TestColumns.Batch(pool, From, [1L, "x"]), new Sink(), default).Dispose();
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Convert_ColumnWithoutSource_IsNull()
    {
        using var pool = new BufferPool();
        using (var rows = New(pool, "x: list<date>, a: int64, y: struct<p: bool>", [-1, 0, -1]).Convert(TestColumns.Batch(pool, From, [1L, "x"], [2L, "y"]),
            new Sink(), default))
            Assert.Equal(["|1|", "|2|"], Show(rows));
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Convert_ColumnWantedTwice_IsThereTwice()
    {
        using var pool = new BufferPool();
        using (var rows = New(pool, "a: int64, c: int64, d: string", [0, 0, 0]).Convert(TestColumns.Batch(pool, From, [1L, "x"]), new Sink(), default))
            Assert.Equal(["1|1|1"], Show(rows));
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Convert_BadValues_TakeTheirRowsOut()
    {
        using var pool = new BufferPool();
        var sink = new Sink();
        var batch = TestColumns.Batch(pool, From, [1L, "10"], [300L, "20"], [2L, "x"], [null, null], [400L, "y"]);
        using (var rows = New(pool, "a: int8, b: int64", [0, 1]).Convert(batch, sink, new SourcePosition("f", 77)))
            Assert.Equal(["1|10", "|"], Show(rows));
        Assert.Equal(0, pool.Outstanding);
        Assert.Equal(
            ["f, byte 77, column \"a\": the value '300' of type int64 does not fit int8 {\"a\":300,\"b\":\"20\"}",
                "f, byte 77, column \"b\": the value 'x' of type string does not fit int64 {\"a\":2,\"b\":\"x\"}",
                "f, byte 77, column \"a\": the value '400' of type int64 does not fit int8 {\"a\":400,\"b\":\"y\"}"],
            sink.Rejected.Select(static row => $"{row.Location}: {row.Reason} {Encoding.UTF8.GetString(row.Raw.Span)}"));
    }

    [Fact]
    public void Convert_AllRowsBad_LeavesNone()
    {
        using var pool = new BufferPool();
        var sink = new Sink();
        using (var rows = New(pool, "b: bool", [1]).Convert(TestColumns.Batch(pool, From, [1L, "x"], [2L, "z"]), sink, default))
            Assert.Equal(0, rows.Length);
        Assert.Equal(2, sink.Rejected.Count);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Convert_SinkThrows_ReturnsEverything()
    {
        using var pool = new BufferPool();
        var batch = TestColumns.Batch(pool, From, [1L, "x"]);
        Assert.Throws<InvalidOperationException>(() => New(pool, "b: bool", [1]).Convert(batch, new Sink { Throws = true }, default));
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void Create_Impossible_SaysWhichColumn()
    {
        var error = Assert.Throws<NebulaException>(() => New(BufferPool.Shared, "b: list<string>", [1]));
        Assert.Contains("Column \"b\" is string and cannot be cast to list<string>", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IsIdentity_OnlyNamesDiffer_IsTrue()
    {
        Assert.True(New(BufferPool.Shared, "x: int64, y: string", [0, 1]).IsIdentity);
        Assert.False(New(BufferPool.Shared, "b: string, a: int64", [1, 0]).IsIdentity);
        Assert.False(New(BufferPool.Shared, "a: int64", [0]).IsIdentity);
        Assert.False(New(BufferPool.Shared, "a: int32, b: string", [0, 1]).IsIdentity);
    }

    [Fact]
    public void Convert_AnyBatch_HasAllRowsOrReportsThem()
    {
        const int seed = 515;
        var random = new Random(seed);
        using var pool = new BufferPool();
        for (var round = 0; round < 300; round++)
        {
            var from = new Schema(Enumerable.Range(0, random.Next(1, 4)).Select(i => new Field($"c{i}", RandomColumns.Type(random, 2))));
            var sources = Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(-1, from.Fields.Length)).ToArray();
            var to = new Schema(sources.Select((source, i) => new Field($"t{i}", Target(random, source < 0 ? DataType.Date : from.Fields[source].Type))));
            var rows = random.Next(200);
            var sink = new Sink();
            var converter = new BatchConverter(from, to, [.. sources], random.Next(2) == 0 ? LossyPolicy.Refuse : LossyPolicy.Allow, pool);
            using (var converted = converter.Convert(RandomColumns.Batch(pool, from, rows, 0.2, random), sink, default))
            {
                Assert.True(converted.Length + sink.Rejected.Count == rows, $"seed {seed}, round {round}");
                Assert.Equal(to, converted.Schema);
                foreach (var (column, field) in converted.Columns.Zip(to.Fields))
                {
                    Assert.Equal(field.Type, column.Type);
                    TestColumns.AssertConsistent(column, converted.Length);
                }
            }
            Assert.True(pool.Outstanding == 0, $"seed {seed}, round {round}: {pool.Outstanding} buffers are not returned");
        }
    }

    private static DataType Target(Random random, DataType from)
    {
        for (var tries = 0; tries < 20; tries++)
            if (RandomColumns.Type(random, 2) is { } type && ConversionTable.Of(from, type).Fidelity != Fidelity.Impossible)
                return type;
        return DataType.Json.Equals(from) ? from : DataType.Json;
    }

    private static BatchConverter New(BufferPool pool, string to, int[] sources) => new(From, Schema(to), [.. sources], LossyPolicy.Refuse, pool);

    private static Schema Schema(string fields) => new(DataType.Parse($"struct<{fields}>")!.Fields);

    private static IEnumerable<string> Show(RecordBatch batch) =>
        Enumerable.Range(0, batch.Length).Select(row => string.Join('|', batch.Columns.Select(column => TestColumns.Read(column, row))));

    private sealed class Sink : IDecodeSink
    {
        public List<RejectedRow> Rejected { get; } = [];

        public bool Throws { get; init; }

        public void Add(RecordBatch batch) => throw new NotSupportedException();

        public void Reject(RejectedRow row)
        {
            if (Throws)
                throw new InvalidOperationException();
            Rejected.Add(row);
        }

        public void Lines(long count)
        {
        }
    }
}

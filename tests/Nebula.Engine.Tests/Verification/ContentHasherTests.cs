using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Json;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;
using Nebula.Engine.Tests.Storage;
using Nebula.Engine.Verification;

namespace Nebula.Engine.Tests.Verification;

public sealed class ContentHasherTests : IDisposable
{
    private readonly BufferPool _pool = new();

    public static TheoryData<string> Types => [.. RandomColumns.Types.Select(static type => type.ToString())];

    /// <summary>Pairs that are the same value, or not: type and text as JSON has it.</summary>
    public static TheoryData<string, string, string, string, bool> Pairs => new()
    {
        { "int8", "7", "int64", "7", true },
        { "int8", "-7", "int64", "-7", true },
        { "uint8", "200", "int16", "200", true },
        { "int8", "-56", "uint8", "200", false },
        { "int64", "0", "int64", "null", false },
        { "string", "\"\"", "string", "null", false },
        { "string", "\"a\"", "string", "\"b\"", false },
        { "string", "\"\"", "string", "\"\\u0000\"", false },
        { "string", "\"12345678\"", "string", "\"123456789\"", false },
        { "string", "\"1234567812345678\"", "string", "\"1234567812345678\\u0000\"", false },
        { "string", "\"a\"", "json", "\"a\"", false },
        { "float32", "0.5", "float64", "0.5", true },
        { "float32", "0.1", "float64", "0.1", false },
        { "float64", "-0.0", "float64", "0.0", true },
        { "float64", "0.0", "float64", "1e-300", false },
        { "float64", "\"NaN\"", "float32", "\"NaN\"", true },
        { "float64", "\"NaN\"", "float64", "null", false },
        { "float64", "\"Infinity\"", "float64", "\"-Infinity\"", false },
        { "decimal(4,2)", "1.50", "decimal(30,1)", "1.5", true },
        { "decimal(4,2)", "1.50", "decimal(4,2)", "1.05", false },
        { "decimal(4,2)", "0.00", "decimal(38,9)", "0.000000000", true },
        { "decimal(4,2)", "1.00", "decimal(38,0)", "1", true },
        { "decimal(4,2)", "10.00", "decimal(4,2)", "1.00", false },
        { "decimal(38,4)", "99999999999999999999999999999999.5000", "decimal(38,1)", "99999999999999999999999999999999.5", true },
        { "decimal(38,0)", "-1", "decimal(38,0)", "1", false },
        { "decimal(38,0)", "36893488147419103232", "decimal(38,0)", "0", false },
        { "bool", "true", "bool", "false", false },
        { "json", "{\"a\": [1, \"x y\"]}", "json", "{\"a\":[1,\"x y\"]}", true },
        { "json", "{\"a\":\"x y\"}", "json", "{\"a\":\"xy\"}", false },
        { "json", "\"a \\\" b\"", "json", "\"a\\\"b\"", false },
        { "list<int64>", "[]", "list<int64>", "null", false },
        { "list<int64>", "[]", "list<int64>", "[null]", false },
        { "list<int64>", "[1,2]", "list<int64>", "[2,1]", false },
        { "list<int64>", "[1,2]", "list<int8>", "[1,2]", true },
        { "map<string, int64>", "{\"a\":1,\"b\":2}", "map<string, int64>", "{\"b\":2,\"a\":1}", true },
        { "map<string, int64>", "{\"a\":1,\"b\":2}", "map<string, int64>", "{\"a\":2,\"b\":1}", false },
        { "struct<a: int64, b: int64>", "{\"a\":null,\"b\":null}", "struct<a: int64, b: int64>", "null", false },
        { "struct<a: int64, b: int64>", "{\"a\":1,\"b\":null}", "struct<a: int64, b: int64>", "{\"a\":null,\"b\":1}", false },
    };

    public void Dispose() => Assert.Equal(0, _pool.Outstanding);

    [Theory]
    [MemberData(nameof(Types))]
    public void Add_AnyCutsAndAnyOrder_GiveTheSameHash(string type)
    {
        var seed = 7919 + type.Length;
        var random = new Random(seed);
        foreach (var rows in (int[])[1, 2, 63, 64, 65, 1023, 1024, 1025, 3000])
        {
            var schema = new Schema([new Field("a", RandomColumns.Types.First(t => t.ToString() == type)), new Field("b", DataType.Int64)]);
            using var batch = RandomColumns.Batch(_pool, schema, rows, random.Next(3) * 0.3, random);
            var whole = Hash(batch);

            var sums = new ulong[schema.Fields.Length + 1];
            var hasher = Hasher(schema);
            for (var start = 0; start < rows;)
            {
                var count = Math.Min(random.Next(1, 1500), rows - start);
                hasher.Add(batch, start, count, sums);
                start += count;
            }
            Assert.True(whole.Equals(ContentHasher.ToHash(sums)), $"ranges: seed {seed}, {rows} rows");

            Array.Clear(sums);
            for (var start = 0; start < rows;)
            {
                var count = Math.Min(random.Next(1, 1500), rows - start);
                using var piece = Take(batch, [.. Enumerable.Range(start, count)]);
                hasher.Add(piece, 0, count, sums);
                start += count;
            }
            Assert.True(whole.Equals(ContentHasher.ToHash(sums)), $"batches: seed {seed}, {rows} rows");

            using var shuffled = Take(batch, [.. Enumerable.Range(0, rows).OrderBy(_ => random.Next())]);
            Assert.True(whole.Equals(Hash(shuffled)), $"order: seed {seed}, {rows} rows");
        }
    }

    [Fact]
    public void Add_RowLostDoubledOrReplaced_GivesAnotherHash()
    {
        const int seed = 31;
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            var schema = new Schema([.. Enumerable.Range(0, random.Next(1, 4)).Select(i => new Field($"c{i}", RandomColumns.Type(random, 2)))]);
            var rows = random.Next(2, 60);
            using var batch = RandomColumns.Batch(_pool, schema, rows, 0.2, random);
            var whole = Hash(batch);
            var row = random.Next(rows);
            using var lost = Take(batch, [.. Enumerable.Range(0, rows).Where(i => i != row)]);
            Assert.NotEqual(whole.Rows, Hash(lost).Rows);
            using var doubled = Take(batch, [.. Enumerable.Range(0, rows), row]);
            Assert.NotEqual(whole.Rows, Hash(doubled).Rows);
        }
    }

    [Fact]
    public void Add_ValuesThatExchangeRows_ChangeTheHashOfRowsAlone()
    {
        var schema = new Schema([new Field("a", DataType.Int64), new Field("b", DataType.Int64)]);
        using var batch = Make(schema, [1, 2, 3], [4, 5, 6]);
        using var exchanged = Make(schema, [1, 2, 3], [5, 4, 6]);
        var (before, after) = (Hash(batch), Hash(exchanged));
        Assert.Equal(before.Columns.AsEnumerable(), after.Columns.AsEnumerable());
        Assert.NotEqual(before.Rows, after.Rows);
    }

    [Fact]
    public void Add_ValuesThatExchangeColumns_ChangeBoth()
    {
        var schema = new Schema([new Field("a", DataType.Int64), new Field("b", DataType.Int64), new Field("c", DataType.Int64)]);
        using var batch = Make(schema, [1, 2, 3], [4, 5, 6], [7, 8, 9]);
        using var exchanged = Make(schema, [1, 5, 3], [4, 2, 6], [7, 8, 9]);
        var (before, after) = (Hash(batch), Hash(exchanged));
        Assert.NotEqual(before.Columns[0], after.Columns[0]);
        Assert.NotEqual(before.Columns[1], after.Columns[1]);
        Assert.Equal(before.Columns[2], after.Columns[2]);
        Assert.NotEqual(before.Rows, after.Rows);
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Add_OneValueInTwoForms_IsTheSameOnlyWhenTheValueIs(string type, string value, string otherType, string otherValue, bool same)
    {
        var (a, b) = (HashOf(type, value), HashOf(otherType, otherValue));
        if (type == otherType || same)
            Assert.Equal(same, a.Equals(b));
        // types that differ do not have to be told apart, but where the table says so they are
        else
            Assert.NotEqual(a, b);
    }

    [Fact]
    public void Add_DictionaryEncoded_IsTheSameAsPlain()
    {
        string?[] words = ["b", "", null, "a longer word than the others", "b", null];
        using var plain = new RecordBatch(new Schema([new Field("a", DataType.String)]), [TestColumns.Make(_pool, DataType.String, words)], words.Length);
        using var encoded = new RecordBatch(
            plain.Schema,
            [TestColumns.Dictionary(_pool, ["", "b", "a longer word than the others"], [1, 0, null, 2, 1, null])],
            words.Length);
        Assert.Equal(Hash(plain), Hash(encoded));
    }

    [Fact]
    public void Add_WhatLiesInTheSlotOfANull_HasNoEffect()
    {
        using var zero = new RecordBatch(new Schema([new Field("a", DataType.Int64)]), [WithNull(0)], 2);
        using var other = new RecordBatch(zero.Schema, [WithNull(77)], 2);
        Assert.Equal(Hash(zero), Hash(other));

        Column WithNull(long hidden)
        {
            var values = _pool.Rent(16);
            (values.As<long>()[0], values.As<long>()[1]) = (hidden, 5);
            var validity = _pool.Rent(8);
            validity.As<ulong>()[0] = 2;
            return new Column(DataType.Int64, 2, 1, validity, values);
        }
    }

    [Fact]
    public void Add_EmptyCountsAsNull_OnlyWhereSaid()
    {
        using var empty = new RecordBatch(new Schema([new Field("a", DataType.String)]), [TestColumns.Make(_pool, DataType.String, ["", "x"])], 2);
        using var nothing = new RecordBatch(empty.Schema, [TestColumns.Make(_pool, DataType.String, [null, "x"])], 2);
        Assert.NotEqual(Hash(empty), Hash(nothing));
        Assert.Equal(Hash(empty, emptyIsNull: true), Hash(nothing, emptyIsNull: true));
    }

    [Fact]
    public void Parse_WhatToStringWrote_IsTheSame()
    {
        var hash = new ContentHash(1, [0, ulong.MaxValue, 0x0123456789ABCDEF]);
        Assert.Equal("0000000000000001" + "0000000000000000" + "ffffffffffffffff" + "0123456789abcdef", hash.ToString());
        Assert.Equal(hash, ContentHash.Parse(hash.ToString()));
        Assert.All((string[])["", "1", "000000000000000g", "00000000000000001"], static text => Assert.Null(ContentHash.Parse(text)));
    }

    /// <summary>Values near each other must not have hashes near each other: sums would then be the same by accident.</summary>
    [Fact]
    public void Mix_WordsThatDifferInOneBit_DifferInHalfOfTheBits()
    {
        for (var bit = 0; bit < 64; bit++)
        {
            var differing = 0;
            for (var word = 0UL; word < 256; word++)
                differing += System.Numerics.BitOperations.PopCount(HashMixing.Mix(word) ^ HashMixing.Mix(word ^ (1UL << bit)));
            Assert.InRange(differing / 256.0, 28, 36);
        }
    }

    private static ContentHasher Hasher(Schema schema, BufferPool pool, bool emptyIsNull = false) => new([.. schema.Fields.Select(_ => emptyIsNull)], pool);

    private ContentHasher Hasher(Schema schema) => Hasher(schema, _pool);

    private ContentHash Hash(RecordBatch batch, bool emptyIsNull = false)
    {
        var sums = new ulong[batch.Columns.Length + 1];
        Hasher(batch.Schema, _pool, emptyIsNull).Add(batch, 0, batch.Length, sums);
        return ContentHasher.ToHash(sums);
    }

    private ContentHash HashOf(string type, string json)
    {
        var field = new Field("v", DataType.Parse(type)!);
        var plan = new StreamPlan
        {
            Stream = new CatalogStream("test", new Schema([field])) { Details = new JsonDialect().ToDictionary() },
            Columns = [new PlannedColumn("v", field) { TypeIsFixed = true }],
            Object = "",
            RunId = "test",
        }.Build();
        var text = Encoding.UTF8.GetBytes($$"""{"v":{{json}}}""" + "\n");
        var buffer = _pool.Rent(text.Length);
        text.CopyTo(buffer.Span);
        buffer.Length = text.Length;
        using var block = new RawBlock(buffer, new SourcePosition("test", 0));
        var sink = new HashSink(this);
        new JsonFormat().CreateDecoder(plan, _pool).Decode(block, sink);
        return sink.Hash!;
    }

    private sealed class HashSink(ContentHasherTests tests) : IDecodeSink
    {
        public ContentHash? Hash { get; private set; }

        public void Add(RecordBatch batch)
        {
            using (batch)
                Hash = tests.Hash(batch);
        }

        public void Reject(RejectedRow row) => Assert.Fail(row.Reason);

        public void Lines(long count)
        {
        }
    }

    private RecordBatch Take(RecordBatch batch, int[] rows) =>
        new(batch.Schema, [.. batch.Columns.Select(column => RowSelection.Take(column, rows, _pool))], rows.Length);

    private RecordBatch Make(Schema schema, params long[][] columns)
    {
        using var builder = new RecordBatchBuilder(_pool, schema);
        for (var i = 0; i < columns.Length; i++)
            foreach (var value in columns[i])
                builder.Columns[i].Append(value);
        builder.Length = columns[0].Length;
        return builder.Build();
    }
}

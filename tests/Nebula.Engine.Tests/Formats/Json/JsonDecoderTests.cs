using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Json;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Json;

public sealed class JsonDecoderTests
{
    [Fact]
    public void Decode_Lines_GivesTypedColumns()
    {
        var file = JsonFile.Read(
            "{\"id\":1,\"name\":\"a\",\"score\":1.5,\"ok\":true,\"at\":\"2024-01-01T00:00:00Z\"}\n"
            + "{\"id\":-2,\"name\":\"b\\u00e9\\n\",\"score\":2,\"ok\":null,\"at\":null}\n");
        Assert.Equal("id: int64, name: string, score: float64, ok: bool, at: timestamp(UTC)", file.Schema.ToString());
        Assert.Equal([1L, "a", 1.5, true, 1_704_067_200_000_000L], file.Rows[0]);
        Assert.Equal([-2L, "bé\n", 2.0, null, null], file.Rows[1]);
        Assert.Equal(2, file.LineCount);
    }

    [Theory]
    [InlineData("[{\"a\":1},{\"a\":2}]", "array")]
    [InlineData(" [\n {\"a\":1} ,\n {\"a\":2}\n]\n", "array")]
    [InlineData("\uFEFF[{\"a\":1},{\"a\":2}]", "array")]
    [InlineData("{\"a\":1}\n{\"a\":2}", "lines")]
    [InlineData("\uFEFF{\"a\":1}\r\n\r\n{\"a\":2}\r\n", "lines")]
    [InlineData("{\n\"a\":1}\n{\"a\"\n:2}", "documents")]
    [InlineData("{\"a\":1}{\"a\":2}", "documents")]
    [InlineData("{\"a\":1}\r{\"a\":2}", "documents")]
    public void Decode_AnyLayout_GivesTheSameRows(string content, string layout)
    {
        for (var step = 1; step <= content.Length; step++)
        {
            var file = new JsonFile { Step = step }.Run(content);
            Assert.Equal(layout, file.Dialect["layout"]);
            Assert.Equal([[1L], [2L]], file.Rows);
            Assert.Empty(file.Rejected);
        }
    }

    [Theory]
    [InlineData("1\n\"x\"\nnull\n[1]\n", "value: json", "1|\"x\"||[1]")]
    [InlineData("[1,2.5]", "value: float64", "1|2.5")]
    [InlineData("[[1],[]]\n[[2]]\n", "value: list<list<int64>>", null)]
    [InlineData("\"duck\"\"goose\"", "value: string", "duck|goose")]
    public void Decode_RecordsThatAreNoObjects_BecomeTheColumnValue(string content, string schema, string? values)
    {
        var file = JsonFile.Read(content);
        Assert.Equal(schema, file.Schema.ToString());
        if (values is not null)
            Assert.Equal(values, string.Join('|', file.Rows.Select(static row => Convert.ToString(row[0], System.Globalization.CultureInfo.InvariantCulture))));
        Assert.Empty(file.Rejected);
    }

    [Theory]
    [InlineData("1|2", "int64")]
    [InlineData("-1|9223372036854775807", "int64")]
    [InlineData("1|18446744073709551615", "uint64")]
    [InlineData("-1|18446744073709551615", "decimal(38,0)")]
    [InlineData("12345678901234567890123", "decimal(38,0)")]
    [InlineData("1|2.5", "float64")]
    [InlineData("1e3", "float64")]
    [InlineData("-0", "float64")]
    [InlineData("0.1234567890123456789", "decimal(38,19)")]
    [InlineData("9007199254740993|0.5", "decimal(38,1)")]
    [InlineData("1e400", "json")]
    [InlineData("true|null", "bool")]
    [InlineData("true|1", "json")]
    [InlineData("\"a\"|1", "json")]
    [InlineData("\"2024-01-31\"", "date")]
    [InlineData("\"2024-02-30\"", "string")]
    [InlineData("\"2024-01-31\"|\"2024-01-31T00:00:00\"", "string")]
    [InlineData("\"2024-01-31T00:00:00\"|\"2024-01-31T00:00:00.5\"", "timestamp")]
    [InlineData("\"2024-01-31T00:00:00Z\"|\"2024-01-31T00:00:00+02:00\"", "timestamp(UTC)")]
    [InlineData("\"2024-01-31T00:00:00Z\"|\"2024-01-31T00:00:00\"", "string")]
    [InlineData("\"2024-01-31T00:00:00.123456789\"", "timestamp(ns)")]
    [InlineData("\"2024-01-31T00:00:00.123456789\"|\"9024-01-31T00:00:00\"", "string")]
    [InlineData("\"2024-01-31 00:00:00\"", "string")]
    [InlineData("\"2024-01-31T00:00\"", "string")]
    [InlineData("null", "json")]
    [InlineData("[]", "list<json>")]
    [InlineData("[1]|[null]|null", "list<int64>")]
    [InlineData("[1]|[\"a\"]", "list<json>")]
    [InlineData("{}", "json")]
    [InlineData("{\"x\":1}|{\"y\":\"b\"}", "struct<x: int64, y: string>")]
    [InlineData("{\"x\":1}|[1]", "json")]
    public void Infer_Values_GiveTheNarrowestTypeThatLosesNothing(string values, string expected)
    {
        var parts = values.Split('|');
        foreach (var order in (string[][])[parts, [.. parts.Reverse()]])
        {
            var file = JsonFile.Read(string.Concat(order.Select(static value => $"{{\"v\":{value}}}\n")));
            var actual = file.Schema.Fields[0].Type;
            if (actual.Kind == TypeKind.Struct)
                Assert.Equal(2, actual.Fields.Length);
            else
                Assert.Equal(expected, actual.ToString());
            Assert.Equal(order.Length, file.Rows.Count);
            Assert.Empty(file.Rejected);
        }
    }

    [Fact]
    public void Decode_TextWanted_GivesTheSourcesOwnText()
    {
        var file = new JsonFile { InferTypes = false }.Run("{\"a\":1.50,\"b\":\"x\\ty\",\"c\":true,\"d\":{\"k\" : [1, 2]},\"e\":null}\n{\"f\":1e5}\n");
        Assert.All(file.Schema.Fields, static field => Assert.Equal(DataType.String, field.Type));
        Assert.Equal(["1.50", "x\ty", "true", "{\"k\":[1,2]}", null, null], file.Rows[0]);
        Assert.Equal([null, null, null, null, null, "1e5"], file.Rows[1]);
    }

    [Theory]
    [InlineData("{\"a\":1}\n{\"a\":}\n{\"a\":3}\n", 2, "Expected a JSON value but found '}'")]
    [InlineData("{\"a\":1}\n{\"a\":2\n{\"a\":3}\n", 2, "Expected ',' or '}' behind the value")]
    [InlineData("{\"a\":1}\n{\"a\":2} x\n{\"a\":3}\n", 2, "Expected the end of the line")]
    [InlineData("{\"a\":1}\n{\"a\":02}\n{\"a\":3}\n", 2, "is no JSON number")]
    [InlineData("{\"a\":1}\n{\"a\":2,}\n{\"a\":3}\n", 2, "Expected a key in double quotes but found '}'")]
    [InlineData("{\"a\":1}\n{\"a\":2,\"b\n{\"a\":3}\n", 2, "control character 0x0a")]
    [InlineData("{\"a\":1}\n[2]\n{\"a\":3}\n", 2, "Expected an object")]
    [InlineData("{\"a\":1}\n{\"a\":tru}\n{\"a\":3}\n", 2, "none of true, false and null")]
    [InlineData("{\"a\":1}\n{\"a\":2,\"b\":\"\\x\"}\n{\"a\":3}", 2, "escape that JSON does not have")]
    [InlineData("[{\"a\":1},\n{\"a\":2,},\n{\"a\":3}]", 2, "Expected a key")]
    [InlineData("[{\"a\":1}\n{\"a\":2},\n{\"a\":3}]", 2, "Expected ',' between two records")]
    [InlineData("[{\"a\":1},\n,{\"a\":3}]", 2, "A record must follow the comma")]
    [InlineData("{\n\"a\":1}\n{\"a\" 2}\n{\"a\":3}", 3, "Expected ':'")]
    public void Decode_BadRecord_IsRefusedAloneWithItsPlace(string content, int line, string reason)
    {
        for (var step = content.Length; step >= 1; step -= 7)
        {
            var file = new JsonFile { Step = step }.Run(content);
            Assert.Equal([[1L], [3L]], file.Rows.Select(static row => row[..1]));
            var rejected = Assert.Single(file.Rejected);
            Assert.Contains(reason, rejected.Reason, StringComparison.Ordinal);
            if (file.Blocks == 1)
                Assert.Equal(line, rejected.Location.Line);
            Assert.Equal("test.json", rejected.Location.Name);
        }
    }

    [Fact]
    public void Decode_BadRecordsOfOneLongLine_AreFoundInOnePass()
    {
        var file = new JsonFile { Options = { ["layout"] = "array", ["records"] = "objects" } }
            .Run("[" + string.Join(",", Enumerable.Repeat("1", 50_000)) + ",\n 2]");
        Assert.Equal(50_001, file.Rejected.Count);
        Assert.Equal((1L, "4"), (file.Rejected[1].Location.Line, file.Rejected[1].Location.Column));
        Assert.Equal((2L, "2"), (file.Rejected[^1].Location.Line, file.Rejected[^1].Location.Column));
    }

    [Theory]
    [InlineData("{\"id\":1,\"s\":\"abc\\n\",\"o\":{\"k\":[1,2]},\"n\":null}\n")]
    [InlineData("{\"a\" : [ {\"x\": 15 }, null ], \"j\": [1, \"x\", { }]}\n")]
    public void Decode_ManyRows_AllocatesNothingPerRow(string line)
    {
        const int Rows = 20_000;
        var file = new JsonFile().Run(string.Concat(Enumerable.Repeat(line, 3)));
        using var pool = new BufferPool();
        using var buffer = pool.Rent(line.Length * Rows);
        Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(line, Rows)), buffer.Span);
        buffer.Length = line.Length * Rows;
        using var block = new RawBlock(buffer, new SourcePosition("x", 0));
        var plan = new StreamPlan
        {
            Stream = new CatalogStream("x", file.Schema) { Details = file.Dialect },
            Columns = [.. file.Schema.Fields.Select(static field => new PlannedColumn(field.Name, field))],
            Object = "",
            RunId = "",
        }.Build();
        var decoder = new JsonFormat().CreateDecoder(plan, pool);
        var sink = new DisposingSink();
        decoder.Decode(block, sink);
        var before = GC.GetAllocatedBytesForCurrentThread();
        decoder.Decode(block, sink);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Rows);
        Assert.Equal(2 * Rows, sink.Rows);
    }

    [Fact]
    public void Decode_NotUtf8_RefusesTheRecordsConcernedOnly()
    {
        byte[] content = [.. "{\"a\":\"x\"}\n{\"a\":\""u8, 0xC3, 0x28, .. "\"}\n{\"a\":\"é\"}\n{\"a\":\""u8, 0xED, 0xA0, 0x80, .. "\"}\n{\"a\":\"y\"}\n"u8];
        var file = new JsonFile().Run(content);
        Assert.Equal([["x"], ["é"], ["y"]], file.Rows);
        Assert.Equal([2L, 4L], file.Rejected.Select(static row => row.Location.Line));
        Assert.All(file.Rejected, static row => Assert.Contains("not UTF-8", row.Reason, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{\"a\":1}\n", "{\"a\":\"x\"}\n")]
    [InlineData("{\"a\":1}\n", "{\"a\":1.5}\n")]
    [InlineData("{\"a\":1}\n", "{\"b\":1}\n")]
    [InlineData("{\"a\":{\"x\":1}}\n", "{\"a\":{\"y\":1}}\n")]
    [InlineData("{\"a\":\"x\"}\n", "{\"a\":1}\n")]
    [InlineData("{\"a\":\"2024-01-01\"}\n", "{\"a\":\"2024-01-01T00:00:00\"}\n")]
    [InlineData("{\"a\":[1]}\n", "{\"a\":{\"x\":1}}\n")]
    public void Decode_ValueBeyondTheSampleDoesNotFit_ContradictsTheSchema(string sampled, string surprise)
    {
        var thrown = Assert.Throws<SchemaContradictionException>(() => new JsonFile { SampledBlocks = 1, Step = sampled.Length }.Run(sampled + surprise));
        Assert.Equal(1, thrown.Location!.Value.Line);
        Assert.Empty(JsonFile.Read(sampled + surprise).Rejected);
    }

    [Fact]
    public void Decode_ContradictionInABrokenRecord_RefusesTheRecord()
    {
        var file = new JsonFile { SampledBlocks = 1, Step = 8 }.Run("{\"a\":1}\n{\"a\":\"x\"]\n{\"a\":2}\n");
        Assert.Equal([[1L], [2L]], file.Rows);
        Assert.Contains("Expected ',' or '}'", Assert.Single(file.Rejected).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("int8", "5", 5L)]
    [InlineData("int8", "128", null)]
    [InlineData("uint64", "18446744073709551615", null)]
    [InlineData("int64", "\"12\"", 12L)]
    [InlineData("int64", "1.5", null)]
    [InlineData("float64", "0.1234567890123456789", 0.12345678901234568)]
    [InlineData("float64", "\"NaN\"", double.NaN)]
    [InlineData("float64", "7", 7.0)]
    [InlineData("decimal(10,2)", "12.3", 1230L)]
    [InlineData("decimal(10,2)", "\"-12.30\"", -1230L)]
    [InlineData("decimal(10,2)", "12.345", null)]
    [InlineData("string", "12.50", "12.50")]
    [InlineData("string", "{\"x\": 1}", "{\"x\":1}")]
    [InlineData("json", "\"x\"", "\"x\"")]
    [InlineData("date", "\"1970-01-02\"", 1L)]
    [InlineData("date", "1", null)]
    [InlineData("timestamp", "\"1970-01-01 00:00:01\"", 1_000_000L)]
    [InlineData("timestamp", "\"1970-01-02\"", 86_400_000_000L)]
    [InlineData("time", "\"00:00:01.5\"", 1_500_000L)]
    [InlineData("bool", "\"true\"", true)]
    [InlineData("bool", "1", true)]
    [InlineData("bool", "2", null)]
    public void Decode_FixedType_ConvertsOrRefusesTheRow(string type, string value, object? expected)
    {
        var file = new JsonFile { Types = { ["v"] = DataType.Parse(type)! } }.Run($"{{\"v\":{value}}}\n{{\"v\":null}}\n");
        if (expected is null && type != "uint64")
        {
            Assert.Equal([[null]], file.Rows);
            Assert.Contains($"does not fit the type {type}", Assert.Single(file.Rejected).Reason, StringComparison.Ordinal);
            return;
        }
        Assert.Equal([expected ?? (Int128)ulong.MaxValue], file.Rows[0]);
        Assert.Empty(file.Rejected);
    }

    [Theory]
    [InlineData("-", "", 1_000_000)]
    [InlineData("0.", "", 1_000_000)]
    [InlineData("", "e999999999999", 1_000)]
    [InlineData("", "e-999999999999", 40)]
    public void Decode_HugeNumber_IsKeptAsItsText(string head, string tail, int digits)
    {
        var number = head + new string('7', digits) + tail;
        var file = JsonFile.Read($"{{\"a\":{number}}}\n{{\"a\":{number}x}}\n");
        Assert.Equal("a: json", file.Schema.ToString());
        Assert.Equal([[number]], file.Rows);
        Assert.Single(file.Rejected);
    }

    [Theory]
    [InlineData("{\"a\":1,\"a\":2}", 2L)]
    [InlineData("{\"a\":1,\"\\u0061\":2}", 2L)]
    [InlineData("{\"a\":1,\"b\":{\"a\":3},\"a\":null}", null)]
    public void Decode_DuplicateKey_TheLastOneCounts(string record, object? expected) => Assert.Equal(expected, JsonFile.Read(record).Rows[0][0]);

    [Fact]
    public void Decode_DuplicateNestedKeys_LeaveColumnsInStep()
    {
        var file = JsonFile.Read("{\"a\":{\"x\":[1,2],\"x\":[3]},\"b\":\"s\",\"a\":{\"x\":[4,5,6]},\"b\":\"long one\"}\n{\"a\":{},\"b\":\"t\"}\n");
        Assert.Equal("{\"a\":{\"x\":[4,5,6]},\"b\":\"long one\"}\n{\"a\":{},\"b\":\"t\"}\n", file.Lines.ToString());
    }

    [Theory]
    [InlineData("\\ud83d\\ude00", "😀")]
    [InlineData("\\u0000\\/\\\"\\\\", "\0/\"\\")]
    public void Decode_Escapes_AreResolved(string text, string expected) => Assert.Equal(expected, JsonFile.Read($"{{\"a\":\"{text}\"}}").Rows[0][0]);

    [Theory]
    [InlineData("\\ud83d")]
    [InlineData("\\ude00\\ud83d")]
    [InlineData("\\ud83d\\n")]
    public void Decode_LoneSurrogate_IsRefusedUnlessTheTextIsKept(string text)
    {
        var content = $"{{\"b\":0,\"a\":\"{text}\"}}\n{{\"a\":\"x\"}}\n";
        var file = JsonFile.Read(content);
        Assert.Single(file.Rows);
        var rejected = Assert.Single(file.Rejected);
        Assert.Contains("surrogate", rejected.Reason, StringComparison.Ordinal);
        Assert.Equal(("test.json", 1L), (rejected.Location.Name, rejected.Location.Line));
        Assert.Equal($"\"{text}\"", new JsonFile { Types = { ["a"] = DataType.Json } }.Run(content).Rows[0][1]);
    }

    [Fact]
    public void Decode_UnselectedColumns_AreReadPastButChecked()
    {
        var file = new JsonFile { Select = ["b"] }.Run("{\"a\":{\"x\":[1,{}]},\"b\":1}\n{\"a\":[1,],\"b\":2}\n{\"b\":3,\"a\":\"]\"}\n");
        Assert.Equal([[1L], [3L]], file.Rows);
        Assert.Single(file.Rejected);
    }

    [Theory]
    [InlineData(64, false)]
    [InlineData(100, false)]
    [InlineData(511, false)]
    [InlineData(512, true)]
    [InlineData(100_000, true)]
    public void Decode_DeepNesting_IsKeptAsJsonOrRefused(int depth, bool isRefused)
    {
        var content = "{\"a\":" + string.Concat(Enumerable.Repeat("[", depth)) + string.Concat(Enumerable.Repeat("]", depth)) + "}\n";
        var file = JsonFile.Read(content);
        Assert.Equal(isRefused ? 0 : 1, file.Rows.Count);
        if (isRefused)
            Assert.Contains("512 levels", Assert.Single(file.Rejected).Reason, StringComparison.Ordinal);
        else
            Assert.Equal(content, file.Lines.ToString());
    }

    [Fact]
    public void Decode_RecordsPath_StreamsThatArray()
    {
        const string Content = "{\"meta\":{\"items\":[9]},\"data\":{\"n\":[1],\"items\":[\n{\"a\":1},{\"a\":2}\n],\"z\":{}},\"end\":\"]\"}\n";
        for (var step = 1; step <= Content.Length; step++)
        {
            var file = new JsonFile { Step = step, Options = { ["records_path"] = "data.items" } }.Run(Content);
            Assert.Equal([[1L], [2L]], file.Rows);
            Assert.Empty(file.Rejected);
        }
    }

    [Theory]
    [InlineData("{\"data\":{\"items\":{}}}", "is no array")]
    [InlineData("{\"data\":{\"other\":[]}}", "there is no key 'items'")]
    [InlineData("{\"data\":[]}", "'data' is no object")]
    [InlineData("[]", "the document is no object")]
    [InlineData("{\"data\":{\"items\":[{\"a\":1}]}", "no JSON behind the records")]
    [InlineData("{\"data\":{\"items\":[{\"a\":1}", "never closed")]
    [InlineData("{\"data\" {\"items\":[]}}", "no JSON in front")]
    public void Decode_RecordsPathLeadsNowhere_SaysWhy(string content, string message)
    {
        var thrown = Assert.Throws<DataFormatException>(() => new JsonFile { Options = { ["records_path"] = "data.items" } }.Run(content));
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[{\"a\":1},{\"a\":2}", "never closed")]
    [InlineData("[{\"a\":1},", "never closed")]
    [InlineData("[{\"a\":\"", "never closed")]
    public void Decode_ArrayCutOff_Fails(string content, string message)
    {
        for (var step = 1; step <= content.Length; step++)
        {
            var thrown = Assert.Throws<DataFormatException>(() => new JsonFile { Step = step }.Run(content));
            Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    [InlineData("utf-32")]
    public void Decode_OtherUnicodeEncodings_AreDetectedByTheirMark(string name)
    {
        var encoding = Encoding.GetEncoding(name);
        byte[] content = [.. encoding.GetPreamble(), .. encoding.GetBytes("[{\"a\":\"é😀\"}]")];
        Assert.Equal([["é😀"]], new JsonFile().Run(content).Rows);
    }

    [Fact]
    public void Decode_ManyRowsOfManyColumns_GivesSeveralBatchesOfBoundedSize()
    {
        var content = new StringBuilder();
        content.Append('{').AppendJoin(',', Enumerable.Range(0, 3000).Select(static i => $"\"k{i}\":1")).Append("}\n");
        for (var i = 0; i < 3_000; i++)
            content.Append("{}\n");
        var file = JsonFile.Read(content.ToString());
        Assert.Equal(3_001, file.Rows.Count);
        Assert.Equal(3, file.Batches);
    }

    [Fact]
    public void Decode_ListOfSparseObjects_IsBounded()
    {
        var first = "{\"a\":[{" + string.Join(',', Enumerable.Range(0, 1000).Select(static i => $"\"k{i}\":1")) + "}]}\n";
        var bomb = "{\"a\":[" + string.Join(',', Enumerable.Repeat("{}", 200_000)) + "]}\n";
        var thrown = Assert.Throws<NebulaException>(() => JsonFile.Read(first + bomb));
        Assert.Equal(ErrorKind.Limit, thrown.Kind);
    }

    [Fact]
    public void Infer_ObjectWithVeryManyKeys_StaysJson()
    {
        var file = JsonFile.Read(string.Concat(Enumerable.Range(0, 1001).Select(static i => $"{{\"m\":{{\"k{i}\":{i}}}}}\n")));
        Assert.Equal("m: json", file.Schema.ToString());
        Assert.Equal("{\"k7\":7}", file.Rows[7][0]);
    }

    private sealed class DisposingSink : IDecodeSink
    {
        public int Rows { get; private set; }

        public void Add(RecordBatch batch)
        {
            Rows += batch.Length;
            batch.Dispose();
        }

        public void Reject(RejectedRow row) => Assert.Fail(row.Reason);

        public void Lines(long count)
        {
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n\n")]
    [InlineData("[]")]
    [InlineData("\uFEFF")]
    [InlineData("[ \n ]\n")]
    public void Decode_NoRecords_GivesNoRows(string content)
    {
        var file = JsonFile.Read(content);
        Assert.Empty(file.Rows);
        Assert.Empty(file.Rejected);
    }
}

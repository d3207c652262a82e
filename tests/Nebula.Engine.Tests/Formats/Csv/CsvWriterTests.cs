using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Formats.Csv.Writing;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;

namespace Nebula.Engine.Tests.Formats.Csv;

/// <summary>What is written is read back as what it was, by the same rules.</summary>
public sealed class CsvWriterTests
{
    public static TheoryData<string, object?, string> Values => new()
    {
        { "bool", true, "true" },
        { "bool", false, "false" },
        { "int8", -128L, "-128" },
        { "int16", -32768L, "-32768" },
        { "int32", 2147483647L, "2147483647" },
        { "int64", long.MinValue, "-9223372036854775808" },
        { "uint8", 255L, "255" },
        { "uint16", 65535L, "65535" },
        { "uint32", 4294967295L, "4294967295" },
        { "uint64", (Int128)ulong.MaxValue, "18446744073709551615" },
        { "float32", (double)0.1f, "0.1" },
        { "float32", (double)float.NaN, "NaN" },
        { "float64", 1.0, "1.0" },
        { "float64", -0.0, "-0.0" },
        { "float64", double.NegativeInfinity, "-Infinity" },
        { "decimal(18,2)", -150L, "-1.50" },
        { "decimal(38,3)", (Int128)1, "0.001" },
        { "date", 0L, "1970-01-01" },
        { "time", 3_661_000_000L, "01:01:01" },
        { "timestamp", 1L, "1970-01-01T00:00:00.000001" },
        { "timestamp(ns)", -1L, "1969-12-31T23:59:59.999999999" },
        { "timestamp(UTC)", 0L, "1970-01-01T00:00:00Z" },
        { "string", "plain", "plain" },
        { "string", "a,b", "\"a,b\"" },
        { "string", "say \"hi\"", "\"say \"\"hi\"\"\"" },
        { "string", "a\nb", "\"a\nb\"" },
        { "string", "a\r", "\"a\r\"" },
        { "string", "", "\"\"" },
        { "string", " x ", " x " },
        { "string", "é漢😀", "é漢😀" },
        { "json", "{\"a\":1}", "\"{\"\"a\"\":1}\"" },
        { "binary", new byte[] { 1, 2, 255 }, "AQL/" },
        { "binary", Array.Empty<byte>(), "\"\"" },
        { "binary", null, "" },
        { "string", null, "" },
        { "int64", null, "" },
    };

    [Theory, MemberData(nameof(Values))]
    public void Write_Value_GivesTheText(string type, object? value, string expected)
    {
        var field = new Field("c", DataType.Parse(type)!);
        var other = new Field("d", DataType.Int64);
        Assert.Equal($"c,d\n{expected},7\n", Write(new Schema([field, other]), [], [value, 7L]));
    }

    [Fact]
    public void Write_Uuid_GivesItsText()
    {
        var bytes = Guid.Parse("01020304-0506-0708-090a-0b0c0d0e0f10").ToByteArray(bigEndian: true);
        Assert.Equal("u,d\n01020304-0506-0708-090a-0b0c0d0e0f10,1\n",
            Write(new Schema([new Field("u", DataType.Uuid), new Field("d", DataType.Int64)]), [],
                [System.Runtime.InteropServices.MemoryMarshal.Read<UInt128>(bytes), 1L]));
    }

    [Theory]
    [InlineData("delimiter=;", "a;\"b;c\"\n\"x;y\";1,5\n")]
    [InlineData("delimiter=\\t", "a\tb;c\nx;y\t1,5\n")]
    [InlineData("quoting=all", "\"a\",\"b;c\"\n\"x;y\",\"1,5\"\n")]
    [InlineData("line_end=crlf", "a,b;c\r\nx;y,\"1,5\"\r\n")]
    [InlineData("header=false", "x;y,\"1,5\"\n")]
    [InlineData("quote='", "a,b;c\nx;y,'1,5'\n")]
    public void Write_Options_AreFollowed(string option, string expected) =>
        Assert.Equal(expected, Write(new Schema([new Field("a", DataType.String), new Field("b;c", DataType.String)]), [option], ["x;y", "1,5"]));

    [Theory]
    [InlineData("quoting=all", "\"1\",,\"\"\n")]
    [InlineData("null_marker=NULL", "1,NULL,\"\"\n")]
    [InlineData("null_marker=1", "\"1\",1,\"\"\n")]
    public void Write_Nulls_DifferFromEverythingElse(string option, string expected) => Assert.Equal(expected,
        Write(new Schema([new Field("a", DataType.Int64), new Field("b", DataType.String), new Field("c", DataType.String)]), [option, "header=false"],
            [1L, null, ""]));

    [Fact]
    public void Write_LongNullMarker_DoesNotGrowOverTheBuffer()
    {
        var marker = new string('n', 5_000);
        var rows = Enumerable.Range(0, 300).Select(static _ => new object?[] { null, null }).ToArray();
        Assert.Equal(string.Concat(Enumerable.Repeat($"{marker},{marker}\n", 300)),
            Write(new Schema([new Field("a", DataType.Int64), new Field("b", DataType.Bool)]), [$"null_marker={marker}", "header=false"], rows));
    }

    [Theory]
    [InlineData("delimiter=:", "timestamp", 0L, "\"1970-01-01T00:00:00\":1\n")]
    [InlineData("delimiter=-", "date", 0L, "\"1970-01-01\"-1\n")]
    [InlineData("delimiter=.", "float64", 1.5, "\"1.5\".1\n")]
    [InlineData("delimiter=1", "int64", 210L, "\"210\"1\"1\"\n")]
    [InlineData("delimiter=:", "int64", 210L, "210:1\n")]
    public void Write_ValueThatHoldsTheDelimiter_IsQuoted(string option, string type, object value, string expected) =>
        Assert.Equal(expected, Write(new Schema([new Field("a", DataType.Parse(type)!), new Field("b", DataType.Int64)]), [option, "header=false"],
            [value, 1L]));

    [Theory]
    [InlineData("delimiter=none", "delimiter")]
    [InlineData("delimiter=\n", "delimiter")]
    [InlineData("quote=,", "quote")]
    [InlineData("quote=7", "quote")]
    [InlineData("quote=none", "quote")]
    [InlineData("null_marker=a,b", "null_marker")]
    [InlineData("quoting=some", "quoting")]
    public void Write_WrongOption_IsRefused(string option, string name)
    {
        var e = Assert.Throws<NebulaException>(() => Write(new Schema([new Field("a", DataType.Int64)]), [option], [1L]));
        Assert.Equal(ErrorKind.Configuration, e.Kind);
        Assert.Contains($"'{name}'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_NamesThatNeedIt_AreQuoted() => Assert.Equal("\"a,b\",\"c\"\"d\",\"\",plain\n",
        Write(new Schema([new Field("a,b", DataType.Int64), new Field("c\"d", DataType.Int64), new Field("", DataType.Int64),
            new Field("plain", DataType.Int64)]), []));

    /// <summary>A blank line is no record, so a null in a single column must not be one.</summary>
    [Fact]
    public void Write_OneColumnWithNulls_KeepsEveryRow()
    {
        var schema = new Schema([new Field("a", DataType.Int64)]);
        var text = Write(schema, [], [1L], [null], [2L]);
        Assert.Equal("a\n1\n\"\"\n2\n", text);
        Assert.Equal("1\n∅\n2\n-- ", CsvReading.Read(text, new CsvDialect { Columns = ["a"] }, types: [DataType.Int64]).Render());
        Assert.Equal("a\n1\nNULL\n", Write(schema, ["null_marker=NULL"], [1L], [null]));
    }

    [Fact]
    public void Write_NestedColumn_IsRefusedByName()
    {
        var e = Assert.Throws<NebulaException>(() => Write(new Schema([new Field("tags", DataType.List(DataType.String))]), []));
        Assert.Contains("\"tags\" has the type list<string>", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_DictionaryColumn_GivesItsTexts()
    {
        using var pool = new BufferPool();
        var schema = new Schema([new Field("a", DataType.String), new Field("b", DataType.Int64)]);
        using (var batch = new RecordBatch(schema, [TestColumns.Dictionary(pool, ["x,y", ""], [0, null, 1]),
            TestColumns.Make(pool, DataType.Int64, [1L, 2L, 3L])], 3))
        using (var block = new CsvBlockEncoder(schema, CsvWriteOptions.From(Options(["header=false"])), pool, Simd.Level).Encode(batch))
            Assert.Equal("\"x,y\",1\n,2\n\"\",3\n", Encoding.UTF8.GetString(block.Buffer.Content));
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    public void Write_TextsOfQuotesAlone_TakeTwiceTheSpace(int length)
    {
        var schema = new Schema([new Field("a", DataType.String), new Field("b", DataType.Int64)]);
        var quotes = new string('"', length);
        var line = $"\"{quotes}{quotes}\",5\n";
        Assert.Equal("a,b\n" + line + line, Write(schema, [], [quotes, 5L], [quotes, 5L]));
    }

    [Theory]
    [InlineData("delimiter=-", "a-b\n\"-7\"-\"1970-01-01\"\n8-x\n")]
    [InlineData("null_marker=8", "a,b\n-7,1970-01-01\n\"8\",x\n")]
    [InlineData("quoting=all", "\"a\",\"b\"\n\"-7\",\"1970-01-01\"\n\"8\",\"x\"\n")]
    [InlineData("line_end=crlf", "a,b\r\n-7,1970-01-01\r\n8,x\r\n")]
    public void Write_OptionsThatValuesCouldClashWith_QuoteThem(string option, string expected) =>
        Assert.Equal(expected, Write(new Schema([new Field("a", DataType.Int64), new Field("b", DataType.String)]), [option], [-7L, "1970-01-01"], [8L, "x"]));

    [Fact]
    public void Write_NoColumns_GivesALineARow() => Assert.Equal("\n\n\n", Write(new Schema([]), [], [], []));

    [Fact]
    public void WriteThenRead_AnyTexts_AreTheSame()
    {
        const int seed = 61;
        var random = new Random(seed);
        string[] pieces = [",", ";", "\"", "'", "\n", "\r\n", "\r", "a", "é", "NULL", " ", "#", "\t", "\\", new string('v', 31), new string('w', 40), new string('x', 64), new string('y', 130)];
        for (var round = 0; round < 600; round++)
        {
            var columns = random.Next(2, 5);
            var rows = Enumerable.Range(0, random.Next(20)).Select(_ =>
                Enumerable.Range(0, columns).Select(_ => random.Next(5) == 0 ? null : RandomText(random, pieces)).ToArray<object?>()).ToArray();
            var delimiter = ",;\t|"[random.Next(4)];
            var quote = "\"'"[random.Next(2)];
            var marker = random.Next(3) == 0 ? "NULL" : "";
            string[] options = [$"delimiter={delimiter}", $"quote={quote}", $"quoting={(random.Next(2) == 0 ? "all" : "minimal")}",
                $"line_end={(random.Next(2) == 0 ? "crlf" : "lf")}", $"null_marker={marker}"];
            var dialect = new CsvDialect
            {
                Delimiter = (byte)delimiter,
                Quote = (byte)quote,
                Escape = (byte)quote,
                NullMarkers = [marker]
            }.WithColumns(columns);
            var schema = new Schema(dialect.Columns.Select(static name => new Field(name, DataType.String)));
            var text = Write(schema, options, rows);
            var result = CsvReading.Read(text, dialect, random.Next(1, 300));
            Assert.True(rows.Length == result.Rows.Count && rows.Zip(result.Rows).All(static pair => pair.First.SequenceEqual(pair.Second)),
                $"seed {seed}, round {round}, {string.Join(' ', options)}:\n{text}\n{result.Render()}");
            // and what was written is canonical: reading and writing it again changes no byte
            Assert.Equal(text, Write(schema, options, [.. result.Rows]));
        }
    }

    private static string RandomText(Random random, string[] pieces) =>
        string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => pieces[random.Next(pieces.Length)]));

    private static OptionValues Options(string[] options) => new("destination \"csv\"", CsvOptions.Write,
        options.Select(static option => option.Split('=', 2)).Select(static pair =>
            KeyValuePair.Create(pair[0], new OptionValue([pair[1]], new SourceLocation("test")))));

    private static string Write(Schema schema, string[] options, params object?[][] rows)
    {
        using var pool = new BufferPool();
        try
        {
            using var batch = TestColumns.Batch(pool, schema, rows);
            string? text = null;
            foreach (var level in Simd.Available)
            {
                var encoder = new CsvBlockEncoder(schema, CsvWriteOptions.From(Options(options)), pool, level);
                using var block = encoder.Encode(batch);
                Assert.Equal(rows.Length, block.Rows);
                using var output = MemoryOutput.Of(encoder, block);
                Assert.Equal(text ??= output.Text, output.Text);
            }
            return text!;
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
        }
    }
}

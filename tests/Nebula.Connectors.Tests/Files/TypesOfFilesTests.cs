using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests.Files;

/// <summary>Casts, files whose types differ, and what a destination cannot keep.</summary>
public sealed class TypesOfFilesTests : IDisposable
{
    private const string Rows = """
        {"id":1,"amount":12.34,"at":"2020-01-01T10:00:00Z","tags":["a","b"],"note":"5"}
        {"id":300,"amount":0.5,"at":"2021-01-01T10:00:00Z","tags":null,"note":"x"}
        {"id":null,"amount":null,"at":null,"tags":[],"note":null}

        """;

    private readonly FileRun _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("arrow")]
    [InlineData("avro")]
    [InlineData("orc")]
    [InlineData("parquet")]
    public async Task Run_CastsOfContainerColumns_AreConverted(string format)
    {
        _files.Write("in.jsonl", Rows);
        await _files.RunAsync("in.jsonl", $"mid.{format}");
        await _files.RunAsync($"mid.{format}", "out.jsonl", Cast(("id", "string"), ("amount", "decimal(10,3)"), ("at", "string"), ("tags", "string")));
        Assert.Equal("""
            {"id":"1","amount":12.340,"at":"2020-01-01T10:00:00Z","tags":"[\"a\",\"b\"]","note":"5"}
            {"id":"300","amount":0.500,"at":"2021-01-01T10:00:00Z","tags":null,"note":"x"}
            {"id":null,"amount":null,"at":null,"tags":"[]","note":null}

            """, _files.Read("out.jsonl"));
    }

    [Fact]
    public async Task Run_ValueThatDoesNotFitItsCast_IsABadRow()
    {
        _files.Write("in.jsonl", Rows);
        await _files.RunAsync("in.jsonl", "mid.arrow");
        var error = await Assert.ThrowsAsync<DataFormatException>(() => _files.RunAsync("mid.arrow", "out.jsonl", Cast(("id", "int8"))));
        Assert.Contains("column \"id\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("'300' of type int64 does not fit int8", error.Message, StringComparison.Ordinal);
        Assert.Contains("{\"id\":300,", error.Message, StringComparison.Ordinal);
        Assert.Contains("mid.arrow", error.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_files.PathOf("out.jsonl")));

        _files.Options = _files.Options with { BadRows = new BadRowOptions { Policy = BadRowPolicy.Quarantine } };
        await _files.RunAsync("mid.arrow", "out.jsonl", Cast(("id", "int8"), ("note", "int64")) with { Select = Engine.Configuration.ColumnSelection.All });
        Assert.StartsWith("{\"id\":1,", _files.Read("out.jsonl"), StringComparison.Ordinal);
        Assert.Equal(2, _files.Read("out.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal("id", Assert.Single(_files.Quarantined).Location.Column);
    }

    [Theory]
    [InlineData("float64", ".5", "0.5")]
    [InlineData("float64", "+5", "5.0")]
    [InlineData("float64", "5.", "5.0")]
    [InlineData("float64", " 007.50 ", "7.5")]
    [InlineData("float64", "1E5", "100000.0")]
    [InlineData("float64", "nan", "\"NaN\"")]
    [InlineData("float32", "-inf", "\"-Infinity\"")]
    [InlineData("float64", "1E400", null)]
    [InlineData("float64", ".", null)]
    [InlineData("float64", "0x10", null)]
    [InlineData("float64", "1,234", null)]
    [InlineData("int64", "007", "7")]
    [InlineData("int64", "5.0", "5")]
    [InlineData("int64", "5.5", null)]
    [InlineData("int8", "300", null)]
    [InlineData("uint64", "18446744073709551615", "18446744073709551615")]
    [InlineData("uint64", "-1", null)]
    [InlineData("decimal(18,2)", "+.5", "0.50")]
    [InlineData("decimal(18,2)", "1e2", "100.00")]
    [InlineData("decimal(38,20)", "1.5e1", "15.00000000000000000000")]
    [InlineData("decimal(18,2)", "1.005", null)]
    [InlineData("bool", "Yes", "true")]
    [InlineData("bool", "f", "false")]
    [InlineData("bool", "0", "false")]
    [InlineData("bool", "maybe", null)]
    [InlineData("date", "20240229", "\"2024-02-29\"")]
    [InlineData("date", "2024/2/9", "\"2024-02-09\"")]
    [InlineData("date", "2024-02-09 00:00:00", "\"2024-02-09\"")]
    [InlineData("date", "2024-02-09 00:00:01", null)]
    [InlineData("date", "2024-02-30", null)]
    [InlineData("date", "01/02/2024", null)]
    [InlineData("timestamp", "2024-01-05", "\"2024-01-05T00:00:00\"")]
    [InlineData("timestamp", "2024-01-05 3:07", "\"2024-01-05T03:07:00\"")]
    [InlineData("timestamp", "2024-01-05 03:07:01,5", "\"2024-01-05T03:07:01.500\"")]
    [InlineData("timestamp(UTC)", "20240105T030701Z", "\"2024-01-05T03:07:01Z\"")]
    [InlineData("timestamp(UTC)", "2024-01-05 03:07:01 UTC", "\"2024-01-05T03:07:01Z\"")]
    [InlineData("timestamp(UTC)", "2024-01-05 03:07+02", "\"2024-01-05T01:07:00Z\"")]
    [InlineData("timestamp", "1700000000", null)]
    [InlineData("time", "1:02", "\"01:02:00\"")]
    [InlineData("time", "24:00:00", null)]
    [InlineData("uuid", "{550E8400E29B41D4A716446655440000}", "\"550e8400-e29b-41d4-a716-446655440000\"")]
    [InlineData("uuid", "550e8400", null)]
    [InlineData("json", "[1", null)]
    [InlineData("json", "", null)]
    public async Task Run_TextOfATypeThatTheUserNamed_IsReadAlikeFromEveryFormat(string type, string text, string? expected)
    {
        _files.Options = _files.Options with { BadRows = new BadRowOptions { Policy = BadRowPolicy.Quarantine } };
        _files.Write("plain.csv", $"a,b\n{(text.Contains(',', StringComparison.Ordinal) || text.Length == 0 ? $"\"{text}\"" : text)},1\n");
        _files.Write("quoted.csv", $"a,b\n\"{text}\",1\n");
        _files.Write("in.jsonl", $"{{\"a\":\"{text}\",\"b\":1}}\n");
        await _files.RunAsync("in.jsonl", "in.arrow", Cast(("a", "string")));
        // a JSON string is a JSON document whatever is in it
        foreach (var from in type == "json" ? (string[])["plain.csv", "quoted.csv", "in.arrow"] : ["plain.csv", "quoted.csv", "in.jsonl", "in.arrow"])
        {
            _files.Quarantined.Clear();
            await _files.RunAsync(from, "out.jsonl", Cast(("a", type)) with { Select = Engine.Configuration.ColumnSelection.All });
            Assert.Equal(expected is null ? "" : $"{{\"a\":{expected},\"b\":1}}\n", _files.Read("out.jsonl"));
            Assert.Equal(expected is null ? 1 : 0, _files.Quarantined.Count);
        }
    }

    [Fact]
    public async Task Run_TextThatRounds_IsRefusedUnlessAllowed()
    {
        _files.Write("in.csv", "a\n1.5\n\"1.005\"\n");
        _files.Write("in.jsonl", "{\"a\":1.5}\n{\"a\":\"1.005\"}\n");
        var error = await Assert.ThrowsAsync<DataFormatException>(() => _files.RunAsync("in.csv", "out.jsonl", Cast(("a", "decimal(18,2)"))));
        Assert.Contains("without loss. Set 'schema.lossy: allow'", error.Message, StringComparison.Ordinal);
        foreach (var from in (string[])["in.csv", "in.jsonl"])
        {
            await _files.RunAsync(from, "out.jsonl", Cast(("a", "decimal(18,2)")) with { Lossy = LossyPolicy.Allow });
            Assert.Equal("{\"a\":1.50}\n{\"a\":1.01}\n", _files.Read("out.jsonl"));
        }
    }

    [Theory]
    [InlineData("{\"a\":NaN}\n", "found 'NaN'")]
    [InlineData("\n{'a':1}\n", "double quotes")]
    [InlineData("<html></html>\n", "'<html></html>'")]
    public async Task Run_JsonOfNothingButFaults_NamesTheFirstAndNotAnEmptyFile(string text, string expected)
    {
        _files.Write("in.json", text);
        var error = await Assert.ThrowsAsync<DataFormatException>(() => _files.RunAsync("in.json", "out.csv"));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Equal(text[0] == '\n' ? 2 : 1, error.Location!.Value.Line);
    }

    [Theory]
    [InlineData("in.csv", "504b0304140000", "Excel")]
    [InlineData("in.jsonl", "504152311500", "format: parquet")]
    [InlineData("in.csv", "4f626a0104", "format: avro")]
    [InlineData("in.csv", "fd377a585a00", "xz")]
    public async Task Run_BinaryFileNamedAsText_SaysWhatItIs(string name, string bytes, string expected)
    {
        File.WriteAllBytes(_files.PathOf(name), Convert.FromHexString(bytes));
        var error = await Assert.ThrowsAsync<DataFormatException>(() => _files.RunAsync(name, "out.jsonl"));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(name, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("BZh\n1\n", "{\"BZh\":1}\n")]
    [InlineData("PAR1,ORC\n1,2\n", "{\"PAR1\":1,\"ORC\":2}\n")]
    [InlineData("sep=;\na;b\n1;\"x,y\"\n", "{\"a\":1,\"b\":\"x,y\"}\n")]
    [InlineData("\"sep=|\"\r\na|b\r\n1|2\r\n", "{\"a\":1,\"b\":2}\n")]
    [InlineData("BZh", "")]
    [InlineData("sep=,\na\n1\n", "{\"a\":1}\n")]
    [InlineData("sep=x;b\n1;2\n", "{\"sep=x\":1,\"b\":2}\n")]
    public async Task Run_FirstLineOfCsv_IsTakenForWhatItIs(string text, string expected)
    {
        _files.Write("in.csv", text);
        await _files.RunAsync("in.csv", "out.jsonl");
        Assert.Equal(expected, _files.Read("out.jsonl"));
    }

    [Fact]
    public async Task Run_JsonValueOfOneCharacterThatDoesNotFit_IsShownAlone()
    {
        _files.Write("in.json", "{\"a\":2}\n");
        var error = await Assert.ThrowsAsync<DataFormatException>(() => _files.RunAsync("in.json", "out.csv", Cast(("a", "bool"))));
        Assert.Contains("The value '2' does", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_CastThatRounds_IsRefusedUnlessAllowed()
    {
        _files.Write("in.jsonl", Rows);
        await _files.RunAsync("in.jsonl", "mid.arrow");
        var cast = Cast(("amount", "decimal(10,1)"));
        var error = await Assert.ThrowsAsync<DataFormatException>(() => _files.RunAsync("mid.arrow", "out.csv", cast));
        Assert.Contains("'12.34' of type float64 would lose something as decimal(10,1)", error.Message, StringComparison.Ordinal);
        Assert.Contains("schema.lossy: allow", error.Message, StringComparison.Ordinal);
        Assert.Empty(_files.Warnings);

        await _files.RunAsync("mid.arrow", "out.csv", cast with { Lossy = LossyPolicy.Warn });
        Assert.Contains("12.3,", _files.Read("out.csv"), StringComparison.Ordinal);
        Assert.Contains(
            "column \"amount\", float64 cast to decimal(10,1) (digits that do not fit are rounded",
            Assert.Single(_files.Warnings), StringComparison.Ordinal);

        await _files.RunAsync("mid.arrow", "out.csv", cast with { Lossy = LossyPolicy.Allow });
        Assert.Single(_files.Warnings);
    }

    [Fact]
    public async Task Run_ImpossibleCast_IsRefusedBeforeAnythingMoves()
    {
        _files.Write("in.jsonl", Rows);
        await _files.RunAsync("in.jsonl", "mid.arrow");
        var error = await Assert.ThrowsAsync<NebulaException>(() => _files.RunAsync("mid.arrow", "out.jsonl", Cast(("tags", "date"))));
        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains("\"tags\" is list<string> and cannot be cast to date", error.Message, StringComparison.Ordinal);
        Assert.Equal(["in.jsonl", "mid.arrow"], _files.Files());
    }

    [Fact]
    public async Task Run_FilesOfDifferentTypes_AreOneStream()
    {
        _files.Write("a.jsonl", "{\"id\":1,\"v\":1}\n");
        _files.Write("b.jsonl", "{\"v\":2.5,\"extra\":\"x\"}\n");
        await _files.RunAsync("a.jsonl", "in/a.arrow");
        await _files.RunAsync("b.jsonl", "in/b.arrow", Cast(("v", "decimal(5,2)")));
        await _files.RunAsync("in/*.arrow", "out.jsonl");
        Assert.Equal("{\"id\":1,\"v\":1.00,\"extra\":null}\n{\"id\":null,\"v\":2.50,\"extra\":\"x\"}\n", _files.Read("out.jsonl"));
    }

    [Fact]
    public async Task Run_NestedColumns_AreJsonTextInCsv()
    {
        _files.Write("in.jsonl", "{\"a\":[1,2],\"b\":{\"c\":\"x\"}}\n");
        await _files.RunAsync("in.jsonl", "mid.arrow");
        await _files.RunAsync("mid.arrow", "out.csv");
        Assert.Equal("a,b\n\"[1,2]\",\"{\"\"c\"\":\"\"x\"\"}\"\n", _files.Read("out.csv"));
    }

    [Fact]
    public async Task Run_TypeThatTheTargetCuts_IsRefusedUnlessAllowed()
    {
        _files.Write("in.csv", "t\n10:00:00.123456789\n");
        var nested = Cast(("t", "time(ns)"));
        var error = await Assert.ThrowsAsync<NebulaException>(() => _files.RunAsync("in.csv", "out.avro", nested));
        Assert.Equal(ErrorKind.Schema, error.Kind);
        Assert.Contains("column \"t\", time(ns) stored as long (time-micros)", error.Message, StringComparison.Ordinal);
        Assert.Contains("'schema.lossy'", error.Message, StringComparison.Ordinal);
        Assert.Equal(["in.csv"], _files.Files());

        await _files.RunAsync("in.csv", "out.avro", nested with { Lossy = LossyPolicy.Warn });
        Assert.Contains("nanoseconds are cut", Assert.Single(_files.Warnings), StringComparison.Ordinal);
        await _files.RunAsync("out.avro", "out.csv");
        Assert.Equal("t\n10:00:00.123456\n", _files.Read("out.csv"));
    }

    private static StreamRequest Cast(params (string Column, string Type)[] types) =>
        new() { Types = types.ToDictionary(static t => t.Column, static t => DataType.Parse(t.Type)!) };
}

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

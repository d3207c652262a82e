using System.Text.Json;

namespace Nebula.Cli.Tests;

/// <summary>Pipeline files, from the command line's side.</summary>
public sealed class PipelineFileTests : IDisposable
{
    private const string TwoStreams = """
        version: 1
        name: two
        source: { type: csv, path: in/ }
        target: { type: json, path: out/ }
        streams:
          "*.csv":

        """;

    private readonly NebulaProcess _nebula = new();

    public PipelineFileTests()
    {
        _nebula.Write("in/a.csv", "id,name\n1,x\n2,y\n");
        _nebula.Write("in/b.csv", "id,name\n3,z\n");
        _nebula.Write("p.yaml", TwoStreams);
    }

    public static TheoryData<string, string> WrongFiles => new()
    {
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/ }\nstreems: {}\n",
            "error: There is no key 'streems' here. Did you mean 'streams'?\n  at p.yaml, line 3, column 1" },
        { "source: { type: csv, path: in/ }\n",
            "error: 'target' is missing: the name of a connection, or a map with a 'type'. Where rows go: the name of a connection, or a connection itself.\n"
            + "  at p.yaml, line 1, column 1" },
        { "source: { type: cvs, path: in/ }\ntarget: { type: json, path: out/ }\n",
            "error: There is no connector 'cvs'. Did you mean 'csv'? 'nebula list' shows all.\n  at p.yaml, line 1, column 9" },
        { "source: { type: csv, path: in/ }\ntarget: { type: iceberg, catalog: { type: rest } }\n",
            "error: The connector 'iceberg' is not supported yet. 'nebula list' shows those that are.\n  at p.yaml, line 2, column 9" },
        { "source: { type: csv, path: in/, limits: { max_connections: 8 } }\ntarget: { type: json, path: out/ }\n",
            "error: source \"csv\" has no option 'limits.max_connections'. Under 'limits' it takes max_bytes_per_second.\n  at p.yaml, line 1, column 60" },
        { "source: { type: csv, path: in/, limits: { max_bytes_per_second: 200 } }\ntarget: { type: json, path: out/ }\n",
            "error: Option 'limits.max_bytes_per_second' of source \"csv\" must be a size with a unit, such as 64MB; it is '200'.\n"
            + "  at p.yaml, line 1, column 65" },
        { "source: { type: csv, paht: in/ }\ntarget: { type: json, path: out/ }\n",
            "error: source \"csv\" has no option 'paht'. Did you mean 'path'?\n  at p.yaml, line 1, column 28" },
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/, format: rows }\n",
            "error: Option 'format' of target \"json\" must be one of lines, array; it is 'rows'.\n  at p.yaml, line 2, column 43" },
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out.json }\n",
            "error: 2 streams cannot all be written to 'out.json'. Make them one stream with 'single: true', give the target a folder (path: out.json/), "
            + "or set 'object' to a name with {stream_name} in it.\n  at p.yaml, line 2, column 9" },
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/ }\ndefaults: { object: same.json }\n",
            "error: The streams 'a.csv' and 'b.csv' would both be written to 'out/same.json'. "
            + "Put {stream_name} into 'object', or make them one stream with 'single: true'.\n  at p.yaml, line 3, column 21" },
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/ }\nstreams: { c.csv: { select: [id] } }\n",
            "error: The source has no stream 'c.csv'. Did you mean 'a.csv'?\n  at p.yaml, line 3, column 12" },
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/ }\ndefaults: { mode: cdc }\n",
            "error: 'mode: cdc' needs a log of changes, which csv does not have. Use full-refresh or incremental.\n  at p.yaml, line 3, column 19" },
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/ }\ndefaults: { where: \"id > 1\" }\n",
            "error: 'where' is for databases; csv has no SQL.\n  at p.yaml, line 3, column 20" },
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/ }\ndefaults: { write: merge, primary_key: [id] }\n",
            "error: The target can only add rows, not merge them. Use 'write: append'.\n  at p.yaml, line 3, column 20" },
        { "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/ }\ndefaults: { schema: { columns: freeze } }\n",
            "error: 'schema' can only be about 'lossy' here: the target's files have the columns of the rows that are in them.\n  at p.yaml, line 3, column 21" },
        { "source: { type: csv, path: \"${NO_SUCH_VARIABLE}\" }\ntarget: { type: json, path: out/ }\n",
            "error: The variable 'NO_SUCH_VARIABLE' is not set. Set it with --env NO_SUCH_VARIABLE=…, in the environment or in .env, "
            + "or give it a default: ${NO_SUCH_VARIABLE:-…}.\n  at p.yaml, line 1, column 28" },
        { "source: { type: csv, path: in/\n", "error: " },
    };

    [Fact]
    public void Run_TwoFiles_WritesBothAndAccountsForThem()
    {
        var outcome = _nebula.Run("run", "p.yaml");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal("{\"id\":1,\"name\":\"x\"}\n{\"id\":2,\"name\":\"y\"}\n", _nebula.Read("out/a.jsonl"));
        Assert.Equal("{\"id\":3,\"name\":\"z\"}\n", _nebula.Read("out/b.jsonl"));
        Assert.Contains("2 of 2 streams, 3 rows in", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_TemplateInTheSourcePath_IsTheTimeOfTheRun()
    {
        // at midnight the year may have changed in between: then either is right
        foreach (var year in new[] { DateTime.UtcNow.Year, DateTime.UtcNow.AddMinutes(5).Year }.Distinct())
            _nebula.Write($"in/{year}/t.csv", "id\n7\n");
        _nebula.Write("t.yaml", "source: { type: csv, path: \"in/{YYYY}/*.csv\" }\ntarget: { type: json, path: out/ }\n");
        Assert.Equal(0, _nebula.Run("run", "t.yaml").ExitCode);
        Assert.Equal("{\"id\":7}\n", _nebula.Read("out/t.jsonl"));
    }

    [Theory]
    [InlineData("skip", "", 0, "read 2 = written 1 + skipped 1 + quarantined 0")]
    [InlineData("quarantine", "", 0, "read 2 = written 1 + skipped 0 + quarantined 1")]
    [InlineData("skip", "--bad-rows fail", 5, "line 3")]
    [InlineData("skop", "", 2, "Did you mean 'skip'?")]
    public void Run_BadRowsAmongSourceOptions_HoldUnlessAFlagSaysOtherwise(string policy, string flags, int code, string expected)
    {
        _nebula.Write("bad.csv", "id,name\n1,x\n2\n");
        _nebula.Write("b.yaml",
            "source: { type: csv, path: bad.csv }\ntarget: { type: csv, path: out.csv }\n"
            + $"streams: {{ \"*\": {{ source_options: {{ bad_rows: {policy} }} }} }}\n");
        var outcome = _nebula.Run(["run", "b.yaml", .. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal(code, outcome.ExitCode);
        Assert.Contains(expected, outcome.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../x.json")]
    [InlineData("a/../../x.json")]
    [InlineData("/tmp/x.json")]
    public void Run_ObjectOutsideOfTheTarget_IsRefused(string name)
    {
        _nebula.Write("o.yaml", $"source: {{ type: csv, path: in/a.csv }}\ntarget: {{ type: json, path: out/ }}\ndefaults: {{ object: {name} }}\n");
        var outcome = _nebula.Run("run", "o.yaml");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("leads out of 'out/'", outcome.ErrorLines, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_Flags_WinOverTheFile()
    {
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "--streams", "a*", "--limit", "1", "--set", "target.nulls=omit", "--batch-size", "5000", "--workers",
            "4", "--max-concurrency", "50", "--flush-interval", "10s", "--timeout", "300s", "--log-level", "info").ExitCode);
        Assert.Equal("{\"id\":1,\"name\":\"x\"}\n", _nebula.Read("out/a.jsonl"));
        Assert.False(_nebula.Exists("out/b.jsonl"));
    }

    [Fact]
    public void Run_SplitForm_MovesOneStream()
    {
        _nebula.Write("src.json", """{ "type": "csv", "path": "in/a.csv" }""");
        _nebula.Write("dest.json", """{ "type": "json", "path": "a.json", "format": "array" }""");
        Assert.Equal(0, _nebula.Run("run", "--source", "src.json", "--destination", "dest.json", "--batch-size", "5000", "--workers", "4").ExitCode);
        Assert.Equal("[\n{\"id\":1,\"name\":\"x\"},\n{\"id\":2,\"name\":\"y\"}\n]\n", _nebula.Read("a.json"));
    }

    [Fact]
    public void Run_OneStreamFails_TheOtherIsWrittenAndTheCodeSaysSo()
    {
        _nebula.Write("in/b.csv", "id,name\n3,z\n4\n");
        var outcome = _nebula.Run("run", "p.yaml");
        Assert.Equal(10, outcome.ExitCode);
        Assert.True(_nebula.Exists("out/a.jsonl"));
        Assert.False(_nebula.Exists("out/b.jsonl"));
        Assert.Contains("1 of 2 streams", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_AllStreamsFail_TheCodeIsThatOfTheFirst()
    {
        _nebula.Write("in/a.csv", "id,name\n1\n");
        _nebula.Write("in/b.csv", "id,name\n3,z\n4\n");
        Assert.Equal(5, _nebula.Run("run", "p.yaml").ExitCode);
        Assert.False(Directory.Exists(_nebula.PathOf("out")) && Directory.EnumerateFiles(_nebula.PathOf("out")).Any());
    }

    [Theory, MemberData(nameof(WrongFiles))]
    public void Run_WrongFile_SaysWhereAndWhatToWrite(string content, string message)
    {
        _nebula.Write("p.yaml", content);
        var outcome = _nebula.Run("run", "p.yaml");
        if (message == "error: ")
            Assert.StartsWith(message, outcome.ErrorLines, StringComparison.Ordinal);
        else
            Assert.Equal(message, outcome.ErrorLines);
        Assert.Equal(2, outcome.ExitCode);
        Assert.False(Directory.Exists(_nebula.PathOf("out")));
    }

    [Fact]
    public void Validate_SeveralProblems_AreAllTold()
    {
        _nebula.Write("p.yaml", "source: { type: csv, path: in/ }\ntarget: { type: json, path: out/ }\nstreams:\n  a.csv:\n    selct: [id]\n    limit: few\n");
        var outcome = _nebula.Run("validate", "p.yaml");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Equal(
            "error: 2 problems in the configuration:\n  p.yaml, line 5, column 5: There is no key 'selct' here. Did you mean 'select'?\n"
            + "  p.yaml, line 6, column 12: 'limit' must be a whole number, at least 0, or none; it is 'few'.",
            outcome.ErrorLines);
    }

    [Fact]
    public void Validate_GoodFile_OfflineAndOnline()
    {
        Assert.Equal(0, _nebula.Run("validate", "p.yaml").ExitCode);
        var online = _nebula.Run("validate", "p.yaml", "--online");
        Assert.Equal(0, online.ExitCode);
        Assert.Contains("stream a.csv -> out/a.jsonl", online.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_nebula.PathOf("out")));
    }

    [Fact]
    public void Validate_Explain_ShowsWhereEachSettingComesFrom()
    {
        _nebula.Write("p.yaml", TwoStreams.Replace("\"*.csv\":", "\"*.csv\": { limit: 7 }", StringComparison.Ordinal));
        Assert.Matches(@"limit +7 +p\.yaml, line 6, column \d+\n", _nebula.Run("validate", "p.yaml", "--explain", "a.csv").Output);
    }

    [Fact]
    public void Run_Secrets_AreNeverShown()
    {
        _nebula.Variables["SOURCE_PATH"] = "hidden-place-4711.csv";
        _nebula.Write("p.yaml", "source: { type: csv, path: \"${secret:env://SOURCE_PATH}\" }\ntarget: { type: json, path: out.json }\n");
        foreach (var arguments in (string[][])[["run", "p.yaml", "--log-level", "debug"], ["validate", "p.yaml", "--explain", "x"], ["check", "p.yaml"],
            ["run", "p.yaml", "--output", "json"]])
        {
            var outcome = _nebula.Run(arguments);
            Assert.DoesNotContain("4711", outcome.Output + outcome.Errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Run_EventsOfJsonOutput_AccountForEveryRow()
    {
        _nebula.Write("in/b.csv", "id,name\n3,z\n4\n5,q\n");
        var outcome = _nebula.Run("run", "p.yaml", "--output", "json", "--bad-rows", "skip");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Errors);
        var events = outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement).ToList();
        Assert.Equal("run_started", events[0].GetProperty("event").GetString());
        Assert.Equal(2, events.Count(static e => e.GetProperty("event").GetString() == "stream_completed"));
        Assert.Single(events.Select(static e => e.GetProperty("run_id").GetString()).Distinct());
        var last = events[^1];
        Assert.Equal("run_completed", last.GetProperty("event").GetString());
        Assert.Equal("succeeded", last.GetProperty("status").GetString());
        long Sum(string name) => last.GetProperty("streams").EnumerateArray().Sum(stream => stream.GetProperty(name).GetInt64());
        Assert.Equal((5, 4, 1, 0), (Sum("rows_read"), Sum("rows_written"), Sum("rows_skipped"), Sum("rows_quarantined")));
    }

    [Fact]
    public void Run_EventsOfJsonOutput_FollowThePublishedSchema()
    {
        var schema = JsonDocument.Parse(_nebula.Run("schema", "run-summary").Output).RootElement;
        _nebula.Write("in/b.csv", "id,name\n3,z\n4\n");
        var outcome = _nebula.Run("run", "p.yaml", "--output", "json");
        foreach (var line in outcome.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            MiniSchema.Check(schema, schema, JsonDocument.Parse(line).RootElement, line);
        Assert.Contains("\"stream_failed\"", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_EventsWhileOutputCarriesRows_GoToStandardError()
    {
        var outcome = _nebula.Run("pipeline", "csv", "csv", "--source-path", "in/a.csv", "--dest-path", "-", "--output", "json");
        Assert.Equal("id,name\n1,x\n2,y\n", outcome.Output);
        Assert.Contains("\"run_completed\"", outcome.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Schema_Config_IsJson() =>
        Assert.Equal("Nebula pipeline", JsonDocument.Parse(_nebula.Run("schema", "config").Output).RootElement.GetProperty("title").GetString());

    [Fact]
    public void Quickstart_Sample_RunsAndGivesItsRows()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Nebula.sln")))
            root = root.Parent ?? throw new DirectoryNotFoundException("The repository was not found above the tests.");
        foreach (var name in (string[])["pipeline.yaml", "in/orders.csv", "in/customers.csv"])
            _nebula.Write($"samples/quickstart/{name}", File.ReadAllText(Path.Combine(root.FullName, "samples/quickstart", name)));
        Assert.Equal(0, _nebula.Run("run", "samples/quickstart/pipeline.yaml").ExitCode);
        Assert.Equal(14, _nebula.Read("samples/quickstart/out/orders.jsonl").AsSpan().Count('\n'));
        Assert.StartsWith("customer_id,name,email,city,customer_since\n", _nebula.Read("samples/quickstart/out/customers.csv"), StringComparison.Ordinal);
    }

    public void Dispose() => _nebula.Dispose();
}

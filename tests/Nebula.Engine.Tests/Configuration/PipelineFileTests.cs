using Nebula.Engine.Configuration;
using Nebula.Engine.Connectors;
using Nebula.Engine.Storage;

namespace Nebula.Engine.Tests.Configuration;

public sealed class PipelineFileTests : IDisposable
{
    private const string Ends = "source: { type: csv, path: in.csv }\ntarget: { type: json, path: out.json }\n";

    private readonly PipelineFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_FileToFile_GivesEverySetting()
    {
        var pipeline = _folder.Load("""
            version: 1
            name: sales
            source: { type: csv, path: "in/{YYYY}/*.csv.gz" }       # inline connection
            destination: { type: file, path: "out" }
            defaults: { mode: full-refresh }
            timeouts: { run: 5m }
            limits: { memory: 512MB, max_duration: none }
            run: { parallel_streams: 2 }
            observability: { logging_level: warning }
            performance: { batch_size: 5000 }
            streams:
              "sales_*.csv.gz":
                single: true
                object: "{stream_file_stem}/part-{part:05}.parquet"
                source_options: { delimiter: ";", encoding: windows-1252, header: true, quote: '"', bad_rows: quarantine, null_values: ["", "NA"] }
                target_options: { format: parquet, compression: zstd, nested: { row_group_size: 128MB } }
                select: [id, "*", -card]
                columns: { total: "decimal(18,2)", id: { type: int64, name: sale_id } }
                limit: 100
                on_error: { bad_rows: quarantine, max_bad_rows: 7, quarantine_path: "bad/{stream_name}.csv" }
                performance: { workers: 3, flush_interval: 250ms }
                storage: { mode: columnar }
            """);

        Assert.Equal("sales", pipeline.Name);
        Assert.Equal(("csv", "csv", "in/{YYYY}/*.csv.gz"), (pipeline.Source.Name, pipeline.Source.Type, pipeline.Source.Options["path"].Text));
        Assert.Equal(("file", 4L), (pipeline.Target.Type, pipeline.Target.Location.Line));
        Assert.Equal((TimeSpan.FromMinutes(5), null, 512_000_000L), (pipeline.Settings.Timeout, pipeline.Settings.MaxDuration, pipeline.Settings.Memory));
        Assert.Equal((2, LoggingLevel.Warn), (pipeline.Settings.ParallelStreams, pipeline.Settings.LoggingLevel));

        var stream = Assert.Single(new StreamResolver(pipeline).Resolve(["sales_1.csv.gz", "other.csv", "sales_2.csv.gz"]));
        Assert.Equal("sales_*.csv.gz", stream.Name);
        Assert.Equal(["sales_1.csv.gz", "sales_2.csv.gz"], stream.Members.ToArray());
        Assert.Equal(";", stream.SourceOptions["delimiter"].Text);
        Assert.Equal(["", "NA"], stream.SourceOptions["null_values"].Items);
        Assert.Equal("128MB", stream.TargetOptions["nested.row_group_size"].Text);
        Assert.Equal("{stream_file_stem}/part-{part:05}.parquet", stream.Object!.Text);
        Assert.Equal([2, 0], stream.Select.Apply(["total", "card", "id"]).ToArray());
        Assert.Equal(("decimal(18,2)", null), (stream.Columns["total"].Type!.ToString(), stream.Columns["total"].Name));
        Assert.Equal(("int64", "sale_id"), (stream.Columns["id"].Type!.ToString(), stream.Columns["id"].Name));
        Assert.Equal((100L, BadRowPolicy.Quarantine, 7L), (stream.Limit, stream.BadRows, stream.MaxBadRows));
        Assert.Equal("bad/{stream_name}.csv", stream.QuarantinePath!.Text);
        Assert.Equal(new PerformanceConfig { BatchSize = 5000, Workers = 3, FlushInterval = TimeSpan.FromMilliseconds(250) }, stream.Performance);
        Assert.Equal(new StorageConfig { Mode = StorageMode.Columnar }, stream.Storage);
    }

    [Fact]
    public void Load_SmallestFile_GivesDefaultsForEveryStream()
    {
        var pipeline = _folder.Load(Ends);
        Assert.Equal("pipeline", pipeline.Name);
        Assert.Equal(new RunSettings { ParallelStreams = 2 }, pipeline.Settings);
        var stream = Assert.Single(new StreamResolver(pipeline).Resolve(["a"]));
        Assert.Equal(("a", SyncMode.FullRefresh, BadRowPolicy.Fail, null, null), (stream.Name, stream.Mode, stream.BadRows, stream.Limit, stream.Object));
        Assert.Equal((new PerformanceConfig(), new StorageConfig()), (stream.Performance, stream.Storage));
        Assert.True(stream.Select.IsAll);
    }

    [Fact]
    public void Load_Json_MeansTheSameAsYaml()
    {
        const string json = """
            {
            	"$schema": "./nebula.schema.json",
            	"source": {"type":"csv","path":"C:\\data\/\u00e9\ud83d\ude00.csv","header":true,"skip_rows":2},
            	"target": {"type":"json","path":"out.json"},
            	"streams": {"*":{"limit":5,"single":null,"object":"a{{b"}}
            }
            """;
        var pipeline = PipelineFile.Load(_folder.Write("p.json", json), _folder.Environment);
        Assert.Equal("C:\\data/é😀.csv", pipeline.Source.Options["path"].Text);
        Assert.Equal(("true", "2"), (pipeline.Source.Options["header"].Text, pipeline.Source.Options["skip_rows"].Text));
        Assert.Equal(3, pipeline.Source.Options["skip_rows"].Location.Line);
        Assert.Equal(5, new StreamResolver(pipeline).Find("x")!.Limit);
    }

    public static TheoryData<string, string[]> BadFiles => new()
    {
        { "", ["1 'source' is missing: the name of a connection, or a map with a 'type'. Where rows come from: the name of a connection, or a"
            + " connection itself.",
               "1 'target' is missing: the name of a connection, or a map with a 'type'. Where rows go: the name of a connection, or a connection itself."] },
        { Ends + "verison: 1", ["3:1 There is no key 'verison' here. Did you mean 'version'?"] },
        { Ends + "version: 2", ["3:10 'version' must be 1; it is '2'."] },
        { Ends + "destination: x", ["3:1 'destination' means the same as 'target' in line 2; remove one of them."] },
        { Ends + "target: x", ["3:1 The key 'target' is already set in line 2; remove one of them."] },
        { Ends + "hooks: { before: [] }\nazure: { hub: x }\nschedule: daily",
            ["3:1 'hooks' is not supported yet.", "4:10 'hub' is not supported yet.",
             "5:11 'schedule' must be a schedule of six fields, second to day of the week, such as 0 */5 * * * *, or none; it is 'daily'."] },
        { Ends + "mode: full-refresh", ["3:1 'mode' belongs to a stream: put it under 'defaults' or under a stream in 'streams'."] },
        { Ends + "defaults: { verify: readback }", ["3:21 'verify: readback' is not supported yet. It can be one of off, count, chunk."] },
        { Ends + "defaults: { cdc: { on_position_lost: mend } }", ["3:38 'on_position_lost' must be one of fail, resnapshot, repair; it is 'mend'."] },
        { Ends + "defaults: { lookback: 2h, write: scd2, primary_key: [[a]] }",
            ["3:34 'write: scd2' is not supported yet. It can be one of replace, append, merge.",
             "3:54 The items of 'primary_key' must be column names; this is a list."] },
        { Ends + "defaults: { write: truncate_insert }",
            ["3:20 'write: truncate_insert' is not supported yet. It can be one of replace, append, merge."] },
        { Ends + "state: { location: target }",
            ["3:20 'location' must be the path of a folder, or none; state in targets and object stores is not supported yet; it is 'target'."] },
        { Ends + "state: azure_blob://account/container",
            ["3:8 'state' must be the path of a folder, or none; state in targets and object stores is not supported yet; it is "
             + "'azure_blob://account/container'."] },
        { Ends + "defaults: { mode: Backfill }", ["3:19 'mode: backfill' is not supported yet. It can be one of full-refresh, incremental, cdc, cdc-only."] },
        { Ends + "defaults: { schema: { tables: discard_row } }", ["3:31 'tables: discard_row' is not supported yet. It can be one of evolve, freeze."] },
        { Ends + "defaults: { mode: ful-refresh }",
            ["3:19 'mode' must be one of full-refresh, incremental, cdc, cdc-only; it is 'ful-refresh'. Did you mean 'full-refresh'?"] },
        { Ends + "defaults: { performance: { flush_interval: 10, batch_size: 0, workers: many } }",
            ["3:44 'flush_interval' must be a duration with a unit, such as 30s; it is '10'.",
             "3:60 'batch_size' must be a whole number from 1 to 10000000; it is '0'.",
             "3:72 'workers' must be a whole number from 1 to 1024; it is 'many'."] },
        { Ends + "limits: { memory: 512 }", ["3:19 'memory' must be a size with a unit, such as 64MB, or none; it is '512'."] },
        { Ends + "limits: { memory: 79228162514264337593543950335TB, max_duration: -Infinitys }",
            ["3:19 'memory' must be a size with a unit, such as 64MB, or none; it is '79228162514264337593543950335TB'.",
             "3:66 'max_duration' must be a duration with a unit, such as 30s, or none; it is '-Infinitys'."] },
        { Ends + "timeouts: { run: 1h, connection: 30s }", ["3:22 'connection' is not supported yet."] },
        { Ends + "streams: [a, b]", ["3:10 'streams' must be a map; it is a list."] },
        { Ends + "streams: {}", ["3:1 'streams' names no stream. Write '\"*\":' for every stream of the source."] },
        { Ends + "streams:", ["3:1 'streams' names no stream. Write '\"*\":' for every stream of the source."] },
        { Ends + "streams:\n  a:\n    single: yes\n    enabled: 1\n    resource: id\n    select: [[a], b]\n    limit: -1",
            ["5:13 'single' must be true or false; it is 'yes'.",
             "6:14 'enabled' must be true or false; it is '1'.",
             "7:5 'resource' is not supported yet.",
             "8:14 The items of 'select' must be column names; this is a list.",
             "9:12 'limit' must be a whole number, at least 0, or none; it is '-1'."] },
        { Ends + "streams: { a: { select: [x, -x] } }", ["3:29 'select' names 'x' twice."] },
        { Ends + "streams: { a: { select: [] } }", ["3:25 'select' is empty. Write [\"*\"] for all columns."] },
        { Ends + "streams: { a: { columns: { id: int46, b: { type: [int64], mask: sha256 } } } }",
            ["3:32 'id' must be a type such as string, int64, decimal(18,2), date or timestamp; it is 'int46'.",
             "3:50 'type' must be a type such as string, int64, decimal(18,2), date or timestamp; it is a list.",
             "3:59 'mask' is not supported yet."] },
        { Ends + "streams: { a: { object: \"x/{stream_nam}\" } }",
            ["3:25 There is no variable '{stream_nam}'. Did you mean 'stream_name'? Known are {DD} {HH} {MM} {YYYY} {part} {run_id} {run_timestamp}"
                + " {source_name} {stream_file_ext}"
             + " {stream_file_name} {stream_file_path} {stream_file_stem} {stream_folder} {stream_name} {stream_schema} {stream_table} {target_name};"
                 + " write '{{' for a brace itself."] },
        { Ends + "streams: { a: { object: [x] } }", ["3:25 'object' must be a text; it is a list."] },
        { Ends + "streams: { a: { source_options: { x: [ { y: 1 } ] } } }", ["3:40 The items of 'x' must be texts; this is a map."] },
        { Ends + "streams: { a: { storage: { mode: colunnar, compression: zip } } }",
            ["3:34 'mode' must be one of auto, row, columnar, hybrid; it is 'colunnar'. Did you mean 'columnar'?",
             "3:44 'compression' is not supported yet."] },
        { "source: { path: x }\ntarget: 1.5", ["1:9 A connection needs a 'type': the name of a connector.",
            "2:9 There is no connection '1.5'. Define it under 'connections', in /home/connections.yaml or in the variable NEBULA_CONN_1_5; or write a"
                + " map with a 'type' here."] },
        { "connections: { lake: { type: file } }\nsource: lkae\ntarget: lake",
            ["2:9 There is no connection 'lkae'. Did you mean 'lake'? Define it under 'connections', in /home/connections.yaml or in the variable"
                + " NEBULA_CONN_LKAE; or write a map with a 'type' here."] },
        { "source: [a]\ntarget:\n", ["1:9 'source' must be the name of a connection, or a map with a 'type'; it is a list.",
            "2:8 'target' must be the name of a connection, or a map with a 'type'; it is nothing."] },
        { "- a\n- b", ["1:1 A configuration is a map of keys, such as 'source: …'; this is a list."] },
        { "hello", ["1:1 A configuration is a map of keys, such as 'source: …'; this is 'hello'."] },
    };

    [Theory, MemberData(nameof(BadFiles))]
    public void Load_BadFile_ReportsEveryProblemWithItsPlace(string yaml, string[] problems) => Assert.Equal(problems, _folder.Problems(yaml));

    [Fact]
    public void Load_OneProblem_HasItsLocationInTheMessage()
    {
        var error = Assert.Throws<ConfigurationException>(() => _folder.Load(Ends + "hooks: 1"));
        Assert.Equal((3L, "1"), (error.Location!.Value.Line, error.Location.Value.Column));
        Assert.EndsWith("pipeline.yaml, line 3, column 1: 'hooks' is not supported yet.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_SeveralProblems_ListsThemInTheMessage()
    {
        var error = Assert.Throws<ConfigurationException>(() => _folder.Load(Ends + "hooks: 1\nplan: 2"));
        Assert.Null(error.Location);
        Assert.StartsWith("2 problems in the configuration:\n", error.Message, StringComparison.Ordinal);
        Assert.Contains("pipeline.yaml, line 4, column 1: 'plan' is not supported yet.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MissingFile_SaysSo() =>
        Assert.Equal(["none.yaml 0 The file does not exist."],
            _folder.Problems(() => PipelineFile.Load(Path.Combine(_folder.Root, "none.yaml"), _folder.Environment)));

    [Theory]
    [InlineData("full_refresh"), InlineData("Full-Refresh"), InlineData("replace"), InlineData("full_refresh_overwrite"),
        InlineData("Full refresh – overwrite")]
    public void Load_ModeOfAnotherTool_MeansFullRefresh(string mode) => Assert.Equal(
        SyncMode.FullRefresh, new StreamResolver(_folder.Load(Ends + $"defaults: {{ mode: \"{mode}\" }}")).Find("a")!.Mode);

    [Theory]
    [InlineData("incremental_append_dedupe"), InlineData("Incremental – append + dedupe"), InlineData("incremental - append + dedupe")]
    public void Load_ModeOfAnotherTool_MeansIncremental(string mode) => Assert.Equal(
        SyncMode.Incremental, new StreamResolver(_folder.Load(Ends + $"defaults: {{ mode: \"{mode}\" }}")).Find("a")!.Mode);

    [Fact]
    public void LoadSplit_LimitsOfRunAndConnection_GoWhereTheyBelong()
    {
        var source = _folder.Write("src.json", """
            { "type": "csv", "path": "a.csv", "limits": { "memory": "1GB", "max_bytes_per_second": "2MB", "max_connections": 3 } }
            """);
        var target = _folder.Write("dest.json", """{ "type": "json", "path": "b.json", "limits": { "max_duration": "1h" } }""");
        var pipeline = PipelineFile.LoadSplit(source, target, _folder.Environment);
        Assert.Equal(["limits.max_bytes_per_second", "limits.max_connections", "path"], pipeline.Source.Options.Keys.Order());
        Assert.Equal(["path"], pipeline.Target.Options.Keys);
        Assert.Equal((1_000_000_000, TimeSpan.FromHours(1)), (pipeline.Settings.Memory, pipeline.Settings.MaxDuration));
    }

    [Fact]
    public void LoadSplit_SeedFiles_GiveOneStream()
    {
        var source = _folder.Write("src.json", """
            { "type": "csv", "path": "users.csv", "has_header": true, "performance": { "batch_size": 10000, "workers": 8 }, "storage": { "mode": "hybrid" } }
            """);
        var target = _folder.Write("dest.json", """
            { "type": "json", "path": "users.json", "format": "array", "performance": { "workers": 2 }, "observability": { "logging_level": "debug" } }
            """);
        var pipeline = PipelineFile.LoadSplit(source, target, _folder.Environment, [new("performance.flush_interval", "3s", "--flush-interval")]);
        Assert.Equal(["has_header", "path"], pipeline.Source.Options.Keys.Order());
        Assert.Equal(["format", "path"], pipeline.Target.Options.Keys.Order());
        Assert.Equal(("src", LoggingLevel.Debug), (pipeline.Name, pipeline.Settings.LoggingLevel));
        var stream = Assert.Single(new StreamResolver(pipeline).Resolve(["users.csv", "more.csv"]));
        Assert.Equal(["users.csv", "more.csv"], stream.Members.ToArray());
        Assert.Equal(new PerformanceConfig { BatchSize = 10000, Workers = 2, FlushInterval = TimeSpan.FromSeconds(3) }, stream.Performance);
        Assert.Equal(StorageMode.Hybrid, stream.Storage.Mode);
    }

    [Fact]
    public void LoadSplit_BothFilesWrong_ReportsBoth()
    {
        var source = _folder.Write("src.yaml", "path: a\nperformance: { workers: x }");
        var target = _folder.Write("dest.yaml", "type: json\nobservability: { metrics_enabled: true }\ntimeouts: { idle: 300s }");
        Assert.Equal(
            ["dest.yaml 2:18 'metrics_enabled' is not supported yet.",
             "dest.yaml 3:13 'idle' is not supported yet.",
             "src.yaml 1:1 A connection needs a 'type': the name of a connector.",
             "src.yaml 2:25 'workers' must be a whole number from 1 to 1024; it is 'x'."],
            _folder.Problems(() => PipelineFile.LoadSplit(source, target, _folder.Environment)));
    }

    [Fact]
    public void Load_Overrides_WinOverEverything()
    {
        var pipeline = _folder.Load(
            Ends + "name: a\nrun: { parallel_streams: 3 }\nstreams: { a: { limit: 5, performance: { batch_size: 10, workers: 2 } } }",
            new("name", "b", "--name"),
            new("performance.batch_size", "99", "--batch-size"),
            new("limit", "none", "--limit"),
            new("run.parallel_streams", "9", "--parallel"),
            new("timeouts.run", "300s", "--timeout"),
            new("source.path", "other.csv", "--source-path"),
            new("source.delimiter", ";", "--set"));
        Assert.Equal(("b", 9, TimeSpan.FromMinutes(5)), (pipeline.Name, pipeline.Settings.ParallelStreams, pipeline.Settings.Timeout));
        Assert.Equal(("other.csv", ";", "csv"), (pipeline.Source.Options["path"].Text, pipeline.Source.Options["delimiter"].Text, pipeline.Source.Type));
        var stream = new StreamResolver(pipeline).Find("a")!;
        Assert.Equal((null, 99, 2), (stream.Limit, stream.Performance.BatchSize, stream.Performance.Workers));
    }

    [Fact]
    public void Load_WrongOverride_NamesTheFlag() => Assert.Equal(
        ["--batch-size 0 --batch-size must be a whole number from 1 to 10000000; it is 'x'.",
         "--set 0 There is no key 'perfomance' here. Did you mean 'performance'?"],
        _folder.Problems(Ends, new("performance.batch_size", "x", "--batch-size"), new("perfomance.workers", "2", "--set")));

    [Fact]
    public void Connections_FromAllPlaces_FollowPrecedence()
    {
        _folder.Write("home/connections.yaml", "connections:\n  a: { type: home }\n  b: { type: home, password: \"${B_PASSWORD}\" }\n  c: { type:"
            + " home, password: \"${NOT_SET}\" }");
        _folder.Process["NEBULA_CONN_LAKE_1"] = "postgresql://me:p%40ssw0rd@host/db";
        _folder.Process["NEBULA_CONN_JS"] = """{"type":"env","path":"x","token":"t0ps3cret"}""";
        _folder.Process["B_PASSWORD"] = "hunter22";

        var own = _folder.Load("connections: { a: { type: own } }\nsource: a\ntarget: b");
        Assert.Equal((("a", "own"), ("b", "home")), ((own.Source.Name, own.Source.Type), (own.Target.Name, own.Target.Type)));
        Assert.Equal("hunter22", own.Target.Options["password"].Text);

        var environment = _folder.Load("connections: { js: { type: own } }\nsource: lake-1\ntarget: js");
        Assert.Equal(("lake-1", "postgresql", "postgresql://me:p%40ssw0rd@host/db"),
            (environment.Source.Name, environment.Source.Type, environment.Source.Options["url"].Text));
        Assert.Equal(("env", "x"), (environment.Target.Type, environment.Target.Options["path"].Text));
        Assert.Equal("*** *** *** ***", _folder.Environment.Secrets.Redact("p@ssw0rd p%40ssw0rd t0ps3cret hunter22"));

        Assert.Equal("home", PipelineFile.LoadConnection("a", _folder.Environment).Type);
        Assert.Contains("'NOT_SET' is not set", _folder.Problems(() => PipelineFile.LoadConnection("c", _folder.Environment))[0], StringComparison.Ordinal);
    }

    [Fact]
    public void FromConnections_Overrides_SetOptionsAndSettings()
    {
        var at = new Nebula.Engine.Diagnostics.SourceLocation("command line");
        var pipeline = PipelineFile.FromConnections(
            new("csv", "csv", at), new("json", "json", at), _folder.Environment, [new("source.path", "a.csv", "--source-path"), new("limit", "3", "--limit")]);
        Assert.Equal(("csv-json", "a.csv"), (pipeline.Name, pipeline.Source.Options["path"].Text));
        Assert.Equal((true, 3L), (new StreamResolver(pipeline).Find("a.csv")!.IsSingle, new StreamResolver(pipeline).Find("a.csv")!.Limit));
    }
}

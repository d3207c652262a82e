using System.Globalization;
using Nebula.Connectors.Files;
using Nebula.Connectors.Files.Output;
using Nebula.Connectors.ObjectStores;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Connectors.Tests.Files;

/// <summary>Streams that become several files: by size, by partition, by the names that users give.</summary>
public sealed class DirectoryOutputTests : IDisposable
{
    private const string Orders = """
        id,country,at
        1,DE,2024-01-31T23:59:59Z
        2,FR,2024-02-01T00:00:00Z
        3,,2024-02-01T12:00:00Z
        4,DE,2023-12-31T00:00:00Z
        5,a/b=c%,

        """;

    private readonly FileRun _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("csv", "")]
    [InlineData("csv", ".gz")]
    [InlineData("csv", ".br")]
    [InlineData("csv", ".zst")]
    [InlineData("jsonl", "")]
    [InlineData("arrow", "")]
    [InlineData("avro", "")]
    [InlineData("parquet", "")]
    [InlineData("orc", "")]
    public async Task FileSize_Reached_StartsTheNextFile(string extension, string codec)
    {
        var rows = Enumerable.Range(0, 60_000).Select(static i => $"{i},{i * 7919L % 1_000_003},text {i % 97}").ToArray();
        _files.Write("in.csv", "a,b,c\n" + string.Join('\n', rows) + "\n");
        _files.Options = _files.Options with { Workers = 3 };
        var result = await _files.RunAsync("in.csv", $"out/rows.{extension}{codec}", null, ("file_size", "20KB"));
        var parts = Data("out");
        Assert.True(parts.Length > 1 || codec == ".br" || extension is "parquet" or "orc" or "arrow" or "avro", string.Join(", ", parts));
        Assert.Equal(Enumerable.Range(0, parts.Length).Select(i => $"rows-{i:00000}.{extension}{codec}"), parts);
        Assert.Equal(parts.Select(part => _files.PathOf("out/" + part)), result.Receipt.Locations);
        Assert.Equal(parts.Sum(part => new FileInfo(_files.PathOf("out/" + part)).Length), result.StoredBytes);
        if (extension == "csv" && codec.Length == 0)
            Assert.All(parts[..^1], part => Assert.InRange(new FileInfo(_files.PathOf("out/" + part)).Length, 20_000, 200_000));
        await _files.RunAsync("out", "back.csv");
        Assert.Equal(_files.Read("in.csv"), _files.Read("back.csv"));
    }

    [Theory]
    [InlineData("csv")]
    [InlineData("csv.gz")]
    [InlineData("jsonl")]
    [InlineData("arrow")]
    [InlineData("avro")]
    [InlineData("parquet")]
    [InlineData("orc")]
    public async Task PartitionBy_ColumnsAndDays_MakesFolders(string extension)
    {
        _files.Write("in.csv", Orders);
        await _files.RunAsync("in.csv", $"out/orders.{extension}", Timestamps, ("partition_by", "country,day(at)"));
        Assert.Equal(
            [$"country=DE/at_day=2023-12-31/orders-00000.{extension}", $"country=DE/at_day=2024-01-31/orders-00000.{extension}",
                $"country=FR/at_day=2024-02-01/orders-00000.{extension}", $"country=__HIVE_DEFAULT_PARTITION__/at_day=2024-02-01/orders-00000.{extension}",
                $"country=a%2Fb%3Dc%25/at_day=__HIVE_DEFAULT_PARTITION__/orders-00000.{extension}"],
            Data("out"));
        await _files.RunAsync("out", "back.jsonl");
        Assert.Equal(
            ["""{"id":1,"at":"2024-01-31T23:59:59Z","country":"DE","at_day":"2024-01-31"}""",
                """{"id":2,"at":"2024-02-01T00:00:00Z","country":"FR","at_day":"2024-02-01"}""",
                """{"id":3,"at":"2024-02-01T12:00:00Z","country":null,"at_day":"2024-02-01"}""",
                """{"id":4,"at":"2023-12-31T00:00:00Z","country":"DE","at_day":"2023-12-31"}""",
                """{"id":5,"at":null,"country":"a/b=c%","at_day":null}"""],
            _files.Read("back.jsonl").Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("year(at)", "at_year=2023 at_year=2024 at_year=__HIVE_DEFAULT_PARTITION__")]
    [InlineData("month(at)", "at_month=2023-12 at_month=2024-01 at_month=2024-02 at_month=__HIVE_DEFAULT_PARTITION__")]
    [InlineData("hour(at)", "at_hour=2023-12-31-00 at_hour=2024-01-31-23 at_hour=2024-02-01-00 at_hour=2024-02-01-12 at_hour=__HIVE_DEFAULT_PARTITION__")]
    [InlineData("id", "id=1 id=2 id=3 id=4 id=5")]
    public async Task PartitionBy_Transform_NamesFolders(string by, string expected)
    {
        _files.Write("in.csv", Orders);
        await _files.RunAsync("in.csv", "out/o.jsonl", Timestamps, ("partition_by", by));
        Assert.Equal(expected, string.Join(' ', Data("out").Select(static file => file.Split('/')[0])));
    }

    [Fact]
    public async Task PartitionBy_InterleavedRows_KeepTheirOrder()
    {
        const int seed = 99;
        var random = new Random(seed);
        var rows = Enumerable.Range(0, 50_000).Select(i => (Id: i, Key: random.Next(13))).ToArray();
        _files.Write("in.csv", "id,key\n" + string.Concat(rows.Select(static row => $"{row.Id},k{row.Key}\n")));
        await _files.RunAsync("in.csv", "out/", null, ("format", "csv"), ("partition_by", "key"), ("file_size", "10KB"));
        foreach (var group in rows.GroupBy(static row => row.Key))
        {
            var files = Data($"out/key=k{group.Key}");
            Assert.True(files.Length > 1);
            Assert.Equal("part-00000.csv", files[0]);
            var read = files.SelectMany(file => _files.Read($"out/key=k{group.Key}/{file}").Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1));
            Assert.Equal(group.Select(static row => row.Id.ToString(CultureInfo.InvariantCulture)), read);
        }
    }

    [Fact]
    public async Task PartitionBy_TooManyValues_IsRefusedAndLeavesNothing()
    {
        _files.Write("in.csv", "id\n" + string.Concat(Enumerable.Range(0, 300).Select(static i => $"{i}\n")) + "x");
        var error = await Assert.ThrowsAsync<NebulaException>(
            () => _files.RunAsync("in.csv", "out/o.csv", null, ("partition_by", "id"), ("max_partitions", "50"))).ConfigureAwait(true);
        Assert.Equal(ErrorKind.Configuration, error.Kind);
        _files.Write("in.csv", "id,v\n" + string.Concat(Enumerable.Range(0, 300).Select(static i => $"{i},1\n")));
        error = await Assert.ThrowsAsync<NebulaException>(() => _files.RunAsync("in.csv", "out/o.csv", null, ("partition_by", "id"), ("max_partitions", "50")));
        Assert.Equal(ErrorKind.Limit, error.Kind);
        Assert.Contains("more than 50 partitions", error.Message, StringComparison.Ordinal);
        Assert.Empty(_files.Files("out"));
    }

    [Theory]
    [InlineData("contry", "Did you mean 'country'?")]
    [InlineData("week(at)", "year, month, day and hour")]
    [InlineData("day(id)", "the column is int64")]
    [InlineData("country,country", "'country' twice")]
    public async Task PartitionBy_Wrong_IsRefused(string by, string expected)
    {
        _files.Write("in.csv", Orders);
        var error = await Assert.ThrowsAsync<NebulaException>(() => _files.RunAsync("in.csv", "out/o.jsonl", Timestamps, ("partition_by", by)));
        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Empty(_files.Files("out"));
    }

    [Fact]
    public async Task Path_WithVariables_IsFilledIn()
    {
        _files.Write("in.csv", "a\n1\n");
        var request = new StreamRequest { StartedAt = new DateTime(2024, 3, 5, 7, 0, 0, DateTimeKind.Utc) };
        await _files.RunAsync("in.csv", "out/{YYYY}/{MM}/{DD}-{HH}/{x}-{part:03}.csv", request);
        await _files.RunAsync("in.csv", "out/{YYYY}/one.csv", request);
        Assert.Equal(["2024/03/05-07/{x}-000.csv", "2024/one.csv"], Data("out"));
    }

    [Fact]
    public async Task Run_Again_ReplacesWhatTheLastOneMadeAndNothingElse()
    {
        _files.Write("in.csv", Orders);
        _files.Write("out/foreign.jsonl", "{}");
        _files.Write("out/country=DE/orders-00007.jsonl", "{}");
        await _files.RunAsync("in.csv", "out/orders.jsonl", Timestamps, ("partition_by", "country"));
        Assert.Equal(6, Data("out").Length);
        _files.Write("in.csv", "id,country,at\n9,DE,\n");
        await _files.RunAsync("in.csv", "out/orders.jsonl", Timestamps, ("partition_by", "country"));
        Assert.Equal(["country=DE/orders-00000.jsonl", "country=DE/orders-00007.jsonl", "foreign.jsonl"], Data("out"));
        Assert.Equal("{\"id\":9,\"at\":null}\n", _files.Read("out/country=DE/orders-00000.jsonl"));
        Assert.False(Directory.Exists(_files.PathOf("out/country=FR")));
    }

    [Fact]
    public async Task Run_Fails_LeavesTheOldFilesAndNothingElse()
    {
        _files.Write("in.csv", "a,b\n" + string.Concat(Enumerable.Range(0, 30_000).Select(static i => $"{i},x\n")));
        await _files.RunAsync("in.csv", "out/o.csv", null, ("file_size", "50KB"));
        var before = _files.Files("out");
        var content = _files.Read("out/o-00000.csv");
        _files.Write("in.csv", "a,b\n" + string.Concat(Enumerable.Range(0, 30_000).Select(static i => $"{i},y\n")) + "1,2,3\n");
        await Assert.ThrowsAsync<DataFormatException>(() => _files.RunAsync("in.csv", "out/o.csv", null, ("file_size", "50KB")));
        Assert.Equal(before, _files.Files("out"));
        Assert.Equal(content, _files.Read("out/o-00000.csv"));
    }

    [Fact]
    public async Task Run_NoRows_MakesOneFileWithTheColumns()
    {
        _files.Write("in.csv", "a,b\n");
        await _files.RunAsync("in.csv", "out/o.csv", null, ("file_size", "1MB"));
        Assert.Equal(["o-00000.csv"], Data("out"));
        Assert.Equal("a,b\n", _files.Read("out/o-00000.csv"));
    }

    [Fact]
    public async Task Prepare_LeftoversOfADeadRun_AreRemoved()
    {
        _files.Write("in.csv", "a\n1\n");
        _files.Write("out/.o-.csv#0-3.dead.nebula-tmp", "half");
        _files.Write("out/.o-.csv#lock.dead.nebula-tmp", "");
        _files.Write("out/.o-.csv.x.alive.nebula-tmp", "of another stream");
        await _files.RunAsync("in.csv", "out/o.csv", null, ("file_size", "1MB"));
        Assert.Equal([".o-.csv.nebula-parts", ".o-.csv.x.alive.nebula-tmp", "o-00000.csv"], _files.Files("out"));
    }

    [Fact]
    public async Task Prepare_WhileAnotherRunWrites_IsRefusedAndTakesNothingFromIt()
    {
        var plan = Plan("run1");
        await using var first = _files.Destination("out/o.csv", ("file_size", "1MB"));
        await using var second = _files.Destination("out/o.csv", ("file_size", "1MB"));
        await first.PrepareAsync(plan, default);
        _files.Write("out/.o-.csv#0-0.run1.nebula-tmp", "complete, and so open no more");
        var error = await Assert.ThrowsAsync<NebulaException>(() => second.PrepareAsync(Plan("run2"), default));
        Assert.Equal(ErrorKind.Locked, error.Kind);
        Assert.Contains(".o-.csv#0-0.run1.nebula-tmp", _files.Files("out"));
        // the run's own step may come once more, and late: what is staged stays until the commit, which removes what it does not publish
        await first.PrepareAsync(plan, default);
        Assert.Contains(".o-.csv#0-0.run1.nebula-tmp", _files.Files("out"));
        await first.CommitAsync(new CommitRequest(plan, [], null, "run1/in"), default);
        Assert.DoesNotContain(".o-.csv#0-0.run1.nebula-tmp", _files.Files("out"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Commit_CutOffAndRepeated_EndsInTheSame(int publishedBefore)
    {
        await using var destination = _files.Destination("out/o.csv", ("partition_by", "k"));
        _files.Write("out/k=a/o-00000.csv", "old a");
        _files.Write("out/k=z/o-00000.csv", "old z");
        _files.Write("out/.o-.csv.nebula-parts", """{"token":"old","complete":true,"files":["k=a/o-00000.csv","k=z/o-00000.csv","../../outside.csv"]}""");
        _files.Write("outside.csv", "not ours");
        var staged = Stage("run1", "new");
        string[] targets = ["out/k=a/o-00000.csv", "out/k=a/o-00001.csv", "out/k=b/o-00000.csv"];
        var request = new CommitRequest(Plan("run1"), [new StagedPart(0, StagedFilePart.Render(staged), 3, 15)], null, "run1/in");
        if (publishedBefore > 0)
        {
            // as the commit leaves it that is killed after some renames
            _files.Write("out/.o-.csv.nebula-parts",
                """{"token":"run1/in","complete":false,"files":["k=a/o-00000.csv","k=a/o-00001.csv","k=b/o-00000.csv","k=z/o-00000.csv"]}""");
            for (var i = 0; i < publishedBefore; i++)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(_files.PathOf(targets[i]))!);
                File.Move(StagedLocation.Parse(staged[i].Location).Path, _files.PathOf(targets[i]), overwrite: true);
            }
        }
        Assert.False((await destination.CommitAsync(request, default)).AlreadyCommitted);
        Check();
        var repeated = await destination.CommitAsync(request, default);
        Assert.True(repeated.AlreadyCommitted);
        Assert.Equal(targets.Select(_files.PathOf), repeated.Locations);
        Check();

        void Check()
        {
            Assert.Equal([".o-.csv.nebula-parts", "k=a/o-00000.csv", "k=a/o-00001.csv", "k=b/o-00000.csv"], _files.Files("out"));
            Assert.Equal(["new 0", "new 1", "new 2"], targets.Select(_files.Read));
            Assert.Equal("not ours", _files.Read("outside.csv"));
        }
    }

    [Theory]
    [InlineData(WriteMode.Replace)]
    [InlineData(WriteMode.Append)]
    public async Task Commit_TwoOfTheSameRunAtOnce_IsOne(WriteMode write)
    {
        var request = new CommitRequest(Plan("run1", write), [new StagedPart(0, StagedFilePart.Render(Stage("run1", "new")), 3, 15)], null, "run1/in");
        using var secondWaits = new ManualResetEventSlim();
        using var firstIsDone = new ManualResetEventSlim();
        Task<CommitReceipt>? second = null;
        await using var late = _files.Destination(new LocalStore
        {
            Pause = cancellationToken =>
            {
                secondWaits.Set();
                firstIsDone.Wait(cancellationToken);
            },
        }, "out/o.csv", ("partition_by", "k"));
        // the first one stands before its first file has its name until the second one waits for it, or has come to its end
        await using var early = _files.Destination(GatedStore.Over(new LocalStore(), nameof(IObjectStore.Publish), () =>
        {
            second = Task.Run(() => late.CommitAsync(request, default));
            WaitHandle.WaitAny([secondWaits.WaitHandle, ((IAsyncResult)second).AsyncWaitHandle]);
        }), "out/o.csv", ("partition_by", "k"));

        var first = await Task.Run(() => early.CommitAsync(request, default));
        firstIsDone.Set();

        Assert.False(first.AlreadyCommitted);
        Assert.True((await second!).AlreadyCommitted);
        AssertCommitted("new");
    }

    [Fact]
    public async Task Commit_TwiceAtOnceByOneDestination_IsOne()
    {
        var request = new CommitRequest(Plan("run1"), [new StagedPart(0, StagedFilePart.Render(Stage("run1", "new")), 3, 15)], null, "run1/in");
        FileDestination destination = null!;
        Task<CommitReceipt>? second = null;
        await using var _ = destination = _files.Destination(
            GatedStore.Over(new LocalStore(), nameof(IObjectStore.Publish), () => second = destination.CommitAsync(request, default)), "out/o.csv",
            ("partition_by", "k"));
        Assert.False((await destination.CommitAsync(request, default)).AlreadyCommitted);
        Assert.True((await second!).AlreadyCommitted);
        AssertCommitted("new");
    }

    [Fact]
    public async Task Commit_AppendCutOffAfterOneThatWasNeverRepeated_LeavesThatOut()
    {
        _files.Write("out/run0-k.csv", "committed");
        _files.Write("out/lost-k.csv", "of a commit that was cut off, and never repeated");
        _files.Write("out/.o-.csv.nebula-parts",
            """{"token":"lost/in","complete":false,"files":["lost-k.csv","run0-k.csv"],"added":["lost-k.csv"]}""");
        var request = new CommitRequest(
            Plan("run1", WriteMode.Append), [new StagedPart(0, StagedFilePart.Render(Stage("run1", "new")), 3, 15)], null, "run1/in");
        await using (var cut = _files.Destination(
            GatedStore.Over(new LocalStore(), nameof(IObjectStore.Publish), static () => throw new IOException("cut off")), "out/o.csv",
            ("partition_by", "k")))
            await Assert.ThrowsAsync<IOException>(() => cut.CommitAsync(request, default));
        await using (var destination = _files.Destination("out/o.csv", ("partition_by", "k")))
            await destination.CommitAsync(request, default);
        Assert.DoesNotContain("lost", _files.Read("out/.o-.csv.nebula-parts"), StringComparison.Ordinal);
        Assert.Contains("run0-k.csv", _files.Read("out/.o-.csv.nebula-parts"), StringComparison.Ordinal);
        Assert.False(File.Exists(_files.PathOf("out/lost-k.csv")));
        Assert.Equal("committed", _files.Read("out/run0-k.csv"));
    }

    [Fact]
    public async Task Commit_DamagedManifest_SaysWhatToDo()
    {
        _files.Write("in.csv", "a\n1\n");
        _files.Write("out/.o-.csv.nebula-parts", "{");
        var error = await Assert.ThrowsAsync<NebulaException>(() => _files.RunAsync("in.csv", "out/o.csv", null, ("file_size", "1MB")));
        Assert.Contains("is damaged", error.Message, StringComparison.Ordinal);
        Assert.Equal([".o-.csv.nebula-parts"], _files.Files("out"));
    }

    private static StreamRequest Timestamps => new() { Types = new Dictionary<string, DataType> { ["at"] = DataType.Timestamp(zone: "UTC") } };

    /// <summary>Stages three files as a chunk of a run does.</summary>
    private List<StagedFilePart> Stage(string runId, string text)
    {
        Directory.CreateDirectory(_files.PathOf("out"));
        return [.. Enumerable.Range(0, 3).Select(i =>
        {
            var path = _files.PathOf($"out/.o-.csv#0-{i}.{runId}.nebula-tmp");
            File.WriteAllText(path, $"{text} {i}");
            var location = new StagedLocation(path, new FileInfo(path).Length, File.GetLastWriteTimeUtc(path).Ticks);
            return new StagedFilePart(location.Render(), $"k={"aab"[i]}/", 1, 5);
        })];
    }

    private void AssertCommitted(string text)
    {
        var data = Data("out");
        Assert.Equal([0, 1, 2], data.Select(file => int.Parse(_files.Read($"out/{file}")[(text.Length + 1)..], CultureInfo.InvariantCulture)));
        Assert.Equal([".o-.csv.nebula-parts"], _files.Files("out").Except(data));
        Assert.Contains("\"complete\": true", _files.Read("out/.o-.csv.nebula-parts"), StringComparison.Ordinal);
    }

    private static StreamPlan Plan(string runId, WriteMode write = WriteMode.Replace) => new StreamPlan
    {
        Write = write,
        Stream = new CatalogStream("in", new Schema([new Field("k", DataType.String), new Field("v", DataType.Int64)])),
        Columns = [new PlannedColumn("k", new Field("k", DataType.String)), new PlannedColumn("v", new Field("v", DataType.Int64))],
        Object = "",
        RunId = runId,
    }.Build();

    private string[] Data(string folder) => [.. _files.Files(folder).Where(static file => !Path.GetFileName(file).StartsWith('.'))];
}

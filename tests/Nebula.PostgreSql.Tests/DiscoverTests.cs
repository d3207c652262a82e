using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests;

[Collection(ServersCollection.Name)]
public sealed class DiscoverTests(Servers servers)
{
    [Theory, Server(15), Server(18)]
    public async Task Discover_ASchema_ListsWhatReadsLikeATable(int version)
    {
        await using var run = Create(version);

        var names = await run.Source.DiscoverAsync(new DiscoverRequest { NamesOnly = true }, CancellationToken.None);

        Assert.Equal(["shop.Old \"orders\" ünïcode", "shop.by_day", "shop.cached", "shop.cheap", "shop.items"],
            names.Streams.Select(static stream => stream.Name).Order(StringComparer.Ordinal));
        Assert.All(names.Streams, static stream => Assert.Empty(stream.Schema.Fields));
        var sized = await run.Source.DiscoverAsync(new DiscoverRequest { NamesOnly = true, Streams = ["shop.by_day", "shop.cheap"] }, CancellationToken.None);
        Assert.True(sized.Streams.Single(static stream => stream.Name == "shop.by_day").Bytes > 0);
        Assert.Null(sized.Streams.Single(static stream => stream.Name == "shop.cheap").Bytes);
    }

    [Theory, Server(15), Server(18)]
    public async Task Discover_ATable_HasColumnsKeyAndEstimate(int version)
    {
        await using var run = Create(version);

        var items = Assert.Single((await run.Source.DiscoverAsync(new DiscoverRequest { Streams = ["shop.it*"] }, CancellationToken.None)).Streams);

        Assert.Equal("id: int64 not null, name: string not null, price: decimal(10,2) not null", items.Schema.ToString());
        Assert.Equal(["name", "id"], items.PrimaryKey);
        Assert.Equal(3, items.Rows);
        Assert.Equal("table", items.Details["kind"]);
    }

    [Theory, Server(15), Server(18)]
    public async Task Discover_ATableByItsName_LooksAtNoOther(int version)
    {
        await using var run = Create(version);
        await using var other = new NpgsqlConnection(servers[version].ConnectionString("shop" + version));
        await other.OpenAsync();
        // the size of a table that is locked cannot be looked up
        await using var command = new NpgsqlCommand("BEGIN; LOCK TABLE shop.by_day IN ACCESS EXCLUSIVE MODE", other);
        await command.ExecuteNonQueryAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));

        var items = Assert.Single((await run.Source.DiscoverAsync(new DiscoverRequest { Streams = ["shop.items"] }, patience.Token)).Streams);
        // nor is it waited for by a run of other tables, which first lists what there is
        var names = await run.Source.DiscoverAsync(new DiscoverRequest { NamesOnly = true }, patience.Token);
        var checks = await run.Source.CheckAsync(patience.Token);

        Assert.Contains("shop.by_day", names.Streams.Select(static stream => stream.Name));
        Assert.All(checks, static check => Assert.True(check.Passed, check.Detail));
        Assert.Equal("shop.items", items.Name);
        Assert.Equal(3, items.Rows);
    }

    [Theory, Server(15), Server(18)]
    public async Task Discover_AMissingName_SuggestsTheNearest(int version)
    {
        await using var run = Create(version);

        var error = await Assert.ThrowsAsync<NebulaException>(() =>
            run.Source.DiscoverAsync(new DiscoverRequest { Streams = ["shop.itmes"] }, CancellationToken.None));

        Assert.Equal(ErrorKind.NotFound, error.Kind);
        Assert.Contains("Did you mean 'shop.items'?", error.Message, StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_NamesWithQuotesSpacesAndUnicode_AreTheirOwn(int version)
    {
        await using var run = Create(version);

        var plan = await run.PlanAsync("shop.Old \"orders\" ünïcode");

        Assert.Equal(["a \"b\"", "t", "日本"], plan.Columns.Select(static column => column.SourceName));
        Assert.Equal(["1|2|3"], (await run.ReadAsync(plan)).Lines);
    }

    [Theory, Server(15), Server(18)]
    public async Task Check_ARoleWithFewRights_NamesTheGrants(int version)
    {
        await using (Create(version))
        {
        }
        servers[version].Execute($"""
            DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'pass';
            GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT (id) ON shop.items TO reader; GRANT SELECT ON shop.by_day TO reader;
            """, "shop" + version);
        await using var run = new SourceRun(servers[version], "shop" + version, ("user", "reader"), ("password", "pass"));

        var checks = await run.Source.CheckAsync(CancellationToken.None);
        var names = await run.Source.DiscoverAsync(new DiscoverRequest { NamesOnly = true }, CancellationToken.None);
        var items = await run.PlanAsync("shop.items");
        var refused = await Assert.ThrowsAsync<NebulaException>(() => run.ReadAsync("shop.cached"));

        Assert.All(checks, static check => Assert.True(check.Passed, check.Detail));
        Assert.Contains(checks, static check => check.Detail == "2 of 5 tables and views can be read");
        Assert.Contains(checks, static check => check.Detail.Contains("GRANT SELECT ON \"shop\".\"cached\" TO \"reader\";", StringComparison.Ordinal));
        Assert.Equal(["shop.by_day", "shop.items"], names.Streams.Select(static stream => stream.Name));
        Assert.Equal(["id"], items.Columns.Select(static column => column.SourceName));
        // half of a key would tell too few rows apart
        Assert.Equal(["name", "id"], items.Stream.PrimaryKey);
        // the partitions themselves were not granted
        Assert.Equal(2, (await run.ReadAsync(await run.PlanAsync("shop.by_day"), chunkBytes: 1)).Lines.Count);
        Assert.Equal(ErrorKind.Permission, refused.Kind);
        Assert.Contains("SQLSTATE 42501", refused.Message, StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public async Task Run_EveryStepOfIt_SharesOneConnection(int version)
    {
        await using (Create(version))
        {
        }
        await using var run = new SourceRun(servers[version], "shop" + version, ("application_name", "one by one"));
        var processes = new HashSet<string>();

        await run.Source.CheckAsync(CancellationToken.None);
        Add();
        var plan = (await run.PlanAsync("shop.items") with { IsIncremental = true, Cursor = new IncrementalCursor("id", null) }).Build();
        Add();
        Assert.Equal(("id=3", 1), (await run.Source.FindPositionAsync(plan, null, CancellationToken.None), (await run.SplitAsync(plan)).Count));
        Add();
        Assert.Equal(3, (await run.ReadAsync(plan)).Lines.Count);
        Add();
        processes.Add(Assert.Single((await run.ReadAsync(await run.PlanStatementAsync("SELECT pg_backend_pid() AS pid"))).Lines));

        Assert.Single(processes);

        void Add() => processes.Add(
            servers[version].Ask<string>("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE application_name = 'one by one'"));
    }

    private SourceRun Create(int version)
    {
        var (server, database) = (servers[version], "shop" + version);
        if (server.Ask<long>($"SELECT count(*) FROM pg_database WHERE datname = '{database}'") == 0)
        {
            server.Execute($"CREATE DATABASE {database}");
            server.Execute(""""
                CREATE SCHEMA shop;
                CREATE TABLE shop.items (id bigint, gone text, name text, price numeric(10,2) NOT NULL, PRIMARY KEY (name, id) INCLUDE (price));
                ALTER TABLE shop.items DROP COLUMN gone;
                INSERT INTO shop.items VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
                CREATE TABLE shop.by_day (day date, v int) PARTITION BY RANGE (day);
                CREATE TABLE shop.by_day_1 PARTITION OF shop.by_day FOR VALUES FROM ('2024-01-01') TO ('2024-01-02');
                CREATE TABLE shop.by_day_2 PARTITION OF shop.by_day FOR VALUES FROM ('2024-01-02') TO ('2024-01-03');
                INSERT INTO shop.by_day VALUES ('2024-01-01', 1), ('2024-01-02', 2);
                CREATE VIEW shop.cheap AS SELECT id, price FROM shop.items WHERE price < 3;
                CREATE MATERIALIZED VIEW shop.cached AS SELECT name FROM shop.items;
                CREATE TABLE shop."Old ""orders"" ünïcode" ("a ""b""" int, t int, "日本" int);
                INSERT INTO shop."Old ""orders"" ünïcode" VALUES (1, 2, 3);
                ANALYZE;
                """", database);
        }
        return new SourceRun(server, database);
    }
}

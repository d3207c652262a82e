using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlSqlTests(Servers servers)
{
    [Theory, Server(15), Server(18)]
    public async Task Discover_AStatement_HasTheTypesOfItsColumns(int version)
    {
        await using var run = Create(version);

        var plan = await run.PlanStatementAsync("""
            WITH u AS (SELECT * FROM sqls.t) -- all
            SELECT u.id, u.price, u.mood, ARRAY[1, 2] AS list, u.size, now()::date AS "the Day", 'x@y' AS "@text", u.id::bigint * 2 AS double
            FROM u;
            """);

        Assert.Equal("id: int32, price: decimal(10,2), mood: string, list: json, size: string, the Day: date, @text: string, double: int64",
            plan.Stream.Schema.ToString());
        Assert.Equal("mine", plan.Stream.Name);
        Assert.Equal("statement", plan.Stream.Details["kind"]);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_AStatement_HasItsRowsInOneChunk(int version)
    {
        await using var run = Create(version);

        var rows = await run.ReadAsync(await run.PlanStatementAsync(
            "SELECT id, mood, ARRAY[id, NULL] AS list FROM sqls.t WHERE id > 1 ORDER BY id DESC -- the last first"), chunkBytes: 1);
        var text = await run.ReadAsync(await run.PlanStatementAsync(
            "SELECT price, list, id = 1 AS first FROM sqls.t, LATERAL (VALUES (ARRAY[[id]])) AS l (list) WHERE id = 1", asText: true));
        var empty = await run.ReadAsync(await run.PlanStatementAsync("SELECT id FROM sqls.t WHERE false"));

        Assert.Equal(["3|null|[3,null]", "2|sad|[2,null]"], rows.Lines);
        Assert.Equal(1, rows.Chunks);
        Assert.Equal(["1.50|{{1}}|t"], text.Lines);
        Assert.Empty(empty.Lines);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_AStatementIncrementally_GoesOnBehindTheLastValue(int version)
    {
        await using var run = Create(version);
        var server = servers[version];
        var own = await PlanAsync("SELECT id, price FROM sqls.t");
        var asked = await PlanAsync("SELECT id, price FROM sqls.t WHERE id >= coalesce({incremental_value}, 2)");

        var first = await run.ReadNewAsync(own);
        var firstAsked = await run.ReadNewAsync(asked);
        server.Execute("INSERT INTO sqls.t VALUES (4, 4, NULL, NULL)");
        var second = await run.ReadNewAsync(own, first.Position);
        var secondAsked = await run.ReadNewAsync(asked, firstAsked.Position);

        Assert.Equal(["1|150", "2|250", "3|null"], first.Lines);
        Assert.Equal(["2|250", "3|null"], firstAsked.Lines);
        Assert.Equal(["4|400"], second.Lines);
        // the statement says itself which rows are new
        Assert.Equal(["3|null", "4|400"], secondAsked.Lines);
        Assert.Equal("id=4", secondAsked.Position);

        async Task<StreamPlan> PlanAsync(string sql) =>
            await run.PlanStatementAsync(sql) with { IsIncremental = true, Cursor = new IncrementalCursor("id", null), Write = WriteMode.Append };
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_AValueWithQuotes_IsQuoted(int version)
    {
        await using var run = Create(version);
        servers[version].Execute("""CREATE TABLE sqls.odd (name text); INSERT INTO sqls.odd VALUES ('''); DROP TABLE sqls.t; -- \')""");
        var plan = await run.PlanStatementAsync("SELECT name FROM sqls.odd WHERE name > coalesce({incremental_value}, '')")
            with
        { IsIncremental = true, Cursor = new IncrementalCursor("name", null), Write = WriteMode.Append };

        var first = await run.ReadNewAsync(plan);
        var second = await run.ReadNewAsync(plan, first.Position);

        Assert.Single(first.Lines);
        Assert.Empty(second.Lines);
        Assert.Equal(3, servers[version].Ask<long>("SELECT count(*) FROM sqls.t"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Discover_AStatementThatIsWrong_SaysWhere(int version)
    {
        await using var run = Create(version);

        Assert.Contains(
            "'sql' of mine is wrong at line 2, column 6, near 'sqls.missing WHERE 'ü' <> 'x'': relation \"sqls.missing\" does not exist. (SQLSTATE 42P01)",
            await ErrorAsync("SELECT *\nFROM sqls.missing WHERE 'ü' <> 'x'"), StringComparison.Ordinal);
        Assert.Contains("at line 1, column 13, near 'idd FROM sqls.t'", await ErrorAsync("SELECT '🚀', idd FROM sqls.t"), StringComparison.Ordinal);
        Assert.Contains("Perhaps you meant to reference the column \"t.price\"", await ErrorAsync("SELECT prise FROM sqls.t"), StringComparison.Ordinal);
        Assert.Contains("'sql' of mine is wrong at its end: syntax error", await ErrorAsync("SELECT id FROM sqls.t WHERE"), StringComparison.Ordinal);
        Assert.Contains("'sql' of mine is wrong at line 1, column 8, near 'FROM sqls.t'", await ErrorAsync("DELETE FROM sqls.t"), StringComparison.Ordinal);
        Assert.Contains("has 2 columns \"id\"", await ErrorAsync("SELECT id, id FROM sqls.t"), StringComparison.Ordinal);

        async Task<string> ErrorAsync(string sql)
        {
            var error = await Assert.ThrowsAsync<NebulaException>(() => run.PlanStatementAsync(sql));
            Assert.Equal(ErrorKind.Configuration, error.Kind);
            return error.Message;
        }
    }

    private SourceRun Create(int version)
    {
        servers[version].Execute("""
            DROP SCHEMA IF EXISTS sqls CASCADE; CREATE SCHEMA sqls;
            CREATE TYPE sqls.mood AS ENUM ('sad', 'glad');
            CREATE DOMAIN sqls.size AS varchar(10);
            CREATE TABLE sqls.t (id int PRIMARY KEY, price numeric(10,2), mood sqls.mood, size sqls.size);
            INSERT INTO sqls.t VALUES (1, 1.5, 'glad', 'XL'), (2, 2.5, 'sad', NULL), (3, NULL, NULL, 'S');
            """);
        return new SourceRun(servers[version]);
    }
}

using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlIncrementalTests(Servers servers)
{
    [Theory, Server(15), Server(18)]
    public async Task Read_AfterTheFirst_HasWhatIsBehindTheLastValue(int version)
    {
        var server = Create(version, "inc_append", "(id int, at timestamptz)",
            "(1, '2024-05-01 10:00:00.000001+02'), (2, '2024-05-01 10:00:00.000002+02'), (3, NULL)");
        await using var run = new SourceRun(server);
        var plan = await PlanAsync(run, "inc_append.t", "at", WriteMode.Append);

        var first = await run.ReadNewAsync(plan);
        var second = await run.ReadNewAsync(plan, first.Position);
        server.Execute("INSERT INTO inc_append.t VALUES (4, '2024-05-01 08:00:00.000003+00'), (5, '2024-05-01 08:00:00+00'), (6, NULL)");
        var third = await run.ReadNewAsync(plan, second.Position);

        Assert.Equal(["1", "2", "3"], Ids(first));
        Assert.Equal("at=2024-05-01 08:00:00.000002+00", first.Position);
        Assert.Empty(second.Lines);
        Assert.Equal(first.Position, second.Position);
        // what comes late with an older value, or with none, is not found: the documentation says so
        Assert.Equal(["4"], Ids(third));
        Assert.Equal("at=2024-05-01 08:00:00.000003+00", third.Position);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_ValuesThatAreTies_ComeAgainWhereRowsAreMerged(int version)
    {
        var server = Create(version, "inc_ties", "(id int PRIMARY KEY, at date)", "(1, '2024-05-01'), (2, '2024-05-02')");
        await using var run = new SourceRun(server);
        var merged = await PlanAsync(run, "inc_ties.t", "at", WriteMode.Merge);

        var first = await run.ReadNewAsync(merged);
        server.Execute("INSERT INTO inc_ties.t VALUES (3, '2024-05-02'), (4, '2024-05-01')");

        Assert.Equal(["2", "3"], Ids(await run.ReadNewAsync(merged, first.Position)));
        Assert.Empty((await run.ReadNewAsync(merged with { Write = WriteMode.Append }, first.Position)).Lines);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_RowsThatComeAfterThePosition_AreLeftForTheNext(int version)
    {
        var server = Create(version, "inc_bounds", "(id bigint)", "(1), (2)");
        await using var run = new SourceRun(server);
        var plan = await PlanAsync(run, "inc_bounds.t", "id", WriteMode.Append);

        var position = await run.Source.FindPositionAsync(plan, null, CancellationToken.None);
        server.Execute("INSERT INTO inc_bounds.t VALUES (3)");
        var chunk = Assert.Single(await run.SplitAsync(plan));
        var first = await run.ReadAsync(plan, chunk);
        var second = await run.ReadNewAsync(plan, position);

        Assert.Equal("id=2", position);
        Assert.Equal(["1", "2"], first.Lines.Order(StringComparer.Ordinal));
        Assert.Equal(["3"], second.Lines);
    }

    [Theory]
    [InlineData("id", "10", new[] { "100", "90", "95" })]
    [InlineData("at", "1h", new[] { "100", "90", "95" })]
    [InlineData("day", "1d", new[] { "100", "90", "95" })]
    [InlineData("price", "0.5", new[] { "100", "95" })]
    [InlineData("at", "90m", new[] { "100", "80", "90", "95" })]
    public async Task Read_WithALookback_ReachesBehindTheLastValue(string column, string lookback, string[] ids)
    {
        var server = Create(15, "inc_look", "(id int, at timestamp, day date, price numeric(10,2))",
            "(100, '2024-05-01 10:00', '2024-05-01', 10), (95, '2024-05-01 09:30', '2024-05-01', 9.5), (90, '2024-05-01 09:00', '2024-04-30', 9), "
            + "(80, '2024-05-01 08:30', '2024-04-29', 8)");
        await using var run = new SourceRun(server);
        var plan = (await PlanAsync(run, "inc_look.t", column, WriteMode.Merge)) with { Cursor = new IncrementalCursor(column, lookback) };

        var first = await run.ReadNewAsync(plan);
        var second = await run.ReadNewAsync(plan, first.Position);

        Assert.Equal(4, first.Lines.Count);
        Assert.Equal(ids, Ids(second));
    }

    [Theory]
    [InlineData("id", "2h", "write a number such as 1000")]
    [InlineData("at", "7", "write a duration such as 2h")]
    [InlineData("name", "7", "needs a column of times or numbers; \"name\" is text")]
    public async Task Read_WithALookbackThatDoesNotFit_SaysWhatDoes(string column, string lookback, string message)
    {
        var server = Create(15, "inc_unfit", "(id int, at timestamp, name text)", "(1, '2024-05-01', 'a')");
        await using var run = new SourceRun(server);
        var plan = (await PlanAsync(run, "inc_unfit.t", column, WriteMode.Merge)) with { Cursor = new IncrementalCursor(column, lookback) };

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.ReadNewAsync(plan));

        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_CursorsOfAllKinds_KeepTheirOrderAndTheirText(int version)
    {
        var server = servers[version];
        foreach (var (type, before, after) in new[]
        {
            ("uuid", "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"),
            ("text", "a'b\\c", "a'b\\d"), ("numeric", "123456789012345678901234567890.5", "123456789012345678901234567891"),
            ("double precision", "0.1", "0.30000000000000004"), ("boolean", "f", "t"), ("bytea", "\\x00", "\\x0001"), ("interval", "1 day", "2 days"),
        })
        {
            server.Execute($"DROP SCHEMA IF EXISTS inc_kinds CASCADE; CREATE SCHEMA inc_kinds; CREATE TABLE inc_kinds.t (id int, \"the Cursor\" {type});");
            Insert(1, before);
            await using var run = new SourceRun(server);
            var plan = await PlanAsync(run, "inc_kinds.t", "the Cursor", WriteMode.Append);

            var first = await run.ReadNewAsync(plan);
            Insert(2, after);
            var second = await run.ReadNewAsync(plan, first.Position);
            var third = await run.ReadNewAsync(plan, second.Position);

            Assert.Equal((type, "1", "2", 0), (type, Assert.Single(Ids(first)), Assert.Single(Ids(second)), third.Lines.Count));
        }

        void Insert(int id, string value) =>
            server.Execute($"INSERT INTO inc_kinds.t VALUES ({id}, '{value.Replace("'", "''", StringComparison.Ordinal)}')");
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_InfinityAndNaN_DoNotEndTheStream(int version)
    {
        var server = Create(version, "inc_odd", "(id int, at timestamp, f float8)", "(1, 'infinity', 'NaN'), (2, '2024-05-01', 1), (3, NULL, NULL)");
        await using var run = new SourceRun(server);
        foreach (var column in new[] { "at", "f" })
        {
            server.Execute("DELETE FROM inc_odd.t WHERE id > 3");
            // the decoded column must not have values that it cannot hold
            var plan = await PlanAsync(run, "inc_odd.t", column, WriteMode.Append);
            plan = (plan with { Columns = [plan.Columns[0]] }).Build();

            var first = await run.ReadNewAsync(plan);
            server.Execute("INSERT INTO inc_odd.t VALUES (4, '2024-05-02', 2)");
            var second = await run.ReadNewAsync(plan, first.Position);

            Assert.Equal(["1", "2", "3"], first.Lines);
            Assert.Equal(["4"], second.Lines);
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_AnEmptyTable_HasAPositionThatALaterReadGoesOnFrom(int version)
    {
        var server = Create(version, "inc_empty", "(id int)", null);
        await using var run = new SourceRun(server);
        var plan = await PlanAsync(run, "inc_empty.t", "id", WriteMode.Append);

        var first = await run.ReadNewAsync(plan);
        server.Execute("INSERT INTO inc_empty.t VALUES (1), (NULL)");
        var second = await run.ReadNewAsync(plan, first.Position);
        server.Execute("TRUNCATE inc_empty.t");
        var third = await run.ReadNewAsync(plan, second.Position);

        Assert.Empty(first.Lines);
        Assert.Equal(["1"], second.Lines);
        Assert.Empty(third.Lines);
        Assert.Equal("id=1", third.Position);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_TheFirstTime_GoesInChunks_AndLaterInOne(int version)
    {
        var server = servers[version];
        server.Execute("DROP SCHEMA IF EXISTS inc_chunks CASCADE; CREATE SCHEMA inc_chunks");
        server.Execute("CREATE TABLE inc_chunks.t AS SELECT i AS id FROM generate_series(1, 100000) i");
        await using var run = new SourceRun(server);
        var plan = await PlanAsync(run, "inc_chunks.t", "id", WriteMode.Append);

        var first = await run.ReadNewAsync(plan, chunkBytes: 256 << 10);
        server.Execute("INSERT INTO inc_chunks.t SELECT i FROM generate_series(100001, 150000) i");
        var second = await run.ReadNewAsync(plan, first.Position, chunkBytes: 256 << 10);

        Assert.True(first.Chunks > 5, $"{first.Chunks} chunks");
        Assert.Equal((100_000, 50_000, 1), (first.Lines.Count, second.Lines.Count, second.Chunks));
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_WithACondition_HasOnlyRowsThatMeetIt(int version)
    {
        var server = Create(version, "inc_where", "(id int, kind text)", "(1, 'a'), (2, 'b'), (3, 'a')");
        await using var run = new SourceRun(server);
        var all = await run.PlanAsync("inc_where.t") with { Where = "t.kind = 'a' OR kind IS NULL -- both" };
        var plan = await PlanAsync(run, "inc_where.t", "id", WriteMode.Append) with { Where = all.Where };

        var first = await run.ReadNewAsync(plan);
        server.Execute("INSERT INTO inc_where.t VALUES (4, 'b'), (5, NULL)");

        Assert.Equal(["1|a", "3|a", "5|null"], (await run.ReadAsync(all, chunkBytes: 1)).Lines.Order(StringComparer.Ordinal));
        Assert.Equal(["1", "3"], Ids(first));
        Assert.Equal(["5"], Ids(await run.ReadNewAsync(plan, first.Position)));
    }

    [Theory, Server(15), Server(18)]
    public async Task Split_WithACondition_IsOneChunkWhereAnIndexFindsTheRows(int version)
    {
        var server = servers[version];
        server.Execute("DROP SCHEMA IF EXISTS inc_index CASCADE; CREATE SCHEMA inc_index; CREATE TABLE inc_index.t (id int PRIMARY KEY, kind int)");
        server.Execute("INSERT INTO inc_index.t SELECT i, i % 10 FROM generate_series(1, 100000) i; ANALYZE inc_index.t");
        await using var run = new SourceRun(server);
        var plan = await run.PlanAsync("inc_index.t");

        var byKey = await run.ReadAsync(plan with { Where = "id < 10" }, chunkBytes: 256 << 10);
        var byAll = await run.ReadAsync(plan with { Where = "kind = 3" }, chunkBytes: 256 << 10);

        Assert.Equal((1, 9), (byKey.Chunks, byKey.Lines.Count));
        Assert.True(byAll.Chunks > 5, $"{byAll.Chunks} chunks");
        Assert.Equal(10_000, byAll.Lines.Count);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_WithAConditionThatIsWrong_SaysWhere(int version)
    {
        var server = Create(version, "inc_wrong", "(id int, kind text)", "(1, 'a')");
        await using var run = new SourceRun(server);
        var plan = await run.PlanAsync("inc_wrong.t") with { Where = "id > 0 AND\n  knid = 'a'" };

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.ReadAsync(plan));

        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains("'where' of inc_wrong.t is wrong at line 2, column 3, near 'knid = 'a'': column \"knid\" does not exist.",
            error.Message, StringComparison.Ordinal);
        Assert.Contains("t.kind", error.Message, StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_ByAColumnThatIsNotThere_SuggestsTheNearest(int version)
    {
        var server = Create(version, "inc_missing", "(id int, updated_at timestamp)", null);
        await using var run = new SourceRun(server);
        var plan = await PlanAsync(run, "inc_missing.t", "update_at", WriteMode.Append);

        var missing = await Assert.ThrowsAsync<NebulaException>(() => run.ReadNewAsync(plan));
        var none = await Assert.ThrowsAsync<NebulaException>(() => run.ReadNewAsync(plan with { Cursor = null }));
        var other = await Assert.ThrowsAsync<NebulaException>(() =>
            run.ReadNewAsync(plan with { Cursor = new IncrementalCursor("id", null) }, "updated_at=2024-05-01 00:00:00"));

        Assert.Contains("\"update_at\", which inc_missing.t does not have. Did you mean 'updated_at'?", missing.Message, StringComparison.Ordinal);
        Assert.Contains("set 'update_key'", none.Message, StringComparison.Ordinal);
        Assert.Contains("was read up to updated_at before, not by \"id\"", other.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Ids((List<string> Lines, string Position, int Chunks) read) => read.Lines.Select(static line => line.Split('|')[0]);

    private static async Task<StreamPlan> PlanAsync(SourceRun run, string stream, string column, WriteMode write) =>
        await run.PlanAsync(stream) with { IsIncremental = true, Cursor = new IncrementalCursor(column, null), Write = write };

    private PostgreSqlServer Create(int version, string schema, string columns, string? rows)
    {
        servers[version].Execute($"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; CREATE TABLE {schema}.t {columns};"
            + (rows is null ? "" : $"INSERT INTO {schema}.t VALUES {rows}"));
        return servers[version];
    }
}

using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests;

[Collection(ServersCollection.Name)]
public sealed class ChunkTests(Servers servers)
{
    private const int Many = 200_000;

    [Theory, Server(15), Server(18)]
    public async Task Read_ManyRowsInChunksAtOnce_EqualsOneChunk(int version)
    {
        CreateMany(version, "chunks");
        await using var run = new SourceRun(servers[version]);
        var plan = await run.PlanAsync("chunks.t");

        var one = await run.ReadAsync(plan);
        var many = await run.ReadAsync(plan, chunkBytes: 1 << 20);

        Assert.Equal(1, one.Chunks);
        Assert.True(many.Chunks > 5, $"{many.Chunks} chunks");
        Assert.Equal(Many, one.Lines.Count);
        Assert.Equal(one.Lines.Order(StringComparer.Ordinal), many.Lines.Order(StringComparer.Ordinal));
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_BySocket_EqualsByAddress(int version)
    {
        CreateMany(version, "sockets");
        await using var byAddress = new SourceRun(servers[version]);
        await using var bySocket = new SourceRun(servers[version], "postgres", ("host", servers[version].Socket));

        var rows = await bySocket.ReadAsync(await bySocket.PlanAsync("sockets.t"), chunkBytes: 1 << 20);

        Assert.True(rows.Chunks > 1);
        Assert.Equal((await byAddress.ReadAsync("sockets.t")).Lines.Order(StringComparer.Ordinal), rows.Lines.Order(StringComparer.Ordinal));
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_RowsThatChangeMeanwhile_AreThoseOfTheSnapshot(int version)
    {
        CreateMany(version, "moving");
        await using var run = new SourceRun(servers[version]);
        var plan = await run.PlanAsync("moving.t");
        var before = (await run.ReadAsync(plan)).Lines;

        var chunks = await run.SplitAsync(plan, 1 << 20);
        var lines = (await run.ReadAsync(plan, chunks[0])).Lines;
        // rows move behind the end, vanish and come
        servers[version].Execute("UPDATE moving.t SET name = 'changed' WHERE id % 3 = 0; DELETE FROM moving.t WHERE id % 5 = 0; INSERT INTO moving.t SELECT "
            + "-i, 'new' FROM generate_series(1, 1000) i");
        foreach (var chunk in chunks.Skip(1))
            lines.AddRange((await run.ReadAsync(plan, chunk)).Lines);

        Assert.Equal(before.Order(StringComparer.Ordinal), lines.Order(StringComparer.Ordinal));
    }

    [Theory, Server(15), Server(18)]
    public async Task Split_APartitionedTable_GoesThroughItsPartitions(int version)
    {
        servers[version].Execute("""
            DROP SCHEMA IF EXISTS parts CASCADE; CREATE SCHEMA parts;
            CREATE TABLE parts.t (id int, name text) PARTITION BY RANGE (id);
            CREATE TABLE parts.a PARTITION OF parts.t FOR VALUES FROM (0) TO (1000);
            CREATE TABLE parts.b (name text, extra int, id int);
            ALTER TABLE parts.b DROP COLUMN extra;
            ALTER TABLE parts.t ATTACH PARTITION parts.b FOR VALUES FROM (1000) TO (50000);
            CREATE TABLE parts.c PARTITION OF parts.t DEFAULT PARTITION BY LIST (name);
            CREATE TABLE parts.d PARTITION OF parts.c DEFAULT;
            INSERT INTO parts.t SELECT i, 'row ' || i FROM generate_series(1, 60000) i;
            """);
        await using var run = new SourceRun(servers[version]);
        var plan = await run.PlanAsync("parts.t");

        var rows = await run.ReadAsync(plan, chunkBytes: 256 << 10);

        Assert.True(rows.Chunks > 5, $"{rows.Chunks} chunks");
        Assert.Equal(Enumerable.Range(1, 60_000).Select(static i => $"{i}|row {i}").Order(StringComparer.Ordinal), rows.Lines.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(
            (await run.Source.DiscoverAsync(new DiscoverRequest { NamesOnly = true }, CancellationToken.None)).Streams, static stream =>
                stream.Name is "parts.a" or "parts.b" or "parts.c" or "parts.d");
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_ViewsEmptyAndInheritedTables_HaveTheirRowsOnce(int version)
    {
        servers[version].Execute("""
            DROP SCHEMA IF EXISTS kinds CASCADE; CREATE SCHEMA kinds;
            CREATE TABLE kinds.t (id int); INSERT INTO kinds.t VALUES (1), (2);
            CREATE TABLE kinds.child () INHERITS (kinds.t); INSERT INTO kinds.child VALUES (3);
            CREATE VIEW kinds.v AS SELECT id + 10 AS id FROM ONLY kinds.t;
            CREATE MATERIALIZED VIEW kinds.m AS SELECT id + 20 AS id FROM ONLY kinds.t;
            CREATE MATERIALIZED VIEW kinds.u AS SELECT id FROM kinds.t WITH NO DATA;
            CREATE TABLE kinds.e (id int);
            CREATE TABLE kinds.g (id int, twice int GENERATED ALWAYS AS (id * 2) STORED); INSERT INTO kinds.g VALUES (4);
            """);
        await using var run = new SourceRun(servers[version]);

        Assert.Equal(["1", "2"], await Lines("kinds.t"));
        Assert.Equal(["3"], await Lines("kinds.child"));
        Assert.Equal(["11", "12"], await Lines("kinds.v"));
        Assert.Equal(["21", "22"], await Lines("kinds.m"));
        Assert.Equal([], await Lines("kinds.e"));
        Assert.Equal(["4|8"], await Lines("kinds.g"));
        var error = await Assert.ThrowsAsync<NebulaException>(() => Lines("kinds.u"));
        Assert.Contains("REFRESH MATERIALIZED VIEW", error.Message, StringComparison.Ordinal);

        async Task<List<string>> Lines(string stream) => (await run.ReadAsync(await run.PlanAsync(stream), chunkBytes: 1)).Lines;
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_SixteenHundredColumns_AndRowsLargerThanABlock(int version)
    {
        const int Columns = 1600;
        servers[version].Execute($"""
            DROP SCHEMA IF EXISTS wide CASCADE; CREATE SCHEMA wide;
            CREATE TABLE wide.t ({string.Join(", ", Enumerable.Range(0, Columns).Select(static i => $"c{i} int"))});
            INSERT INTO wide.t SELECT {string.Join(", ", Enumerable.Range(0, Columns).Select(static i => $"i + {i}"))} FROM generate_series(1, 10) i;
            CREATE TABLE wide.large (id int, body text); INSERT INTO wide.large SELECT i, repeat(i::text, 300000) FROM generate_series(1, 5) i;
            """);
        await using var run = new SourceRun(servers[version]) { BlockSize = 1 << 10 };

        var wide = (await run.ReadAsync("wide.t")).Lines;
        var large = (await run.ReadAsync("wide.large")).Lines;

        Assert.Equal(10, wide.Count);
        Assert.Equal(string.Join('|', Enumerable.Range(10, Columns)), wide[9]);
        Assert.Equal(Enumerable.Range(1, 5).Select(static i => $"{i}|{new string((char)('0' + i), 300_000)}"), large);
    }

    [Theory, Server(15), Server(18)]
    public async Task Open_MoreChunksThanConnections_WaitForOneToBeFree(int version)
    {
        CreateMany(version, "few");
        await using var run = new SourceRun(servers[version], "postgres", ("max_connections", "2"), ("application_name", "nebula few"));
        var plan = await run.PlanAsync("few.t");
        var chunks = await run.SplitAsync(plan, 1 << 20);

        var first = await run.OpenAsync(plan, chunks[0]);
        var second = run.OpenAsync(plan, chunks[1]);

        Assert.Equal(2, servers[version].Ask<long>("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nebula few'"));
        Assert.False(second.IsCompleted);
        await first.DisposeAsync();
        await (await second).DisposeAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Split_WithOneConnection_IsOneChunk(int version)
    {
        CreateMany(version, "single");
        await using var run = new SourceRun(servers[version], "postgres", ("max_connections", "1"));

        var rows = await run.ReadAsync(await run.PlanAsync("single.t"), chunkBytes: 1);

        Assert.Equal((1, Many), (rows.Chunks, rows.Lines.Count));
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_ALargeTableInOneChunk_HasTheRowsOfOneStateWhateverHappensMeanwhile(int version)
    {
        const int Rows = 400_000;
        var server = servers[version];
        foreach (var asText in new[] { false, true })
        {
            server.Execute($"""
                DROP SCHEMA IF EXISTS lanes CASCADE; CREATE SCHEMA lanes;
                CREATE TABLE lanes.t (id int, at date, body text);
                INSERT INTO lanes.t SELECT i, '2024-01-01', CASE i % 3 WHEN 0 THEN repeat('x', 60) || i WHEN 1 THEN '' END FROM generate_series(1, {Rows}) i;
                """);
            await using var run = new SourceRun(server, "postgres", ("application_name", "lanes"));
            var plan = await run.PlanAsync("lanes.t", asText);
            var rows = new Rows([], []);
            await using (var reader = await run.OpenAsync(plan, Assert.Single(await run.SplitAsync(plan))))
            {
                await AddAsync(reader, rows);
                server.Execute("UPDATE lanes.t SET body = 'changed' WHERE id % 2 = 0; DELETE FROM lanes.t WHERE id % 5 = 0; INSERT INTO lanes.t VALUES (-1)");
                while (await AddAsync(reader, rows))
                {
                }
            }

            Assert.Equal(Rows, rows.Lines.Select(static line => line.Split('|')[0]).Distinct().Count());
            Assert.Equal(Rows, rows.Lines.Count);
            Assert.DoesNotContain(rows.Lines, static line => line.EndsWith("changed", StringComparison.Ordinal));
            Assert.Equal(asText ? "1|2024-01-01|" : "1|19723|", rows.Lines.Single(static line => line.StartsWith("1|", StringComparison.Ordinal)));
            Assert.Equal(asText ? "2|2024-01-01|null" : "2|19723|null", rows.Lines.Single(static line => line.StartsWith("2|", StringComparison.Ordinal)));
        }

        static async Task<bool> AddAsync(ISourceReader reader, Rows rows)
        {
            if (await reader.FetchAsync(CancellationToken.None) is not { } block)
                return false;
            using (block)
                reader.Decode(block, rows);
            return true;
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_OthersAtWorkOnTheServer_TakesOneConnectionAtATimeUnlessTheyAreSet(int version)
    {
        var server = servers[version];
        server.Execute("""
            DROP SCHEMA IF EXISTS shared CASCADE; CREATE SCHEMA shared;
            CREATE TABLE shared.t AS SELECT i AS id, repeat('x', 1000) AS body FROM generate_series(1, 20000) i
            """);
        var lanes = Math.Min(2, Environment.ProcessorCount);
        await AssertAsync(run: new SourceRun(server, "postgres", ("application_name", "alone")), "alone", lanes, givesWay: false);

        await using var other = new NpgsqlConnection(server.ConnectionString());
        await other.OpenAsync();
        await using var work = new NpgsqlCommand("SELECT pg_sleep(600)", other);
        var working = work.ExecuteNonQueryAsync();
        while (!server.Ask<bool>($"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {other.ProcessID} AND wait_event = 'PgSleep')"))
            Thread.Yield();
        await AssertAsync(new SourceRun(server, "postgres", ("application_name", "polite")), "polite", 1, givesWay: true);
        await AssertAsync(new SourceRun(server, "postgres", ("application_name", "asked"), ("max_connections", "3")), "asked", lanes, givesWay: false);
        work.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => working);

        // who only has a transaction open does nothing, also where it failed
        foreach (var sql in (string[])["BEGIN; SELECT 1", "SELECT 1 / 0"])
        {
            await using var idle = new NpgsqlCommand(sql, other);
            try
            {
                await idle.ExecuteNonQueryAsync();
            }
            catch (PostgresException)
            {
                // the transaction is aborted now
            }
            Assert.StartsWith("idle in transaction", server.Ask<string>($"SELECT state FROM pg_stat_activity WHERE pid = {other.ProcessID}"),
                StringComparison.Ordinal);
            await AssertAsync(new SourceRun(server, "postgres", ("application_name", "bold")), "bold", lanes, givesWay: false);
        }

        async Task AssertAsync(SourceRun run, string name, int connections, bool givesWay)
        {
            await using var _ = run;
            var plan = await run.PlanAsync("shared.t");
            await using (var reader = await run.OpenAsync(plan, Assert.Single(await run.SplitAsync(plan))))
            {
                Assert.Equal(givesWay, reader.Note is not null);
                // nothing is fetched, so that all who read are stuck
                var reading = $"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND state = 'active' AND query LIKE 'COPY%'";
                while (server.Ask<long>(reading) < connections)
                    Thread.Yield();
                Assert.Equal(connections, server.Ask<long>(reading));
            }
            var chunks = await run.SplitAsync(plan, 4 << 20);
            Assert.True(chunks.Count > 3, $"{chunks.Count} chunks");
            await using (var first = await run.OpenAsync(plan, chunks[0]))
            {
                Assert.Equal(givesWay, first.Note is not null);
                if (givesWay)
                {
                    using var cancelled = new CancellationTokenSource();
                    var waiting = run.OpenAsync(plan, chunks[1], cancelled.Token);
                    await cancelled.CancelAsync();
                    await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
                }
                else
                    await (await run.OpenAsync(plan, chunks[1])).DisposeAsync();
            }
            var (open, most, rows) = (0, 0, 0);
            await Task.WhenAll(chunks.Select(async chunk =>
            {
                var lines = new Rows([], []);
                await using var reader = await run.OpenAsync(plan, chunk);
                most = Math.Max(most, Interlocked.Increment(ref open));
                while (await reader.FetchAsync(CancellationToken.None) is { } block)
                    using (block)
                        reader.Decode(block, lines);
                Interlocked.Add(ref rows, lines.Lines.Count);
                Interlocked.Decrement(ref open);
            }));
            Assert.Equal(20_000, rows);
            Assert.True(!givesWay || most == 1, $"{most} at a time");
        }
    }

    private void CreateMany(int version, string schema) => servers[version].Execute($"""
        DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema};
        CREATE TABLE {schema}.t (id int, name text);
        INSERT INTO {schema}.t SELECT i, CASE WHEN i % 7 > 0 THEN 'name of ' || i END FROM generate_series(1, {Many}) i;
        """);
}

using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>Standbys that are read from, standbys that take over, and servers that are not what they were.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlStandbyTests(Servers servers)
{
    private const string Tables = "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 2000) i; "
        + "CREATE TABLE u (id int PRIMARY KEY, a text); INSERT INTO u VALUES (1, 'one')";

    [Theory, Server(15), Server(18)]
    public async Task Snapshot_OfAStandby_IsReadInChunksOfOneState(int version)
    {
        using var primary = PostgreSqlServer.Start(version);
        primary.Execute(Tables);
        using var standby = primary.StartStandby();
        await using var run = new SourceRun(standby);
        await using var other = new SourceRun(primary);

        var plan = await run.PlanAsync("public.t");
        var chunks = await run.SplitAsync(plan, 16_384);
        var lines = (await run.ReadAsync(plan, chunks[0])).Lines;
        primary.Execute("UPDATE t SET a = 'later'; DELETE FROM t WHERE id % 3 = 0");
        primary.WaitFor(standby);
        foreach (var chunk in chunks.Skip(1))
            lines.AddRange((await run.ReadAsync(plan, chunk)).Lines);

        Assert.True(chunks.Count > 3, $"{chunks.Count} chunks");
        Assert.Equal(Enumerable.Range(1, 2_000).Select(static id => $"{id}|row {id}").Order(StringComparer.Ordinal), lines.Order(StringComparer.Ordinal));
        Assert.Equal(
            (await other.ReadAsync("public.t")).Lines.Order(StringComparer.Ordinal), (await run.ReadAsync("public.t")).Lines.Order(StringComparer.Ordinal));
        Assert.Contains("a standby", (await run.Source.CheckAsync(CancellationToken.None))[0].Detail, StringComparison.Ordinal);
    }

    /// <summary>Before version 16 a standby decodes nothing: that is said before anything is made or moved.</summary>
    [Theory, Server(15)]
    public async Task Changes_OfAStandbyThatCannotTellThem_AreRefused(int version)
    {
        using var primary = PostgreSqlServer.Start(version);
        await using var run = await ChangesRun.CreateAsync(primary, Tables);
        await run.SnapshotAsync("public.t");
        using var standby = primary.StartStandby();
        await using var there = run.Again(standby);
        await there.PlanAsync("public.t");

        var check = Assert.Single(await there.Source.CheckChangesAsync([there.PlanOf("public.t")], CancellationToken.None),
            static result => result.Name == "log");
        var begun = await Assert.ThrowsAsync<NebulaException>(() => there.SnapshotAsync("public.t"));
        var continued = await Assert.ThrowsAsync<NebulaException>(there.OpenAsync);

        Assert.False(check.Passed);
        foreach (var message in (string[])[check.Detail, begun.Message, continued.Message])
            Assert.Contains("Capture them from the primary", message, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Configuration, begun.Kind);
        Assert.Equal(ErrorKind.Configuration, continued.Kind);
    }

    [Theory, Server(18)]
    public async Task Changes_OfAStandby_AreThoseOfThePrimary(int version)
    {
        using var primary = PostgreSqlServer.Start(version);
        await using var run = await ChangesRun.CreateAsync(primary, Tables);
        using var standby = primary.StartStandby();
        await using var there = run.Again(standby);
        // a standby publishes nothing itself
        var refused = await Assert.ThrowsAsync<NebulaException>(() => there.SnapshotAsync("public.t"));
        Assert.Contains("On the primary: CREATE PUBLICATION \"nebula pub\" FOR TABLE ONLY \"public\".\"t\"", refused.Message, StringComparison.Ordinal);
        run.Execute("CREATE PUBLICATION \"nebula pub\" FOR TABLE t, u");
        primary.WaitFor(standby);
        Assert.All(await there.Source.CheckChangesAsync([there.PlanOf("public.t")], CancellationToken.None),
            static result => Assert.True(result.Passed, result.Detail));

        // the slot is made when the primary tells what is running there
        var snapshot = there.SnapshotAsync("public.t");
        while (await Task.WhenAny(snapshot, Task.Delay(100)) != snapshot)
            primary.Execute("SELECT pg_log_standby_snapshot()");
        await snapshot;
        run.Execute("UPDATE t SET a = 'changed' WHERE id % 10 = 0; DELETE FROM t WHERE id = 1");
        primary.WaitFor(standby);
        await there.SnapshotAsync("public.u");
        run.Execute("INSERT INTO u VALUES (2, 'two'); INSERT INTO t VALUES (30000, 'new'); UPDATE u SET a = 'eins' WHERE id = 1");
        primary.WaitFor(standby);
        await there.DrainAsync();
        await there.AssertEqualAsync();

        there.Context = there.Context with { Follow = true };
        await using (var reader = await there.OpenAsync())
        {
            run.Execute("DELETE FROM t WHERE id % 2 = 0; INSERT INTO u VALUES (3, 'three')");
            primary.WaitFor(standby);
            while (there.Targets["public.u"].Rows.Count() < 3)
                there.Commit((await reader.ReadAsync(CancellationToken.None))!);
        }
        await there.AssertEqualAsync();
        Assert.Equal(200 + 1 + 3 + 1_001 + 1, there.Changes.Count);
    }

    /// <summary>What a standby has not replayed yet is no loss: it is waited for.</summary>
    [Theory, Server(18)]
    public async Task Changes_OfAStandbyThatLagsBehind_AreTransient(int version)
    {
        using var primary = PostgreSqlServer.Start(version);
        await using var run = await ChangesRun.CreateAsync(primary, Tables);
        await run.SnapshotAsync("public.t");
        using var standby = primary.StartStandby();
        primary.WaitFor(standby);
        standby.Execute("SELECT pg_wal_replay_pause()");
        run.Execute("UPDATE t SET a = 'changed'");
        await run.DrainAsync();
        await using var there = run.Again(standby);
        await there.PlanAsync("public.t");

        var error = await Assert.ThrowsAsync<NebulaException>(there.OpenAsync);

        Assert.Equal(ErrorKind.Transient, error.Kind);
        Assert.Contains("lags behind", error.Message, StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public async Task Failover_StandbyPromoted_IsLostAndReadAnewOnRequest(int version)
    {
        using var primary = PostgreSqlServer.Start(version);
        await using var run = await ChangesRun.CreateAsync(primary, Tables);
        await run.SnapshotAsync("public.t");
        using var standby = primary.StartStandby();
        run.Execute("UPDATE t SET a = 'changed' WHERE id < 100");
        await run.DrainAsync();
        run.Execute("DELETE FROM t WHERE id < 50");
        primary.WaitFor(standby);
        primary.Stop();
        standby.Promote();
        standby.Execute("INSERT INTO t VALUES (-1, 'there')", run.Database);

        foreach (var follow in (bool[])[false, true])
            await AssertLostAsync(run, standby, follow, "timeline 2, not 1. A standby took over");
        // a slot that somebody made there changes nothing
        standby.Execute($"SELECT pg_create_logical_replication_slot('{run.Options["slot"]}', 'pgoutput')", run.Database);
        await AssertLostAsync(run, standby, follow: false, "timeline 2, not 1");
        await AssertReadAnewAsync(run, standby);
    }

    [Theory, Server(15), Server(18)]
    public async Task Restore_OfAnOlderBackup_IsLostAndReadAnewOnRequest(int version)
    {
        using var server = PostgreSqlServer.Start(version);
        await using var run = await ChangesRun.CreateAsync(server, Tables);
        await run.SnapshotAsync("public.t");
        server.BackUp();
        run.Execute("UPDATE t SET a = 'changed'");
        await run.DrainAsync();
        server.Restore();
        server.Execute("INSERT INTO t VALUES (-1, 'there')", run.Database);

        foreach (var follow in (bool[])[false, true])
            await AssertLostAsync(run, server, follow, "an older backup was restored");
        await AssertReadAnewAsync(run, server);
    }

    /// <summary>The server has written more since it was restored than it had before: only what it wrote shows that it is not the same.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Restore_OfAnOlderBackupThatWasWrittenToSince_IsLostAndReadAnewOnRequest(int version)
    {
        using var server = PostgreSqlServer.Start(version);
        await using var run = await ChangesRun.CreateAsync(server, Tables);
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (5000, 'before')");
        await run.DrainAsync();
        server.BackUp();
        run.Execute("UPDATE t SET a = 'changed' WHERE id < 100");
        await run.DrainAsync();
        var before = run.Changes.Count;
        server.Restore();
        server.Execute("UPDATE t SET a = 'otherwise'", run.Database);
        server.Execute("DELETE FROM t WHERE id = 1; UPDATE t SET a = 'again'", run.Database);

        foreach (var follow in (bool[])[false, true])
        {
            await using var there = run.Again(server);
            await there.PlanAsync("public.t");
            there.Context = there.Context with { Follow = follow };
            await using var reader = await there.OpenAsync();
            var error = await Assert.ThrowsAsync<NebulaException>(() => there.FollowUntilFailsAsync(reader));
            Assert.Equal(ErrorKind.PositionLost, error.Kind);
            Assert.Contains("has been written to since", error.Message, StringComparison.Ordinal);
            Assert.Empty(there.Changes);
        }
        Assert.Equal(100, before);
        await AssertReadAnewAsync(run, server);
    }

    [Theory, Server(15), Server(18)]
    public async Task OtherServer_OfTheSameName_IsLostAndReadAnewOnRequest(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], Tables);
        await run.SnapshotAsync("public.t");
        using var other = PostgreSqlServer.Start(version);
        other.Execute($"CREATE DATABASE {run.Database}");
        other.Execute(Tables, run.Database);
        other.Execute("CREATE PUBLICATION \"nebula pub\" FOR TABLE t", run.Database);
        other.Execute($"SELECT pg_create_logical_replication_slot('{run.Options["slot"]}', 'pgoutput')", run.Database);

        foreach (var follow in (bool[])[false, true])
            await AssertLostAsync(run, other, follow, "The server is another one");
        await AssertReadAnewAsync(run, other);
    }

    private static async Task AssertLostAsync(ChangesRun run, PostgreSqlServer server, bool follow, string message)
    {
        await using var there = run.Again(server);
        await there.PlanAsync("public.t");
        there.Context = there.Context with { Follow = follow };
        var error = await Assert.ThrowsAsync<NebulaException>(there.OpenAsync);
        Assert.Equal(ErrorKind.PositionLost, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    private static async Task AssertReadAnewAsync(ChangesRun run, PostgreSqlServer server)
    {
        await using var there = run.Again(server);
        there.OnPositionLost = PositionLoss.Resnapshot;
        await there.SnapshotAsync("public.t");
        there.Execute("INSERT INTO t VALUES (90000, 'new'); DELETE FROM t WHERE id = 700");
        await there.DrainAsync();
        Assert.Equal(2, there.Changes.Count);
        await there.AssertEqualAsync();
    }
}

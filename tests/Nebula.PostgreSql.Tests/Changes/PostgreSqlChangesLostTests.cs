using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>The log does not go on where the destination is: an error in the first run, never a green run without rows.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlChangesLostTests(Servers servers)
{
    /// <summary>airbyte#46571: the slot is gone.</summary>
    [Theory, Server(15), Server(18)]
    public async Task SlotDropped_IsLost(int version) => await LostAsync(version, false, static run => run.Execute($"SELECT "
        + $"pg_drop_replication_slot('{run.Options["slot"]}')"), "is gone");

    /// <summary>debezium#3970: a slot that was made again begins later, and what was between is lost without a word.</summary>
    [Theory, Server(15), Server(18)]
    public async Task SlotDroppedAndRecreated_IsLost(int version) => await LostAsync(version, false, static run =>
    {
        run.Execute($"SELECT pg_drop_replication_slot('{run.Options["slot"]}')");
        run.Execute("INSERT INTO t VALUES (99)");
        run.Execute($"SELECT pg_create_logical_replication_slot('{run.Options["slot"]}', 'pgoutput')");
    }, "was dropped and made again");

    /// <summary>airbyte#55846: somebody else read from the slot.</summary>
    [Theory, Server(15), Server(18)]
    public async Task SlotAdvancedBySomebody_IsLost(int version) => await LostAsync(version, true, static run => run.Execute(
        $"INSERT INTO t VALUES (98); SELECT pg_replication_slot_advance('{run.Options["slot"]}', pg_current_wal_lsn())"), "Somebody else read from it");

    /// <summary>airbyte#85783: a position that is ahead of another server is not "nothing new".</summary>
    [Theory, Server(15), Server(18)]
    public async Task OtherServer_IsLost(int version) => await LostAsync(version, false, static run =>
    {
        var parts = run.PositionOf("public.t").Split('/');
        run.SetPosition("public.t", $"{parts[0]}/{parts[1][..^1]}{(parts[1][^1] == '1' ? '2' : '1')}/{parts[2]}");
    }, "another one");

    [Theory, Server(15), Server(18)]
    public async Task OtherTimeline_IsLost(int version) => await LostAsync(version, true, static run =>
    {
        var parts = run.PositionOf("public.t").Split('/');
        run.SetPosition("public.t", $"{parts[0]}/{parts[1]}/7");
    }, "timeline 1, not 7");

    /// <summary>A restored older backup ends in front of the position.</summary>
    [Theory, Server(15), Server(18)]
    public async Task ServerBehindThePosition_IsLost(int version) => await LostAsync(version, false, static run =>
        run.SetPosition("public.t", "7" + run.PositionOf("public.t")[1..]), "an older backup was restored");

    [Theory, Server(15), Server(18)]
    public async Task TableTakenOutOfThePublication_IsLost(int version) => await LostAsync(version, true, static run =>
        run.Execute("ALTER PUBLICATION \"nebula pub\" DROP TABLE t"), "is not in publication 'nebula pub' any more");

    [Theory, Server(15), Server(18)]
    public async Task PublicationDropped_IsLost(int version) => await LostAsync(version, false, static run =>
        run.Execute("DROP PUBLICATION \"nebula pub\""), "is not in publication");

    [Theory, Server(15), Server(18)]
    public async Task TableDroppedAndRecreated_IsLost(int version) => await LostAsync(version, false, static run =>
        run.Execute("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY)"), "dropped and made again");

    [Theory, Server(15), Server(18)]
    public async Task TableRecreatedInPublicationOfAllTables_IsLost(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION \"nebula pub\" FOR ALL TABLES");
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (1); DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (2)");

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.DrainAsync());

        Assert.Equal(ErrorKind.PositionLost, error.Kind);
        Assert.Contains("was dropped and made again", error.Message, StringComparison.Ordinal);
    }

    /// <summary>spiceai#11968: the slot was invalidated since more log came than the server may keep.</summary>
    [Theory, InlineData(15), InlineData(18)]
    public async Task SlotInvalidated_IsLostAndMadeAnewOnRequest(int version)
    {
        if (PostgreSqlServer.Find(version) is null)
            return;
        using var server = PostgreSqlServer.Start(version);
        server.Execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
        server.Execute("SELECT pg_reload_conf()");
        await using var run = await ChangesRun.CreateAsync(server, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)");
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (2)");
        for (var i = 0; i < 4; i++)
        {
            server.Execute("SELECT pg_logical_emit_message(false, '', repeat('x', 10000000)), pg_switch_wal()");
            server.Execute("CHECKPOINT");
        }

        var error = await Assert.ThrowsAsync<NebulaException>(run.OpenAsync);
        Assert.Equal(ErrorKind.PositionLost, error.Kind);
        Assert.Contains("can be used no more", error.Message, StringComparison.Ordinal);
        var checks = await run.Source.CheckChangesAsync([run.PlanOf("public.t")], CancellationToken.None);
        Assert.Contains(checks, static check => check is { Name: "slot", Passed: false } && check.Detail.Contains("SELECT "
            + "pg_drop_replication_slot", StringComparison.Ordinal));
        error = await Assert.ThrowsAsync<NebulaException>(() => run.Source.FindPositionAsync(run.PlanOf("public.t"), null, CancellationToken.None));
        Assert.Equal(ErrorKind.PositionLost, error.Kind);

        run.OnPositionLost = PositionLoss.Resnapshot;
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (3)");
        await run.DrainAsync();
        await run.AssertEqualAsync();
    }

    /// <summary>A crash of the server is no loss.</summary>
    [Theory, Server(15), Server(18)]
    public async Task ServerCrashesAndComesBack_GoesOn(int version)
    {
        using var server = PostgreSqlServer.Start(version);
        await using var run = await ChangesRun.CreateAsync(server, "CREATE TABLE t (id int PRIMARY KEY)", follow: true);
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t SELECT generate_series(1, 100)");
        await using (var reader = await run.OpenAsync())
        {
            await run.FollowAsync(reader);
            server.Stop();
            var error = await Assert.ThrowsAsync<NebulaException>(() => run.FollowUntilFailsAsync(reader));
            Assert.Equal(ErrorKind.Transient, error.Kind);
        }
        server.Restart();
        run.Execute("DELETE FROM t WHERE id % 3 = 0");
        await using (var reader = await run.OpenAsync())
            await run.FollowAsync(reader);

        await run.AssertEqualAsync();
    }

    /// <summary>Nobody holds the slot between two answers.</summary>
    [Theory, Server(15), Server(18)]
    public async Task SlotDroppedAndRecreatedWhileItIsRead_IsLostBeforeAnythingBehindIt(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY)");
        run.Context = run.Context with { MaxChanges = 1, MaxAsked = 8 };
        await run.SnapshotAsync("public.t");
        for (var i = 1; i <= 10; i++)
            run.Execute($"INSERT INTO t VALUES ({i})");
        await using var reader = await run.OpenAsync();
        run.Commit((await reader.ReadAsync(CancellationToken.None))!);
        await reader.AcknowledgeAsync(run.PositionOf("public.t"), CancellationToken.None);
        run.Execute($"SELECT pg_drop_replication_slot('{run.Options["slot"]}')");
        run.Execute($"SELECT pg_create_logical_replication_slot('{run.Options["slot"]}', 'pgoutput')");

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.DrainAsync(reader, acknowledge: false));

        Assert.Equal(ErrorKind.PositionLost, error.Kind);
        Assert.Contains("was dropped and made again", error.Message, StringComparison.Ordinal);
        Assert.True(run.Changes.Count < 10, "all of it was in the first answer");
        Assert.Equal(Enumerable.Range(1, run.Changes.Count), run.Changes.Select(static change => int.Parse(change["public.t: ".Length..].Split('|')[0],
            System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Theory, Server(15), Server(18)]
    public async Task SlotReadBySomebodyElse_IsLocked(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY)", follow: true);
        await run.SnapshotAsync("public.t");
        await using var first = await run.OpenAsync();
        await using var second = run.Again();
        await second.PlanAsync("public.t");

        var error = await Assert.ThrowsAsync<NebulaException>(second.OpenAsync);

        Assert.Equal(ErrorKind.Locked, error.Kind);
        Assert.Contains("is read by somebody else", error.Message, StringComparison.Ordinal);
    }

    private async Task LostAsync(int version, bool follow, Action<ChangesRun> lose, string message)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)", follow: false);
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (2)");
        await run.DrainAsync();
        run.Execute("INSERT INTO t VALUES (3)");
        lose(run);
        run.Context = run.Context with { Follow = follow };

        var error = await Assert.ThrowsAsync<NebulaException>(run.OpenAsync);

        Assert.Equal(ErrorKind.PositionLost, error.Kind);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        // read anew it is whole again
        run.Context = run.Context with { Follow = false };
        run.OnPositionLost = PositionLoss.Resnapshot;
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (4)");
        await run.DrainAsync();
        await run.AssertEqualAsync();
    }
}

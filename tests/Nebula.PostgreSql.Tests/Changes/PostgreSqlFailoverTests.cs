using Nebula.Connectors.PostgreSql.Changes;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>A standby takes over that has the slot: changes go on to be captured from it, where it has all that the destination has.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlFailoverTests(Servers servers)
{
    private const string Tables = "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 2000) i";

    /// <summary>The slot of the standby is behind what is committed: what is there already does not come twice.</summary>
    [Theory, Server(18)]
    public async Task Failover_StandbyHasTheSlot_GoesOnWithoutLossAndWithoutTellingTwice(int version)
    {
        using var primary = StartPrimary(version);
        using var standby = primary.StartStandby("standby");
        await using var run = await CreateAsync(primary);
        await run.SnapshotAsync("public.t");
        await SynchronizeAsync(run, standby);
        run.Execute("UPDATE t SET a = 'changed' WHERE id <= 100; INSERT INTO t VALUES (5000, 'there')");
        run.Execute("DELETE FROM t WHERE id = 200");
        await run.DrainAsync();
        run.Execute("DELETE FROM t WHERE id <= 10");
        primary.WaitFor(standby);

        await using (var early = await AgainAsync(run, standby, follow: false))
        {
            var error = await Assert.ThrowsAsync<NebulaException>(early.OpenAsync);
            Assert.Equal(ErrorKind.Transient, error.Kind);
            Assert.Contains("as long as the server is a standby", error.Message, StringComparison.Ordinal);
            var check = Assert.Single(await early.Source.CheckChangesAsync([early.PlanOf("public.t")], CancellationToken.None),
                static result => result.Name == "slot");
            Assert.Equal((false, error.Message), (check.Passed, check.Detail));
        }
        primary.Stop();
        standby.Promote();
        standby.Execute("INSERT INTO t VALUES (6000, 'new'); UPDATE t SET a = 'later' WHERE id = 300", run.Database);
        Assert.True(standby.Ask<bool>($"SELECT confirmed_flush_lsn < '{Lsn(run.PositionOf("public.t"))}' FROM pg_replication_slots WHERE slot_name = "
            + $"'{run.Options["slot"]}'"));

        // what is not acknowledged comes to the second as to the first
        var before = run.Targets["public.t"].Rows.ToList();
        await using var follower = await AgainAsync(run, standby, follow: true);
        await using (var reader = await follower.OpenAsync())
            await follower.FollowAsync(reader, acknowledge: false);
        Assert.Equal(10 + 2, follower.Changes.Count);
        await follower.AssertEqualAsync();
        run.Targets["public.t"].Load(before, anew: true);
        await using var bounded = await AgainAsync(run, standby, follow: false);
        await bounded.DrainAsync();
        Assert.Equal(10 + 2, bounded.Changes.Count);
        await bounded.AssertEqualAsync();
        // and it goes on there as anywhere
        bounded.Execute("DELETE FROM t WHERE id > 1000");
        await bounded.DrainAsync();
        await bounded.AssertEqualAsync();
        Assert.Contains("/2", bounded.PositionOf("public.t"), StringComparison.Ordinal);
    }

    /// <summary>The destination has what the standby never got: that is lost at the source, and is not passed over.</summary>
    [Theory, Server(18)]
    public async Task Failover_DestinationIsAheadOfTheStandby_IsLost(int version)
    {
        using var primary = StartPrimary(version);
        using var standby = primary.StartStandby("standby");
        await using var run = await CreateAsync(primary);
        await run.SnapshotAsync("public.t");
        await SynchronizeAsync(run, standby);
        standby.Stop();
        run.Execute("INSERT INTO t VALUES (5000, 'lost')");
        await run.DrainAsync();
        primary.Stop();
        standby.Restart();
        standby.Promote();
        standby.Execute("INSERT INTO t VALUES (6000, 'new')", run.Database);
        standby.Execute("UPDATE t SET a = repeat('more ', 100)", run.Database);

        foreach (var follow in (bool[])[false, true])
        {
            await using var there = await AgainAsync(run, standby, follow);
            var error = await Assert.ThrowsAsync<NebulaException>(there.OpenAsync);
            Assert.Equal(ErrorKind.PositionLost, error.Kind);
            Assert.Contains("timeline 2, not 1. A standby took over that had the log up to", error.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>A slot that was made without is given to standbys, too, as soon as that is wanted.</summary>
    [Theory, Server(18)]
    public async Task Failover_SetLater_ChangesTheSlot(int version)
    {
        await using var run = await CreateAsync(servers[version]);
        run.Options.Remove("failover");
        await run.SnapshotAsync("public.t");
        Assert.False(IsShared());
        run.Options["failover"] = "true";
        Assert.All(await run.Source.CheckChangesAsync([run.PlanOf("public.t")], CancellationToken.None),
            static result => Assert.True(result.Passed, result.Detail));
        run.Execute("DELETE FROM t WHERE id = 1");
        await run.DrainAsync();

        Assert.True(IsShared());
        await run.AssertEqualAsync();

        bool IsShared() => run.Ask<bool>($"SELECT failover FROM pg_replication_slots WHERE slot_name = '{run.Options["slot"]}'");
    }

    [Theory, Server(15)]
    public async Task Failover_ServerThatIsTooOld_IsRefused(int version)
    {
        await using var run = await CreateAsync(servers[version]);
        var plan = await run.PlanAsync("public.t");
        var check = Assert.Single(await run.Source.CheckChangesAsync([plan], CancellationToken.None), static result => result.Name == "failover");
        var refused = await Assert.ThrowsAsync<NebulaException>(() => run.SnapshotAsync("public.t"));

        Assert.False(check.Passed);
        foreach (var message in (string[])[check.Detail, refused.Message])
            Assert.Contains("'failover' needs 17 or newer", message, StringComparison.Ordinal);
        Assert.Equal(ErrorKind.Configuration, refused.Kind);
    }

    [Fact]
    public void History_OfSeveralTimelines_TellsWhereEachEnded_AndNothingOfOthers()
    {
        var history = TimelineHistory.Parse("1\t0/3000060\tno recovery target specified\n\n2\t1A/4F000000\tbefore 2026-01-01 00:00:00+00\nx\ty\n7\n");

        Assert.Equal(0x3000060ul, history.EndOf(1));
        Assert.Equal(0x1A4F000000ul, history.EndOf(2));
        Assert.Null(history.EndOf(3));
        Assert.Null(history.EndOf(7));
        Assert.Null(TimelineHistory.Parse("").EndOf(1));
    }

    private static PostgreSqlServer StartPrimary(int version)
    {
        var primary = PostgreSqlServer.Start(version);
        primary.Execute("SELECT pg_create_physical_replication_slot('standby')");
        return primary;
    }

    private static async Task<ChangesRun> CreateAsync(PostgreSqlServer server)
    {
        var run = await ChangesRun.CreateAsync(server, Tables);
        run.Options["failover"] = "true";
        return run;
    }

    private static async Task<ChangesRun> AgainAsync(ChangesRun run, PostgreSqlServer server, bool follow)
    {
        var there = run.Again(server);
        await there.PlanAsync("public.t");
        there.Context = there.Context with { Follow = follow };
        return there;
    }

    private static Task SynchronizeAsync(ChangesRun run, PostgreSqlServer standby) => run.Server.ShareAsync(
        standby, run.Options["slot"], () => run.Execute("UPDATE t SET a = a || '.' WHERE id = 1000"), run.DrainAsync);

    private static string Lsn(string position) => $"{position[..8]}/{position[8..16]}";
}

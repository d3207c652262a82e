using Nebula.Engine.Connectors;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>Snapshot and changes join without a gap and without an overlap, and windows join wherever a reader stops.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlChangesJoinTests(Servers servers)
{
    // what is told twice, or of a row that is not there, fails in Target.Apply
    [Theory, Server(15), Server(18)]
    public async Task Snapshot_TransactionsOpenWhenTheSlotIsMade_AreToldOnce(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 2000) i");
        await JoinAsync(run, "public.t");
    }

    [Theory, Server(15), Server(18)]
    public async Task Snapshot_TransactionsOpenWhenASecondTableJoinsTheSlot_AreToldOnce(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE s (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 2000) i");
        await run.SnapshotAsync("public.s");
        await JoinAsync(run, "public.t");
    }

    [Theory, Server(15), Server(18)]
    public async Task Snapshot_TransactionsOfAPublishedTableOpenBesideAnOldSlot_AreToldOnce(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT i, 0 FROM generate_series(1, 2000) i");
        await run.SnapshotAsync("public.t");
        run.Execute("UPDATE t SET n = 1 WHERE id < 100; INSERT INTO t VALUES (-5, 1); DELETE FROM t WHERE id = 500");
        // the first snapshot is forgotten, as after a crash; the slot is still where it was
        await using var next = run.Again();
        await JoinAsync(next, "public.t");
        Assert.Contains("/", next.PositionOf("public.t"), StringComparison.Ordinal);
    }

    /// <summary>A window that ends before all is behind the snapshot carries what the snapshot has.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Snapshot_WindowsEndBeforeItsEnd_GoOnWithoutTellingTwice(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, n int)");
        await run.SnapshotAsync("public.a");
        for (var i = 0; i < 20; i++)
            run.Execute($"INSERT INTO a VALUES ({i}); INSERT INTO t VALUES ({i}, 1)");
        await run.SnapshotAsync("public.t");
        for (var i = 20; i < 40; i++)
            run.Execute($"INSERT INTO a VALUES ({i}); INSERT INTO t VALUES ({i}, 1)");
        run.Context = run.Context with { MaxChanges = 3, MaxAsked = 24 };
        var windows = 0;
        while (true)
        {
            await using var reader = await run.OpenAsync();
            if (await reader.ReadAsync(CancellationToken.None) is not { } window)
                break;
            run.Commit(window);
            if (++windows % 3 == 0)
                await reader.AcknowledgeAsync(window.Position, CancellationToken.None);
        }

        // 60 changes, and what lies between the end of one of the server's answers (12 messages here) and a full window
        Assert.InRange(windows, 20, 30);
        await run.AssertEqualAsync();
        Assert.DoesNotContain(";", run.PositionOf("public.t"), StringComparison.Ordinal);
    }

    /// <summary>More than the server is asked for at a time: it decodes each transaction once, where what was read is acknowledged whenever that is
    /// awaited.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Read_MoreThanAnAnswer_IsDecodedOnce(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE idle (id int PRIMARY KEY)");
        await run.SnapshotAsync("public.t");
        await run.SnapshotAsync("public.idle");
        await run.DrainAsync();
        run.Execute("INSERT INTO t SELECT generate_series(1, 1000)");
        for (var i = 1; i <= 60; i++)
            run.Execute($"INSERT INTO t VALUES ({-i}), ({-100 - i}), ({-200 - i})");
        run.Context = run.Context with { MaxChanges = 25, MaxAsked = 200 };
        // once, by one answer
        var start = Decoded(run);
        Assert.True(run.Ask<long>($"SELECT count(*) FROM pg_logical_slot_peek_binary_changes('{run.Options["slot"]}', NULL, NULL, 'proto_version', '1', "
            + "'publication_names', '\"nebula pub\"')") > 1180);
        var once = Decoded(run) - start;
        start = Decoded(run);

        var awaited = 0;
        await using (var reader = await run.OpenAsync())
            while (await reader.ReadAsync(CancellationToken.None) is { } window)
            {
                awaited += window.IsAwaited ? 1 : 0;
                run.Commit(window);
                if (window.IsAwaited)
                    await reader.AcknowledgeAsync(window.Position, CancellationToken.None);
            }

        await run.AssertEqualAsync();
        Assert.Equal(1180, run.Changes.Count);
        // the server may have transactions of its own, which are small
        Assert.InRange(Decoded(run) - start, once, once * 5 / 4);
        // one of the large transaction; 200 messages are 40 of the small ones
        Assert.InRange(awaited, 2, 3);
    }

    /// <summary>Where nothing is acknowledged, what was read comes again with each answer, and the answers grow.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Read_MoreThanAnAnswerAndNothingAcknowledged_GoesOn(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY)");
        await run.SnapshotAsync("public.t");
        for (var i = 1; i <= 60; i++)
            run.Execute($"INSERT INTO t VALUES ({-i}), ({-100 - i}), ({-200 - i})");
        run.Context = run.Context with { MaxChanges = 10, MaxAsked = 80 };
        await using (var reader = await run.OpenAsync())
            await run.DrainAsync(reader, acknowledge: false);

        await run.AssertEqualAsync();
        Assert.Equal(180, run.Changes.Count);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_WindowEndsInsideATransaction_GoesOnInsideIt(int version)
    {
        foreach (var follow in (bool[])[false, true])
        {
            await using var run = await ChangesRun.CreateAsync(servers[version],
                "CREATE TABLE t (id int PRIMARY KEY, n int); CREATE TABLE other (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)", follow);
            await run.SnapshotAsync("public.t");
            await run.SnapshotAsync("public.u");
            run.Execute("ALTER PUBLICATION \"nebula pub\" ADD TABLE other");
            run.Execute("""
                DO $$ BEGIN FOR i IN 1..50 LOOP
                    INSERT INTO t VALUES (i, 1); INSERT INTO other VALUES (i); INSERT INTO u VALUES (i);
                    UPDATE t SET id = -i WHERE id = i; UPDATE t SET n = 2 WHERE id = -i; END LOOP; DELETE FROM t WHERE id < -40; END $$
                """);
            run.Context = run.Context with { MaxChanges = 7, MaxAsked = 56 };
            var windows = 0;
            while (run.Targets["public.t"].Rows.Count() != 40 || run.Changes.Count < 50 * 5 + 10)
            {
                await using var reader = await run.OpenAsync();
                for (var i = 0; i <= windows % 3; i++)
                    if (await reader.ReadAsync(CancellationToken.None) is { } window)
                        run.Commit(window);
                windows++;
            }

            Assert.Equal(50 * 5 + 10, run.Changes.Count);
            await run.AssertEqualAsync();
        }
    }

    /// <summary>airbyte#49802, and what the seed did: what is not committed at the destination is not acknowledged, also when it was received.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Acknowledge_OnlyWhatIsCommitted_MovesTheSlot(int version)
    {
        foreach (var follow in (bool[])[false, true])
        {
            await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY)", follow);
            await run.SnapshotAsync("public.t");
            var before = Confirmed(run);
            run.Execute("INSERT INTO t VALUES (1)");
            await using (var reader = await run.OpenAsync())
            {
                using (var window = await reader.ReadAsync(CancellationToken.None))
                    Assert.Single(window!.Streams);
                run.Execute("INSERT INTO t VALUES (2)");
            }
            Assert.Equal(before, Confirmed(run));
            await using (var reader = await run.OpenAsync())
            {
                ChangeWindow window;
                do
                {
                    window = (await reader.ReadAsync(CancellationToken.None))!;
                    run.Commit(window);
                }
                while (run.Changes.Count < 2);
                await reader.AcknowledgeAsync(window.Position, CancellationToken.None);
                while (run.Ask<bool>($"SELECT confirmed_flush_lsn < '{Lsn(window.Position)}' FROM pg_replication_slots WHERE slot_name = "
                    + $"'{run.Options["slot"]}'"))
                    await Task.Yield();
            }
            await run.AssertEqualAsync();
        }
    }

    /// <summary>airbyte#18573, debezium#1082: a table without changes beside busy ones does not make the server keep its log.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Follow_OnlyOthersChange_TheSlotMovesOn(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE busy (id int)", follow: true);
        await run.SnapshotAsync("public.t");
        await using var reader = await run.OpenAsync();
        run.Execute("INSERT INTO busy SELECT generate_series(1, 10000)");
        servers[version].Execute("CREATE TABLE IF NOT EXISTS busy (id int); INSERT INTO busy SELECT generate_series(1, 10000)");
        await run.FollowAsync(reader);

        Assert.Empty(run.Changes);
        var position = run.PositionOf("public.t");
        while (run.Ask<bool>($"SELECT confirmed_flush_lsn < '{Lsn(position)}' FROM pg_replication_slots WHERE slot_name = '{run.Options["slot"]}'"))
            await Task.Yield();
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_NothingChanged_SlotMovesOnAndThenThereIsNoWindow(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY)");
        await run.SnapshotAsync("public.t");
        servers[version].Execute("CREATE TABLE IF NOT EXISTS busy (id int); INSERT INTO busy SELECT generate_series(1, 10000)");
        var before = run.PositionOf("public.t");
        Assert.Equal(1, await run.DrainAsync());

        Assert.True(string.CompareOrdinal(before, run.PositionOf("public.t")) < 0);
        Assert.True(run.Ask<bool>($"SELECT confirmed_flush_lsn >= '{Lsn(run.PositionOf("public.t"))}' FROM pg_replication_slots WHERE slot_name = "
            + $"'{run.Options["slot"]}'"));
    }

    [Theory, Server(15), Server(18)]
    public async Task ChangesOnly_BeginsWithWhatComesAfterThePosition(int version)
    {
        foreach (var hasSlot in (bool[])[false, true])
        {
            await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE s (id int PRIMARY KEY)");
            run.ChangesOnly = true;
            if (hasSlot)
                await run.Source.FindPositionAsync(await run.PlanAsync("public.s"), null, CancellationToken.None);
            await using var next = run.Again();
            next.ChangesOnly = true;
            next.Execute("INSERT INTO t VALUES (1)");
            var plan = await next.PlanAsync("public.t");
            next.SetPosition("public.t", await next.Source.FindPositionAsync(plan, null, CancellationToken.None));
            next.Execute("INSERT INTO t VALUES (2)");
            await next.DrainAsync();

            Assert.Equal(["2"], next.Targets["public.t"].Rows);
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Follow_WaitIsCancelled_EndsAndTheSlotIsFreeAgain(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY)", follow: true);
        run.Options["heartbeat"] = "01:00:00";
        await run.SnapshotAsync("public.t");
        for (var i = 0; i < 3; i++)
        {
            await using var reader = await run.OpenAsync();
            using var stop = new CancellationTokenSource();
            var read = reader.ReadAsync(stop.Token);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
        }
    }

    /// <summary>Transactions that write before, while and after the position is taken, committed at the worst moments.</summary>
    private static async Task JoinAsync(ChangesRun run, string stream)
    {
        await using var early = new NpgsqlConnection(run.Server.ConnectionString(run.Database));
        await early.OpenAsync();
        await Run(early, "BEGIN; INSERT INTO t VALUES (-1, 1); UPDATE t SET n = 1 WHERE id = 1");
        using var stop = new CancellationTokenSource();
        var committed = 0;
        var writer = Task.Run(async () =>
        {
            await using var connection = new NpgsqlConnection(run.Server.ConnectionString(run.Database));
            await connection.OpenAsync();
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                await Run(connection, $"BEGIN; INSERT INTO t VALUES ({10_000 + i}, 0); UPDATE t SET n = n + 1 WHERE id = {i % 2000 + 10}; SAVEPOINT s; "
                    + $"DELETE FROM t WHERE id = {10_000 + i - 5}; COMMIT");
                Interlocked.Increment(ref committed);
            }
        });
        var snapshot = Task.Run(() => run.SnapshotAsync(stream, () => Run(early, "BEGIN; INSERT INTO t VALUES (-2, 1); UPDATE t SET n = n + 100 WHERE id = "
            + "2").GetAwaiter().GetResult()));
        // whatever waits for the transaction gets it; what does not wait goes past it
        while (Volatile.Read(ref committed) < 50 && !writer.IsCompleted)
            await Task.Yield();
        await Run(early, "COMMIT");
        await snapshot;
        await Run(early, "COMMIT");
        var until = Volatile.Read(ref committed) + 50;
        while (Volatile.Read(ref committed) < until && !writer.IsCompleted)
            await Task.Yield();
        await stop.CancelAsync();
        await writer;
        await run.DrainAsync();

        await run.AssertEqualAsync();
    }

    private static async Task Run(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static string Confirmed(ChangesRun run) => run.Ask<string>($"SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = "
        + $"'{run.Options["slot"]}'");

    /// <summary>Bytes of transactions that the server has decoded for the slot, each as many times as it did.</summary>
    private static long Decoded(ChangesRun run) => run.Ask<long>($"SELECT total_bytes FROM pg_stat_replication_slots WHERE slot_name = "
        + $"'{run.Options["slot"]}'");

    private static string Lsn(string position) => $"{position[..8]}/{position[8..16]}";
}

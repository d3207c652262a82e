using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlChangesTests(Servers servers)
{
    [Theory, Server(15), Server(18)]
    public async Task Read_InsertsUpdatesDeletesTruncates_AreHandedOverInOrder(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'one'), (2, 'two')");
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (3, 'three'); UPDATE t SET name = 'zwei' WHERE id = 2; DELETE FROM t WHERE id = 1");
        run.Execute("UPDATE t SET id = 30 WHERE id = 3");
        await run.DrainAsync();
        Assert.Equal(["3|three|i", "2|zwei|u", "1|null|d", "3|null|d", "30|three|i"],
            run.Changes.Select(static change => string.Join('|', change[10..].Split('|')[..3])));
        await run.AssertEqualAsync();

        run.Execute("TRUNCATE t; INSERT INTO t VALUES (7, 'seven')");
        await run.DrainAsync();

        Assert.Equal(["null|null|t", "7|seven|i"], run.Changes.Skip(5).Select(static change => string.Join('|', change[10..].Split('|')[..3])));
        await run.AssertEqualAsync();
        Assert.Equal(0, await run.DrainAsync() > 1 ? 1 : 0);
    }

    [Theory, Server(15), Server(18)]
    public async Task Follow_InsertsUpdatesDeletes_AreHandedOverInOrder(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'one'), (2, 'two')", follow: true);
        await run.SnapshotAsync("public.t");
        await using var reader = await run.OpenAsync();
        run.Execute("INSERT INTO t VALUES (3, 'three'); UPDATE t SET name = 'zwei' WHERE id = 2; DELETE FROM t WHERE id = 1");
        await run.FollowAsync(reader);
        run.Execute("UPDATE t SET id = 30 WHERE id = 3");
        await run.FollowAsync(reader);

        Assert.Equal(["3|three|i", "2|zwei|u", "1|null|d", "3|null|d", "30|three|i"],
            run.Changes.Select(static change => string.Join('|', change[10..].Split('|')[..3])));
        await run.AssertEqualAsync();
    }

    /// <summary>The server ends a connection that it hears nothing from for as long as wal_sender_timeout says.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Follow_DestinationThatIsSlow_KeepsTheStream(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY, name text)", follow: true);
        run.Execute($"ALTER DATABASE {run.Database} SET wal_sender_timeout = '3s'");
        await run.SnapshotAsync("public.t");
        await using var reader = await run.OpenAsync();
        var process = Process();

        // more than lies ready anywhere between the two, and nothing is read meanwhile
        run.Execute("INSERT INTO t SELECT i, repeat('x', 2000) FROM generate_series(1, 20000) i");
        var begun = run.Ask<DateTime>("SELECT clock_timestamp()");
        for (var tries = 0; tries < 1_200 && !IsHeard(); tries++)
            await Task.Delay(50);
        Assert.True(IsHeard());
        await run.FollowAsync(reader);

        await run.AssertEqualAsync();
        Assert.Equal(process, Process());

        int Process() => run.Ask<int>($"SELECT coalesce(active_pid, 0) FROM pg_replication_slots WHERE slot_name = '{run.Options["slot"]}'");

        bool IsHeard() => run.Ask<bool>($"SELECT coalesce(max(reply_time) > '{begun:O}'::timestamptz + interval '4 s', false) FROM pg_stat_replication "
            + $"WHERE pid = {process}");
    }
}

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
}

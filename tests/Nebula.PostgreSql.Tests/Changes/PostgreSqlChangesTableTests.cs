using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>Tables of all kinds: what identifies rows, values that the log leaves out, partitions, columns that come and go.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlChangesTableTests(Servers servers)
{
    // 8 kB that cannot be compressed are stored apart from the row
    private const string Large = "(SELECT string_agg(md5(i::text || {0}), '') FROM generate_series(1, 250) i)";

    private static string LargeOf(string seed) => Large.Replace("{0}", $"'{seed}'", StringComparison.Ordinal);

    /// <summary>debezium#7934, olake#999: the value of a column that is stored apart and did not change is not told.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Merge_LargeValueThatDidNotChange_IsMarkedAndStays(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY, big text, n int)");
        await run.SnapshotAsync("public.t");
        run.Execute($"INSERT INTO t VALUES (1, {LargeOf("a")}, 1), (2, NULL, 1); UPDATE t SET n = 2");
        await run.DrainAsync();
        var unchanged = run.Changes[2].Split('|');

        Assert.Equal(["1", "null", "2", "u"], unchanged[..4].Select(static (value, i) => i == 0 ? value[10..] : value));
        Assert.Equal("02", unchanged[6]);
        Assert.Equal("null", run.Changes[3].Split('|')[6]);
        await run.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Append_LargeValueThatDidNotChange_IsReadFromTheTable(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int, \"Part\" text, big text, n int, bytes bytea[], PRIMARY KEY (id, \"Part\"))");
        run.Write = WriteMode.Append;
        await run.PlanAsync("public.t");
        run.SetPosition("public.t", await run.Source.FindPositionAsync(run.PlanOf("public.t"), null, CancellationToken.None));
        run.Execute($"INSERT INTO t VALUES (1, 'it''s', {LargeOf("a")}, 1, NULL), (2, 'b', {LargeOf("b")}, 1, ARRAY[convert_to({LargeOf("c")}, 'utf8')])");
        run.Execute("UPDATE t SET n = 2; DELETE FROM t WHERE id = 2");
        await using var reader = await run.OpenAsync();
        using var window = await reader.ReadAsync(CancellationToken.None);
        var rows = new Rows([], []);
        rows.Add(Assert.Single(Assert.Single(window!.Streams).Batches));

        Assert.Equal(["i", "i", "u", "u", "d"], rows.Lines.Select(static line => line.Split('|')[5]));
        Assert.Equal(run.Ask<string>("SELECT big FROM t"), rows.Lines[2].Split('|')[2]);
        // the row is gone
        Assert.Equal("null", rows.Lines[3].Split('|')[2]);
        Assert.Equal(8, rows.Lines[0].Split('|').Length);
    }

    [Theory, Server(15), Server(18)]
    public async Task Merge_KeyChangesAndLargeValueDoesNot_IsReadFromTheTable(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY, big text, n int)");
        await run.SnapshotAsync("public.t");
        run.Execute($"INSERT INTO t VALUES (1, {LargeOf("a")}, 1), (2, {LargeOf("b")}, 2); UPDATE t SET id = 10 WHERE id = 1");
        run.Execute("UPDATE t SET id = 20 WHERE id = 2; UPDATE t SET id = 21 WHERE id = 20");
        await run.DrainAsync();

        await run.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Merge_ReplicaIdentityFull_TellsAllValuesAndOtherKeysWork(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (code text, big text, n int); ALTER TABLE t REPLICA IDENTITY FULL; CREATE TABLE nokey (a int, b text); ALTER TABLE nokey REPLICA "
                + "IDENTITY FULL; INSERT INTO nokey VALUES (1, 'x')");
        await run.SnapshotAsync("public.t", null, "code");
        run.Execute($"INSERT INTO t VALUES ('a', {LargeOf("a")}, 1), ('b', {LargeOf("b")}, 2); UPDATE t SET n = 7 WHERE code = 'a'; UPDATE t SET code = 'c' "
            + "WHERE code = 'b'; DELETE FROM t WHERE code = 'c'");
        await run.DrainAsync();

        await run.AssertEqualAsync();
        Assert.Equal(["i", "i", "u", "d", "i", "d"], run.Changes.Select(static change => change.Split('|')[3]));
        Assert.DoesNotContain(run.Changes, static change =>
            change.Contains("|null|", StringComparison.Ordinal) && !change.EndsWith("|null", StringComparison.Ordinal));
    }

    [Theory, Server(15), Server(18)]
    public async Task Merge_ReplicaIdentityIndex_IsTheKey(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int, code text NOT NULL, big text, n int); CREATE UNIQUE INDEX i ON t (code) INCLUDE (n); ALTER TABLE t REPLICA IDENTITY "
                + "USING INDEX i");
        await run.SnapshotAsync("public.t", null, "code");
        run.Execute($"INSERT INTO t VALUES (1, 'a', {LargeOf("a")}, 1), (2, 'b', NULL, 2); UPDATE t SET code = 'c' WHERE id = 1; UPDATE t SET n = 5; DELETE "
            + "FROM t WHERE id = 2");
        await run.DrainAsync();

        await run.AssertEqualAsync();
    }

    [Theory]
    [InlineData("CREATE TABLE t (id int)", "", "ALTER TABLE \"public\".\"t\" REPLICA IDENTITY FULL;")]
    [InlineData("CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY NOTHING", "id", "would fail once it is published")]
    [InlineData("CREATE TABLE t (id int PRIMARY KEY, code text)", "code", "or choose another 'primary_key'")]
    [InlineData("CREATE UNLOGGED TABLE t (id int PRIMARY KEY)", "id", "SET LOGGED")]
    [InlineData("CREATE VIEW t AS SELECT 1 AS id", "id", "only tables have changes")]
    [InlineData("CREATE TABLE t (id int) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10)", "id",
        "Partition t1 has nothing")]
    [InlineData("CREATE TABLE t (id int PRIMARY KEY, x int); CREATE PUBLICATION \"nebula pub\" FOR TABLE t WHERE (id > 5)", "id", "without WHERE")]
    [InlineData("CREATE TABLE t (id int PRIMARY KEY, x int); CREATE PUBLICATION \"nebula pub\" FOR TABLE t (id)", "id", "does not hand over the columns x")]
    [InlineData("CREATE TABLE t (id int PRIMARY KEY, x int); CREATE PUBLICATION \"nebula pub\" FOR TABLE t WITH (publish = 'insert')", "id",
        "SET (publish = 'insert, update, delete, truncate')")]
    [InlineData("CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE PUBLICATION \"nebula pub\"", "id",
        "SET (publish_via_partition_root = true)")]
    public async Task FindPosition_TableThatCannotBeCaptured_IsRefusedBeforeAnythingIsMade(string sql, string key, string remedy)
    {
        await using var run = await ChangesRun.CreateAsync(servers[15], sql);
        var plan = await run.PlanAsync("public.t", key.Length > 0 ? [key] : []);

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.Source.FindPositionAsync(plan, null, CancellationToken.None));

        Assert.Equal(ErrorKind.Configuration, error.Kind);
        Assert.Contains(remedy, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, run.Ask<int>($"SELECT count(*)::int FROM pg_replication_slots WHERE slot_name = '{run.Options["slot"]}'"));
        var checks = await run.Source.CheckChangesAsync([plan], CancellationToken.None);
        Assert.Contains(checks, check => !check.Passed && check.Detail.Contains(remedy, StringComparison.Ordinal));
    }

    [Theory, Server(15), Server(18)]
    public async Task Merge_PartitionedTable_IsOneStreamWithAllOfItsPartitions(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], """
            CREATE TABLE t (id int, region text, n int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
            CREATE TABLE t_eu PARTITION OF t FOR VALUES IN ('eu');
            CREATE TABLE t_us (n int, gone int, region text NOT NULL, id int NOT NULL);
            ALTER TABLE t_us DROP COLUMN gone; ALTER TABLE t ATTACH PARTITION t_us FOR VALUES IN ('us');
            INSERT INTO t SELECT i, CASE i % 2 WHEN 0 THEN 'eu' ELSE 'us' END, i FROM generate_series(1, 100) i;
            """);
        await run.SnapshotAsync("public.t", () => run.Execute("INSERT INTO t VALUES (1000, 'us', 1)"));
        run.Execute("UPDATE t SET n = n + 1 WHERE id < 10; DELETE FROM t WHERE id > 90; UPDATE t SET region = 'us' WHERE id = 20; INSERT INTO t_us VALUES "
            + "(5, 'us', 2000)");
        run.Execute("CREATE TABLE t_asia PARTITION OF t FOR VALUES IN ('asia'); INSERT INTO t VALUES (5000, 'asia', 3)");
        await run.DrainAsync();
        await run.AssertEqualAsync();
        run.Execute("TRUNCATE t; INSERT INTO t VALUES (1, 'eu', 1)");
        await run.DrainAsync();

        await run.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Merge_GeneratedColumns_HaveTheirValues(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            $"CREATE TABLE t (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) "
                + $"STORED{(version >= 18 ? ", thrice int GENERATED ALWAYS AS (a * 3) VIRTUAL" : "")}, b text); INSERT INTO t VALUES (1, 1)");
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t (id, a, b) VALUES (2, 5, 'x'), (3, 6, 'y'); UPDATE t SET a = a + 1; DELETE FROM t WHERE id = 3");
        await run.DrainAsync();

        await run.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_InheritanceTruncateOfSeveralMessagesRollbacks_AreAsTheTableIs(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], """
            CREATE TABLE t (id int PRIMARY KEY, n int); CREATE TABLE child (PRIMARY KEY (id)) INHERITS (t);
            CREATE TABLE u (id int PRIMARY KEY REFERENCES t, n int); CREATE TABLE other (id int PRIMARY KEY);
            INSERT INTO t VALUES (1, 1); INSERT INTO child VALUES (100, 1);
            """);
        await run.SnapshotAsync("public.t");
        await run.SnapshotAsync("public.u");
        run.Execute("INSERT INTO child VALUES (101, 1); UPDATE child SET n = 2; INSERT INTO other VALUES (1); INSERT INTO t VALUES (2, 2); INSERT INTO u "
            + "VALUES (1, 1)");
        run.Execute("SELECT pg_logical_emit_message(true, 'prefix', 'content'), pg_logical_emit_message(false, 'prefix', 'content'); ");
        run.Execute("BEGIN; INSERT INTO t VALUES (3, 3); SAVEPOINT a; INSERT INTO t VALUES (4, 4); ROLLBACK TO a; SAVEPOINT b; INSERT INTO t VALUES (5, 5); "
            + "RELEASE b; INSERT INTO t VALUES (6, 6); COMMIT");
        run.Execute("BEGIN; INSERT INTO t VALUES (7, 3); ROLLBACK");
        await run.DrainAsync();
        await run.AssertEqualAsync();
        run.Execute("BEGIN; TRUNCATE ONLY t, u; INSERT INTO t VALUES (1, 9); COMMIT");
        await run.DrainAsync();

        await run.AssertEqualAsync();
        Assert.Equal(2, run.Changes.Count(static change => change.Contains("|t|", StringComparison.Ordinal)));
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_ColumnsComeWhileItIsRead_EndsThePlanAndGoesOnWithANewOne(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int PRIMARY KEY, a int, b text, c int); INSERT INTO t VALUES (1, 1, 'one', 1)");
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (2, 2, 'two', 2)");
        run.Execute("ALTER TABLE t ADD COLUMN d text DEFAULT 'new'");
        run.Execute("INSERT INTO t VALUES (3, 3, 'three', 3, 'told')");

        var error = await Assert.ThrowsAsync<SchemaChangedException>(() => run.DrainAsync());

        Assert.Equal(0, error.Stream);
        Assert.Contains("column \"d\" came", error.Message, StringComparison.Ordinal);
        Assert.Contains("read the stream anew", error.Message, StringComparison.Ordinal);
        Assert.Equal(["public.t: 2|2|two|2|i"], run.Changes.Select(static change => string.Join('|', change.Split('|')[..5])));
        await using var next = run.Again();
        await next.PlanAsync("public.t");
        next.Targets["public.t"] = new Target(next.PlanOf("public.t"));
        next.Targets["public.t"].Load(["1|1|one|1|new", "2|2|two|2|new"]);
        await next.DrainAsync();
        await next.AssertEqualAsync();
    }

    [Theory]
    [InlineData("ALTER TABLE t ALTER COLUMN a TYPE bigint", "column \"a\" became int64 instead of int32", false)]
    [InlineData("ALTER TABLE t ALTER COLUMN a TYPE text USING 'x' || a", "column \"a\" became string instead of int32", true)]
    [InlineData("ALTER TABLE t ADD COLUMN e int", "column \"e\" came", false)]
    [InlineData("ALTER TABLE t DROP COLUMN b", "column \"b\" is gone", false)]
    [InlineData("ALTER TABLE t RENAME COLUMN b TO bb", "column \"bb\" came", false)]
    [InlineData("ALTER TABLE t ALTER COLUMN p TYPE numeric(12,2)", "column \"p\" became decimal(12,2) instead of decimal(10,2)", false)]
    public async Task Read_ColumnsChangeAndARowAfter_EndsThePlanAtThatPlace(string sql, string message, bool existing)
    {
        await using var run = await ChangesRun.CreateAsync(servers[15],
            "CREATE TABLE t (id int PRIMARY KEY, a int, b text, p numeric(10,2)); INSERT INTO t VALUES (1, 1, 'one', 1.5)");
        await run.SnapshotAsync("public.t");
        run.Execute("UPDATE t SET a = 5");
        run.Execute(sql);
        run.Execute("INSERT INTO t (id) VALUES (3)");
        var error = await Assert.ThrowsAsync<SchemaChangedException>(() => run.DrainAsync());
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Equal(existing, error.Message.Contains("read the stream anew", StringComparison.Ordinal));
        Assert.Single(run.Changes);

        // planned anew it goes on at the row
        await using var next = run.Again();
        await next.PlanAsync("public.t");
        next.Targets.Clear();
        await next.DrainAsync();
        Assert.StartsWith("public.t: 3|", Assert.Single(next.Changes), StringComparison.Ordinal);
    }

    /// <summary>A plan that is newer than the log: what the log does not tell, or tells otherwise, is what the table has now.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Read_ColumnsChangedAfterTheChanges_HaveTheValuesOfNow(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version],
            "CREATE TABLE t (id int PRIMARY KEY, a int, b text, c int, e int); INSERT INTO t VALUES (1, 1, 'one', 1, 1)");
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (2, 2, '22', 2, 2), (3, 3, '33', 3, 3), (4, 4, '44', 4, 4); DELETE FROM t WHERE id = 3; UPDATE t SET a = 44 WHERE "
            + "id = 4");
        run.Execute("ALTER TABLE t ALTER COLUMN a TYPE bigint; ALTER TABLE t ADD COLUMN d text DEFAULT 'new'; ALTER TABLE t DROP COLUMN c; ALTER TABLE t "
            + "RENAME COLUMN e TO f; "
            + "UPDATE t SET b = NULL WHERE id = 1; ALTER TABLE t ALTER COLUMN b TYPE int USING b::int");
        await using var next = run.Again();
        await next.PlanAsync("public.t");
        next.Targets["public.t"] = new Target(next.PlanOf("public.t"));
        next.Targets["public.t"].Load(["1|1|null|1|new"]);
        await next.DrainAsync();

        await next.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_TableIsRenamed_GoesOn(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "CREATE TABLE t (id int PRIMARY KEY); ");
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (1)");
        run.Execute("ALTER TABLE t RENAME TO u");
        run.Execute("INSERT INTO u VALUES (2)");
        await using var second = run.Again();
        await second.PlanAsync("public.u");
        second.SetPosition("public.u", run.PositionOf("public.t"));
        await second.DrainAsync();

        Assert.Equal(["1", "2"], second.Targets["public.u"].Rows);
    }
}

using Nebula.Connectors.PostgreSql.Changes;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>Transactions that the server hands over before they have ended are those that they would have been behind their commit.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlStreamedTransactionTests(Servers servers) : IDisposable
{
    private readonly string _spool = Directory.CreateTempSubdirectory("nebula-spool-").FullName;

    public void Dispose() => Directory.Delete(_spool, recursive: true);

    /// <summary>PAINS 11: memory does not grow with the transaction.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Follow_TransactionOf300000Rows_TakesLittleMemory(int version)
    {
        const int Rows = 300_000;
        const long MostMemory = 12 << 20;
        await using var run = await CreateAsync(version, "CREATE TABLE t (id int PRIMARY KEY, a text)");
        run.Context = run.Context with { MaxBytes = 1 << 20 };
        await run.SnapshotAsync("public.t");
        var reader = await run.OpenAsync();
        run.Execute($"INSERT INTO t SELECT i, repeat('x', 80) || i FROM generate_series(1, {Rows}) i");
        var (rows, windows) = (0, 0);
        while (rows < Rows)
        {
            using var window = await reader.ReadAsync(CancellationToken.None);
            foreach (var batch in window!.Streams.SelectMany(static stream => stream.Batches))
                foreach (var id in batch.Columns[0].Values<int>())
                    Assert.Equal(++rows, id);
            windows++;
        }
        await reader.DisposeAsync();

        Assert.Equal(Rows, rows);
        Assert.InRange(windows, 20, 200);
        Assert.InRange(run.Pool.PeakBytes, 1, MostMemory);
        Assert.True(StreamedBytes(run) > 3 * MostMemory, "the server did not stream it");
        Assert.Empty(Directory.GetFiles(_spool));
    }

    [Theory, Server(15), Server(18)]
    public async Task Follow_InterleavedTransactionsAndSavepointsRolledBack_AreThoseThatComeBehindTheirCommit(int version)
    {
        await using var run = await CreateAsync(version, "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int PRIMARY KEY, a text)");
        await run.SnapshotAsync("public.t");
        await run.SnapshotAsync("public.u");
        await using var committed = run.Again();
        await committed.PlanAsync("public.t");
        await committed.PlanAsync("public.u");
        committed.Context = committed.Context with { Follow = false };
        committed.Targets.Clear();
        await using (var one = await ConnectAsync(run))
        await using (var two = await ConnectAsync(run))
        await using (var three = await ConnectAsync(run))
        {
            foreach (var connection in (NpgsqlConnection[])[one, two, three])
                Execute(connection, "BEGIN");
            for (var i = 0; i < 4; i++)
            {
                Execute(one, Insert("t", 10_000 + i * 1000, 1000));
                Execute(two, Insert("u", 20_000 + i * 1000, 1000));
                Execute(two, $"SAVEPOINT s{i}; {Insert("t", 30_000 + i * 1000, 500)}; SAVEPOINT inner{i}; {Insert("u", 40_000 + i * 1000, 700)}");
                Execute(two, i % 2 == 0 ? $"ROLLBACK TO s{i}" : $"RELEASE inner{i}; UPDATE t SET id = -id WHERE id > 30000");
                Execute(three, Insert("t", 50_000 + i * 1000, 1000));
                run.Execute(Insert("t", i * 10, 10));
            }
            // with those within it, which had been released
            Execute(two, $"ROLLBACK TO s3; {Insert("u", 60_000, 1200)}; COMMIT");
            Execute(one, "ROLLBACK");
            Execute(three, "DELETE FROM t WHERE id % 3 = 0; COMMIT");
        }
        await using (var reader = await run.OpenAsync())
            await run.FollowAsync(reader, acknowledge: false);
        await using (var reader = await committed.OpenAsync())
            await committed.DrainAsync(reader, acknowledge: false);

        Assert.True(StreamedBytes(run) > 0, "the server did not stream them");
        Assert.NotEmpty(run.Changes);
        // windows may be divided in other places
        foreach (var stream in (string[])["public.t", "public.u"])
            Assert.Equal(ChangesOf(committed, stream), ChangesOf(run, stream));
        await run.AssertEqualAsync();
        Assert.Empty(Directory.GetFiles(_spool));
    }

    /// <summary>The server describes a table once, also where all of that is rolled back.</summary>
    [Theory, Server(15), Server(18)]
    public async Task Follow_TableDescribedInASavepointThatIsRolledBack_IsKnownBehindIt(int version)
    {
        await using var run = await CreateAsync(version, "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE TABLE u (id int PRIMARY KEY, a text)");
        await run.SnapshotAsync("public.t");
        await run.SnapshotAsync("public.u");
        await using var reader = await run.OpenAsync();
        run.Execute($"BEGIN; {Insert("u", 1, 1000)}; SAVEPOINT s; {Insert("t", 1, 1000)}; ROLLBACK TO s; {Insert("t", 5000, 1000)}; COMMIT");
        await run.FollowAsync(reader);

        Assert.True(StreamedBytes(run) > 0, "the server did not stream it");
        Assert.Equal(2000, run.Changes.Count);
        await run.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Follow_EndsWithinAStreamedTransaction_GoesOnWithinIt(int version)
    {
        await using var run = await CreateAsync(version, "CREATE TABLE t (id int PRIMARY KEY, a text)");
        run.Context = run.Context with { MaxChanges = 700 };
        await run.SnapshotAsync("public.t");
        await using (var writer = await ConnectAsync(run))
        {
            Execute(writer, "BEGIN");
            Execute(writer, Insert("t", 1, 3000));
            await using (var reader = await run.OpenAsync())
            {
                run.Execute(Insert("t", 90_000, 1));
                run.Commit((await reader.ReadAsync(CancellationToken.None))!);
                Assert.True(StreamedBytes(run) > 0, "the server did not stream it");
            }
            Assert.Single(run.Changes);
            Assert.Empty(Directory.GetFiles(_spool));
            Execute(writer, "UPDATE t SET a = 'y' WHERE id % 2 = 0 AND id <= 3000");
            Execute(writer, "COMMIT");
        }
        for (var part = 0; part < 3; part++)
            await using (var reader = await run.OpenAsync())
            {
                run.Commit((await reader.ReadAsync(CancellationToken.None))!);
                // one more is read, but not committed
                (await reader.ReadAsync(CancellationToken.None))!.Dispose();
                if (part == 1)
                    await reader.AcknowledgeAsync(run.PositionOf("public.t"), CancellationToken.None);
            }
        await using (var reader = await run.OpenAsync())
            await run.FollowAsync(reader);

        Assert.Equal(4501, run.Changes.Count);
        await run.AssertEqualAsync();
        Assert.Empty(Directory.GetFiles(_spool));
    }

    [Theory, Server(15), Server(18)]
    public async Task Follow_ColumnsChangeWithinAStreamedTransaction_EndsThePlanThere(int version)
    {
        await using var run = await CreateAsync(version, "CREATE TABLE t (id int PRIMARY KEY, a text)");
        await run.SnapshotAsync("public.t");
        var reader = await run.OpenAsync();
        const string Rest = "ALTER TABLE t ADD b text; INSERT INTO t SELECT i, 'x', 'b' || i FROM generate_series(5000, 6999) i";
        run.Execute($"BEGIN; {Insert("t", 1, 1000)}; {Rest}; COMMIT");
        await using (reader)
            await Assert.ThrowsAsync<SchemaChangedException>(() => run.FollowUntilFailsAsync(reader));
        Assert.Equal(1000, run.Changes.Count);
        Assert.True(StreamedBytes(run) > 0, "the server did not stream it");
        await using var next = run.Again();
        next.Targets.Clear();
        await next.PlanAsync("public.t");
        await using (reader = await next.OpenAsync())
            await next.FollowAsync(reader);

        Assert.Equal(2000, next.Changes.Count);
        Assert.Contains("b6999", next.Changes[^1], StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public async Task Follow_MoreThanTheSpoolMayHave_IsALimitAndNothingIsLost(int version)
    {
        await using var run = await CreateAsync(version, "CREATE TABLE t (id int PRIMARY KEY, a text)");
        run.Options["spool_size"] = "200000";
        await run.SnapshotAsync("public.t");
        run.Execute(Insert("t", 1, 5000));
        await using (var reader = await run.OpenAsync())
        {
            var error = await Assert.ThrowsAsync<NebulaException>(() => run.FollowUntilFailsAsync(reader));
            Assert.Equal(ErrorKind.Limit, error.Kind);
            Assert.Contains("cdc.spool.max_size", error.Message, StringComparison.Ordinal);
        }
        Assert.Empty(Directory.GetFiles(_spool));
        Assert.Empty(run.Changes);
        var streamed = StreamedBytes(run);

        run.Options["spool_size"] = "0";
        await run.PlanAsync("public.t");
        await using (var reader = await run.OpenAsync())
            await run.FollowAsync(reader);
        Assert.Equal(5000, run.Changes.Count);
        Assert.Equal(streamed, StreamedBytes(run));
        await run.AssertEqualAsync();
    }

    [Fact]
    public void Spool_FilesOfAProcessThatWasKilled_AreRemovedAndThoseInUseAreNot()
    {
        var (left, used) = (Path.Combine(_spool, "nebula-changes-1"), Path.Combine(_spool, "nebula-changes-2"));
        var (fresh, other) = (Path.Combine(_spool, "nebula-changes-3"), Path.Combine(_spool, "mine"));
        foreach (var path in (string[])[left, used, fresh, other])
            File.WriteAllText(path, "x");
        foreach (var path in (string[])[left, used, other])
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(-1));
        using (new FileStream(used, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        using (var transaction = new StreamedTransaction(new TransactionSpool(_spool, 100)))
            transaction.Write("12345"u8);

        Assert.Equal([other, used, fresh], Directory.GetFiles(_spool).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> ChangesOf(ChangesRun run, string stream) =>
        run.Changes.Where(change => change.StartsWith(stream, StringComparison.Ordinal));

    private static string Insert(string table, int first, int rows) =>
        $"INSERT INTO {table} SELECT i, repeat('x', 80) || i FROM generate_series({first}, {first + rows - 1}) i";

    private static void Execute(NpgsqlConnection connection, string sql)
    {
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private static async Task<NpgsqlConnection> ConnectAsync(ChangesRun run)
    {
        var connection = new NpgsqlConnection(run.Server.ConnectionString(run.Database));
        await connection.OpenAsync();
        return connection;
    }

    private static long StreamedBytes(ChangesRun run) =>
        run.Ask<long>($"SELECT stream_bytes FROM pg_stat_replication_slots WHERE slot_name = '{run.Options["slot"]}'");

    private async Task<ChangesRun> CreateAsync(int version, string sql)
    {
        var run = await ChangesRun.CreateAsync(servers[version], sql, follow: true);
        run.Execute($"ALTER DATABASE {run.Database} SET logical_decoding_work_mem = '64kB'");
        run.Options["spool_path"] = _spool;
        return run;
    }
}

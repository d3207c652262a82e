using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Writing;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlDestinationChangeTests(Servers servers)
{
    private static readonly (WriteMode Write, DeleteHandling Deletes)[] Modes =
        [(WriteMode.Merge, DeleteHandling.Soft), (WriteMode.Merge, DeleteHandling.Hard), (WriteMode.Merge, DeleteHandling.Ignore),
            (WriteMode.Append, DeleteHandling.Soft)];

    [Theory, Server(15), Server(18)]
    public async Task Apply_RandomChanges_EndsAsTheyWouldOneByOne(int version)
    {
        for (var seed = 1; seed <= 6; seed++)
        {
            await using var run = Create(version, "random");
            var random = new Random(seed);
            var streams = Modes.Select(
                (mode, i) => (Stream: new ChangeStream($"random.t{i}", mode.Write, mode.Deletes), Oracle: new ChangeOracle(mode.Write, mode.Deletes),
                Source: new RandomRows(random))).ToList();
            for (var window = 0; window < 12; window++)
            {
                var commits = new List<ChangeCommit>();
                foreach (var (stream, oracle, source) in streams)
                {
                    var changes = source.Next(window > 0 && random.Next(4) == 0 ? 0 : 1 + random.Next(60), stream.Plan.Write == WriteMode.Merge);
                    changes.ForEach(oracle.Apply);
                    commits.Add(stream.Window(run.Pool, changes));
                }
                await ApplyAsync(run, commits);
                var tables = Tables(run, streams.Select(static stream => stream.Stream));
                foreach (var (stream, oracle, _) in streams)
                {
                    var rows = tables[stream.Table].Order(StringComparer.Ordinal).ToList();
                    Assert.True(oracle.Rows.SequenceEqual(rows), $"seed {seed}, window {window}, {stream.Plan.Write} {stream.Plan.Capture!.Deletes}:\n"
                        + $"{string.Join('\n', oracle.Rows.Except(rows))}\nbut\n{string.Join('\n', rows.Except(oracle.Rows))}");
                }
            }
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Apply_Again_DoesNothing_AndAStaleWindowIsRefusedAsAWhole(int version)
    {
        await using var run = Create(version, "order");
        var one = new ChangeStream("order.one", WriteMode.Append, DeleteHandling.Soft);
        var two = new ChangeStream("order.two", WriteMode.Append, DeleteHandling.Soft);
        List<Change> Row(string key) => [new Change("i", key, 1, "t", null, "1", null)];
        var first = new[] { one.Window(run.Pool, Row("a")), two.Window(run.Pool, Row("b")) };
        await ((IChangeDestination)run.Destination).ApplyAsync(first, CancellationToken.None);
        await ApplyAsync(run, first);
        Assert.Equal(1L, run.Server.Ask<long>("SELECT count(*) FROM \"order\".one"));

        // only one of the two has gone on
        await ApplyAsync(run, [two.Window(run.Pool, Row("c"))]);
        var stale = one.Window(run.Pool, Row("d"));
        var ahead = new ChangeStream("order.two", WriteMode.Append, DeleteHandling.Soft).Window(run.Pool, Row("e")) with { Token = "other" };
        var error = await Assert.ThrowsAsync<NebulaException>(() => ApplyAsync(run, [stale, ahead]));

        Assert.Equal(ErrorKind.Locked, error.Kind);
        Assert.Equal(["a"], run.Rows("SELECT k FROM \"order\".one ORDER BY 1"));
        Assert.Equal(["b", "c"], run.Rows("SELECT k FROM \"order\".two ORDER BY 1"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Apply_EmptyWindows_MoveTheCheckpointsOnly(int version)
    {
        await using var run = Create(version, "idle");
        var streams = Enumerable.Range(0, 20).Select(static i => new ChangeStream($"idle.t{i}", WriteMode.Merge, DeleteHandling.Hard)).ToList();
        await ApplyAsync(run, [.. streams.Select(stream => stream.Window(run.Pool, [new Change("i", "a", 1, "t", null, "1", null)]))]);

        await ApplyAsync(run, [.. streams.Select(stream => stream.Window(run.Pool, []))]);
        await ApplyAsync(run, [.. streams.Select(stream => stream.Window(run.Pool, []))]);

        Assert.Equal(["20,3,p3"], run.Rows("SELECT count(*), min(sequence), min(position) FROM idle._nebula_state"));
        Assert.Equal(new Checkpoint("s", "p3", 3), await run.Destination.PrepareAsync(streams[0].Plan, CancellationToken.None));
    }

    [Theory, Server(15), Server(18)]
    public async Task Apply_KeysThatPostgreSqlTakesForTheSame_AreOneRow(int version)
    {
        await using var run = Create(version, "same");
        run.Server.Execute("CREATE TABLE same.t (k char(5) PRIMARY KEY, number int, text text, large text)");
        var stream = new ChangeStream("same.t", WriteMode.Merge, DeleteHandling.Hard);

        await ApplyAsync(run, [stream.Window(run.Pool, [new Change("i", "a", 1, "x", null, "1", null), new Change("u", "a  ", 2, "y", null, "2", null),
            new Change("i", "b ", 3, "z", null, "3", null)])]);
        await ApplyAsync(run, [stream.Window(run.Pool, [new Change("d", "b", null, null, null, "4", null)])]);

        Assert.Equal(["a    ,2,y"], run.Rows("SELECT k, number, text FROM same.t"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Apply_ASoftDeleteOfARowThatNeverCame_LeavesAMarkWhereTheTableTakesNull(int version)
    {
        await using var run = Create(version, "marks");
        run.Server.Execute("CREATE TABLE marks.strict (k text PRIMARY KEY, number int NOT NULL, text text, large text)");
        foreach (var (table, rows) in new[] { ("t", (string[])["a,,d,2", "b,1,i,1"]), ("strict", ["b,1,i,1"]) })
        {
            var stream = new ChangeStream($"marks.{table}", WriteMode.Merge, DeleteHandling.Soft);
            await ApplyAsync(run, [stream.Window(run.Pool, [new Change("i", "b", 1, "x", null, "1", null), new Change("d", "a", null, null, null, "2", 7)])]);

            Assert.Equal(rows, run.Rows($"SELECT k, number, _nebula_op, _nebula_position FROM marks.{table} ORDER BY 1"));
            // it comes after all
            await ApplyAsync(run, [stream.Window(run.Pool, [new Change("i", "a", 3, "y", null, "3", null)])]);
            Assert.Equal("a,3,i,3", run.Rows($"SELECT k, number, _nebula_op, _nebula_position FROM marks.{table} ORDER BY 1")[0]);
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Apply_WithoutAUniqueIndex_MergesAllTheSame(int version)
    {
        await using var run = Create(version, "unindexed");
        var stream = new ChangeStream("unindexed.t", WriteMode.Merge, DeleteHandling.Hard);
        await ApplyAsync(run, [stream.Window(run.Pool, [new Change("i", "a", 1, "x", "l", "1", null), new Change("i", "b", 1, "x", "l", "1", null)])]);
        run.Server.Execute("ALTER TABLE unindexed.t DROP CONSTRAINT t_pkey, DROP COLUMN text");

        // the table was changed behind the connection's back
        await ApplyAsync(run, [stream.Window(run.Pool, [new Change("u", "a", 2, "y", null, "2", null) { KeepsLarge = true },
            new Change("d", "b", null, null, null, "3", null), new Change("i", "c", 3, "z", "m", "4", null)])]);

        Assert.Equal(["a,2,y,l", "c,3,z,m"], run.Rows("SELECT k, number, text, large FROM unindexed.t ORDER BY 1"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Apply_AfterTheConnectionWasEnded_IsTransientAndWorksAgain(int version)
    {
        await using var run = Create(version, "cut", ("application_name", "cut"));
        var stream = new ChangeStream("cut.t", WriteMode.Merge, DeleteHandling.Soft);
        await ApplyAsync(run, [stream.Window(run.Pool, [new Change("i", "a", 1, "x", null, "1", null)])]);
        run.Server.Execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'cut'");
        var window = stream.Window(run.Pool, [new Change("u", "a", 2, "y", null, "2", null)]);

        var error = await Assert.ThrowsAsync<NebulaException>(() => ((IChangeDestination)run.Destination).ApplyAsync([window], CancellationToken.None));
        await ApplyAsync(run, [window]);

        Assert.True(error.IsTransient, error.Message);
        Assert.Equal(["a,2,u"], run.Rows("SELECT k, number, _nebula_op FROM cut.t"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Commit_SnapshotOfACapturedStream_HasTheColumnsThatItsDeletesNeed(int version)
    {
        foreach (var (write, deletes) in Modes)
        {
            await using var run = Create(version, "snapshot");
            var stream = new ChangeStream("snapshot.t", write, deletes);
            await run.Destination.PrepareAsync(stream.Plan, CancellationToken.None);
            var rows = stream.Window(run.Pool, [new Change("r", "a", 1, "x", "l", "0", null), new Change("r", "b", 2, "y", "m", "0", null)]);
            await using var writer = await run.Destination.OpenAsync(stream.Plan, new Chunk(0, ""), new WriteContext(run.Pool), CancellationToken.None);
            foreach (var batch in rows.Batches)
                using (batch)
                using (var block = writer.Encode(batch))
                    await writer.WriteAsync(block, CancellationToken.None);
            var part = await writer.CompleteAsync(CancellationToken.None);
            await run.Destination.CommitAsync(
                new CommitRequest(stream.Plan, [part], rows.Checkpoint, rows.Token) { ExpectedSequence = 0 }, CancellationToken.None);

            await ApplyAsync(run, [stream.Window(run.Pool, [new Change("u", "a", 3, "z", null, "1", null) { KeepsLarge = write == WriteMode.Merge },
                new Change("d", "b", null, null, null, "2", null)])]);

            Assert.Equal(
                (write, deletes) switch
                {
                    (WriteMode.Append, _) => ["a,1,x,l,r", "a,3,z,,u", "b,,,,d", "b,2,y,m,r"],
                    (_, DeleteHandling.Soft) => ["a,3,z,l,u", "b,2,y,m,d"],
                    (_, DeleteHandling.Hard) => (string[])["a,3,z,l"],
                    _ => ["a,3,z,l", "b,2,y,m"],
                },
                run.Rows($"SELECT k, number, text, large{(write == WriteMode.Append || deletes == DeleteHandling.Soft ? ", _nebula_op" : "")} FROM "
                    + $"snapshot.t").Order(StringComparer.Ordinal));
        }
    }

    private DestinationRun Create(int version, string schema, params (string, string)[] settings)
    {
        servers[version].Execute($"DROP SCHEMA IF EXISTS \"{schema}\" CASCADE; CREATE SCHEMA \"{schema}\"");
        return new DestinationRun(servers[version], settings);
    }

    private static async Task ApplyAsync(DestinationRun run, IReadOnlyList<ChangeCommit> commits)
    {
        try
        {
            await ((IChangeDestination)run.Destination).ApplyAsync(commits, CancellationToken.None);
        }
        finally
        {
            foreach (var batch in commits.SelectMany(static commit => commit.Batches))
                batch.Dispose();
        }
    }

    /// <summary>What the tables look like, asked at once: a connection takes longer than a window.</summary>
    private static ILookup<string, string> Tables(DestinationRun run, IEnumerable<ChangeStream> streams) =>
        run.Rows(string.Join(" UNION ALL ", streams.Select(static stream =>
    {
        var hasChanges = stream.Plan.Write == WriteMode.Append || stream.Plan.Capture!.Deletes == DeleteHandling.Soft;
        var changes = hasChanges
            ? "_nebula_op || '|' || _nebula_position || '|' || coalesce((extract(epoch FROM _nebula_committed_at) * 1000000)::bigint::text, '-')" : "''";
        return $"SELECT concat_ws('|', '{stream.Table}', coalesce(k, ''), coalesce(number::text, '-'), coalesce(text, '-'), coalesce(large, '-'), {changes}) "
            + $"FROM {stream.Table}";
    }))).ToLookup(static row => row[..row.IndexOf('|', StringComparison.Ordinal)], static row => row[(row.IndexOf('|', StringComparison.Ordinal) + 1)..]);

    /// <summary>A table at a source that changes at random.</summary>
    private sealed class RandomRows(Random random)
    {
        private readonly HashSet<string> _keys = [];
        private int _position;

        public List<Change> Next(int count, bool keeps)
        {
            var changes = new List<Change>();
            for (var i = 0; i < count; i++)
            {
                var key = $"k{random.Next(12)}";
                var position = (++_position).ToString("x8", CultureInfo.InvariantCulture);
                var at = random.Next(5) == 0 ? null : (long?)(1_700_000_000_000_000 + _position);
                if (random.Next(40) == 0)
                {
                    _keys.Clear();
                    changes.Add(new Change(ChangeColumns.Truncate, "", null, null, null, position, at));
                }
                // also of a row that never came: it went before the snapshot was taken
                else if (random.Next(_keys.Contains(key) ? 3 : 12) == 0)
                {
                    _keys.Remove(key);
                    changes.Add(new Change(ChangeColumns.Delete, key, null, null, null, position, at));
                }
                else
                {
                    var isNew = _keys.Add(key);
                    changes.Add(new Change(
                        isNew ? ChangeColumns.Insert : ChangeColumns.Update, key, random.Next(3) == 0 ? null : _position, random.Next(4) == 0 ? null
                            : $"t{_position}", $"l{_position}", position, at)
                    {
                        KeepsLarge = keeps && !isNew && random.Next(2) == 0,
                        KeepsText = keeps && !isNew && random.Next(4) == 0,
                    });
                }
            }
            return changes;
        }
    }
}

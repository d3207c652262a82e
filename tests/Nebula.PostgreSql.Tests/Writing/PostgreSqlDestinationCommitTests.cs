using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Writing;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlDestinationCommitTests(Servers servers)
{
    private static readonly StreamRequest Keyed = new() { PrimaryKey = ["id"] };

    [Theory, Server(15), Server(18)]
    public async Task Replace_Again_HasTheNewRowsOnly(int version)
    {
        await using var run = Create(version, "again");

        await run.LoadCsvAsync("id,v\n1,a\n2,b\n", "again.t", Keyed, "r1");
        var first = Oid(run, "again.t");
        await run.LoadCsvAsync("id,v\n3,c\n", "again.t", Keyed, "r2");

        Assert.Equal(["3,c"], run.Rows("SELECT * FROM again.t"));
        Assert.NotEqual(first, Oid(run, "again.t"));
        Assert.Equal(["t_pkey,PRIMARY KEY (id)"],
            run.Rows("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'again.t'::regclass AND contype = 'p'"));
        AssertNothingStaged(run, "again");
    }

    [Theory, Server(15), Server(18)]
    public async Task Replace_PlainTable_KeepsIndexesConstraintsDefaultsAndComments(int version)
    {
        await using var run = Create(version, "plain");
        run.Server.Execute("""
            CREATE TABLE plain.t (id bigint CONSTRAINT "my key" PRIMARY KEY,
                v text COLLATE "C" DEFAULT 'x' CONSTRAINT short CHECK (length(v) < 9) NOT NULL, w double precision);
            CREATE INDEX "By V" ON plain.t USING hash (v); CREATE UNIQUE INDEX by_w ON plain.t (w DESC NULLS LAST, lower(v)) INCLUDE (id) WHERE w > 0;
            ALTER TABLE plain.t ADD CONSTRAINT unique_v UNIQUE (v, w); COMMENT ON COLUMN plain.t.v IS 'a comment';
            INSERT INTO plain.t VALUES (1, 'old', 1)
            """);
        var before = Definition(run, "plain.t");
        var oid = Oid(run, "plain.t");

        await run.LoadCsvAsync("id,v,w\n2,new,2.5\n", "plain.t", new StreamRequest { Types = new Dictionary<string, DataType> { ["w"] = DataType.Float64 } });

        Assert.Equal(["2,new,2.5"], run.Rows("SELECT * FROM plain.t"));
        Assert.Equal(before, Definition(run, "plain.t"));
        Assert.NotEqual(oid, Oid(run, "plain.t"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Replace_TableThatOthersHangOn_KeepsThem(int version)
    {
        await using var run = Create(version, "hung");
        run.Server.Execute("""
            DROP ROLE IF EXISTS hung_reader; CREATE ROLE hung_reader;
            CREATE TABLE hung.t (id bigint PRIMARY KEY, v text); INSERT INTO hung.t VALUES (1, 'old'); CREATE INDEX by_v ON hung.t (v);
            CREATE VIEW hung.seen AS SELECT v FROM hung.t; GRANT SELECT ON hung.t TO hung_reader;
            CREATE TABLE hung.child (id bigint REFERENCES hung.t DEFERRABLE INITIALLY DEFERRED); INSERT INTO hung.child VALUES (1);
            """);
        var before = Definition(run, "hung.t");
        var oid = Oid(run, "hung.t");

        await run.LoadCsvAsync("id,v\n1,new\n2,more\n", "hung.t");

        Assert.Equal(["more", "new"], run.Rows("SELECT * FROM hung.seen ORDER BY 1"));
        Assert.True(run.Server.Ask<bool>("SELECT has_table_privilege('hung_reader', 'hung.t', 'SELECT')"));
        Assert.Equal(before, Definition(run, "hung.t"));
        Assert.Equal(oid, Oid(run, "hung.t"));
        AssertNothingStaged(run, "hung");
    }

    [Theory, Server(15), Server(18)]
    public async Task Replace_ViewMadeDuringTheLoad_KeepsIt(int version)
    {
        await using var run = Create(version, "late");
        run.Server.Execute("CREATE TABLE late.t (id bigint PRIMARY KEY); INSERT INTO late.t VALUES (1)");
        var plan = Plan("late.t", "r", WriteMode.Replace);
        await run.Destination.PrepareAsync(plan, CancellationToken.None);
        var part = await StageAsync(run, plan, 0, 7, 8);
        run.Server.Execute("CREATE VIEW late.seen AS SELECT * FROM late.t");

        await run.Destination.CommitAsync(new CommitRequest(plan, [part], null, "t"), CancellationToken.None);

        Assert.Equal(["7", "8"], run.Rows("SELECT * FROM late.seen ORDER BY 1"));
        AssertNothingStaged(run, "late");
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_EmptyStream_MakesAnEmptyTable(int version)
    {
        await using var run = Create(version, "empty");

        await run.LoadCsvAsync("id,v\n", "empty.t", new StreamRequest { Types = new Dictionary<string, DataType> { ["id"] = DataType.Int32 } });

        Assert.Equal(0L, run.Server.Ask<long>("SELECT count(*) FROM empty.t"));
        Assert.Equal(["id,integer", "v,text"], run.Rows(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'empty.t'::regclass AND attnum > 0 ORDER BY attnum"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Commit_Twice_DoesNothingTheSecondTime(int version)
    {
        await using var run = Create(version, "twice");
        var plan = Plan("twice.t", "r", WriteMode.Append);
        await run.Destination.PrepareAsync(plan, CancellationToken.None);
        var request = new CommitRequest(plan, [await StageAsync(run, plan, 0, 1)], new Checkpoint("s", "p1", 1), "token") { ExpectedSequence = 0 };

        var first = await run.Destination.CommitAsync(request, CancellationToken.None);
        var second = await run.Destination.CommitAsync(request, CancellationToken.None);

        Assert.False(first.AlreadyCommitted);
        Assert.True(second.AlreadyCommitted);
        Assert.Equal(["1"], run.Rows("SELECT id FROM twice.t"));
        Assert.Equal(new Checkpoint("s", "p1", 1), await run.Destination.PrepareAsync(plan with { RunId = "next" }, CancellationToken.None));
    }

    [Theory, Server(15), Server(18)]
    public async Task Commit_OfAStaleRun_IsRefusedAndChangesNothing(int version)
    {
        await using var run = Create(version, "stale");
        var old = Plan("stale.t", "old", WriteMode.Append);
        await run.Destination.PrepareAsync(old, CancellationToken.None);
        var stale = new CommitRequest(old, [await StageAsync(run, old, 0, 1)], new Checkpoint("s", "p1", 1), "old") { ExpectedSequence = 0 };
        await using (var other = new DestinationRun(run.Server))
        {
            var plan = Plan("stale.t", "new", WriteMode.Append);
            await other.Destination.PrepareAsync(plan, CancellationToken.None);
            var part = await StageAsync(other, plan, 0, 2);
            await other.Destination.CommitAsync(
                new CommitRequest(plan, [part], new Checkpoint("s", "p2", 1), "new") { ExpectedSequence = 0 }, CancellationToken.None);
        }

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.Destination.CommitAsync(stale, CancellationToken.None));
        await run.Destination.AbortAsync(old, stale.Parts, CancellationToken.None);

        Assert.Equal(ErrorKind.Locked, error.Kind);
        Assert.Equal(["2"], run.Rows("SELECT id FROM stale.t"));
        AssertNothingStaged(run, "stale");
    }

    [Theory, Server(15), Server(18)]
    public async Task Commit_RepeatedChunk_CountsOnce(int version)
    {
        foreach (var write in (WriteMode[])[WriteMode.Replace, WriteMode.Append, WriteMode.Merge])
        {
            await using var run = Create(version, "repeated");
            if (write != WriteMode.Replace)
                run.Server.Execute("CREATE TABLE repeated.t (id bigint PRIMARY KEY)");
            var plan = Plan("repeated.t", "r", write);
            await run.Destination.PrepareAsync(plan, CancellationToken.None);
            await StageAsync(run, plan, 0, 1, 2);
            var parts = new[] { await StageAsync(run, plan, 0, 1, 2), await StageAsync(run, plan, 1, 3) };
            await StageAsync(run, plan, 1, 3, 4);

            await run.Destination.CommitAsync(new CommitRequest(plan, parts, null, "t"), CancellationToken.None);

            Assert.Equal(["1", "2", "3"], run.Rows("SELECT id FROM repeated.t ORDER BY 1"));
            AssertNothingStaged(run, "repeated");
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Merge_OfFiles_UpdatesAddsAndKeeps(int version)
    {
        await using var run = Create(version, "merged");
        var request = Keyed with { Write = WriteMode.Merge };

        // the last row with a key counts, in the first load and later
        await run.LoadCsvAsync("id,v\n1,a\n2,b\n1,c\n", "merged.t", request, "r1");
        await run.LoadCsvAsync("id,v\n2,d\n3,e\n2,f\n", "merged.t", request, "r2");
        run.Server.Execute("ALTER TABLE merged.t DROP CONSTRAINT t_pkey");
        await run.LoadCsvAsync("id,v\n3,g\n4,h\n4,i\n", "merged.t", request, "r3");

        Assert.Equal(["1,c", "2,f", "3,g", "4,i"], run.Rows("SELECT * FROM merged.t ORDER BY id"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Replace_SameKeyTwice_SaysWhatToDo(int version)
    {
        await using var run = Create(version, "doubled");

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.LoadCsvAsync("id,v\n1,a\n1,b\n", "doubled.t", Keyed));

        Assert.Equal(ErrorKind.Data, error.Kind);
        Assert.Contains("primary_key", error.Message, StringComparison.Ordinal);
        Assert.False(run.Server.Ask<bool>("SELECT to_regclass('doubled.t') IS NOT NULL"));
        AssertNothingStaged(run, "doubled");
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_NewAndWiderColumns_EvolveTheTable(int version)
    {
        await using var run = Create(version, "evolved");
        run.Server.Execute("CREATE TABLE evolved.t (id int PRIMARY KEY, r real, n numeric(4,1), s varchar(3), j jsonb, kept text); "
            + "INSERT INTO evolved.t VALUES (1, 1.5, 1.5, 'abc', '{}', 'k')");
        var request = new StreamRequest
        {
            Write = WriteMode.Append,
            Types = new Dictionary<string,
            DataType>
            { ["n"] = DataType.Decimal(8, 3), ["j"] = DataType.Json, ["r"] = DataType.Float64 }
        };

        await run.LoadCsvAsync("id,r,n,s,j,new\n9000000000,1e300,12345.678,xyz,[1],true\n", "evolved.t", request);

        Assert.Equal(["1,1.5,1.500,abc,{},k,", "9000000000,1e+300,12345.678,xyz,[1],,t"], run.Rows("SELECT * FROM evolved.t ORDER BY id"));
        Assert.Equal(
            ["id,bigint", "r,double precision", "\"n\",\"numeric(8,3)\"".Replace("\"n\"", "n", StringComparison.Ordinal), "s,character varying(3)", "j,jsonb",
                "kept,text", "new,boolean"],
            run.Rows("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'evolved.t'::regclass AND attnum > 0 ORDER BY "
                + "attnum"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_ColumnThatCannotTakeTheValues_IsRefusedBeforeAnythingMoves(int version)
    {
        await using var run = Create(version, "wrong");
        run.Server.Execute("CREATE TABLE wrong.t (id bigint, v date)");

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.LoadCsvAsync("id,v\n1,word\n", "wrong.t"));

        Assert.Equal(ErrorKind.Schema, error.Kind);
        Assert.Contains("ALTER TABLE \"wrong\".\"t\" ALTER COLUMN \"v\" TYPE text USING \"v\"::text;", error.Message, StringComparison.Ordinal);
        AssertNothingStaged(run, "wrong");
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_ValueThatTheTableRefuses_LeavesItAsItWas(int version)
    {
        await using var run = Create(version, "refusing");
        run.Server.Execute("CREATE TABLE refusing.t (id bigint, v varchar(3)); "
            + "INSERT INTO refusing.t VALUES (1, 'abc'); CREATE VIEW refusing.seen AS SELECT * FROM refusing.t");

        var error = await Assert.ThrowsAsync<NebulaException>(() => run.LoadCsvAsync("id,v\n2,abcd\n", "refusing.t"));

        Assert.Equal(ErrorKind.Data, error.Kind);
        Assert.Equal(["1,abc"], run.Rows("SELECT * FROM refusing.t"));
        AssertNothingStaged(run, "refusing");
    }

    [Theory, Server(15), Server(18)]
    public async Task Prepare_AfterARunThatDied_DropsWhatItLeft_ButNotWhatIsInUse(int version)
    {
        await using var run = Create(version, "dead");
        var plan = Plan("dead.t", "dead", WriteMode.Replace);
        await using (var died = new DestinationRun(run.Server))
        {
            await died.Destination.PrepareAsync(plan, CancellationToken.None);
            await StageAsync(died, plan, 0, 1);
            await run.Destination.PrepareAsync(plan with { RunId = "second" }, CancellationToken.None);
            Assert.Equal(2L, Staged(run, "dead"));
        }
        for (var tries = 0; tries < 200 && Staged(run, "dead") > 1; tries++)
        {
            await Task.Delay(20);
            await run.Destination.PrepareAsync(plan with { RunId = "second" }, CancellationToken.None);
        }

        Assert.Equal(1L, Staged(run, "dead"));
        Assert.Equal(0L, run.Server.Ask<long>("SELECT count(*) FROM dead._nebula_parts"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Commit_AfterTheServerEndedEveryConnection_IsTransientAndWorksAgain(int version)
    {
        await using var run = Create(version, "ended", ("application_name", "ended"));
        var plan = Plan("ended.t", "r", WriteMode.Replace);
        await run.Destination.PrepareAsync(plan, CancellationToken.None);
        var writer = await run.Destination.OpenAsync(plan, new Chunk(0, ""), new WriteContext(run.Pool), CancellationToken.None);
        run.Server.Execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'ended'");

        var error = await Assert.ThrowsAsync<NebulaException>(() => writer.CompleteAsync(CancellationToken.None));
        await writer.DisposeAsync();
        var part = await StageAgainAsync();
        run.Server.Execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'ended'");
        var request = new CommitRequest(plan, [part], null, "t");
        var commitError = await Assert.ThrowsAsync<NebulaException>(() => run.Destination.CommitAsync(request, CancellationToken.None));
        await run.Destination.CommitAsync(request, CancellationToken.None);

        Assert.True(error.IsTransient, error.Message);
        Assert.True(commitError.IsTransient, commitError.Message);
        Assert.Equal(["5"], run.Rows("SELECT id FROM ended.t"));

        // the first call finds out that the connection is gone
        async Task<StagedPart> StageAgainAsync()
        {
            try
            {
                return await StageAsync(run, plan, 0, 5);
            }
            catch (NebulaException e) when (e.IsTransient)
            {
                return await StageAsync(run, plan, 0, 5);
            }
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Commit_AfterStagedRowsWereLost_IsRefused(int version)
    {
        await using var run = Create(version, "crashed");
        run.Server.Execute("CREATE TABLE crashed.t (id bigint PRIMARY KEY); "
            + "CREATE VIEW crashed.seen AS SELECT * FROM crashed.t; INSERT INTO crashed.t VALUES (1)");
        foreach (var write in (WriteMode[])[WriteMode.Replace, WriteMode.Append, WriteMode.Merge])
        {
            var plan = Plan("crashed.t", "r" + write, write);
            await run.Destination.PrepareAsync(plan, CancellationToken.None);
            var part = await StageAsync(run, plan, 0, 5, 6);
            // what a crash does to a table that is not in the log
            run.Server.Execute("DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE crashed.' || quote_ident(relname) FROM pg_class "
                + "WHERE relname LIKE '\\_nebula\\_s%' AND relkind = 'r' AND relpersistence = 'u'); END $$");

            var error = await Assert.ThrowsAsync<NebulaException>(
                () => run.Destination.CommitAsync(new CommitRequest(plan, [part], null, "t" + write), CancellationToken.None));
            await run.Destination.AbortAsync(plan, [part], CancellationToken.None);

            Assert.Contains("run again", error.Message, StringComparison.Ordinal);
            Assert.Equal(["1"], run.Rows("SELECT id FROM crashed.t"));
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Prepare_ManyStreamsOfANewSchemaAtOnce_Works(int version)
    {
        servers[version].Execute("DROP SCHEMA IF EXISTS fresh CASCADE");
        var runs = Enumerable.Range(0, 8).Select(_ => new DestinationRun(servers[version])).ToList();

        await Task.WhenAll(runs.Select(static (run, i) =>
            Task.Run(() => run.Destination.PrepareAsync(Plan($"fresh.t{i}", "r", WriteMode.Replace), CancellationToken.None))));

        Assert.Equal(8L, Staged(runs[0], "fresh"));
        foreach (var run in runs)
            await run.DisposeAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_WithOneConnection_Works(int version)
    {
        await using var run = Create(version, "single", ("max_connections", "1"));

        await run.LoadCsvAsync("id\n1\n", "single.t");

        Assert.Equal(["1"], run.Rows("SELECT id FROM single.t"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_AsARoleWithTheDocumentedRights_Works_AndSaysWhatIsMissing(int version)
    {
        await using var run = Create(version, "rights");
        run.Server.Execute($"""
            DROP SCHEMA IF EXISTS rights_state CASCADE; DROP ROLE IF EXISTS rights_writer;
            CREATE ROLE rights_writer LOGIN PASSWORD '{PostgreSqlServer.Password}';
            CREATE TABLE rights.t (id bigint PRIMARY KEY, v text); INSERT INTO rights.t VALUES (1, 'old'); GRANT USAGE ON SCHEMA rights TO rights_writer
            """);
        await using var writer = new DestinationRun(run.Server, ("user", "rights_writer"), ("schema", "rights"), ("state_schema", "rights_state"));
        var refused = await writer.Destination.CheckAsync(CancellationToken.None);
        var missing = string.Join('\n', refused.Where(static check => !check.Passed).Select(static check => check.Detail));
        Assert.DoesNotContain("ON SCHEMA \"rights\"", missing, StringComparison.Ordinal);
        Assert.Contains("CREATE SCHEMA \"rights_state\" AUTHORIZATION \"rights_writer\";", missing, StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<NebulaException>(() => writer.LoadCsvAsync("id,v\n2,new\n", "t"));
        Assert.Equal(ErrorKind.Permission, error.Kind);

        run.Server.Execute("CREATE SCHEMA rights_state AUTHORIZATION rights_writer; "
            + "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON rights.t TO rights_writer");
        await writer.LoadCsvAsync("id,v\n2,new\n", "t", runId: "r2");
        await writer.LoadCsvAsync("id,v\n2,newer\n3,more\n", "t", Keyed with { Write = WriteMode.Merge }, runId: "r3");

        Assert.Equal(["2,newer", "3,more"], run.Rows("SELECT * FROM rights.t ORDER BY id"));
        run.Server.Execute("REVOKE ALL ON rights.t FROM rights_writer; "
            + "DROP SCHEMA rights CASCADE; DROP SCHEMA rights_state CASCADE; DROP OWNED BY rights_writer; DROP ROLE rights_writer");
    }

    private DestinationRun Create(int version, string schema, params (string, string)[] settings)
    {
        servers[version].Execute($"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        return new DestinationRun(servers[version], settings);
    }

    private static StreamPlan Plan(string table, string runId, WriteMode write) => new StreamPlan
    {
        Stream = new CatalogStream("s", new Schema([new Field("id", DataType.Int64)])),
        Columns = [new PlannedColumn("id", new Field("id", DataType.Int64))],
        Object = table,
        RunId = runId,
        Write = write,
        PrimaryKey = ["id"],
    }.Build();

    private static async Task<StagedPart> StageAsync(DestinationRun run, StreamPlan plan, int chunk, params long[] ids)
    {
        await using var writer = await run.Destination.OpenAsync(plan, new Chunk(chunk, ""), new WriteContext(run.Pool), CancellationToken.None);
        using var builder = new RecordBatchBuilder(run.Pool, plan.Schema);
        foreach (var id in ids)
            builder.Columns[0].Append(id);
        builder.Length = ids.Length;
        using var batch = builder.Build();
        using var block = writer.Encode(batch);
        await writer.WriteAsync(block, CancellationToken.None);
        return await writer.CompleteAsync(CancellationToken.None);
    }

    private static long Oid(DestinationRun run, string table) => run.Server.Ask<long>($"SELECT '{table}'::regclass::oid::bigint");

    private static long Staged(DestinationRun run, string schema) =>
        run.Server.Ask<long>(
            $"SELECT count(*) FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relname LIKE '\\_nebula\\_s\\_%' AND relkind = 'r'");

    private static void AssertNothingStaged(DestinationRun run, string schema)
    {
        Assert.Equal(0L, Staged(run, schema));
        Assert.Equal(0L, run.Server.Ask<long>($"SELECT count(*) FROM {schema}._nebula_parts"));
        Assert.Equal(0L, run.Server.Ask<long>(
            $"SELECT count(*) FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relname LIKE '\\_nebula\\_s\\_%'"));
    }

    /// <summary>Columns, constraints, indexes and grants of a table, as text.</summary>
    private static string[] Definition(DestinationRun run, string table) => run.Rows($"""
        SELECT attname || format_type(atttypid, atttypmod) || attnotnull || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || attcollation
            || coalesce(col_description(a.attrelid, attnum), '')
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = '{table}'::regclass AND attnum > 0
        UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{table}'::regclass
        UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{table}'::regclass
        UNION ALL SELECT coalesce(relacl::text, '') FROM pg_class WHERE oid = '{table}'::regclass ORDER BY 1
        """);
}

using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlChangesTypeTests(Servers servers)
{
    /// <summary>Columns of types whose values are read as text: a log with one of them is text as a whole.</summary>
    private const string OtherColumns = """
        SELECT array_agg(a.attname::text) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
        WHERE a.attrelid = 'public.t'::regclass AND a.attnum > 0 AND t.typtype <> 'e' AND NOT coalesce(b.typname, t.typname) IN ('bool', 'int2', 'int4', 'int8',
            'oid', 'float4', 'float8', 'text', 'varchar', 'bpchar', 'name', 'bytea', 'date', 'time', 'timestamp', 'timestamptz', 'uuid', 'json', 'jsonb')
            AND coalesce(b.typtype, t.typtype) <> 'e'
            AND NOT format_type(coalesce(nullif(t.typbasetype, 0), t.oid), CASE WHEN t.typbasetype = 0 THEN a.atttypmod ELSE t.typtypmod END) ~ '^numeric\((?!39)'
        """;

    [Theory, Server(15), Server(18)]
    public Task Read_EveryTypeWithBoundaryValues_EqualsTheSnapshot(int version) => EqualsSnapshotAsync(version, asText: false, follow: false);

    [Theory, Server(15), Server(18)]
    public Task Read_EveryTypeAsText_EqualsTheSnapshot(int version) => EqualsSnapshotAsync(version, asText: true, follow: false);

    [Theory, Server(15), Server(18)]
    public Task Follow_EveryTypeWithBoundaryValues_EqualsTheSnapshot(int version) => EqualsSnapshotAsync(version, asText: false, follow: true);

    [Theory, Server(15), Server(18)]
    public Task Read_TypesOfABinaryLogWithBoundaryValues_EqualTheSnapshot(int version) => EqualsSnapshotAsync(version, asText: false, follow: false, isBinary: true);

    [Theory, Server(15), Server(18)]
    public Task Follow_TypesOfABinaryLogWithBoundaryValues_EqualTheSnapshot(int version) => EqualsSnapshotAsync(version, asText: false, follow: true, isBinary: true);

    [Theory, InlineData(false), InlineData(true)]
    public async Task Read_LogOfTypesThatColumnsHadBefore_GoesOnAsText(bool follow)
    {
        await using var run = await ChangesRun.CreateAsync(servers[18], "CREATE TABLE t (id int PRIMARY KEY, a int, b smallint, c json, d timestamptz)", follow);
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t SELECT i, i, i, '{\"a\": 1}', '2024-02-03 04:05:06+00' FROM generate_series(1, 100) i");
        run.Execute("ALTER TABLE t ALTER a TYPE text, ALTER b TYPE int, ALTER c TYPE jsonb, ALTER d TYPE text");
        run.Execute("INSERT INTO t VALUES (101, 'x', 100000, '{}', 'never'); UPDATE t SET b = 100001 WHERE id <= 10; DELETE FROM t WHERE id > 90 AND id < 95");
        await using var next = run.Again();
        await next.PlanAsync("public.t");
        next.Targets["public.t"] = new Target(next.PlanOf("public.t"));
        await using var reader = await next.OpenAsync();

        if (follow)
            await next.FollowAsync(reader);
        else
            await next.DrainAsync(reader);

        await next.AssertEqualAsync();
    }

    [Theory, InlineData("bigint", "1", "2"), InlineData("smallint", "1", "-2"), InlineData("oid", "1", "4000000000"), InlineData("text", "'a'", "'it''s'"),
        InlineData("uuid", "'00112233-4455-6677-8899-aabbccddeeff'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"), InlineData("boolean", "true", "false"),
        InlineData("date", "'2024-02-29'", "'0044-03-15 BC'"), InlineData("timestamptz", "'2024-02-29 12:00+02'", "'12345-06-07'"),
        InlineData("numeric(10,2)", "1.50", "-2.25"), InlineData("bytea", "'\\x00ff'", "'\\x'"), InlineData("varchar(5)", "'a'", "'🐎'")]
    public async Task Read_LargeValueOfARowWhoseKeyChanged_IsFoundByAKeyOfAnyType(string type, string first, string second)
    {
        await using var run = await ChangesRun.CreateAsync(servers[15],
            $"CREATE TABLE t (k {type} PRIMARY KEY, a int, b text); ALTER TABLE t ALTER b SET STORAGE EXTERNAL");
        await run.SnapshotAsync("public.t");
        run.Execute($"INSERT INTO t VALUES ({first}, 1, repeat('x', 5000))");
        run.Execute($"UPDATE t SET k = {second}");

        await run.DrainAsync();

        Assert.Equal(3, run.Changes.Count);
        await run.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_SettingsOfTheDatabaseThatChangeText_DoNotChangeValues(int version)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], """
            CREATE TABLE t (id int PRIMARY KEY, ts timestamptz, d date, i interval, f float8, b bytea, a timestamptz[], m float4[]);
            DO $$ DECLARE s text; BEGIN
                FOREACH s IN ARRAY ARRAY['timezone = ''Asia/Kolkata''', 'datestyle = ''SQL, DMY''', 'intervalstyle = iso_8601', 'extra_float_digits = -5',
                    'bytea_output = escape'] LOOP EXECUTE format('ALTER DATABASE %I SET ', current_database()) || s; END LOOP; END $$;
            """);
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (1, '2024-02-03 04:05:06.7+01', '2024-02-03', '1 mon 2 days 03:04:05', 1.0/3, '\\x00ff5c', '{2024-02-03 "
            + "04:05:06.7+01,NULL}', '{0.1,NaN}')");
        await run.DrainAsync();
        await run.AssertEqualAsync();
        run.Context = run.Context with { Follow = true };
        await using var reader = await run.OpenAsync();
        run.Execute("INSERT INTO t SELECT 2, ts, d, i, f, b, a, m FROM t");
        await run.FollowAsync(reader);

        await run.AssertEqualAsync();
    }

    [Theory, InlineData("d date", "'infinity'", "infinity"), InlineData("n numeric(10,2)", "'NaN'", "NaN"), InlineData("t time", "'24:00:00'", "24:00:00"),
        InlineData("ts timestamp", "'-infinity'", "-infinity")]
    public async Task Read_ValueThatTheTypeCannotHold_IsAnErrorThatNamesColumnAndRemedy(string column, string value, string shown)
    {
        await using var run = await ChangesRun.CreateAsync(servers[15], $"CREATE TABLE t (id int PRIMARY KEY, {column})");
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t VALUES (1), (2)");
        run.Execute($"INSERT INTO t VALUES (3, NULL), (4, {value})");

        var error = await Assert.ThrowsAsync<DataFormatException>(() => run.DrainAsync());

        Assert.Contains($"'{shown}' is no ", error.Message, StringComparison.Ordinal);
        Assert.Contains("'type: string'", error.Message, StringComparison.Ordinal);
        Assert.Contains($"column \"{column.Split(' ')[0]}\"", error.Message, StringComparison.Ordinal);
        // what came before was handed over, and no half row
        Assert.Equal(["1|null", "2|null", "3|null"], run.Targets["public.t"].Rows);
    }

    private async Task EqualsSnapshotAsync(int version, bool asText, bool follow, bool isBinary = false)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "SELECT 1", follow);
        TypeTests.Create(servers[version], run.Database);
        run.Execute("CREATE TABLE t (id serial PRIMARY KEY, LIKE types.typed); CREATE TABLE dates (id serial PRIMARY KEY, d date, ts timestamp, tz "
            + "timestamptz)");
        if (isBinary)
            foreach (var column in run.Ask<string[]>(OtherColumns))
                run.Execute($"ALTER TABLE t DROP COLUMN {column}");
        run.AsText = asText;
        await run.SnapshotAsync("public.t");
        await run.SnapshotAsync("public.dates");
        var names = string.Join(", ", run.Ask<string[]>("SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'public.t'::regclass "
            + "AND attnum > 1 AND NOT attisdropped"));
        run.Execute($"INSERT INTO t ({names}) SELECT {names} FROM types.typed");
        run.Execute("""
            INSERT INTO dates (d, ts, tz) SELECT v, v, v FROM (VALUES
                ('0001-01-01'::date), ('0001-12-31 BC'), ('4713-01-01 BC'), ('0004-02-29'), ('0005-02-28 BC'), ('10000-01-01'), ('294246-12-31')) d (v);
            INSERT INTO dates (ts, tz) VALUES
                ('0044-03-15 12:34:56.789 BC', '0044-03-15 12:34:56.000001 BC'),
                ('12345-06-07 08:09:10', '12345-06-07 08:09:10.5+05:30'), ('1969-12-31 23:59:59.999999', 'epoch');
            """);

        if (follow)
        {
            await using var reader = await run.OpenAsync();
            await run.FollowAsync(reader);
            Assert.Equal(isBinary, run.Ask<bool>("SELECT query LIKE '%binary ''true''%' FROM pg_stat_activity WHERE backend_type = 'walsender' "
                + "AND datname = current_database()"));
        }
        else
            await run.DrainAsync();

        await using var fresh = new SourceRun(servers[version], run.Database);
        foreach (var stream in run.Targets.Keys)
        {
            var rows = await fresh.ReadAsync(await fresh.PlanAsync(stream, asText));
            Assert.True(rows.Lines.Count >= 2);
            Assert.Equal(rows.Lines.Order(StringComparer.Ordinal), run.Targets[stream].Rows.Order(StringComparer.Ordinal));
        }
    }
}

using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlChangesTypeTests(Servers servers)
{
    [Theory, Server(15), Server(18)]
    public Task Read_EveryTypeWithBoundaryValues_EqualsTheSnapshot(int version) => EqualsSnapshotAsync(version, asText: false, follow: false);

    [Theory, Server(15), Server(18)]
    public Task Read_EveryTypeAsText_EqualsTheSnapshot(int version) => EqualsSnapshotAsync(version, asText: true, follow: false);

    [Theory, Server(15), Server(18)]
    public Task Follow_EveryTypeWithBoundaryValues_EqualsTheSnapshot(int version) => EqualsSnapshotAsync(version, asText: false, follow: true);

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

    private async Task EqualsSnapshotAsync(int version, bool asText, bool follow)
    {
        await using var run = await ChangesRun.CreateAsync(servers[version], "SELECT 1", follow);
        TypeTests.Create(servers[version], run.Database);
        run.Execute("CREATE TABLE t (id serial PRIMARY KEY, LIKE types.typed); CREATE TABLE dates (id serial PRIMARY KEY, d date, ts timestamp, tz "
            + "timestamptz)");
        run.AsText = asText;
        await run.SnapshotAsync("public.t");
        await run.SnapshotAsync("public.dates");
        var names = Enumerable.Range(0, run.Ask<int>("SELECT count(*)::int FROM pg_attribute WHERE attrelid = 'types.typed'::regclass AND attnum > "
            + "0")).Select(static i => $"c{i}");
        run.Execute($"INSERT INTO t ({string.Join(", ", names)}) SELECT * FROM types.typed");
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

using System.Globalization;
using System.Text.RegularExpressions;
using Nebula.Cli.Tests;
using Nebula.Engine.Connectors;
using Nebula.PostgreSql.Tests.Server;
using Nebula.PostgreSql.Tests.Writing;

namespace Nebula.PostgreSql.Tests.Rights;

/// <summary>Roles that have just the rights which the documentation lists: everything works. Of each that is taken away, the SQL is printed that gives it
/// back.</summary>
[Collection(ServersCollection.Name)]
public sealed partial class PostgreSqlRightsTests(Servers servers) : IDisposable
{
    private const string Password = "0pen-sesame";
    private readonly NebulaProcess _nebula = new();

    private static readonly Dictionary<string, string> NoOptions =
        new() { ["slot"] = "rights_slot", ["publication"] = "rights pub", ["heartbeat"] = "00:00:30" };

    [Theory, Server(15), Server(18)]
    public async Task Check_ARightOfTheSourceIsMissing_TheSqlThatIsPrintedGivesIt(int version)
    {
        var (server, database) = Create(version);
        server.Execute($"""
            CREATE SCHEMA shop; CREATE TABLE shop.t (id int PRIMARY KEY, v text); CREATE TABLE shop.u (id int PRIMARY KEY, v text);
            REVOKE CONNECT ON DATABASE {database} FROM PUBLIC; GRANT CONNECT ON DATABASE {database} TO few_reader;
            GRANT USAGE ON SCHEMA shop TO few_reader; GRANT SELECT ON shop.t, shop.u TO few_reader;
            CREATE PUBLICATION "rights pub" FOR TABLE shop.t, shop.u WITH (publish_via_partition_root = true)
            """, database);
        List<StreamPlan> plans;
        await using (var run = Open())
            plans = [Captured(await run.PlanAsync("shop.t")), Captured(await run.PlanAsync("shop.u"))];

        await AssertMendedAsync(server, database, CheckAsync,
            "ALTER ROLE few_reader NOLOGIN",
            $"REVOKE CONNECT ON DATABASE {database} FROM few_reader",
            "REVOKE USAGE ON SCHEMA shop FROM few_reader",
            "REVOKE SELECT ON shop.u FROM few_reader",
            "REVOKE SELECT ON shop.t, shop.u FROM few_reader",
            "ALTER ROLE few_reader NOREPLICATION",
            "ALTER PUBLICATION \"rights pub\" DROP TABLE shop.u",
            "DROP PUBLICATION \"rights pub\"",
            // who owns the tables makes the publication
            $"DROP PUBLICATION \"rights pub\"; ALTER TABLE shop.t OWNER TO few_reader; ALTER TABLE shop.u OWNER TO few_reader; "
                + $"REVOKE CREATE ON DATABASE {database} FROM few_reader");

        SourceRun Open() => new(server, database, ("user", "few_reader"), ("password", Password));

        async Task<List<CheckResult>> CheckAsync()
        {
            await using var run = Open();
            return
            [
                .. await run.Source.CheckAsync(CancellationToken.None),
                .. await run.Source.CheckStreamsAsync(["shop.t", "shop.u", "other.*"], CancellationToken.None),
                .. await ((IChangeSource)run.Source).CheckChangesAsync(plans, CancellationToken.None),
            ];
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Check_ARightOfTheTargetIsMissing_TheSqlThatIsPrintedGivesIt(int version)
    {
        var (server, database) = Create(version);
        server.Execute($"""
            CREATE SCHEMA raw; CREATE TABLE raw.merged (id int PRIMARY KEY); CREATE TABLE raw.added (id int); CREATE TABLE raw.emptied (id int);
            CREATE TABLE raw.marked (id int PRIMARY KEY); CREATE TABLE raw.deleted (id int PRIMARY KEY);
            REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC; GRANT CONNECT, TEMPORARY ON DATABASE {database} TO few_loader;
            CREATE SCHEMA nebula AUTHORIZATION few_loader; GRANT USAGE, CREATE ON SCHEMA raw TO few_loader;
            GRANT SELECT, INSERT, UPDATE ON raw.merged, raw.marked TO few_loader; GRANT INSERT ON raw.added TO few_loader;
            GRANT INSERT, DELETE ON raw.emptied TO few_loader; GRANT SELECT, INSERT, UPDATE, DELETE ON raw.deleted TO few_loader
            """, database);
        var soft = new ChangeCapture("l");
        List<StreamTarget> streams =
        [
            new("a", "merged", WriteMode.Merge, null), new("b", "raw.added", WriteMode.Append, null), new("c", "emptied", WriteMode.Replace, null),
            new("d", "marked", WriteMode.Merge, soft), new("e", "deleted", WriteMode.Merge, soft with { Deletes = DeleteHandling.Hard }),
            new("f", "made", WriteMode.Replace, null),
        ];

        await AssertMendedAsync(server, database, CheckAsync,
            "ALTER ROLE few_loader NOLOGIN",
            $"REVOKE CONNECT ON DATABASE {database} FROM few_loader",
            $"REVOKE TEMPORARY ON DATABASE {database} FROM few_loader",
            "REVOKE USAGE ON SCHEMA raw FROM few_loader",
            "REVOKE CREATE ON SCHEMA raw FROM few_loader",
            "REVOKE ALL ON SCHEMA raw FROM few_loader",
            "REVOKE CREATE ON SCHEMA nebula FROM few_loader",
            "DROP SCHEMA nebula",
            "REVOKE SELECT ON raw.merged FROM few_loader", "REVOKE INSERT ON raw.merged FROM few_loader", "REVOKE UPDATE ON raw.merged FROM few_loader",
            "REVOKE INSERT ON raw.added FROM few_loader",
            "REVOKE INSERT ON raw.emptied FROM few_loader", "REVOKE DELETE ON raw.emptied FROM few_loader",
            "REVOKE ALL ON raw.marked FROM few_loader", "REVOKE DELETE ON raw.deleted FROM few_loader");

        async Task<List<CheckResult>> CheckAsync()
        {
            await using var run = new DestinationRun(
                server, ("database", database), ("user", "few_loader"), ("password", Password), ("schema", "raw"), ("state_schema", "nebula"));
            return
            [
                .. await run.Destination.CheckAsync(CancellationToken.None),
                .. await run.Destination.CheckStreamsAsync(streams, CancellationToken.None),
            ];
        }
    }

    [Theory, Server(15), Server(18)]
    public void Run_RolesWithTheDocumentedRights_EverythingWorks(int version)
    {
        var (server, database) = Create(version);
        server.Execute($"""
            REVOKE ALL ON DATABASE {database} FROM PUBLIC; GRANT CONNECT ON DATABASE {database} TO few_reader;
            GRANT CONNECT, TEMPORARY ON DATABASE {database} TO few_loader;
            CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO few_reader;
            CREATE TABLE shop.t (id int PRIMARY KEY, v text, at timestamptz NOT NULL DEFAULT now()); GRANT SELECT ON shop.t TO few_reader;
            INSERT INTO shop.t SELECT i, repeat('x', 900) || i FROM generate_series(1, 2000) i;
            CREATE PUBLICATION "rights pub" FOR TABLE shop.t WITH (publish_via_partition_root = true);
            CREATE SCHEMA own; GRANT USAGE, CREATE ON SCHEMA own TO few_loader;
            CREATE SCHEMA others; GRANT USAGE ON SCHEMA others TO few_loader; CREATE SCHEMA nebula AUTHORIZATION few_loader;
            CREATE TABLE others.emptied (id int PRIMARY KEY, v text, at timestamptz); INSERT INTO others.emptied VALUES (0);
            CREATE TABLE others.merged (LIKE others.emptied INCLUDING ALL); CREATE TABLE others.added (LIKE others.emptied);
            CREATE TABLE others.deleted (LIKE others.emptied INCLUDING ALL);
            GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON others.emptied, others.merged, others.added, others.deleted TO few_loader
            """, database);
        var cdc = "mode: cdc\n  cdc: { slot: rights_" + database + ", publication: rights pub, deletes: ";
        Pipeline("load", "own", "object: t", "");
        Pipeline("replace", "others", "object: emptied", "");
        Pipeline("merge", "others", "object: merged", "write: merge");
        Pipeline("append", "others", "object: added", "write: append");
        Pipeline("incremental", "own", "{ object: i, update_key: at }", "mode: incremental");
        Pipeline("cdc", "own", "object: changed", cdc + "soft }");
        Pipeline("hard", "others", "object: deleted", cdc.Replace("slot: ", "slot: hard_", StringComparison.Ordinal) + "hard }");
        AssertSucceeds("check", "cdc");
        AssertSucceeds("check", "hard");
        foreach (var name in (string[])["load", "replace", "merge", "append", "incremental", "cdc", "hard"])
            AssertSucceeds("run", name);
        // what is there is replaced, merged, added to; a column comes, another widens
        server.Execute("""
            ALTER TABLE shop.t ADD COLUMN n int; UPDATE shop.t SET v = 'new', n = 7, at = now() WHERE id = 2;
            DELETE FROM shop.t WHERE id = 3; INSERT INTO shop.t (id, v) VALUES (30000, 'more')
            """, database);
        foreach (var name in (string[])["load", "incremental", "cdc"])
            AssertSucceeds("run", name);
        Assert.Equal(Rows("shop.t", "id, v, n"), Rows("own.t", "id, v, n"));
        Assert.Equal(Rows("shop.t", "id, v, n"), Rows("own.changed WHERE _nebula_op <> 'd'", "id, v, n"));
        Assert.Equal("7", Rows("own.i WHERE id = 2", "n"));

        // only the owner can add the column, with what is printed
        foreach (var (name, table) in new[] { ("replace", "emptied"), ("merge", "merged"), ("append", "added"), ("hard", "deleted") })
        {
            var refused = _nebula.Run("run", name + ".yaml");
            Assert.True(refused.ExitCode != 0, name);
            server.Execute(Assert.Single(Statements([refused.ErrorLines])), database);
            AssertSucceeds("run", name);
            Assert.Equal("7", Rows($"others.{table} WHERE id = 2 AND v = 'new'", "n"));
        }
        Assert.Equal(Rows("shop.t", "id, v, n"), Rows("others.emptied", "id, v, n"));
        Assert.Equal(Rows("shop.t", "id, v, n"), Rows("others.deleted", "id, v, n"));
        server.DropSlots(database);

        string Rows(string table, string columns) => server.Ask<string>(
            $"SELECT string_agg(r::text, chr(10) ORDER BY r) FROM (SELECT {columns} FROM {table}) r", database) is { Length: < 10 } one ? one.Trim('(', ')')
            : server.Ask<string>($"SELECT count(*) || md5(string_agg(r::text, chr(10) ORDER BY r)) FROM (SELECT {columns} FROM {table}) r", database);

        void Pipeline(string name, string schema, string stream, string defaults) => _nebula.Write(
            $"{name}.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
            source: { type: postgresql, host: 127.0.0.1, port: {{server.Port}}, database: {{database}}, user: few_reader, password: {{Password}}, schema: shop }
            target: { type: postgresql, host: 127.0.0.1, port: {{server.Port}}, database: {{database}}, user: few_loader, password: {{Password}},
                      schema: {{schema}}{{(schema == "others" ? ", state_schema: nebula" : "")}} }
            defaults:
              chunking: { target_size: 1MB }
              {{defaults}}
            streams: { shop.t: {{(stream.StartsWith('{') ? stream : $"{{ {stream} }}")}} }
            """));

        void AssertSucceeds(string command, string name)
        {
            var outcome = _nebula.Run(command, $"{name}.yaml");
            Assert.True(outcome.ExitCode == 0, $"{command} {name}: {outcome.Errors}{outcome.Output}");
        }
    }

    public void Dispose() => _nebula.Dispose();

    /// <summary>A database of its own, and two roles that have nothing yet but that they can log in, and one that it may read the log.</summary>
    private (PostgreSqlServer Server, string Database) Create(int version)
    {
        var server = servers[version];
        var database = $"rights_{Guid.NewGuid():n}";
        if (server.Ask<long>("SELECT count(*) FROM pg_roles WHERE rolname = 'few_reader'") == 0)
            server.Execute("CREATE ROLE few_reader; CREATE ROLE few_loader");
        server.Execute($"ALTER ROLE few_reader LOGIN REPLICATION PASSWORD '{Password}'; ALTER ROLE few_loader LOGIN PASSWORD '{Password}'");
        server.Execute($"CREATE DATABASE {database}");
        return (server, database);
    }

    private static StreamPlan Captured(StreamPlan plan) => plan with
    {
        Write = WriteMode.Merge,
        PrimaryKey = [.. plan.Stream.PrimaryKey],
        Capture = new ChangeCapture("rights_slot/rights pub") { Options = NoOptions },
    };

    /// <summary>Takes rights away one after the other, runs what the checks print, and finds them green again.</summary>
    private static async Task AssertMendedAsync(
        PostgreSqlServer server, string database, Func<Task<List<CheckResult>>> check, params string[] losses)
    {
        Assert.All(await check(), static result => Assert.True(result.Passed, $"{result.Name}: {result.Detail}"));
        foreach (var loss in losses)
        {
            server.Execute(loss, database);
            var failed = (await check()).FindAll(static result => !result.Passed);
            Assert.True(failed.Count > 0, $"{loss}: nothing was found");
            foreach (var statement in Statements(failed.Select(static result => result.Detail)).Distinct())
                server.Execute(statement, database);
            Assert.All(await check(), result => Assert.True(
                result.Passed, $"after {loss}: {result.Name}: {result.Detail}; before: {string.Join('\n', failed.Select(static f => f.Detail))}"));
        }
    }

    // of two that would do, the first
    private static IEnumerable<string> Statements(IEnumerable<string> details) =>
        details.SelectMany(static detail => Sql().Matches(detail.Split(" or GRANT")[0].Split(" Or ")[0])).Select(static match => match.Value);

    [GeneratedRegex(@"(GRANT|ALTER|CREATE) [^;]+;")]
    private static partial Regex Sql();
}

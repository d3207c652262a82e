using System.Globalization;
using Nebula.Cli.Tests;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Rights;

/// <summary>With <c>limits.max_connections</c> a run never has more connections than allowed: the server itself would refuse them.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlConnectionLimitTests(Servers servers) : IDisposable
{
    private const string Password = "0pen-sesame";
    private readonly NebulaProcess _nebula = new();

    // limit 3 is the least for changes: the log, what is looked up beside it, and the commit
    [Theory]
    [Server(15)]
    [Server(18)]
    public void Run_LimitOfThreeAtOneServer_ChunksAndChangesWork(int version)
    {
        var (server, database) = Create(version, limit: 3);
        Write("load.yaml", server, database, 3, "chunking: { target_size: 1MB }");
        Write("cdc.yaml", server, database, 3, $"{{ mode: cdc, cdc: {{ slot: {database}, deletes: hard }}, chunking: {{ target_size: 1MB }} }}");
        AssertSame("load.yaml");
        AssertSame("cdc.yaml");
        server.Execute("UPDATE shop.a SET v = 'new' WHERE id < 100; DELETE FROM shop.b WHERE id < 50; TRUNCATE shop.c", database);
        AssertSame("cdc.yaml");
        server.DropSlots(database);

        void AssertSame(string pipeline)
        {
            AssertRuns(pipeline);
            foreach (var table in (string[])["a", "b", "c"])
                Assert.Equal(
                    server.CopyCsv($"SELECT * FROM shop.{table} ORDER BY id", database),
                    server.CopyCsv($"SELECT * FROM {Path.GetFileNameWithoutExtension(pipeline)}.{table} ORDER BY id", database));
        }
    }

    [Theory, Server(18)]
    public void Run_LimitsOfMoreAndLess_DivideThemOrSayWhatIsNeeded(int version)
    {
        var (server, database) = Create(version, limit: 7);
        Write("p.yaml", server, database, 7, "chunking: { target_size: 1MB }");
        AssertRuns("p.yaml");
        server.Execute("ALTER ROLE limited CONNECTION LIMIT 2");
        Write("p.yaml", server, database, 2, "chunking: { target_size: 1MB }");
        AssertRuns("p.yaml");

        Write("p.yaml", server, database, 1, "");
        Assert.Contains("needs 2 connections", _nebula.Run("run", "p.yaml").ErrorLines, StringComparison.Ordinal);
        Write("p.yaml", server, database, 2, "mode: cdc");
        var refused = _nebula.Run("run", "p.yaml");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("needs 3 connections", refused.ErrorLines, StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public void CheckAndVerify_LeastLimitAtOneServer_AreEnough(int version)
    {
        var (server, database) = Create(version, limit: 2);
        Write("load.yaml", server, database, 2, "verify: chunk, chunking: { target_size: 1MB }");
        AssertRuns("load.yaml");
        AssertSucceeds("check", "load.yaml");
        Assert.Equal(3, AssertSucceeds("verify", "last", "load.yaml").Split("as committed").Length - 1);
        server.Execute("ALTER ROLE limited CONNECTION LIMIT 3");
        Write("cdc.yaml", server, database, 3, $"{{ mode: cdc, cdc: {{ slot: {database}, deletes: hard, on_position_lost: repair }} }}");
        AssertSucceeds("check", "cdc.yaml");
        WaitUntilNobodyIsConnected(server);
        AssertRuns("cdc.yaml");
        // source and target are open at the same time
        Assert.Equal(3, AssertSucceeds("check", "cdc.yaml").Split("can be compared").Length - 1);
        AssertSucceeds("verify", "last", "cdc.yaml");
        server.DropSlots(database);

        string AssertSucceeds(params string[] command)
        {
            WaitUntilNobodyIsConnected(server);
            var outcome = _nebula.Run(command);
            Assert.True(outcome.ExitCode == 0, outcome.Output + outcome.Errors);
            return outcome.Output;
        }
    }

    [Theory, Server(18)]
    public void Check_LimitThatIsTooSmall_SaysWhatIsNeeded(int version)
    {
        var (server, database) = Create(version, limit: 3);
        foreach (var (limit, mode, needed) in new[] { (1, "full-refresh", 2), (2, "cdc", 3) })
        {
            Write("p.yaml", server, database, limit, $"mode: {mode}");
            var refused = _nebula.Run("check", "p.yaml");
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains($"needs {needed} connections", refused.ErrorLines, StringComparison.Ordinal);
            Assert.Contains("Raise it to", refused.ErrorLines, StringComparison.Ordinal);
        }
    }

    [Theory, Server(18)]
    public async Task Run_OthersAtWorkOnTheServer_SaysThatItGaveWay(int version)
    {
        const string Said = "read by one connection at a time";
        var (server, database) = Create(version, limit: 10);
        server.Execute("CREATE TABLE shop.large AS SELECT i AS id, repeat('x', 1000) AS v FROM generate_series(1, 20000) i", database);
        server.Execute("GRANT SELECT ON shop.large TO limited; GRANT pg_monitor TO limited", database);
        foreach (var (name, state) in new[] { ("direct", "none"), ("chunks", "state") })
            _nebula.Write($"{name}.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
                state: {{state}}
                source: { type: postgresql, host: 127.0.0.1, port: {{server.Port}}, database: {{database}}, user: limited, password: {{Password}} }
                target: { type: parquet, path: {{name}}/ }
                defaults: { chunking: { target_size: 4MB } }
                streams: { shop.large: {} }
                """));
        Assert.DoesNotContain(Said, Run("direct.yaml"), StringComparison.Ordinal);
        Assert.DoesNotContain(Said, Run("chunks.yaml"), StringComparison.Ordinal);

        await using var other = new NpgsqlConnection(server.ConnectionString(database));
        await other.OpenAsync();
        await using var work = new NpgsqlCommand("SELECT pg_sleep(600)", other);
        var working = work.ExecuteNonQueryAsync();
        while (!server.Ask<bool>($"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {other.ProcessID} AND wait_event = 'PgSleep')"))
            Thread.Yield();

        Assert.Contains(Said, Run("direct.yaml"), StringComparison.Ordinal);
        Assert.Contains(Said, Run("chunks.yaml"), StringComparison.Ordinal);
        work.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => working);

        string Run(string pipeline)
        {
            var outcome = _nebula.Run("run", pipeline);
            Assert.True(outcome.ExitCode == 0, outcome.Errors);
            return outcome.Output + outcome.Errors;
        }
    }

    public void Dispose() => _nebula.Dispose();

    // a connection that was closed counts until its process has ended
    private static void WaitUntilNobodyIsConnected(PostgreSqlServer server)
    {
        while (server.Ask<long>("SELECT count(*) FROM pg_stat_activity WHERE usename = 'limited'") > 0)
            Thread.Yield();
    }

    private void AssertRuns(string pipeline)
    {
        var outcome = _nebula.Run("run", pipeline);
        // a run that is refused a connection would try again later
        Assert.True(outcome.ExitCode == 0 && !outcome.Errors.Contains("repeated", StringComparison.Ordinal), outcome.Errors);
    }

    private (PostgreSqlServer Server, string Database) Create(int version, int limit)
    {
        var server = servers[version];
        var database = $"limited_{Guid.NewGuid():n}";
        if (server.Ask<long>("SELECT count(*) FROM pg_roles WHERE rolname = 'limited'") == 0)
            server.Execute($"CREATE ROLE limited LOGIN REPLICATION PASSWORD '{Password}'");
        // a superuser would be let in all the same
        server.Execute(string.Create(CultureInfo.InvariantCulture, $"ALTER ROLE limited CONNECTION LIMIT {limit}"));
        server.Execute($"CREATE DATABASE {database} OWNER limited");
        server.Execute("""
            CREATE SCHEMA shop AUTHORIZATION limited; SET ROLE limited;
            CREATE TABLE shop.a (id int PRIMARY KEY, v text); CREATE TABLE shop.b (LIKE shop.a INCLUDING ALL); CREATE TABLE shop.c (LIKE shop.a INCLUDING ALL);
            INSERT INTO shop.a SELECT i, repeat('x', 900) || i FROM generate_series(1, 4000) i; INSERT INTO shop.b TABLE shop.a; INSERT INTO shop.c TABLE shop.a
            """, database);
        return (server, database);
    }

    private void Write(string name, PostgreSqlServer server, string database, int limit, string defaults)
    {
        var connection = string.Create(CultureInfo.InvariantCulture,
            $"type: postgresql, host: 127.0.0.1, port: {server.Port}, database: {database}, user: limited, password: {Password}");
        _nebula.Write(name, string.Create(CultureInfo.InvariantCulture, $$"""
            source: { {{connection}}, schema: shop, limits: { max_connections: {{limit}} } }
            target: { {{connection}} }
            run: { parallel_streams: 3 }
            {{(defaults.Length == 0 ? "" : $"defaults: {(defaults.StartsWith('{') ? defaults : $"{{ {defaults} }}")}")}}
            streams: { "shop.*": { object: "{{Path.GetFileNameWithoutExtension(name)}}.{stream_table}" } }
            """));
    }
}

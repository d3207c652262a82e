using System.Diagnostics;
using System.Globalization;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Writing;

/// <summary>The real program is killed where the database holds it up, and the same command goes on.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlDestinationProcessTests(Servers servers) : IDisposable
{
    private const int Rows = 20_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly string Program = Environment.GetEnvironmentVariable("NEBULA_BINARY") is { Length: > 0 } published ? Path.GetFullPath(published)
        : Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "nebula.exe" : "nebula");
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("nebula-postgres-");

    [Theory, Server(15), Server(18)]
    public async Task Killed_AmongChunks_GoesOn(int version)
    {
        var server = Prepare(version, "killed", "create");
        Assert.Equal(0, await RunAsync("--limit", "1"));
        // the third chunk cannot end
        using (var hold = Hold(server, "killed", "_nebula_parts", "NEW.chunk = 3"))
        {
            using var process = Start();
            await UntilAsync(process, () => IsHeldUp(server));
            process.Kill();
            await process.WaitForExitAsync();
            Assert.Equal(1L, server.Ask<long>("SELECT count(*) FROM killed.t"));
        }
        server.Execute("DROP TRIGGER held ON killed._nebula_parts");

        Assert.Equal(0, await RunAsync());

        AssertWhole(server, "killed");
    }

    [Theory, Server(15), Server(18)]
    public async Task Verify_AfterARunOfManyChunks_ComparesEachAndFindsWhatWasChanged(int version)
    {
        var server = Prepare(version, "verified", "create");
        Assert.Equal(0, await RunAsync("--verify", "chunk"));

        Assert.Equal(0, await ExitCodeAsync("verify", "last", "p.yaml"));
        server.Execute("DELETE FROM verified.t WHERE id = 17");
        Assert.Equal(6, await ExitCodeAsync("verify", "last", "p.yaml"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Killed_WithinTheCommit_GoesOn(int version)
    {
        foreach (var table in (string[])["plain", "seen"])
        {
            var server = Prepare(version, "committing", table);
            Assert.Equal(0, await RunAsync("--limit", "1"));
            if (table == "seen")
                server.Execute("CREATE VIEW committing.seen AS SELECT * FROM committing.t");
            using (var hold = Hold(server, "committing", "_nebula_state", "true"))
            {
                using var process = Start();
                await UntilAsync(process, () => IsHeldUp(server));
                process.Kill();
                await process.WaitForExitAsync();
            }
            server.Execute("DROP TRIGGER held ON committing._nebula_state");
            Assert.Equal(1L, server.Ask<long>("SELECT count(*) FROM committing.t"));

            Assert.Equal(0, await RunAsync());

            AssertWhole(server, "committing");
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private PostgreSqlServer Prepare(int version, string schema, string run)
    {
        var server = servers[version];
        server.Execute($"DROP SCHEMA IF EXISTS {schema} CASCADE");
        foreach (var state in _folder.EnumerateDirectories())
            state.Delete(recursive: true);
        using (var writer = new StreamWriter(Path.Combine(_folder.FullName, "in.csv")))
        {
            writer.Write("id,name\n");
            for (var i = 0; i < Rows; i++)
                writer.Write(string.Create(CultureInfo.InvariantCulture, $"{i},name of {i} in {run}\n"));
        }
        File.WriteAllText(Path.Combine(_folder.FullName, "p.yaml"), $$"""
            version: 1
            source: { type: csv, path: in.csv }
            target: { type: postgresql, host: 127.0.0.1, port: {{server.Port}}, user: nebula, database: postgres }
            streams: { "*": { object: {{schema}}.t, primary_key: [id] } }
            defaults: { chunking: { target_size: 64KB } }
            """);
        return server;
    }

    /// <summary>Makes writes to a table wait as long as the result lives.</summary>
    private static NpgsqlConnection Hold(PostgreSqlServer server, string schema, string table, string condition)
    {
        var connection = new NpgsqlConnection(server.ConnectionString());
        connection.Open();
        using var command = new NpgsqlCommand($"""
            SELECT pg_advisory_lock(4711);
            CREATE OR REPLACE FUNCTION {schema}.hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END';
            CREATE TRIGGER held BEFORE INSERT OR UPDATE ON {schema}.{table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {schema}.hold()
            """, connection);
        command.ExecuteNonQuery();
        return connection;
    }

    private static bool IsHeldUp(PostgreSqlServer server) =>
        server.Ask<bool>("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted)");

    private static void AssertWhole(PostgreSqlServer server, string schema)
    {
        Assert.Equal((long)Rows, server.Ask<long>($"SELECT count(*) FROM {schema}.t"));
        Assert.Equal((long)Rows, server.Ask<long>($"SELECT count(DISTINCT id) FROM {schema}.t"));
        Assert.Equal(1L, server.Ask<long>($"SELECT count(*) FROM pg_index WHERE indrelid = '{schema}.t'::regclass AND indisprimary"));
        Assert.Equal(0L, server.Ask<long>($"SELECT count(*) FROM {schema}._nebula_parts"));
        Assert.Equal(0L, server.Ask<long>($"SELECT count(*) FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relname LIKE '\\_nebula\\_s\\_%'"));
    }

    private async Task<int> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        using var deadline = new CancellationTokenSource(Patience);
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync(deadline.Token);
        Assert.True(process.ExitCode == 0, await errors);
        return process.ExitCode;
    }

    private async Task<int> ExitCodeAsync(params string[] arguments)
    {
        using var process = Launch(arguments);
        using var deadline = new CancellationTokenSource(Patience);
        await process.WaitForExitAsync(deadline.Token);
        return process.ExitCode;
    }

    private Process Start(params string[] arguments) => Launch(["run", "p.yaml", "-q", .. arguments]);

    private Process Launch(string[] arguments)
    {
        var start = new ProcessStartInfo(Program, arguments) { WorkingDirectory = _folder.FullName, RedirectStandardError = true };
        start.Environment["PGPASSWORD"] = PostgreSqlServer.Password;
        start.Environment["HOME"] = null;
        return Process.Start(start)!;
    }

    private static async Task UntilAsync(Process process, Func<bool> condition)
    {
        var waiting = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.False(process.HasExited, "the run came to its end, although it was held up");
            if (waiting.Elapsed > Patience)
                throw new TimeoutException($"Nothing to be seen within {Patience}.");
            await Task.Delay(20);
        }
    }
}

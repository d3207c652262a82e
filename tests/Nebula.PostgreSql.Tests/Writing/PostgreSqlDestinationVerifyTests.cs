using System.Globalization;
using Nebula.Cli.Tests;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Writing;

/// <summary>What a run has added, merged, or put in by inserts is told from other rows by the transaction of its commit, and proved by its hashes.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlDestinationVerifyTests(Servers servers) : IDisposable
{
    private const int Rows = 6000;
    private readonly NebulaProcess _nebula = new();

    [Theory, Server(15), Server(18)]
    public void Verify_RowsAmongOthers_AreProved_AndWhatWasChangedIsFound(int version)
    {
        var server = servers[version];
        server.Execute("""
            DROP SCHEMA IF EXISTS proved CASCADE; CREATE SCHEMA proved;
            CREATE TABLE proved.append (id bigint, v text); CREATE TABLE proved.merge (id bigint PRIMARY KEY, v text);
            CREATE TABLE proved.replace (id bigint, v text); CREATE VIEW proved.seen AS SELECT v FROM proved.replace;
            INSERT INTO proved.append VALUES (17, 'old'), (-1, 'old'); INSERT INTO proved.merge TABLE proved.append
            """);
        _nebula.Write("in.csv", "id,v\n" + string.Concat(Enumerable.Range(0, Rows).Select(static i => $"{i},value {i}\n")));
        foreach (var write in (string[])["append", "merge", "replace"])
        {
            Write(server, write, $"write: {write}");
            AssertSays(0, "as committed", write);
            server.Execute($"UPDATE proved.{write} SET v = 'later' WHERE id = -1");
            AssertSays(0, "as committed", write, run: false);
            server.Execute($"CREATE TABLE proved.kept AS SELECT * FROM proved.{write} WHERE id = 4711; DELETE FROM proved.{write} WHERE id = 4711");
            // of a key that came twice one row would be left, too
            AssertSays(write == "merge" ? 0 : 6, write == "merge" ? "cannot be told" : "5,999", write, run: false);
            server.Execute("DROP TABLE proved.kept");
        }

        // a later commit has the account, and rows of before cannot be told any more
        Assert.Equal(0, _nebula.Run("run", "append.yaml", "--verify", "chunk").ExitCode);
        Assert.Equal(0, _nebula.Run("run", "append.yaml", "-q").ExitCode);
        AssertSays(0, "as committed", "append", run: false);
        Assert.Equal(2L * Rows + Rows + 2 - 1, server.Ask<long>("SELECT count(*) FROM proved.append"));
    }

    [Theory, Server(15), Server(18)]
    public void Verify_AMergeOfATableWithAKey_FindsARowThatIsGone(int version)
    {
        var server = servers[version];
        server.Execute($"""
            DROP SCHEMA IF EXISTS proving CASCADE; CREATE SCHEMA proving; DROP SCHEMA IF EXISTS proved CASCADE; CREATE SCHEMA proved;
            CREATE TABLE proving.merge (id bigint PRIMARY KEY, v text); INSERT INTO proving.merge SELECT i, 'value ' || i FROM generate_series(1, {Rows}) i;
            CREATE TABLE proved.merge (LIKE proving.merge INCLUDING ALL); INSERT INTO proved.merge VALUES (17, 'old'), (-1, 'old')
            """);
        Write(server, "merge", "write: merge", source: $"{{ {Connection(server)}, schema: proving }}", stream: "proving.merge");
        AssertSays(0, "as committed", "merge");
        server.Execute("UPDATE proved.merge SET v = 'other' WHERE id = -1; DELETE FROM proved.merge WHERE id = 4711");
        AssertSays(6, "5,999", "merge", run: false);
    }

    public void Dispose() => _nebula.Dispose();

    private void AssertSays(int exitCode, string words, string write, bool run = true)
    {
        if (run)
        {
            var outcome = _nebula.Run("run", $"{write}.yaml", "--verify", "chunk");
            Assert.True(outcome.ExitCode == 0, outcome.Errors);
        }
        var verified = _nebula.Run("verify", "last", $"{write}.yaml");
        Assert.True(verified.ExitCode == exitCode && (verified.Output + verified.Errors).Contains(words, StringComparison.Ordinal),
            $"{write}: {verified.ExitCode}: {verified.Output}{verified.Errors}");
    }

    private static string Connection(PostgreSqlServer server) => string.Create(CultureInfo.InvariantCulture,
        $"type: postgresql, host: 127.0.0.1, port: {server.Port}, user: nebula, password: \"{PostgreSqlServer.Password}\", database: postgres");

    private void Write(PostgreSqlServer server, string name, string defaults, string source = "{ type: csv, path: in.csv }", string stream = "in.csv") =>
        _nebula.Write($"{name}.yaml", $$"""
            name: {{name}}
            source: {{source}}
            target: { {{Connection(server)}}, schema: proved }
            defaults: { chunking: { target_size: 20KB }, {{defaults}} }
            streams: { {{stream}}: { object: {{name}}, primary_key: [id] } }
            """);
}

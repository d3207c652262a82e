using System.Security.Authentication;
using Nebula.Connectors.PostgreSql.Types;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Columns;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Wire;

[Collection(ServersCollection.Name)]
public sealed class WireConnectionTests(WireServers servers) : IClassFixture<WireServers>
{
    private static readonly string[] Ways = ["by_trust", "by_password", "by_md5", "nebula"];

    [Theory, Server(15), Server(18)]
    public void Open_EachWayToLogIn_LetsTheRoleIn(int version)
    {
        foreach (var user in Ways)
        {
            using var connection = Open(servers.SettingsOf(version, user));

            Assert.Equal($"{user}|f|wire|{connection.ProcessId}", string.Join('|', connection.Query("SELECT current_user, ssl, application_name, pid "
                + "FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE pid = pg_backend_pid()")));
            Assert.True(connection.IsIdle);
        }
    }

    [Theory, Server(15), Server(18)]
    public void Open_WrongPassword_IsRefusedAsTheServerSays(int version)
    {
        foreach (var user in Ways[1..])
        {
            var error = Assert.Throws<PostgresException>(() => Open(servers.SettingsOf(version, user) with { Password = "wrong" }));

            Assert.Equal(("28P01", "FATAL"), (error.SqlState, error.InvariantSeverity));
            Assert.Contains(user, error.MessageText, StringComparison.Ordinal);
        }
    }

    [Theory, Server(15)]
    public void Open_WithoutPassword_SaysThatOneIsWanted(int version)
    {
        var error = Assert.Throws<NpgsqlException>(() => Open(servers.SettingsOf(version) with { Password = null, Host = "127.0.0.1" }));

        Assert.StartsWith("No password", error.Message, StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public void Open_BySocket_LetsTheRoleIn(int version)
    {
        using var connection = Open(servers.SettingsOf(version, mode: SslMode.Prefer, host: servers[version].Socket));

        Assert.Null(Assert.Single(connection.Query("SELECT client_addr FROM pg_stat_activity WHERE pid = pg_backend_pid()")));
    }

    [Theory, Server(15), Server(18)]
    public void Open_Encrypted_ChecksWhatTheModeSays(int version)
    {
        foreach (var (mode, host, root, isTaken) in new[]
        {
            (SslMode.Prefer, "127.0.0.1", null, true), (SslMode.Require, "127.0.0.1", servers.OtherRoot, true),
            (SslMode.VerifyCA, "127.0.0.1", servers.TrustedRoot, true), (SslMode.VerifyCA, "127.0.0.1", servers.OtherRoot, false),
            (SslMode.VerifyFull, "localhost", servers.TrustedRoot, true), (SslMode.VerifyFull, "127.0.0.1", servers.TrustedRoot, false),
            (SslMode.VerifyFull, "localhost", servers.OtherRoot, false), (SslMode.VerifyFull, "localhost", null, false),
        })
        {
            var settings = servers.SettingsOf(version, mode: mode, host: host) with { RootCertificate = root };
            if (!isTaken)
            {
                Assert.IsType<AuthenticationException>(Assert.Throws<NpgsqlException>(() => Open(settings)).InnerException);
                continue;
            }
            // bound to the encryption: the server offers that
            using var connection = Open(settings);
            Assert.Equal("t", connection.Query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0]);
            Assert.Equal("200000", Copy(connection, "COPY (SELECT i FROM generate_series(1, 200000) i) TO STDOUT").Split('\n')[^2]);
        }
    }

    [Theory, Server(15), Server(18)]
    public void Open_ModeThatTheServerRefuses_FallsBackWhereThatIsAllowed(int version)
    {
        foreach (var (user, mode, encrypted) in new[]
        {
            ("only_plain", SslMode.Prefer, "f"), ("only_encrypted", SslMode.Allow, "t"), ("only_encrypted", SslMode.Prefer, "t"),
            ("only_plain", SslMode.Allow, "f"),
        })
        {
            using var connection = Open(servers.SettingsOf(version, user, mode));
            Assert.Equal(encrypted, connection.Query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0]);
        }
        Assert.Equal("28000", Assert.Throws<PostgresException>(() => Open(servers.SettingsOf(version, "only_plain", SslMode.Require))).SqlState);
        Assert.Equal("28000", Assert.Throws<PostgresException>(() => Open(servers.SettingsOf(version, "only_encrypted"))).SqlState);
    }

    [Theory, Server(15), Server(18)]
    public void Query_StatementThatFails_TellsWhatTheServerTold(int version)
    {
        using var connection = Open(servers.SettingsOf(version));

        var error = Assert.Throws<PostgresException>(() => connection.Query("SELECT nonsense FROM pg_class"));

        Assert.Equal(("42703", 8, "column \"nonsense\" does not exist"), (error.SqlState, error.Position, error.MessageText));
        Assert.False(connection.IsIdle);
    }

    [Theory, Server(15), Server(18)]
    public void Ask_ValuesOfAnyKind_MeanThemselves(int version)
    {
        using var connection = Open(servers.SettingsOf(version));
        foreach (var strings in new[] { "on", "off" })
        {
            connection.Query($"SET standard_conforming_strings = {strings}");
            foreach (var value in (string[])[
                "", " ", "NULL", "a'b", "\\'", "\\", "\\\\\"", "{\"a\",b}", "'; SELECT 1; --", "$1", "line\nline", "ünï 日本 😀",
                new string('x', 300_000)])
            {
                var row = Assert.Single(connection.Ask(
                    "SELECT $1::text, ($2::text[])[2], cardinality($2::text[]), NULL", value, SqlName.Array(["x", value, ""])));

                Assert.Equal([value, value, "3", null], row.Values.AsEnumerable());
                Assert.True(connection.IsIdle);
            }
        }
        Assert.Empty(connection.Ask("SELECT $1 WHERE false", "none"));
        Assert.Equal("0", connection.Ask("SELECT cardinality($1::text[])", SqlName.Array([]))[0].Text(0));
        Assert.Equal(100_000, connection.Ask("SELECT i FROM generate_series(1, 100000) i").Select(static row => row.Int32(0)).Distinct().Count());
        Assert.Equal("42601", Assert.Throws<PostgresException>(() => connection.Ask("SELECT 1; SELECT 2")).SqlState);
    }

    [Theory, Server(15), Server(18)]
    public void Describe_AStatement_TellsItsColumnsAndDoesNotRunIt(int version)
    {
        servers[version].Execute("DROP DOMAIN IF EXISTS price; CREATE DOMAIN price AS numeric(10,2)");
        using var connection = Open(servers.SettingsOf(version));

        var columns = connection.Describe("SELECT 1 / 0 AS \"a \"\"b\"\"\", NULL::price AS p, 'x'::varchar(5), pg_terminate_backend(pg_backend_pid())");

        Assert.Equal([("a \"b\"", 23u, -1), ("p", 1700u, (10 << 16 | 2) + 4), ("varchar", 1043u, 9), ("pg_terminate_backend", 16u, -1)],
            columns.Select(static column => (column.Name, column.Type, column.Modifier)));
        Assert.True(connection.IsIdle);
        Assert.Empty(connection.Describe("BEGIN"));
        Assert.Equal(("42703", 8), Assert.Throws<PostgresException>(() => connection.Describe("SELECT nonsense")) is var error
            ? (error.SqlState, error.Position) : default);
    }

    [Theory, Server(15), Server(18)]
    public void Open_AnyServer_TellsItsVersion(int version)
    {
        using var connection = Open(servers.SettingsOf(version));

        Assert.Equal((version, connection.Query("SHOW server_version")[0]), (connection.MajorVersion, connection.Version));
    }

    [Theory, Server(15), Server(18)]
    public void Read_StatementThatFailsLate_HandsOverWhatCameBefore(int version)
    {
        using var connection = Open(servers.SettingsOf(version));
        using var pool = new BufferPool();
        var copy = connection.BeginCopy("COPY (SELECT 1 / (3 - i) FROM generate_series(1, 5) i) TO STDOUT", "it", 1 << 20);

        using (var block = copy.Read(pool, 1 << 16, atOnce: false, out var rows))
            Assert.Equal((2, 4), (rows, block!.Length));
        Assert.Equal("22012", Assert.Throws<PostgresException>(() => copy.Read(pool, 1 << 16, atOnce: false, out _)).SqlState);
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory, Server(15), Server(18)]
    public async Task Cancel_WhileTheServerWorks_EndsTheStatement(int version)
    {
        foreach (var mode in new[] { SslMode.Disable, SslMode.Require })
        {
            using var connection = Open(servers.SettingsOf(version, mode: mode));
            var running = Task.Run(() => connection.Query("SELECT pg_sleep(600)"));
            await WaitAsync(version, connection.ProcessId, "wait_event = 'PgSleep'");

            connection.Cancel();

            Assert.Equal("57014", (await Assert.ThrowsAsync<PostgresException>(() => running)).SqlState);
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Abort_WhileTheServerWorks_EndsTheWait(int version)
    {
        foreach (var mode in new[] { SslMode.Disable, SslMode.Require })
        {
            using var connection = Open(servers.SettingsOf(version, mode: mode));
            var running = Task.Run(() => connection.Query("SELECT pg_sleep(600)"));
            await WaitAsync(version, connection.ProcessId, "wait_event = 'PgSleep'");

            connection.Abort();

            var error = await Assert.ThrowsAnyAsync<Exception>(() => running);
            Assert.True(error is IOException or ObjectDisposedException, error.ToString());
            servers[version].Execute($"SELECT pg_terminate_backend({connection.ProcessId})");
        }
    }

    [Theory, Server(15), Server(18)]
    public void Read_ConnectionThatIsTerminated_SaysSo(int version)
    {
        using var connection = Open(servers.SettingsOf(version));
        using var pool = new BufferPool();
        var copy = connection.BeginCopy("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 10000000) i) TO STDOUT", "it", 1 << 20);
        copy.Read(pool, 1 << 20, atOnce: false, out _)!.Dispose();

        servers[version].Execute($"SELECT pg_terminate_backend({connection.ProcessId})");

        var error = Assert.ThrowsAny<Exception>(() =>
        {
            while (copy.Read(pool, 1 << 20, atOnce: false, out _) is { } block)
                block.Dispose();
        });
        Assert.True(error is PostgresException { SqlState: "57P01" } or IOException, error.ToString());
        Assert.Equal(0, pool.Outstanding);
    }

    private static WireConnection Open(WireSettings settings) => WireConnection.Open(settings, CancellationToken.None);

    private static string Copy(WireConnection connection, string sql)
    {
        using var pool = new BufferPool();
        var text = new System.Text.StringBuilder();
        var copy = connection.BeginCopy(sql, "it", 1 << 20);
        while (copy.Read(pool, 1 << 16, atOnce: false, out _) is { } block)
            using (block)
                text.Append(System.Text.Encoding.UTF8.GetString(block.Content));
        Assert.True(connection.IsIdle);
        return text.ToString();
    }

    private async Task WaitAsync(int version, int process, string condition)
    {
        for (var tries = 0; tries < 2_400; tries++)
        {
            if (servers[version].Ask<long>($"SELECT count(*) FROM pg_stat_activity WHERE pid = {process} AND {condition}") > 0)
                return;
            await Task.Delay(50);
        }
        Assert.Fail($"process {process} is not where {condition}");
    }
}

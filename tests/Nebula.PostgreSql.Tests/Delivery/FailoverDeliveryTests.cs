using System.Globalization;
using Nebula.Cli.Tests;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Delivery;

/// <summary>A server that is not what it was ends the run with its own exit code before anything is moved, and is read anew where that is wanted.</summary>
public sealed class FailoverDeliveryTests : IDisposable
{
    private const int PositionLost = 7;
    private readonly NebulaProcess _nebula = new();

    public void Dispose() => _nebula.Dispose();

    [Theory]
    [Server(15)]
    public void Debezium3970_OlderBackupThenAStandbyTakesOver_IsCode7_AndIsReadAnewWhereThatIsWanted(int version)
    {
        using var target = PostgreSqlServer.Start(version);
        using var server = PostgreSqlServer.Start(version);
        server.Execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 100) i");
        Run(server, target, 0);
        server.BackUp();
        server.Execute("UPDATE t SET a = repeat('later ', 100)");
        Run(server, target, 0);
        server.Restore();
        server.Execute("DELETE FROM t WHERE id = 1");

        Assert.Contains("an older backup was restored", Run(server, target, PositionLost), StringComparison.Ordinal);
        Assert.Equal(100, target.Ask<long>("SELECT count(*) FROM t WHERE a LIKE 'later%'"));
        Run(server, target, 0, isReadAnew: true);
        AssertSame(server, target);

        using var standby = server.StartStandby();
        server.Execute("INSERT INTO t VALUES (1000, 'moved')");
        Run(server, target, 0);
        server.WaitFor(standby);
        server.Stop();
        standby.Promote();
        standby.Execute("INSERT INTO t VALUES (1001, 'there')");

        Assert.Contains("A standby took over", Run(standby, target, PositionLost), StringComparison.Ordinal);
        Run(standby, target, 0, isReadAnew: true);
        AssertSame(standby, target);
    }

    [Theory]
    [Server(18)]
    public async Task Airbyte85783_AStandbyTakesOverThatHasTheSlot_TheRunGoesOnWhereItWas(int version)
    {
        using var target = PostgreSqlServer.Start(version);
        using var server = PostgreSqlServer.Start(version);
        server.Execute("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 100) i; "
            + "SELECT pg_create_physical_replication_slot('standby')");
        using var standby = server.StartStandby("standby");
        Run(server, target, 0, isShared: true);
        await server.ShareAsync(standby, "nebula_moving", () => server.Execute("UPDATE t SET a = a || '.' WHERE id = 50"), () =>
        {
            Run(server, target, 0, isShared: true);
            return Task.CompletedTask;
        });
        server.Execute("INSERT INTO t VALUES (1000, 'moved')");
        Run(server, target, 0, isShared: true);
        server.Execute("DELETE FROM t WHERE id = 1");
        server.WaitFor(standby);
        server.Stop();
        standby.Promote();
        standby.Execute("INSERT INTO t VALUES (1001, 'there')");

        Run(standby, target, 0, isShared: true);
        AssertSame(standby, target);
    }

    private static void AssertSame(PostgreSqlServer source, PostgreSqlServer target)
    {
        const string Query = "SELECT id, a FROM t ORDER BY id";
        Assert.Equal(source.CopyCsv(Query), target.CopyCsv(Query));
    }

    private string Run(PostgreSqlServer source, PostgreSqlServer target, int exitCode, bool isReadAnew = false, bool isShared = false)
    {
        _nebula.Write("p.yaml", $$"""
            name: moving
            source: {{Connection(source)}}
            target: {{Connection(target)}}
            defaults: { mode: cdc, cdc: { deletes: hard, spool: { path: spool, max_size: 1GB }, on_position_lost: {{(isReadAnew ? "resnapshot" : "fail")}},
                                          failover: {{(isShared ? "true" : "false")}} } }
            streams: { public.t: }
            """);
        var outcome = _nebula.Run("run", "p.yaml");
        Assert.True(outcome.ExitCode == exitCode, $"{outcome.ExitCode}: {outcome.ErrorLines}");
        return outcome.ErrorLines;
    }

    private static string Connection(PostgreSqlServer server) => string.Create(CultureInfo.InvariantCulture,
        $"{{ type: postgresql, host: 127.0.0.1, port: {server.Port}, user: nebula, password: \"{PostgreSqlServer.Password}\", database: postgres }}");
}

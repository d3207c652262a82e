using System.Globalization;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests;

[Collection(ServersCollection.Name)]
public sealed class FailureTests(Servers servers)
{
    [Theory, Server(15), Server(18)]
    public async Task Check_WhatCannotBeReached_SaysWhatToChange(int version)
    {
        Assert.Contains("Check 'user' ('nebula') and 'password'", await CheckAsync(version, ("password", "wrong")), StringComparison.Ordinal);
        Assert.Contains("Check 'database' ('nowhere')", await CheckAsync(version, ("database", "nowhere")), StringComparison.Ordinal);
        Assert.Contains("Check 'host'", await CheckAsync(version, ("host", "no.such.host.invalid")), StringComparison.Ordinal);
        Assert.Contains("nobody answers at 127.0.0.1:1.", await CheckAsync(version, ("port", "1")), StringComparison.Ordinal);
        Assert.Contains("'ssl_mode'", await CheckAsync(version, ("ssl_mode", "require")), StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public async Task Open_ByUrl_ReadsItsParts(int version)
    {
        var port = servers[version].Port.ToString(CultureInfo.InvariantCulture);
        await using var run = new SourceRun([("url",
            $"postgresql://nebula:{Uri.EscapeDataString(PostgreSqlServer.Password)}@127.0.0.1:{port}/postgres?sslmode=disable")]);

        var checks = await run.Source.CheckAsync(CancellationToken.None);

        Assert.True(checks[0].Passed, checks[0].Detail);
    }

    [Theory, Server(15), Server(18)]
    public async Task Fetch_AfterTheConnectionIsEnded_IsTransient(int version)
    {
        var server = servers[version];
        await using var run = Create(server, "ended");
        var plan = await run.PlanAsync("ended.t");
        await using var reader = await run.OpenAsync(plan, (await run.SplitAsync(plan))[0]);
        (await reader.FetchAsync(CancellationToken.None))!.Dispose();

        server.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ended'");
        var error = await Assert.ThrowsAsync<NebulaException>(() => DrainAsync(reader, CancellationToken.None));

        Assert.True(error.IsTransient, error.Message);
        Assert.Equal(2_000_000, (await run.ReadAsync(plan)).Lines.Count);
    }

    [Theory, Server(15), Server(18)]
    public async Task Fetch_AfterTheServerWasStopped_IsTransient(int version)
    {
        using var server = PostgreSqlServer.Start(version);
        await using var run = Create(server, "stopped");
        var plan = await run.PlanAsync("stopped.t");
        await using var reader = await run.OpenAsync(plan, (await run.SplitAsync(plan))[0]);

        server.Stop();
        var error = await Assert.ThrowsAsync<NebulaException>(() => DrainAsync(reader, CancellationToken.None));
        var again = await Assert.ThrowsAsync<NebulaException>(() => run.ReadAsync(plan));

        Assert.True(error.IsTransient, error.Message);
        Assert.True(again.IsTransient, again.Message);
    }

    [Theory, Server(15), Server(18)]
    public async Task Open_AfterTheSnapshotWasLost_RefusesToMixStates(int version)
    {
        var server = servers[version];
        await using var run = Create(server, "lost");
        var plan = await run.PlanAsync("lost.t");
        var chunks = await run.SplitAsync(plan, 1 << 20);

        server.Execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'lost'");
        var error = await Assert.ThrowsAsync<NebulaException>(() => run.OpenAsync(plan, chunks[0]));

        Assert.False(error.IsTransient);
        Assert.Contains("run again", error.Message, StringComparison.Ordinal);
    }

    [Theory, Server(15), Server(18)]
    public Task Open_Cancelled_EndsTheCopyOnTheServer(int version) => CancelAsync(version, rowsBefore: 0);

    [Theory, Server(15), Server(18)]
    public Task Fetch_Cancelled_EndsTheCopyOnTheServer(int version) => CancelAsync(version, rowsBefore: 100_000);

    private async Task CancelAsync(int version, int rowsBefore)
    {
        var server = servers[version];
        server.Execute($"""
            DROP SCHEMA IF EXISTS cancelled CASCADE; CREATE SCHEMA cancelled;
            CREATE VIEW cancelled.slow AS SELECT i AS n, CASE WHEN i > {rowsBefore} THEN pg_sleep(600)::text END AS s FROM generate_series(1, {rowsBefore + 1}) i
            """);
        await using var run = new SourceRun(server, "postgres", ("application_name", "cancelled"));
        var plan = await run.PlanAsync("cancelled.slow");
        var chunk = (await run.SplitAsync(plan))[0];
        using var cancellation = new CancellationTokenSource();

        var drain = Task.Run(async () =>
        {
            await using var reader = await run.OpenAsync(plan, chunk, cancellation.Token);
            await DrainAsync(reader, cancellation.Token);
        });
        for (var tries = 0; tries < 2_400
            && server.Ask<long>("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cancelled' AND wait_event = 'PgSleep'") == 0; tries++)
            await Task.Delay(50);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => drain);

        // the server needs a moment to end it, but not the ten minutes that the view takes
        for (var tries = 0; tries < 2_400 && Left() > 0; tries++)
            await Task.Delay(50);
        Assert.Equal(0, Left());

        long Left() => server.Ask<long>("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cancelled' AND state <> 'idle'");
    }

    [Theory, Server(15), Server(18)]
    public async Task Dispose_BeforeTheEnd_ReturnsTheConnection(int version)
    {
        await using var run = Create(servers[version], "early");
        var plan = await run.PlanAsync("early.t");

        for (var i = 0; i < 8; i++)
        {
            await using var reader = await run.OpenAsync(plan, (await run.SplitAsync(plan))[0]);
            (await reader.FetchAsync(CancellationToken.None))!.Dispose();
        }
    }

    private static SourceRun Create(PostgreSqlServer server, string name)
    {
        server.Execute($"DROP SCHEMA IF EXISTS {name} CASCADE; CREATE SCHEMA {name}; CREATE TABLE {name}.t (id int); INSERT INTO {name}.t SELECT i FROM "
            + $"generate_series(1, 2000000) i");
        return new SourceRun(server, "postgres", ("application_name", name));
    }

    private static async Task DrainAsync(Engine.Connectors.ISourceReader reader, CancellationToken cancellationToken)
    {
        while (await reader.FetchAsync(cancellationToken) is { } block)
            block.Dispose();
    }

    private async Task<string> CheckAsync(int version, params (string Key, string Value)[] settings)
    {
        await using var run = new SourceRun(servers[version], "postgres", settings);
        var check = Assert.Single(await run.Source.CheckAsync(CancellationToken.None));
        Assert.False(check.Passed);
        return check.Detail;
    }
}

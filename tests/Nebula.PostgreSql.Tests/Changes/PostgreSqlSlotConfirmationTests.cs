using Nebula.Cli.Tests;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>
/// A slot is moved without having the server read its log once more where the answer took it long, and by the server's own function where that cannot be: the
/// connection for it may not be allowed, or may have ended.
/// </summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlSlotConfirmationTests(Servers servers)
{
    private const string Senders = "FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'walsender'";
    private const string HideFunction = "ALTER FUNCTION pg_catalog.pg_replication_slot_advance(name, pg_lsn) RENAME TO not_there";
    private const string ShowFunction = "ALTER FUNCTION pg_catalog.not_there(name, pg_lsn) RENAME TO pg_replication_slot_advance";

    [Theory, Server(15), Server(18)]
    public async Task Acknowledge_AfterALongAnswer_NeedsNoFunction_AndLetsTheSameLogGo(int version)
    {
        await using var run = await PrepareAsync(version);
        var (slot, copy) = (run.Options["slot"], $"{run.Options["slot"]}_copy");
        run.Execute($"SELECT pg_copy_logical_replication_slot('{slot}', '{copy}')");
        await using (var reader = await ReadAfterLongAnswerAsync(run, static () => { }))
        {
            run.Execute(HideFunction);
            await reader.AcknowledgeAsync(run.PositionOf("public.t"), CancellationToken.None);
            run.Execute(ShowFunction);
            Assert.Null(await reader.ReadAsync(CancellationToken.None));
        }

        AssertMoved(run);
        // the function, on a slot that was read just so
        run.Execute($"SELECT count(*) FROM pg_logical_slot_peek_binary_changes('{copy}', NULL, NULL, 'proto_version', '1', "
            + $"'publication_names', '\"{run.Options["publication"]}\"')");
        run.Execute($"SELECT pg_replication_slot_advance('{copy}', {PlaceOf(run)})");
        Assert.True(run.Ask<bool>("SELECT a.restart_lsn >= b.restart_lsn AND a.catalog_xmin::text::bigint >= b.catalog_xmin::text::bigint "
            + $"FROM pg_replication_slots a, pg_replication_slots b WHERE a.slot_name = '{slot}' AND b.slot_name = '{copy}'"));
        run.Execute($"SELECT pg_drop_replication_slot('{copy}')");
        run.Execute("INSERT INTO t SELECT generate_series(4001, 5000)");
        Assert.Equal(1, await run.DrainAsync());
        await run.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Acknowledge_SomebodyElseMovedTheSlotFurther_IsTold_AndItDoesNotGoBack(int version)
    {
        await using var run = await PrepareAsync(version);
        var where = $"SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = '{run.Options["slot"]}'";
        await using var reader = await ReadAfterLongAnswerAsync(run, static () => { });
        run.Execute("INSERT INTO t SELECT generate_series(4001, 5000)");
        run.Execute($"SELECT pg_replication_slot_advance('{run.Options["slot"]}', pg_current_wal_flush_lsn())");
        var moved = run.Ask<string>(where);

        var fault = await Assert.ThrowsAsync<NebulaException>(() => reader.AcknowledgeAsync(run.PositionOf("public.t"), CancellationToken.None));

        Assert.Equal(ErrorKind.PositionLost, fault.Kind);
        Assert.Contains("Somebody else read from it", fault.Message, StringComparison.Ordinal);
        Assert.Equal(moved, run.Ask<string>(where));
    }

    [Theory, Server(15), Server(18)]
    public async Task Acknowledge_ItsConnectionHasEnded_MovesTheSlotByTheFunction(int version)
    {
        await using var run = await PrepareAsync(version);
        await using (var reader = await ReadAfterLongAnswerAsync(run, () => run.Execute($"SELECT pg_terminate_backend(pid, 5000) {Senders}")))
        {
            await reader.AcknowledgeAsync(run.PositionOf("public.t"), CancellationToken.None);
            Assert.Null(await reader.ReadAsync(CancellationToken.None));
        }

        AssertMoved(run);
        await run.AssertEqualAsync();
    }

    [Theory, Server(15), Server(18)]
    public async Task Acknowledge_NoThirdConnectionAllowed_TakesTheFunctionAndNothingElse(int version)
    {
        await using var run = await PrepareAsync(version, ("max_connections", "2"));
        run.Execute("INSERT INTO t SELECT generate_series(4001, 400000)");
        run.Execute(HideFunction);
        var fault = await Assert.ThrowsAsync<NebulaException>(() => run.DrainAsync());
        Assert.Contains("pg_replication_slot_advance", fault.Message, StringComparison.Ordinal);
        run.Execute(ShowFunction);
        run.Execute("DELETE FROM t WHERE id > 399000");
        Assert.Equal(1, await run.DrainAsync());

        AssertMoved(run);
        await run.AssertEqualAsync();
    }

    private async Task<ChangesRun> PrepareAsync(int version, params (string Key, string Value)[] settings)
    {
        var run = await ChangesRun.CreateAsync(
            servers[version], "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)", settings: settings);
        await run.SnapshotAsync("public.t");
        run.Execute("INSERT INTO t SELECT generate_series(1001, 4000); CHECKPOINT");
        return run;
    }

    /// <summary>Reads the first window, for which the server takes long, as somebody else has the slot.</summary>
    private static async Task<IChangeReader> ReadAfterLongAnswerAsync(ChangesRun run, Action between)
    {
        var other = run.Again();
        other.Context = other.Context with { Follow = true };
        await other.PlanAsync("public.t");
        IChangeReader reader;
        Task<ChangeWindow?> reading;
        await using (await other.OpenAsync())
        {
            reader = await run.OpenAsync();
            reading = reader.ReadAsync(CancellationToken.None);
            // it has said whose log it is by then
            await NebulaProcess.UntilAsync(() => run.Ask<long>($"SELECT count(*) {Senders} AND state = 'idle' AND query LIKE '%system_identifier%'") == 1);
            between();
        }
        run.Commit((await reading)!);
        return reader;
    }

    private static void AssertMoved(ChangesRun run) => Assert.True(run.Ask<bool>(
        $"SELECT confirmed_flush_lsn >= {PlaceOf(run)} FROM pg_replication_slots WHERE slot_name = '{run.Options["slot"]}'"));

    private static string PlaceOf(ChangesRun run) => $"'{run.PositionOf("public.t")[..8]}/{run.PositionOf("public.t")[8..16]}'::pg_lsn";
}

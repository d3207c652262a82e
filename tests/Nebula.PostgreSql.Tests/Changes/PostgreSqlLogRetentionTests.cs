using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using Nebula.Cli.Tests;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>What the server keeps of its log for a pipeline is told: by the reader, by the run, and by a meter.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlLogRetentionTests(Servers servers)
{
    private const string Rows = "INSERT INTO t SELECT i, repeat('x', 2000) FROM generate_series(1, 2000) i";

    [Theory, Server(15), Server(18)]
    public async Task Read_ALogThatGrew_TellsWhatIsKept_AndWhatIsLeftWhereThatIsBounded(int version)
    {
        const long Limit = 100L << 30;
        await using var run = await ChangesRun.CreateAsync(
            servers[version], "CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t ALTER v SET STORAGE EXTERNAL");
        await run.SnapshotAsync("public.t");
        run.Execute(Rows);
        LogRetention? unbounded, bounded;
        await using (var reader = await run.OpenAsync())
        {
            unbounded = await reader.FindRetentionAsync(CancellationToken.None);
            run.Execute("ALTER SYSTEM SET max_slot_wal_keep_size = '100GB'");
            try
            {
                run.Execute("SELECT pg_reload_conf()");
                await NebulaProcess.UntilAsync(() => run.Ask<string>("SHOW max_slot_wal_keep_size") == "100GB");
                bounded = await reader.FindRetentionAsync(CancellationToken.None);
            }
            finally
            {
                run.Execute("ALTER SYSTEM RESET max_slot_wal_keep_size");
                run.Execute("SELECT pg_reload_conf()");
            }
            await run.DrainAsync(reader);
        }

        Assert.Equal(run.Options["slot"], unbounded!.Log);
        Assert.InRange(unbounded.Bytes, 4_000_000, Limit);
        Assert.Null(unbounded.BytesLeft);
        Assert.InRange(bounded!.BytesLeft!.Value, Limit - (1L << 30), Limit + (1L << 30));
    }

    [Theory, Server(18)]
    public void Run_WithChanges_TellsWhatIsKept_AsTextAndAsJson(int version)
    {
        var server = servers[version];
        var database = $"kept_{Guid.NewGuid():n}";
        server.Execute($"CREATE DATABASE {database}");
        server.Execute("CREATE TABLE t (id int PRIMARY KEY, v text)", database);
        using var nebula = new NebulaProcess();
        nebula.Write("p.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
            source: { type: postgresql, host: 127.0.0.1, port: {{server.Port}}, user: nebula, password: "{{PostgreSqlServer.Password}}",
                      database: {{database}} }
            target: { type: json, path: out/ }
            defaults: { mode: cdc, cdc: { slot: {{database}} } }
            """));
        Assert.Equal(0, nebula.Run("run", "p.yaml", "-q").ExitCode);
        server.Execute(Rows, database);

        var json = nebula.Run("run", "p.yaml", "--output", "json");
        var text = nebula.Run("run", "p.yaml");

        var account = JsonDocument.Parse(json.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement.GetProperty("streams")[0];
        Assert.Equal(2000, account.GetProperty("rows_written").GetInt64());
        var log = account.GetProperty("log");
        Assert.Equal(database, log.GetProperty("name").GetString());
        Assert.True(log.GetProperty("retained_bytes").GetInt64() > 0);
        Assert.False(log.TryGetProperty("left_bytes", out _));
        Assert.Contains($"of log kept at the source by '{database}'", text.Errors, StringComparison.Ordinal);
        server.DropSlots(database);
    }

    [Fact]
    public void Gauge_WhileItIsOpen_IsMeasured()
    {
        var seen = new List<(string Instrument, long Bytes)>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == LogGauge.MeterName)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, bytes, tags, _) =>
        {
            if (Equals(tags[0].Value, "gauge test"))
                seen.Add((instrument.Name, bytes));
        });
        listener.Start();
        using (var gauge = new LogGauge())
        {
            gauge.Set(new LogRetention("gauge test", 1, null));
            gauge.Set(new LogRetention("gauge test", 16, 5));
            listener.RecordObservableInstruments();
        }
        listener.RecordObservableInstruments();

        Assert.Equal([(LogGauge.Retained, 16), (LogGauge.Left, 5)], seen);
    }
}

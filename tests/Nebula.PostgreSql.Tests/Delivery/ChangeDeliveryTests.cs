using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Nebula.Cli.Tests;
using Nebula.Integration.Tests.Servers;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Delivery;

/// <summary>
/// Changes are captured while the sync is killed, its connections are cut and the server is stopped, at random for fixed seeds: in the end the destination
/// has what the source has. Each seed prints what it did.
/// </summary>
public sealed class ChangeDeliveryTests : IAsyncLifetime, IDisposable
{
    private const string Source = "shop";
    private const string Target = "warehouse";
    private const int FirstVersionThatStreamsAll = 17;
    private readonly NebulaProcess _nebula = new();
    private readonly StoreServers _stores = new();
    private PostgreSqlServer? _server;
    private Func<Task<List<(string Name, string Text)>>> _files = null!;
    private Func<Task<string>> _moved = null!;

    /// <summary>What it answers: acknowledged before it was committed (debezium#3970, airbyte#55846), rows missing after several attempts (airbyte#48717),
    /// values stored apart that turn into null (debezium#7934, olake#999).</summary>
    [Theory]
    [Server(15)]
    [Server(18)]
    public async Task Airbyte55846_Debezium3970_KilledWhileItFollows_TheTargetHasWhatTheSourceHas(int version)
    {
        using var workload = Prepare(version, seed: version);
        Write($$"""
            target: {{Connection(Target)}}
            defaults: { mode: cdc, cdc: { deletes: hard } }
            """);
        _moved = () => Task.FromResult(_server!.Ask<string>(
            "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::text FROM pg_stat_user_tables", Target));
        await DisturbAsync(workload, version, rounds: 6);
        End(workload);
        AssertSameTables();
    }

    [Theory]
    [Server(15)]
    [Server(18)]
    public async Task Airbyte48717_Olake999_KilledWhileItAddsFiles_TheFilesFoldToWhatTheSourceHas(int version)
    {
        using var workload = Prepare(version, seed: 100 + version);
        Write("""
            target: { type: json, path: out/ }
            defaults: { mode: cdc }
            """);
        _files = () => Task.FromResult(_nebula.Files().Where(static file => file.StartsWith("out/", StringComparison.Ordinal))
            .Select(file => (file, _nebula.Read(file))).ToList());
        _moved = () => Task.FromResult(string.Join('\n', _nebula.Files().Where(static file => file.StartsWith("out/", StringComparison.Ordinal))));
        await DisturbAsync(workload, 100 + version, rounds: 4);
        End(workload);
        await AssertFoldedFilesAsync();
    }

    [StoreTheory]
    [Server(18)]
    public async Task Airbyte48717_Olake626_KilledWhileItAddsBlobs_TheBlobsFoldToWhatTheSourceHas(int version)
    {
        using var workload = Prepare(version, seed: 200 + version);
        var world = await _stores.WorldAsync(StoreWorld.Azure);
        foreach (var (name, value) in world.Variables)
            _nebula.Variables[name] = value;
        Write($$"""
            target: { type: json, path: "{{world.Url("out/")}}" }
            defaults: { mode: cdc }
            """);
        _files = async () =>
        {
            var files = new List<(string, string)>();
            foreach (var key in await world.DataAsync())
                files.Add((key, Encoding.UTF8.GetString((await world.GetAsync(key))!)));
            return files;
        };
        _moved = async () => string.Join('\n', await world.DataAsync());
        await DisturbAsync(workload, 200 + version, rounds: 3);
        End(workload);
        await AssertFoldedFilesAsync();
    }

    [Theory]
    [Server(15)]
    [Server(18)]
    public void Debezium3970_SlotIsGone_IsCode7_AndIsReadAnewWhereThatIsWanted(int version)
    {
        using var workload = Prepare(version, seed: 300 + version);
        const string Rest = "target: {0}\ndefaults: {{ mode: cdc, cdc: {{ slot: gone, deletes: hard{1} }} }}";
        Write(string.Format(CultureInfo.InvariantCulture, Rest, Connection(Target), ""));
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        _server!.Execute("SELECT pg_drop_replication_slot('gone')", Source);
        workload.Finish();

        var lost = _nebula.Run("run", "p.yaml");
        Assert.Equal(7, lost.ExitCode);
        Assert.Contains("Replication slot 'gone' is gone", lost.ErrorLines, StringComparison.Ordinal);
        Assert.Contains("Set 'on_position_lost: repair' to read what differs from the target, or 'on_position_lost: resnapshot'", lost.ErrorLines,
            StringComparison.Ordinal);

        Write(string.Format(CultureInfo.InvariantCulture, Rest, Connection(Target), ", on_position_lost: resnapshot"));
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        AssertSameTables();
        End(workload);
        AssertSameTables();
    }

    [Theory]
    [Server(18)]
    public void ChangesOnly_HasNoRowOfBefore(int version)
    {
        using var workload = Prepare(version, seed: 400);
        Write("target: { type: json, path: out/ }\ndefaults: { mode: cdc-only }");
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        _server!.Execute("UPDATE w00 SET note = 'later' WHERE id = (SELECT min(id) FROM w00)", Source);
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        var file = Assert.Single(_nebula.Files(), static file => file.EndsWith(".jsonl", StringComparison.Ordinal));
        Assert.Contains("\"note\":\"later\",\"_nebula_op\":\"u\"", Assert.Single(File.ReadLines(_nebula.PathOf(file))), StringComparison.Ordinal);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => _stores.DisposeAsync();

    public void Dispose()
    {
        _server?.Dispose();
        _nebula.Dispose();
    }

    private Workload Prepare(int version, int seed)
    {
        _server = PostgreSqlServer.Start(version);
        _server.Execute($"CREATE DATABASE {Source}");
        // parts of transactions come before they end
        _server.Execute($"ALTER DATABASE {Source} SET logical_decoding_work_mem = '64kB'");
        if (version >= FirstVersionThatStreamsAll)
            _server.Execute($"ALTER DATABASE {Source} SET debug_logical_replication_streaming = immediate");
        _server.Execute($"CREATE DATABASE {Target}");
        return new Workload(_server, Source, seed);
    }

    private string Connection(string database) => string.Create(CultureInfo.InvariantCulture,
        $"{{ type: postgresql, host: 127.0.0.1, port: {_server!.Port}, user: nebula, password: \"{PostgreSqlServer.Password}\", database: {database} }}");

    private void Write(string rest) => _nebula.Write("p.yaml", $"source: {Connection(Source)}\n{rest}\n");

    private async Task DisturbAsync(Workload workload, int seed, int rounds)
    {
        var random = new Random(seed);
        for (var round = 0; round < rounds; round++)
        {
            using var process = _nebula.Start("run", "p.yaml", "--follow", "--flush-interval", "50ms", "--output", "json");
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            for (var step = random.Next(5, 40); step > 0; step--)
                workload.Step();
            // sometimes it has come to the changes, sometimes not even to the end of the snapshot
            if (random.Next(3) > 0)
                await UntilMovedAsync(process);
            Disturb(workload, random.Next(4));
            for (var step = random.Next(5, 20); step > 0; step--)
                workload.Step();
            if (random.Next(2) > 0)
                await UntilMovedAsync(process);
            process.Kill();
            await Task.WhenAll(output, errors);
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode is 0 or 3 or 137, $"round {round}: exit code {process.ExitCode}: {await errors}");
        }
    }

    private void Disturb(Workload workload, int kind)
    {
        switch (kind)
        {
            case 0:
                _server!.Execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND application_name LIKE 'nebula%'");
                break;
            case 1:
                _server!.Restart();
                workload.Reconnect();
                break;
        }
    }

    /// <summary>Waits until a row that was just put in has come out, or the process has ended.</summary>
    private async Task UntilMovedAsync(Process process)
    {
        var before = await _moved();
        _server!.Execute("UPDATE w00 SET n = n WHERE id % 2 = 0", Source);
        var waiting = Stopwatch.StartNew();
        while (!process.HasExited && await _moved() == before)
        {
            Assert.True(waiting.Elapsed < TimeSpan.FromMinutes(2), "nothing moves");
            await Task.Delay(20);
        }
    }

    private void End(Workload workload)
    {
        workload.Finish();
        var outcome = _nebula.Run("run", "p.yaml");
        Assert.True(outcome.ExitCode == 0, outcome.ErrorLines);
        // nothing is left to move, and that is no error either
        Assert.Equal(0, _nebula.Run("run", "p.yaml", "-q").ExitCode);
        Assert.Empty(_nebula.TemporaryFiles());
    }

    private void AssertSameTables()
    {
        for (var table = 0; table < Workload.Tables; table++)
        {
            var name = Workload.NameOf(table);
            var columns = ColumnsOf(name);
            var query = $"SELECT {columns} FROM {name} ORDER BY {string.Join(", ", Workload.KeyOf(table))}";
            Assert.Equal(_server!.CopyCsv(query, Source), _server.CopyCsv(query, Target));
        }
    }

    private async Task AssertFoldedFilesAsync()
    {
        var files = await _files();
        for (var table = 0; table < Workload.Tables; table++)
        {
            var name = Workload.NameOf(table);
            var rows = Fold(files.Where(file => file.Name.Contains(name, StringComparison.Ordinal)), Workload.KeyOf(table));
            var columns = ColumnsOf(name);
            _server!.Execute($"DROP TABLE IF EXISTS folded; CREATE TABLE folded (row jsonb)", Source);
            _server.Import("COPY folded FROM STDIN", rows, Source);
            var order = string.Join(", ", Workload.KeyOf(table));
            Assert.Equal(
                _server.CopyCsv($"SELECT {columns} FROM {name} ORDER BY {order}", Source),
                _server.CopyCsv($"SELECT {columns} FROM (SELECT r.* FROM folded, jsonb_populate_record(NULL::{name}, row) r) t ORDER BY {order}", Source));
        }
    }

    private string ColumnsOf(string table) => _server!.Ask<string>(
        $"SELECT string_agg(quote_ident(attname), ', ' ORDER BY attname) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT "
            + $"attisdropped",
        Source);

    /// <summary>What is left of the changes of a table when they are done one after the other.</summary>
    private static IEnumerable<string> Fold(IEnumerable<(string Name, string Text)> files, string[] key)
    {
        var changes = files.Where(static file => file.Name.EndsWith(".jsonl", StringComparison.Ordinal))
            .SelectMany(static file => file.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            .Select(static line => JsonDocument.Parse(line).RootElement)
            .OrderBy(static row => row.GetProperty("_nebula_position").GetString(), StringComparer.Ordinal);
        var rows = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var row in changes)
        {
            var id = string.Join('|', key.Select(column => row.GetProperty(column).ToString()));
            switch (row.GetProperty("_nebula_op").GetString())
            {
                case "d":
                    rows.Remove(id);
                    break;
                case "t":
                    rows.Clear();
                    break;
                default:
                    rows[id] = row;
                    break;
            }
        }
        return rows.Values.Select(static row => row.GetRawText().Replace("\\", "\\\\", StringComparison.Ordinal));
    }
}

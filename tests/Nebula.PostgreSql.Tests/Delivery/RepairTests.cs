using System.Globalization;
using System.Text.Json;
using Nebula.Cli.Tests;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Delivery;

/// <summary>The position of the log is lost, and the target is brought back to what the source has without moving what it has already.</summary>
[Collection(ServersCollection.Name)]
public sealed class RepairTests(Servers servers) : IDisposable
{
    private const int Rows = 200_000;
    private readonly NebulaProcess _nebula = new();
    private readonly string _source = $"shop_{Guid.NewGuid():n}";
    private readonly string _target = $"house_{Guid.NewGuid():n}";
    private PostgreSqlServer _from = null!;
    private PostgreSqlServer _to = null!;

    /// <summary>spiceai#11968, airbyte#55846: what was lost was read anew as a whole.</summary>
    [Theory]
    [ServerPair(15, 18)]
    [ServerPair(18, 15)]
    public void Spiceai11968_SlotIsGone_OnlyRowsThatDifferAreTransferred(int from, int to)
    {
        Prepare(from, to, Big(Rows));
        Write("hard", "repair");
        Run();
        Lose();
        // 0.1 % each
        Execute("""
            DELETE FROM big WHERE id IN (SELECT id FROM big ORDER BY md5(id::text) LIMIT 200);
            UPDATE big SET name = name || '!' WHERE id IN (SELECT id FROM big ORDER BY md5('u' || id) LIMIT 200);
            UPDATE big SET id = -id WHERE id IN (SELECT id FROM big ORDER BY md5('k' || id) LIMIT 20);
            INSERT INTO big SELECT 2 * i + 1, 1, 'new', now(), 0.5, 1e300, '{}'
            FROM (SELECT DISTINCT (random() * 200000)::int AS i FROM generate_series(1, 200)) s;
            """);

        var repaired = Repair()["public.big"];

        AssertSame("big", "id");
        Assert.InRange(repaired.Transferred, 400, Rows / 50);
        Assert.InRange(repaired.Rows, Rows - 200, Rows + 200);
        // and the stream goes on behind the new position
        Execute("UPDATE big SET a = 7 WHERE id % 1000 = 0; DELETE FROM big WHERE id % 1000 = 2; INSERT INTO big (id) VALUES (999999999)");
        Run();
        AssertSame("big", "id");
    }

    [Theory]
    [ServerPair(18, 15)]
    public void DeletesAndOtherChanges_AreThoseOfTheSource_AndNoRowIsTransferredForNothing(int from, int to)
    {
        Prepare(from, to, Words, Pairs);
        Write("soft", "repair");
        Run();
        Execute("DELETE FROM words WHERE word LIKE 'b%'");
        Run();
        Lose();
        // nothing has changed
        Assert.Equal([0, 0], Repair().Values.Select(static repaired => repaired.Transferred));
        Lose();
        Execute("""
            DELETE FROM words WHERE word LIKE 'É%';
            INSERT INTO words SELECT 'b' || i, 'back' FROM generate_series(1, 40) i;
            UPDATE words SET note = NULL WHERE word LIKE 'c1%';
            UPDATE words SET note = '' WHERE word LIKE 'c2%';
            DELETE FROM pairs WHERE tenant = 3;
            UPDATE pairs SET code = code || '|' WHERE tenant = 5 AND code LIKE '%7';
            INSERT INTO pairs SELECT 99, i::text, 'x' FROM generate_series(1, 3000) i;
            """);

        Repair();

        AssertSame("words", "word", "WHERE _nebula_op <> 'd'");
        AssertSame("pairs", "tenant, code", "WHERE _nebula_op <> 'd'");
        Assert.Equal(0, _to.Ask<long>("SELECT count(*) FROM words WHERE word LIKE 'É%' AND (_nebula_op <> 'd' OR _nebula_position <> '0')", _target));
        Assert.Equal(500, _to.Ask<long>("SELECT count(*) FROM words WHERE word LIKE 'É%'", _target));
        Execute("DELETE FROM words WHERE note = 'back'; INSERT INTO words VALUES ('Éa', 'again')");
        Run();
        AssertSame("words", "word", "WHERE _nebula_op <> 'd'");
    }

    /// <summary>airbyte#85783: another server with nearly the same rows took over, and its log has nothing to do with the first one's.</summary>
    [Theory]
    [ServerPair(15, 18)]
    public void Airbyte85783_AnotherServerTookOver_OnlyRowsThatDifferAreTransferred(int from, int to)
    {
        Prepare(from, to, Pairs);
        Write("hard", "repair");
        Run();
        Lose();
        _from.Execute($"DROP DATABASE {_source} WITH (FORCE)");
        Prepare(to, to, Pairs, "DELETE FROM pairs WHERE code LIKE '%11'; INSERT INTO pairs VALUES (5, 'new'); UPDATE pairs SET note = 'x' WHERE code = 'c1'");
        Write("hard", "repair");

        var repaired = Repair()["public.pairs"];

        Assert.InRange(repaired.Transferred, 2, 100);
        AssertSame("pairs", "tenant, code");
        Execute("UPDATE pairs SET note = 'y' WHERE code = 'c2'");
        Run();
        AssertSame("pairs", "tenant, code");
    }

    /// <summary>Killed as it commits the repair, while the source goes on: the same command ends it, and nothing is there twice or missing.</summary>
    [Theory]
    [ServerPair(15, 18)]
    [ServerPair(18, 15)]
    public async Task KilledInTheRepair_TheSameCommandEndsIt(int from, int to)
    {
        Prepare(from, to, Big(20_000), Words);
        Write("hard", "repair");
        Run();
        Lose();
        Execute("DELETE FROM big WHERE id % 700 = 0; UPDATE big SET a = -1 WHERE id % 900 = 1; INSERT INTO big (id) SELECT -i FROM generate_series(1, 500) i; "
            + "DELETE FROM words WHERE note LIKE '%7'");
        using (var connection = new Npgsql.NpgsqlConnection(_to.ConnectionString(_target)))
        {
            // it can be read and compared, but not written
            connection.Open();
            using var held = connection.BeginTransaction();
            using (var command = new Npgsql.NpgsqlCommand("LOCK TABLE big IN SHARE ROW EXCLUSIVE MODE", connection, held))
                command.ExecuteNonQuery();
            using var process = _nebula.Start("run", "p.yaml", "-q");
            await NebulaProcess.UntilAsync(() => process.HasExited
                || _to.Ask<bool>(
                    "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE NOT l.granted AND c.relname = 'big')", _target));
            Assert.False(process.HasExited);
            Execute("DELETE FROM big WHERE id % 900 = 1 AND id % 7 = 0; UPDATE big SET id = id + 5000000 WHERE id % 900 = 1; "
                + "UPDATE big SET a = 5 WHERE id < 0; DELETE FROM words WHERE note LIKE '%8'");
            process.Kill();
            await process.WaitForExitAsync();
        }
        Assert.NotEqual(0, _to.Ask<long>("SELECT count(*) FROM big WHERE id % 700 = 0", _target));

        var run = _nebula.Run("run", "p.yaml");

        Assert.True(run.ExitCode == 0, run.Errors);
        // 20,000 without 57, and 500 more, as the process found that was killed
        Assert.Matches(@"public\.big -> [^\n]*\n(    .*\n)*    repaired: [0-9,]+ of 20,443 rows transferred", run.Errors);
        AssertSame("big", "id");
        AssertSame("words", "word");
        Execute("UPDATE big SET name = 'last' WHERE id % 1000 = 5");
        Run();
        AssertSame("big", "id");
        Assert.Equal(0, _to.Ask<long>("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_nebula\\_s\\_%'", _target));
    }

    /// <summary>Documents that the target stores in another form are compared by what is in them.</summary>
    [Theory]
    [ServerPair(15, 18)]
    [ServerPair(18, 15)]
    public void DocumentsThatTheTargetStoresAsJsonb_OnlyRowsThatDifferAreTransferred(int from, int to)
    {
        Prepare(from, to, """
            CREATE TABLE docs (id int PRIMARY KEY, j json, k jsonb);
            INSERT INTO docs SELECT i, format('{ "b": %s.50, "a":  "|\\" }', i)::json, '{"x": 1}' FROM generate_series(1, 2000) i;
            INSERT INTO docs VALUES (0)
            """);
        _to.Execute("CREATE TABLE docs (id int PRIMARY KEY, j jsonb, k json)", _target);
        Write("hard", "repair");
        Run();
        Lose();
        Execute("""UPDATE docs SET j = '{"a": "|\\", "b": 500.5}' WHERE id = 500; UPDATE docs SET j = '{"a":"|\\","b":7.50}' WHERE id = 7""");

        Assert.Equal(1, Repair()["public.docs"].Transferred);
        Assert.Equal("""{"a": "|\\", "b": 500.5}""", _to.Ask<string>("SELECT j::text FROM docs WHERE id = 500", _target));
    }

    [Theory]
    [Server(18)]
    public void WhatCannotBeCompared_IsRefusedBeforeAnythingStarts(int version)
    {
        Prepare(version, version, Words, "CREATE TABLE plain (a int); ALTER TABLE plain REPLICA IDENTITY FULL");
        Write("hard", "repair");
        foreach (var command in (string[])["check", "run"])
        {
            var refused = _nebula.Run(command, "p.yaml");
            Assert.True(refused.ExitCode != 0, refused.Output + refused.Errors);
            Assert.Contains("public.plain cannot be repaired when the position of its log is lost: it has no key", refused.Output + refused.Errors,
                StringComparison.Ordinal);
            Assert.Contains("on_position_lost: resnapshot", refused.Output + refused.Errors, StringComparison.Ordinal);
        }
        _nebula.Write("p.yaml", $"source: {Connection(_from, _source)}\ntarget: {{ type: csv, path: out/ }}\ndefaults: {{ mode: cdc, cdc: {{ slot: {_source}, "
            + "on_position_lost: repair } }\nstreams: { public.words: }\n");
        foreach (var command in (string[])["check", "run"])
        {
            var refused = _nebula.Run(command, "p.yaml");
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains("compares source and target by hashes, which csv cannot tell. Use 'on_position_lost: resnapshot'", refused.Output + refused.Errors,
                StringComparison.Ordinal);
        }
        Assert.DoesNotContain(_nebula.Files(), static file => file.StartsWith("out/", StringComparison.Ordinal));
    }

    [Theory]
    [Server(18)]
    public void TargetsThatAddEveryChange_AndStreamsWithoutASnapshot_AreRefusedBeforeAnythingStarts(int version)
    {
        Prepare(version, version, Words);
        foreach (var (settings, message) in new[]
        {
            ("mode: cdc, write: append", "the target adds every change, so that it has no rows to compare. Use 'on_position_lost: resnapshot'"),
            ("mode: cdc-only", "has no place in 'mode: cdc-only': the target has not the rows that it would be compared with. Use 'fail'"),
        })
        {
            Write("hard", "repair", settings);
            foreach (var command in (string[])["check", "run"])
            {
                var refused = _nebula.Run(command, "p.yaml");
                Assert.True(refused.ExitCode != 0, refused.Output + refused.Errors);
                Assert.True((refused.Output + refused.Errors).Contains(message, StringComparison.Ordinal), refused.Output + refused.Errors);
            }
        }
        Assert.Equal(0, _from.Ask<long>($"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{_source}'"));
        Assert.Equal(0, _to.Ask<long>("SELECT count(*) FROM pg_class WHERE relname = 'words'", _target));
    }

    /// <summary>What a repair would stumble over is told by a check, not by the repair.</summary>
    [Theory]
    [Server(18)]
    public void Check_TriesWhetherARepairCouldBeDone(int version)
    {
        Prepare(version, version, Words);
        Write("hard", "repair");
        Assert.Contains("repair of public.words: the target has nothing to compare yet", Check(true), StringComparison.Ordinal);
        Run();
        Assert.Contains("repair of public.words: source and target can be compared", Check(true), StringComparison.Ordinal);
        _to.Execute("ALTER TABLE words RENAME word TO other", _target);
        Assert.Contains("lacks the column \"word\" of the key", Check(false), StringComparison.Ordinal);
        _to.Execute($"DROP DATABASE {_target} WITH (FORCE)");
        _to.Execute($"CREATE DATABASE {_target} TEMPLATE template0 ENCODING 'LATIN1'");
        _to.Execute("CREATE TABLE words (word text PRIMARY KEY, note text)", _target);
        Assert.Contains("its key is text, and the database has the encoding LATIN1", Check(false), StringComparison.Ordinal);

        string Check(bool passes)
        {
            var check = _nebula.Run("check", "p.yaml");
            Assert.True(check.ExitCode == 0 == passes, check.Output + check.Errors);
            return check.Output;
        }
    }

    public void Dispose()
    {
        _from.DropSlots(_source);
        _from.Execute($"DROP DATABASE {_source} WITH (FORCE)");
        _to.Execute($"DROP DATABASE {_target} WITH (FORCE)");
        _nebula.Dispose();
    }

    private static string Big(int rows) => string.Create(CultureInfo.InvariantCulture, $$"""
        CREATE TABLE big (id bigint PRIMARY KEY, a int, name text, at timestamptz, n numeric(12,3), f float8, j jsonb);
        INSERT INTO big SELECT 2 * i, i % 100, 'name ' || i, now() + i * interval '1 second', i / 8.0, 1.0 / i, jsonb_build_object('i', i)
        FROM generate_series(1, {{rows}}) i;
        """);

    private static string Words => """
        CREATE TABLE words (word text PRIMARY KEY, note text);
        INSERT INTO words SELECT (ARRAY['a', 'B', 'b', 'É', 'é', '😀', '|', '\', ' ', 'c'])[i % 10 + 1] || i, 'note ' || i FROM generate_series(1, 5000) i;
        """;

    private static string Pairs => """
        CREATE TABLE pairs (tenant int, code varchar(20), note text, PRIMARY KEY (tenant, code));
        INSERT INTO pairs SELECT i % 10, 'c' || i, repeat('n', i % 300) FROM generate_series(1, 5000) i;
        """;

    private void Prepare(int from, int to, params string[] tables)
    {
        (_from, _to) = (servers[from], servers[to]);
        _from.Execute($"CREATE DATABASE {_source}");
        if (!_to.Ask<bool>($"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{_target}')"))
            _to.Execute($"CREATE DATABASE {_target}");
        foreach (var table in tables)
            Execute(table);
    }

    private void Write(string deletes, string onPositionLost, string settings = "mode: cdc") => _nebula.Write("p.yaml",
        $"source: {Connection(_from, _source)}\ntarget: {Connection(_to, _target)}\n"
        + $"defaults: {{ {settings}, cdc: {{ slot: {_source}, publication: p, deletes: {deletes}, on_position_lost: {onPositionLost} }} }}\n");

    private static string Connection(PostgreSqlServer server, string database) => string.Create(CultureInfo.InvariantCulture,
        $"{{ type: postgresql, host: 127.0.0.1, port: {server.Port}, user: nebula, password: \"{PostgreSqlServer.Password}\", database: {database} }}");

    private void Execute(string sql) => _from.Execute(sql, _source);

    private void Lose() => _from.Execute($"SELECT pg_drop_replication_slot('{_source}')", _source);

    private void Run()
    {
        var run = _nebula.Run("run", "p.yaml");
        Assert.True(run.ExitCode == 0, run.Errors);
    }

    /// <summary>Runs, and tells what the account says of the repair of each stream.</summary>
    private Dictionary<string, (long Rows, long Transferred)> Repair()
    {
        var run = _nebula.Run("run", "p.yaml", "--output", "json");
        Assert.True(run.ExitCode == 0, run.Errors + run.Output);
        var last = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => JsonDocument.Parse(line).RootElement)
            .Last(static line => line.GetProperty("event").GetString() == "run_completed");
        return last.GetProperty("streams").EnumerateArray().ToDictionary(static stream => stream.GetProperty("stream").GetString()!, static stream =>
        {
            var repair = stream.GetProperty("repair");
            Assert.Equal(repair.GetProperty("rows").GetInt64(), repair.GetProperty("rows_compared").GetInt64());
            return (repair.GetProperty("rows").GetInt64(), repair.GetProperty("rows_transferred").GetInt64());
        });
    }

    private void AssertSame(string table, string key, string condition = "")
    {
        var columns = _from.Ask<string>($"SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '{table}'::regclass "
            + "AND attnum > 0 AND NOT attisdropped", _source);
        var order = string.Join(", ", key.Split(", ").Select(static column => $"{column}::text COLLATE \"C\""));
        Assert.Equal(
            _from.CopyCsv($"SELECT {columns} FROM {table} ORDER BY {order}", _source),
            _to.CopyCsv($"SELECT {columns} FROM {table} {condition} ORDER BY {order}", _target));
    }
}

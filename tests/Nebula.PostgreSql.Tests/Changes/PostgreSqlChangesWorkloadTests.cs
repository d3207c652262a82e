using System.Globalization;
using System.Text;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Changes;

/// <summary>Random transactions on many tables, read with readers that stop anywhere: what was handed over is what the tables have.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlChangesWorkloadTests(Servers servers)
{
    private const int FirstVersionThatStreamsAll = 17;

    public static TheoryData<int, int, bool> Seeds()
    {
        var data = new TheoryData<int, int, bool>();
        foreach (var version in (int[])[15, 18])
            if (PostgreSqlServer.Find(version) is not null)
                for (var seed = 1; seed <= 3; seed++)
                {
                    data.Add(version, seed, false);
                    data.Add(version, seed, true);
                }
        return data;
    }

    [Theory, MemberData(nameof(Seeds))]
    public async Task Read_RandomTransactionsAndReadersThatStop_TargetEqualsTables(int version, int seed, bool follow)
    {
        var random = new Random(seed);
        await using var run = await ChangesRun.CreateAsync(servers[version], """
            CREATE TABLE plain (id int PRIMARY KEY, a int, b text);
            CREATE TABLE "Wide Name" (k1 int, "K 2" text, big text, f float8, n numeric(20,4), ts timestamptz, arr int[], PRIMARY KEY (k1, "K 2"));
            CREATE TABLE full_id (code text PRIMARY KEY, big text, j jsonb); ALTER TABLE full_id REPLICA IDENTITY FULL;
            CREATE TABLE parts (id int, p int, b text, PRIMARY KEY (id, p)) PARTITION BY HASH (p);
            CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
            CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1);
            CREATE TABLE generated (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a + 1) STORED);
            CREATE TABLE ignored (id int);
            """, follow);
        // parts of transactions are handed over before they end: of large ones, or each change by itself where the server can be told so
        run.Execute($"ALTER DATABASE {run.Database} SET logical_decoding_work_mem = '64kB'");
        if (version >= FirstVersionThatStreamsAll)
            run.Execute($"ALTER DATABASE {run.Database} SET debug_logical_replication_streaming = immediate");
        run.Context = run.Context with { MaxChanges = random.Next(1, 40), FlushInterval = TimeSpan.FromMilliseconds(1) };
        string[] streams = ["public.plain", "public.Wide Name", "public.full_id", "public.parts", "public.generated"];
        for (var i = 0; i < 10; i++)
            run.Execute(Transaction(random));
        foreach (var stream in streams[..3])
            await run.SnapshotAsync(stream);
        for (var i = 0; i < 10; i++)
            run.Execute(Transaction(random));
        foreach (var stream in streams[3..])
            await run.SnapshotAsync(stream);
        for (var round = 0; round < 12; round++)
        {
            for (var i = random.Next(6); i >= 0; i--)
                run.Execute(Transaction(random));
            await using var reader = await run.OpenAsync();
            var end = run.End();
            // whoever follows the log would wait at its end
            for (var windows = random.Next(5); windows > 0 && !(follow && run.IsAt(end)); windows--)
            {
                if (await reader.ReadAsync(CancellationToken.None) is not { } window)
                    break;
                // a window that was read and not committed comes again
                if (random.Next(5) == 0)
                {
                    window.Dispose();
                    break;
                }
                run.Commit(window);
                if (random.Next(2) == 0)
                    await reader.AcknowledgeAsync(window.Position, CancellationToken.None);
            }
        }
        await using (var reader = await run.OpenAsync())
            if (follow)
                await run.FollowAsync(reader);
            else
                await run.DrainAsync(reader);

        await run.AssertEqualAsync();
        Assert.True(run.Changes.Count > 100, "the workload changes something");
    }

    private static string Transaction(Random random)
    {
        var sql = new StringBuilder("BEGIN;");
        var depth = 0;
        for (var i = random.Next(1, 25); i > 0; i--)
            switch (random.Next(14))
            {
                case 0:
                    sql.Append("SAVEPOINT s;");
                    depth++;
                    break;
                case 1 when depth > 0:
                    sql.Append(random.Next(2) == 0 ? "ROLLBACK TO s;" : "RELEASE s;");
                    depth--;
                    break;
                case 2 when random.Next(8) == 0:
                    sql.Append(random.Next(2) == 0 ? "TRUNCATE plain, full_id;" : "TRUNCATE parts;");
                    break;
                case 3:
                    sql.Append("INSERT INTO ignored VALUES (1);");
                    break;
                default:
                    sql.Append(Statement(random)).Append(';');
                    break;
            }
        return sql.Append(random.Next(6) == 0 ? "ROLLBACK" : "COMMIT").ToString();
    }

    private static string Statement(Random random)
    {
        var id = random.Next(30).ToString(CultureInfo.InvariantCulture);
        var other = random.Next(30).ToString(CultureInfo.InvariantCulture);
        // what is large and random is stored apart from the row, and not told when it does not change
        var text = random.Next(4) switch
        {
            0 => "NULL",
            1 => $"(SELECT string_agg(md5(i || '-{random.Next()}'), '') FROM generate_series(1, 100) i)",
            _ => $"'{random.Next()}'",
        };
        return random.Next(16) switch
        {
            0 or 1 => $"INSERT INTO plain VALUES ({id}, {other}, {text}) ON CONFLICT (id) DO UPDATE SET b = excluded.b",
            2 => $"UPDATE plain SET a = a + 1 WHERE id BETWEEN {id} AND {id} + 5",
            3 => $"UPDATE plain SET id = {other} WHERE id = {id} AND NOT EXISTS (SELECT FROM plain WHERE id = {other})",
            4 => $"DELETE FROM plain WHERE id = {id}",
            5 or 6 => $"INSERT INTO \"Wide Name\" VALUES ({id}, 'k''{other}', {text}, {id} / 7.0, {id} * 1.2345, now(), ARRAY[{id}, NULL]) ON CONFLICT DO "
                + "NOTHING",
            7 => $"UPDATE \"Wide Name\" SET f = random(), arr = NULL WHERE k1 = {id}",
            8 => $"UPDATE \"Wide Name\" SET \"K 2\" = \"K 2\" || 'x' WHERE k1 = {id} AND length(\"K 2\") < 20",
            9 => $"INSERT INTO full_id VALUES ('c{id}', {text}, '{{\"a\": [{id}]}}') ON CONFLICT (code) DO UPDATE SET j = excluded.j",
            10 => $"UPDATE full_id SET code = 'c{other}' WHERE code = 'c{id}' AND NOT EXISTS (SELECT FROM full_id WHERE code = 'c{other}')",
            11 => $"DELETE FROM full_id WHERE code = 'c{id}'",
            12 => $"INSERT INTO parts VALUES ({id}, {other}, {text}) ON CONFLICT DO NOTHING",
            13 => $"UPDATE parts SET p = p + 1 WHERE id = {id} AND NOT EXISTS (SELECT FROM parts q WHERE q.id = {id} AND q.p > parts.p)",
            14 => $"INSERT INTO generated (id, a) VALUES ({id}, {other}) ON CONFLICT (id) DO UPDATE SET a = generated.a + 1",
            _ => $"DELETE FROM generated WHERE id = {id}",
        };
    }
}

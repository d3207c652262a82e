using System.Globalization;
using System.Text.RegularExpressions;
using Nebula.Cli.Tests;
using Nebula.Conformance.Tests.Containers;
using Nebula.PostgreSql.Tests.Server;
using Xunit.Abstractions;

namespace Nebula.PostgreSql.Tests.Delivery;

/// <summary>The query of the guide gets a table back from the files of its changes: DuckDB runs it as it is written there.</summary>
[Collection(ServersCollection.Name)]
public sealed partial class FoldedFilesTests(Servers servers, ITestOutputHelper output) : IDisposable
{
    private readonly NebulaProcess _nebula = new();

    [Theory, Server(15), Server(18)]
    public void Fold_WithTheQueryOfTheGuide_GivesTheTableBack(int version)
    {
        if (!Peers.AreInstalled(output))
            return;
        var server = servers[version];
        var database = $"folded_{Guid.NewGuid():n}";
        server.Execute($"CREATE DATABASE {database}");
        server.Execute("""
            CREATE TABLE orders (id int PRIMARY KEY, note text, total numeric(12,2));
            INSERT INTO orders SELECT i, 'note ' || i, i / 7.0 FROM generate_series(1, 500) i
            """, database);
        foreach (var format in (string[])["parquet", "json"])
            _nebula.Write($"{format}.yaml", string.Create(CultureInfo.InvariantCulture, $$"""
                source: { type: postgresql, host: 127.0.0.1, port: {{server.Port}}, user: nebula, password: "{{PostgreSqlServer.Password}}",
                          database: {{database}} }
                target: { type: {{format}}, path: {{format}}/ }
                defaults: { mode: cdc, cdc: { slot: {{format}}_{{database}} } }
                """));
        string[] steps =
        [
            // the snapshot alone
            "SELECT 1",
            "UPDATE orders SET note = 'new', total = NULL WHERE id % 7 = 0; DELETE FROM orders WHERE id % 11 = 0; "
                + "UPDATE orders SET id = id + 1000 WHERE id % 13 = 0; INSERT INTO orders VALUES (11, 'again', 1); DELETE FROM orders WHERE id = 11",
            "UPDATE orders SET note = note || '!' WHERE id < 50; INSERT INTO orders VALUES (11, 'and again', 2); BEGIN; DELETE FROM orders; ROLLBACK",
            "TRUNCATE orders; INSERT INTO orders VALUES (3, 'third', 3), (4, 'fourth', 4); UPDATE orders SET note = 'last' WHERE id = 4",
        ];
        foreach (var step in steps)
        {
            server.Execute(step, database);
            foreach (var (format, extension) in new[] { ("parquet", "parquet"), ("json", "jsonl") })
            {
                var outcome = _nebula.Run("run", $"{format}.yaml");
                Assert.True(outcome.ExitCode == 0, outcome.Errors);
                Assert.Equal(
                    server.Ask<string>("SELECT string_agg(concat_ws(',', id, note, total), ';' ORDER BY id) FROM orders", database), Fold(format, extension));
            }
        }
        server.DropSlots(database);
    }

    public void Dispose() => _nebula.Dispose();

    private string Fold(string format, string extension)
    {
        var text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "guide", "change-capture.md"));
        var guide = Query().Match(text).Groups[1].Value.TrimEnd().TrimEnd(';');
        var query = guide.Replace("'out/public.orders*.parquet'", $"'{_nebula.PathOf(format)}/public.orders*.{extension}'", StringComparison.Ordinal);
        Assert.NotEqual(guide, query);
        var totals = format == "json" ? "total::decimal(12,2)" : "total";
        return Peers.Run("pruning.mjs", $"SELECT string_agg(concat_ws(',', id, note, {totals}), ';' ORDER BY id) FROM ({query})").Split('\t')[0];
    }

    [GeneratedRegex(@"```sql\n(WITH changes .*?)```", RegexOptions.Singleline)]
    private static partial Regex Query();
}

using System.Globalization;
using System.Text;
using Nebula.PostgreSql.Tests.Server;
using Npgsql;

namespace Nebula.PostgreSql.Tests.Delivery;

/// <summary>
/// Changes 20 tables with all kinds of transactions: small and large, interleaved, rolled back, with savepoints, changes of keys, values that are stored
/// apart, truncates, and changes of the tables themselves. The same seed makes the same statements.
/// </summary>
internal sealed class Workload : IDisposable
{
    public const int Tables = 20;
    private const int Partitioned = 19;
    private readonly Random _random;
    private readonly NpgsqlConnection[] _connections;
    private readonly int[] _added = new int[Tables];
    private readonly bool[] _widened = new bool[Tables];
    private int _next = 1_000;

    /// <summary>Makes the tables, each with some rows.</summary>
    public Workload(PostgreSqlServer server, string database, int seed)
    {
        _random = new Random(seed);
        _connections = [new(server.ConnectionString(database)), new(server.ConnectionString(database))];
        Reconnect();
        for (var table = 0; table < Tables; table++)
        {
            Execute(0, Create(table));
            Execute(0, Insert(table, 200));
        }
    }

    /// <summary>Every statement so far: what is needed to see why a seed failed.</summary>
    public List<string> Statements { get; } = [];

    public static string NameOf(int table) => string.Create(CultureInfo.InvariantCulture, $"w{table:d2}");

    /// <summary>The columns that identify a row.</summary>
    public static string[] KeyOf(int table) => HasTwoKeys(table) ? ["id", "region"] : ["id"];

    /// <summary>Opens its connections, also after the server was ended.</summary>
    public void Reconnect()
    {
        foreach (var connection in _connections)
        {
            connection.Close();
            connection.Open();
        }
    }

    /// <summary>Does one of the things that it does.</summary>
    public void Step()
    {
        var table = _random.Next(Tables);
        switch (_random.Next(100))
        {
            case < 25:
                Execute(0, Insert(table, _random.Next(1, 20)));
                break;
            case < 45:
                Execute(0, Change(table));
                break;
            case < 55:
                Execute(0, $"UPDATE {NameOf(table)} SET body = {Body()}, amount = NULL WHERE {Some(table)}");
                break;
            case < 63:
                Execute(0, $"UPDATE {NameOf(table)} SET id = {_next++} WHERE id = {Any(table)}");
                break;
            case < 72:
                Execute(0, $"DELETE FROM {NameOf(table)} WHERE {Some(table)}");
                break;
            case < 78:
                Transaction(0, "ROLLBACK", Insert(table, 5), Change(table), $"DELETE FROM {NameOf(table)}");
                break;
            case < 84:
                Transaction(0, "COMMIT", Insert(table, 3), "SAVEPOINT s", $"DELETE FROM {NameOf(table)} WHERE {Some(table)}", Insert(table, 2), "ROLLBACK TO s",
                    Change(table), "SAVEPOINT s2", Insert(table, 2), "RELEASE s2");
                break;
            case < 90:
                Interleave(table, (table + 1 + _random.Next(Tables - 1)) % Tables);
                break;
            case < 94:
                Transaction(0, "COMMIT", Insert(table, 3_000), $"UPDATE {NameOf(table)} SET n = n + 1 WHERE id % 3 = 0",
                    $"DELETE FROM {NameOf(table)} WHERE id % 2 = 0 AND id > 500");
                break;
            case < 96:
                Execute(0, $"TRUNCATE {NameOf(table)}, {NameOf((table + 7) % Tables)}");
                break;
            default:
                ChangeColumns(table);
                break;
        }
    }

    /// <summary>Changes every table once more, so that nothing depends on what the last window happened to hold.</summary>
    public void Finish()
    {
        for (var table = 0; table < Tables; table++)
            Transaction(0, "COMMIT", Insert(table, 2), Change(table));
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
            connection.Dispose();
    }

    private static bool HasTwoKeys(int table) => table % 5 == 2;

    private static string Create(int table)
    {
        var name = NameOf(table);
        var sql = new StringBuilder($"CREATE TABLE {name} (id bigint, region text NOT NULL DEFAULT 'eu', n int, body text, amount numeric(20,4), ");
        sql.Append("at timestamptz DEFAULT '2024-02-29 12:00:00.123456+00', note varchar(50)");
        if (table % 5 == 3)
            sql.Append(", twice bigint GENERATED ALWAYS AS (id * 2) STORED");
        sql.Append(CultureInfo.InvariantCulture, $", PRIMARY KEY ({string.Join(", ", KeyOf(table))}))");
        sql.Append(table == Partitioned ? " PARTITION BY HASH (id);" : ";");
        if (table == Partitioned)
            for (var part = 0; part < 3; part++)
                sql.Append(CultureInfo.InvariantCulture, $"CREATE TABLE {name}_{part} PARTITION OF {name} FOR VALUES WITH (MODULUS 3, REMAINDER {part});");
        // always beside the row, and never compressed
        sql.Append(CultureInfo.InvariantCulture, $"ALTER TABLE {name} ALTER body SET STORAGE EXTERNAL;");
        if (table % 5 == 1)
            sql.Append(CultureInfo.InvariantCulture, $"ALTER TABLE {name} REPLICA IDENTITY FULL;");
        return sql.ToString();
    }

    private string Insert(int table, int rows)
    {
        var first = _next;
        _next += rows;
        return string.Create(CultureInfo.InvariantCulture,
            $"INSERT INTO {NameOf(table)} (id, n, body, amount, note) SELECT i, i % 97, {Body()} || i, i / 8.0, "
            + $"CASE WHEN i % 4 = 0 THEN NULL WHEN i % 4 = 1 THEN '' ELSE 'it''s \"{table}\", ' || i END FROM generate_series({first}, {first + rows - 1}) i");
    }

    private string Change(int table) =>
        $"UPDATE {NameOf(table)} SET n = {_random.Next(1_000_000)}, note = {(_random.Next(3) == 0 ? "NULL" : "'n'")} WHERE {Some(table)}";

    private string Some(int table) => string.Create(CultureInfo.InvariantCulture, $"id % {_random.Next(3, 30)} = {table % 3}");

    private string Any(int table) => string.Create(CultureInfo.InvariantCulture,
        $"(SELECT id FROM {NameOf(table)} ORDER BY abs(hashint8(id + {_random.Next(1_000_000)})), id LIMIT 1)");

    /// <summary>A text that is stored in the row, or beside it.</summary>
    private string Body() =>
        string.Create(CultureInfo.InvariantCulture, $"repeat('{(char)('a' + _random.Next(26))}', {(_random.Next(2) == 0 ? 10 : 2_500 + _random.Next(2_000))})");

    private void Interleave(int one, int other)
    {
        Execute(0, "BEGIN");
        Execute(0, Insert(one, 3));
        Execute(1, "BEGIN");
        Execute(1, Insert(other, 3));
        Execute(0, Insert(one, 2));
        Execute(1, "COMMIT");
        Execute(0, "COMMIT");
    }

    private void ChangeColumns(int table)
    {
        var name = NameOf(table);
        switch (_random.Next(3))
        {
            case 0:
                Execute(0, string.Create(CultureInfo.InvariantCulture, $"ALTER TABLE {name} ADD extra{_added[table]} text"));
                Transaction(0, "COMMIT",
                    string.Create(CultureInfo.InvariantCulture, $"UPDATE {name} SET extra{_added[table]++} = 'x' || id WHERE {Some(table)}"));
                break;
            case 1 when _added[table] > 0:
                Execute(0, string.Create(CultureInfo.InvariantCulture, $"ALTER TABLE {name} DROP COLUMN IF EXISTS extra{_random.Next(_added[table])}"));
                Execute(0, Change(table));
                break;
            case 2 when !_widened[table]:
                _widened[table] = true;
                Transaction(0, "COMMIT", $"ALTER TABLE {name} ALTER n TYPE bigint", Insert(table, 2),
                    $"UPDATE {name} SET n = 5000000000 + id WHERE {Some(table)}");
                break;
        }
    }

    private void Transaction(int connection, string end, params string[] statements)
    {
        Execute(connection, "BEGIN");
        foreach (var statement in statements)
            Execute(connection, statement);
        Execute(connection, end);
    }

    private void Execute(int connection, string sql)
    {
        Statements.Add(sql);
        using var command = new NpgsqlCommand(sql, _connections[connection]);
        command.ExecuteNonQuery();
    }
}

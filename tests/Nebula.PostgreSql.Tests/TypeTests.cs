using Nebula.Engine.Schemas;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests;

[Collection(ServersCollection.Name)]
public sealed class TypeTests(Servers servers)
{
    private const string Nines38 = "99999999999999999999999999999999999999";

    /// <summary>A type, a value of it, the type read, and the value read.</summary>
    internal static readonly (string Type, string Value, string Read, string Expected)[] Cases =
    [
        ("boolean", "true", "bool", "true"),
        ("boolean", "false", "bool", "false"),
        ("smallint", "-32768", "int16", "-32768"),
        ("smallint", "32767", "int16", "32767"),
        ("integer", "-2147483648", "int32", "-2147483648"),
        ("integer", "2147483647", "int32", "2147483647"),
        ("bigint", "-9223372036854775808", "int64", "-9223372036854775808"),
        ("bigint", "9223372036854775807", "int64", "9223372036854775807"),
        ("oid", "4294967295", "uint32", "4294967295"),
        ("real", "3.4028235e38", "float32", "3.4028235E+38"),
        ("real", "NaN", "float32", "NaN"),
        ("double precision", "5e-324", "float64", "5E-324"),
        ("double precision", "-Infinity", "float64", "-Infinity"),
        ("double precision", "1.7976931348623157e308", "float64", "1.7976931348623157E+308"),
        ("numeric(10,2)", "-12345678.90", "decimal(10,2)", "-1234567890"),
        ("numeric(10,2)", "0", "decimal(10,2)", "0"),
        ("numeric(18,18)", "0.000000000000000001", "decimal(18,18)", "1"),
        ("numeric(38,0)", Nines38, "decimal(38,0)", Nines38),
        ("numeric(38,37)", "-9.9999999999999999999999999999999999999", "decimal(38,37)", "-" + Nines38),
        ("numeric(38,38)", "0." + Nines38, "decimal(38,38)", Nines38),
        ("numeric(38,19)", "1e18", "decimal(38,19)", "10000000000000000000000000000000000000"),
        ("numeric(3,-2)", "12345", "decimal(5,0)", "12300"),
        ("numeric(2,4)", "0.0012", "decimal(4,4)", "12"),
        ("numeric(39,0)", Nines38 + "9", "string", Nines38 + "9"),
        ("numeric", "NaN", "string", "NaN"),
        ("numeric", "-Infinity", "string", "-Infinity"),
        ("numeric", "12345678901234567890123456789012345678901234567890.1234567890", "string", "12345678901234567890123456789012345678901234567890.1234567890"),
        ("text", "Zoë \U0001F40E\ttab", "string", "Zoë \U0001F40E\ttab"),
        ("text", "", "string", ""),
        ("varchar(10)", "short", "string", "short"),
        ("char(5)", "ab", "string", "ab   "),
        ("\"char\"", "x", "string", "x"),
        ("name", "a name", "string", "a name"),
        ("bytea", "\\x00ff10", "binary", "00ff10"),
        ("bytea", "", "binary", ""),
        ("date", "1970-01-01", "date", "0"),
        ("date", "4713-01-01 BC", "date", "-2440550"),
        ("date", "5874897-12-31", "date", "2145042905"),
        ("time", "00:00:00", "time", "0"),
        ("time", "23:59:59.999999", "time", "86399999999"),
        ("time with time zone", "12:34:56.789+05:30", "string", "12:34:56.789+05:30"),
        ("timestamp", "1970-01-01 00:00:00.000001", "timestamp", "1"),
        ("timestamp", "4713-01-01 00:00:00 BC", "timestamp", "-210863520000000000"),
        ("timestamp", "294246-12-31 23:59:59.999999", "timestamp", "9223371244799999999"),
        ("timestamptz", "2024-02-29 12:00:00+02", "timestamp(UTC)", "1709200800000000"),
        ("interval", "1 year -2 mons 3 days 04:05:06.789", "string", "10 mons 3 days 04:05:06.789"),
        ("uuid", "00112233-4455-6677-8899-aabbccddeeff", "uuid", "00112233445566778899aabbccddeeff"),
        ("json", "{\"a\" : 1,  \"b\":[null]}", "json", "{\"a\" : 1,  \"b\":[null]}"),
        ("jsonb", "{\"b\":[null], \"a\" : 1.50}", "json", "{\"a\": 1.50, \"b\": [null]}"),
        ("xml", "<a>1</a>", "string", "<a>1</a>"),
        ("money", "-1234.56", "string", "-$1,234.56"),
        ("inet", "10.0.0.1", "string", "10.0.0.1"),
        ("inet", "10.0.0.1/8", "string", "10.0.0.1/8"),
        ("cidr", "10.0.0.0/8", "string", "10.0.0.0/8"),
        ("macaddr", "08:00:2b:01:02:03", "string", "08:00:2b:01:02:03"),
        ("macaddr8", "08:00:2b:01:02:03:04:05", "string", "08:00:2b:01:02:03:04:05"),
        ("bit(3)", "101", "string", "101"),
        ("varbit", "10101", "string", "10101"),
        ("point", "(1.5,-2)", "string", "(1.5,-2)"),
        ("box", "(1,2),(0,0)", "string", "(1,2),(0,0)"),
        ("polygon", "((0,0),(1,1),(1,0))", "string", "((0,0),(1,1),(1,0))"),
        ("circle", "<(0,0),1>", "string", "<(0,0),1>"),
        ("tsvector", "a:1 b:2", "string", "'a':1 'b':2"),
        ("tsquery", "a & b", "string", "'a' & 'b'"),
        ("int4range", "[1,5]", "string", "[1,6)"),
        ("tstzrange", "[2024-01-01,)", "string", "[\"2024-01-01 00:00:00+00\",)"),
        ("int4multirange", "{[1,3),[5,7)}", "string", "{[1,3),[5,7)}"),
        ("pg_lsn", "16/B374D848", "string", "16/B374D848"),
        ("jsonpath", "$.a", "string", "$.\"a\""),
        ("regclass", "pg_class", "string", "pg_class"),
        ("int2vector", "1 2", "string", "1 2"),
        ("integer[]", "{1,NULL,3}", "json", "[1,null,3]"),
        ("integer[]", "{}", "json", "[]"),
        ("integer[][]", "{{1,2},{3,4}}", "json", "[[1,2],[3,4]]"),
        ("text[]", "{\"a,b\",\"q\\\"q\"}", "json", "[\"a,b\",\"q\\\"q\"]"),
        ("numeric[]", "{1.50,NaN}", "json", "[1.50,\"NaN\"]"),
        ("types.mood", "happy", "string", "happy"),
        ("types.moods", "happy", "string", "happy"),
        ("types.positive", "7", "int32", "7"),
        ("types.price", "12.34", "decimal(9,2)", "1234"),
        ("types.numbers", "{1,2}", "json", "[1,2]"),
        ("types.pair", "(1,\"x y\")", "json", "{\"a\":1,\"b\":\"x y\"}"),
        ("types.pair", "(,)", "json", "{\"a\":null,\"b\":null}"),
        ("types.pair[]", "{\"(1,x)\"}", "json", "[{\"a\":1,\"b\":\"x\"}]"),
        ("types.spans", "[1.5,2.5)", "string", "[1.5,2.5)"),
    ];

    [Theory, Server(15), Server(18)]
    public async Task Read_EveryTypeWithBoundaryValues_IsAsTheTableSays(int version)
    {
        Create(servers[version]);
        await using var run = new SourceRun(servers[version]);
        var plan = await run.PlanAsync("types.typed");

        var rows = await run.ReadAsync(plan);

        Assert.Empty(rows.Rejected);
        Assert.Equal(Cases.Select(static c => $"{c.Type}: {c.Read}"), plan.Columns.Select(static (column, i) => $"{Cases[i].Type}: {column.Field.Type}"));
        Assert.Equal(2, rows.Lines.Count);
        Assert.Equal(Cases.Select(static c => $"{c.Type}: {c.Expected}"), rows.Lines[0].Split('|').Select(static (value, i) => $"{Cases[i].Type}: {value}"));
        Assert.All(rows.Lines[1].Split('|'), static value => Assert.Equal("null", value));
    }

    [Theory, Server(15), Server(18)]
    public async Task Write_EveryTypeToCsv_EqualsTheServersOwnCsv(int version)
    {
        var server = servers[version];
        Create(server);
        await using var run = new SourceRun(server);

        Assert.Equal(server.CopyCsv("SELECT * FROM types.typed"), await run.WriteAsync("types.typed", "typed.csv"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_ValuesThatTheTypeCannotHold_AreBadRowsOrTextOnRequest(int version)
    {
        var server = servers[version];
        server.Execute("""
            DROP SCHEMA IF EXISTS odd CASCADE; CREATE SCHEMA odd;
            CREATE TABLE odd.t (id int, d date, ts timestamp, tz timestamptz, n numeric(10,2), t time);
            INSERT INTO odd.t VALUES (1, 'infinity'), (2, '-infinity');
            INSERT INTO odd.t (id, ts) VALUES (3, 'infinity'), (4, '-infinity'), (5, '294276-12-31 23:59:59.999999');
            INSERT INTO odd.t (id, tz) VALUES (6, 'infinity');
            INSERT INTO odd.t (id, n) VALUES (7, 'NaN'), (8, 1.5);
            INSERT INTO odd.t (id, t) VALUES (9, '24:00:00');
            """);
        await using var run = new SourceRun(server);

        var rows = await run.ReadAsync("odd.t");
        var text = await run.ReadAsync("odd.t", ("d", DataType.String), ("ts", DataType.String), ("tz", DataType.String), ("n", DataType.String),
            ("t", DataType.String));

        Assert.Equal(["8|null|null|null|150|null"], rows.Lines);
        Assert.Equal(["d", "d", "ts", "ts", "ts", "tz", "n", "t"], rows.Rejected.Select(static row => row.Location.Column));
        Assert.Contains("infinity is no date; 'type: string'", rows.Rejected[0].Reason, StringComparison.Ordinal);
        Assert.Equal(9, text.Lines.Count);
        Assert.Contains("5|null|294276-12-31 23:59:59.999999|null|null|null", text.Lines);
        Assert.Contains("7|null|null|null|NaN|null", text.Lines);
        Assert.Contains("9|null|null|null|null|24:00:00", text.Lines);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_ColumnsCastByTheUser_AreConverted(int version)
    {
        servers[version].Execute("DROP SCHEMA IF EXISTS casts CASCADE; CREATE SCHEMA casts; CREATE TABLE casts.t (n numeric, i int); INSERT INTO casts.t "
            + "VALUES (12.5, 7)");
        await using var run = new SourceRun(servers[version]);

        Assert.Equal(["12500|7"], (await run.ReadAsync("casts.t", ("n", DataType.Decimal(10, 3)), ("i", DataType.Int64))).Lines);
    }

    internal static void Create(PostgreSqlServer server, string database = "postgres") => server.Execute($"""
        SET timezone = 'UTC';
        DROP SCHEMA IF EXISTS types CASCADE;
        CREATE SCHEMA types;
        CREATE TYPE types.mood AS ENUM ('sad', 'happy');
        CREATE DOMAIN types.moods AS types.mood;
        CREATE DOMAIN types.whole AS int;
        CREATE DOMAIN types.positive AS types.whole CHECK (value > 0);
        CREATE DOMAIN types.price AS numeric(9,2);
        CREATE DOMAIN types.numbers AS int[];
        CREATE TYPE types.pair AS (a int, b text);
        CREATE TYPE types.spans AS RANGE (subtype = float8);
        CREATE TABLE types.typed ({string.Join(", ", Cases.Select(static (c, i) => $"c{i} {c.Type}"))});
        INSERT INTO types.typed VALUES ({string.Join(", ", Cases.Select(static c => $"'{c.Value.Replace("'", "''", StringComparison.Ordinal)}'"))});
        INSERT INTO types.typed DEFAULT VALUES;
        """, database);
}

using Nebula.Connectors.Files;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Writing;

[Collection(ServersCollection.Name)]
public sealed class PostgreSqlDestinationTypeTests(Servers servers)
{
    private const string ColumnsOf = """
        SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), E'\n' ORDER BY attnum) FROM pg_attribute
        WHERE attnum > 0 AND NOT attisdropped AND attrelid = '{0}'::regclass
        """;

    [Theory, Server(15), Server(18)]
    public async Task Copy_EveryTypeFromPostgreSql_HasTheSameTypesAndValues(int version)
    {
        var server = servers[version];
        TypeTests.Create(server);
        server.Execute("DROP TABLE IF EXISTS types.copied");
        await using var source = new SourceRun(server);
        await using var run = new DestinationRun(server);

        var result = await run.LoadAsync(source.Source, new StreamRequest { Streams = ["types.typed"], Object = "types.copied" });

        Assert.Equal(2, result.Parts.Sum(static part => part.Rows));
        Assert.Equal(Columns(server, "types.typed").Split('\n'), Columns(server, "types.copied").Split('\n'));
        // what differs is named by its type
        var differs = TypeTests.Cases.Select((c, i) => (c.Type, c.Value, Column: $"c{i}")).Where(c =>
            server.Ask<long>($"SELECT count(*) FROM types.typed a FULL JOIN types.copied b ON a.{c.Column}::text = b.{c.Column}::text "
                + $"WHERE (a.c0 IS NULL) <> (b.c0 IS NULL) AND (a.{c.Column} IS NOT NULL OR b.{c.Column} IS NOT NULL)") > 0);
        Assert.Empty(differs);
        Assert.Equal(server.CopyCsv("SELECT * FROM types.typed ORDER BY c0"), server.CopyCsv("SELECT * FROM types.copied ORDER BY c0"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Copy_EveryTypeThroughParquet_HasTheSameValues(int version)
    {
        var server = servers[version];
        TypeTests.Create(server);
        server.Execute("DROP TABLE IF EXISTS types.parquet");
        var folder = Directory.CreateTempSubdirectory("nebula-postgres-");
        try
        {
            var path = Path.Combine(folder.FullName, "typed.parquet");
            await using (var source = new SourceRun(server))
            {
                var connector = new ConnectorRegistry().AddFiles().Find("parquet")!;
                await using var file = connector.Destination(new OptionValues(
                    "target \"parquet\"", connector.DestinationOptions!, [KeyValuePair.Create("path", new OptionValue([path], new SourceLocation("test")))]));
                var write = new StreamRun(source.Source, file, new PipelineOptions { Workers = 2, MemoryLimit = 1 }, source.Pool, "run");
                await write.RunAsync(new StreamRequest { Streams = ["types.typed"] }, CancellationToken.None);
            }
            await using var parquet = DestinationRun.Files(path);
            await using var run = new DestinationRun(server);

            await run.LoadAsync(parquet, new StreamRequest { Object = "types.parquet" });

            // arrays and composite types are JSON in the file; what differs is named by its type
            var differs = TypeTests.Cases.Select(static (c, i) =>
                (c.Type, c.Value, Column: $"c{i}", Form: c.Read == "json" ? "to_json({0})::text" : "{0}")).Where(c =>
                server.Ask<long>($"SELECT count(*) FROM types.typed a JOIN types.parquet b ON (a.c0 IS NULL) = (b.c0 IS NULL) "
                    + $"WHERE format('%L', {c.Form.Replace("{0}", "a." + c.Column, StringComparison.Ordinal)}) <> format('%L', b.{c.Column})") > 0);
            Assert.Empty(differs);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory, Server(15), Server(18)]
    public async Task Copy_AllColumnsInTheirOwnForm_KeepsDeclaredTypesWithoutCasts(int version)
    {
        var server = servers[version];
        server.Execute("""
            DROP SCHEMA IF EXISTS own CASCADE; CREATE SCHEMA own; CREATE TYPE own.mood AS ENUM ('sad', 'ok');
            CREATE TABLE own.t (a varchar(20), b char(4), c name, d own.mood, e jsonb, f timestamp(3), g numeric(12,4), h time(0), PRIMARY KEY (a, g));
            INSERT INTO own.t SELECT 'k' || i, 'x', 'n', 'ok', '{"a": [1, "\\u20ac"]}',
                '2024-01-01 00:00:00.123', i / 8.0, '12:00' FROM generate_series(1, 1000) i
            """);
        await using var source = new SourceRun(server);
        await using var run = new DestinationRun(server);

        await run.LoadAsync(source.Source, new StreamRequest { Streams = ["own.t"], Object = "own.copied" });

        Assert.Equal(Columns(server, "own.t"), Columns(server, "own.copied"));
        Assert.Equal(server.CopyCsv("SELECT * FROM own.t ORDER BY g"), server.CopyCsv("SELECT * FROM own.copied ORDER BY g"));
        Assert.Equal("PRIMARY KEY (a, g)",
            server.Ask<string>("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'own.copied'::regclass AND contype = 'p'"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_TypesThatPostgreSqlHasNot_AreWidened(int version)
    {
        var server = servers[version];
        server.Execute("DROP SCHEMA IF EXISTS widened CASCADE");
        await using var run = new DestinationRun(server);
        var types = new Dictionary<string, DataType>
        {
            ["a"] = DataType.Int8,
            ["b"] = DataType.UInt8,
            ["c"] = DataType.UInt16,
            ["d"] = DataType.UInt32,
            ["e"] = DataType.UInt64,
            ["f"] = DataType.Decimal(38, 19),
            ["g"] = DataType.Decimal(18, 3),
            ["h"] = DataType.Date,
            ["i"] = DataType.Timestamp(zone: "UTC"),
            ["j"] = DataType.Uuid,
            ["k"] = DataType.Json,
            ["l"] = DataType.Float32,
            ["m"] = DataType.Time,
        };

        await run.LoadCsvAsync(
            """
            a,b,c,d,e,f,g,h,i,j,k,l,m
            -128,255,65535,4294967295,18446744073709551615,-9999999999999999999.9999999999999999999,-0.001,0001-01-01,9999-12-31T23:59:59.999999Z,00112233-4455-6677-8899-aabbccddeeff,"{""a"" : 1}",3.4028235e38,23:59:59.999999
            127,0,0,0,0,0.0000000000000000001,999999999999999.999,9999-12-31,0001-01-01T00:00:00Z,ffffffff-ffff-ffff-ffff-ffffffffffff,[],-1.5,00:00:00
            0,1,10,100,10000,10000,10000,2000-01-01,2000-01-01T00:00:00Z,00000000-0000-0000-0000-000000000000,null,0,12:00:00
            """,
            "widened.t", new StreamRequest { Types = types });

        Assert.Equal("""
            a smallint
            b smallint
            c integer
            d bigint
            e numeric(20,0)
            f numeric(38,19)
            g numeric(18,3)
            h date
            i timestamp with time zone
            j uuid
            k json
            l real
            m time without time zone
            """.ReplaceLineEndings("\n"), Columns(server, "widened.t"));
        Assert.Equal(
            [
                "-128,255,65535,4294967295,18446744073709551615,-9999999999999999999.9999999999999999999,-0.001,0001-01-01,9999-12-31 "
                    + "23:59:59.999999+00,00112233-4455-6677-8899-aabbccddeeff,\"{\"\"a\"\" : 1}\",3.4028235e+38,23:59:59.999999",
                "0,1,10,100,10000,10000.0000000000000000000,10000.000,2000-01-01,2000-01-01 00:00:00+00,00000000-0000-0000-0000-000000000000,null,0,12:00:00",
                "127,0,0,0,0,0.0000000000000000001,999999999999999.999,9999-12-31,0001-01-01 00:00:00+00,ffffffff-ffff-ffff-ffff-ffffffffffff,[],-1.5,00:00:00",
            ],
            run.Rows("SELECT * FROM widened.t ORDER BY a"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_TextWithAZeroCharacter_IsRefusedWithItsPlace(int version)
    {
        await using var run = new DestinationRun(servers[version]);

        var error = await Assert.ThrowsAsync<DataFormatException>(() => run.LoadCsvAsync("a,b\n1,x\n2,y\0z\n", "zeros", new StreamRequest()));

        Assert.Contains("column \"b\"", error.Message, StringComparison.Ordinal);
        Assert.Contains("row 2 ", error.Message, StringComparison.Ordinal);
        Assert.False(servers[version].Ask<bool>("SELECT to_regclass('zeros') IS NOT NULL"));
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_1600Columns_Works_OneMoreIsRefused(int version)
    {
        servers[version].Execute("DROP TABLE IF EXISTS wide");
        await using var run = new DestinationRun(servers[version]);
        string Csv(int columns) => string.Join(',', Enumerable.Range(0, columns).Select(static i => $"c{i}")) + "\n"
            + string.Join(',', Enumerable.Range(0, columns).Select(static i => i % 3 == 0 ? "true" : "")) + "\n";

        await run.LoadCsvAsync(Csv(1600), "wide");
        var error = await Assert.ThrowsAsync<NebulaException>(() => run.LoadCsvAsync(Csv(1601), "wider"));

        Assert.Equal(1600L, servers[version].Ask<long>("SELECT count(*) FROM pg_attribute WHERE attrelid = 'wide'::regclass AND attnum > 0"));
        Assert.Equal(ErrorKind.Schema, error.Kind);
    }

    [Theory, Server(15), Server(18)]
    public async Task Load_NamesOfAllKinds_AreQuotedOrRefused(int version)
    {
        var server = servers[version];
        server.Execute("DROP SCHEMA IF EXISTS \"Odd \"\"schema\" CASCADE");
        await using var run = new DestinationRun(server);

        await run.LoadCsvAsync("select,Mixed Case,\"a\"\"b\",a.b,\u00e4\n1,2,3,4,5\n", "\"Odd \"\"schema\".\"order.by\"");

        Assert.Equal(["1,2,3,4,5"], run.Rows("SELECT \"select\", \"Mixed Case\", \"a\"\"b\", \"a.b\", \"\u00e4\" FROM \"Odd \"\"schema\".\"order.by\""));
        Assert.Contains("63", (await Assert.ThrowsAsync<NebulaException>(() => run.LoadCsvAsync($"{new string('x', 64)}\n1\n", "long"))).Message,
            StringComparison.Ordinal);
        Assert.Contains("xmin", (await Assert.ThrowsAsync<NebulaException>(() => run.LoadCsvAsync("xmin\n1\n", "system"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("users.csv", "public.users")]
    [InlineData("in/2024/users.v2.csv.gz", "public.users.v2")]
    [InlineData("shop.orders", "shop.orders")]
    [InlineData("orders", "public.orders")]
    public void NameObject_OfStreams_IsATable(string stream, string expected)
    {
        if (PostgreSqlServer.Find(15) is null)
            return;
        var destination = DestinationRun.Open(servers[15]);

        Assert.Equal(expected, destination.LocationOf(destination.NameObject(stream)));
    }

    private static string Columns(PostgreSqlServer server, string table) => server.Ask<string>(ColumnsOf.Replace("{0}", table, StringComparison.Ordinal));
}

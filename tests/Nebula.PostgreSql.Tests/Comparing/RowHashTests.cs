using System.Collections.Immutable;
using Nebula.Engine.Connectors;
using Nebula.Engine.Pipeline;
using Nebula.PostgreSql.Tests.Server;
using Nebula.PostgreSql.Tests.Writing;

namespace Nebula.PostgreSql.Tests.Comparing;

/// <summary>A row has the same hash wherever it is stored, on every version of the server, and another one when any of its values is another.</summary>
[Collection(ServersCollection.Name)]
public sealed class RowHashTests(Servers servers)
{
    [Theory, ServerPair(15, 18), ServerPair(18, 15)]
    public async Task Hash_EveryType_IsTheSameInSourceAndTarget_AndAnotherForOtherValues(int from, int to)
    {
        TypeTests.Create(servers[from]);
        if (from != to)
            TypeTests.Create(servers[to]);
        servers[from].Execute("CREATE TABLE types.keyed AS SELECT row_number() OVER ()::int AS id, t.* FROM types.typed t; "
            + "ALTER TABLE types.keyed ADD PRIMARY KEY (id)");
        await using var source = new SourceRun(servers[from]);
        await using var run = new DestinationRun(servers[to]);
        var plan = (await run.LoadAsync(source.Source, new StreamRequest { Streams = ["types.keyed"], Object = "types.copied" })).Read;

        Assert.Empty(await DifferingAsync(source.Source, run.Destination, plan));

        // the same row again and again, each time without another of its values
        servers[to].Execute(string.Concat(TypeTests.Cases.Select(static (_, i) => $"CREATE TABLE types.other AS SELECT * FROM types.copied WHERE id = 1; "
            + $"UPDATE types.other SET c{i} = NULL, id = 100 + {i}; INSERT INTO types.copied SELECT * FROM types.other; DROP TABLE types.other;")));
        servers[to].Execute("ALTER TABLE types.copied RENAME id TO number; ALTER TABLE types.copied ADD id int; UPDATE types.copied SET id = 1");
        await using var there = await ((IRangeHashes)run.Destination).OpenHashesAsync(plan, null, CancellationToken.None);
        var hashes = await there.HashRowsAsync([new KeyRange(null, null)], CancellationToken.None);
        Assert.Equal(TypeTests.Cases.Length + 2, hashes.Select(static row => row.Hash).Distinct().Count());
    }

    /// <summary>Targets whose columns are wider than the source's, or text.</summary>
    [Theory, ServerPair(15, 18), ServerPair(18, 15)]
    public async Task Hash_WiderColumnsInTheTarget_IsTheSame(int from, int to)
    {
        servers[from].Execute("""
            DROP SCHEMA IF EXISTS wide CASCADE; CREATE SCHEMA wide;
            CREATE TABLE wide.t (id smallint PRIMARY KEY, a int, b real, c numeric(8,2), d varchar(10), e char(4), f date, g int, h timestamp,
                i float8, j bytea, k bool, l float4);
            INSERT INTO wide.t VALUES (1, -7, 0.1, 12.50, 'x|y\z', 'ab', '2024-02-29', 5, '2024-01-01 10:00:00.5', 'NaN', '\x00ff', true, 1e-7);
            INSERT INTO wide.t VALUES (2);
            """);
        servers[to].Execute("""
            DROP SCHEMA IF EXISTS wide CASCADE; CREATE SCHEMA wide;
            CREATE TABLE wide.copied (id bigint PRIMARY KEY, a numeric, b float8, c numeric(12,5), d text, e text, f timestamp, g text,
                h timestamptz, i float8, j text, k text, l text);
            """);
        await using var source = new SourceRun(servers[from]);
        await using var run = new DestinationRun(servers[to]);
        var plan = (await run.LoadAsync(source.Source, new StreamRequest { Streams = ["wide.t"], Object = "wide.copied", Write = WriteMode.Merge })).Read;

        Assert.Empty(await DifferingAsync(source.Source, run.Destination, plan));
    }

    /// <summary>Bounds of one side mean the same rows on the other, whatever collation a column has.</summary>
    [Theory, ServerPair(15, 18)]
    public async Task Divide_KeysOfAnyType_HasTheSameRangesInBoth(int from, int to)
    {
        string[] keys =
        [
            "k int", "k uuid", "k text", "k timestamptz", "k int, l text", "k text COLLATE \"en-x-icu\", l numeric(12,2)", "k float8, l bytea",
        ];
        foreach (var columns in keys)
        {
            var names = string.Join(", ", columns.Split(", ").Select(static column => column.Split(' ')[0]));
            servers[from].Execute($"DROP SCHEMA IF EXISTS keyed CASCADE; CREATE SCHEMA keyed; CREATE TABLE keyed.t ({columns}, v text, PRIMARY KEY ({names}));"
                + $"INSERT INTO keyed.t SELECT {string.Join(", ", columns.Split(", ").Select(ValueOf))}, 'v' || i FROM generate_series(1, 500) i");
            servers[to].Execute("DROP SCHEMA IF EXISTS keyed CASCADE; CREATE SCHEMA keyed");
            await using var source = new SourceRun(servers[from]);
            await using var run = new DestinationRun(servers[to]);
            var plan = (await run.LoadAsync(source.Source, new StreamRequest { Streams = ["keyed.t"], Object = "keyed.copied" })).Read;
            servers[to].Execute("UPDATE keyed.copied SET v = 'other' WHERE v IN ('v7', 'v300')");

            await using var here = await ((IRangeHashes)source.Source).OpenHashesAsync(plan, null, CancellationToken.None);
            await using var there = await ((IRangeHashes)run.Destination).OpenHashesAsync(plan, here.Columns, CancellationToken.None);
            var ranges = await here.DivideAsync([new KeyRange(null, null)], 1, CancellationToken.None);
            var (left, right) = (await here.HashAsync(ranges, CancellationToken.None), await there.HashAsync(ranges, CancellationToken.None));

            Assert.Equal(501, ranges.Count);
            Assert.Equal((0, 500), (left[0].Rows, left.Count(static hash => hash.Rows == 1)));
            Assert.Equal(2, left.Zip(right).Count(static pair => pair.First != pair.Second));
            // some of them, not side by side
            var some = ranges.Where((_, i) => i % 3 == 1).ToList();
            Assert.Equal(left.Where((_, i) => i % 3 == 1), await here.HashAsync(some, CancellationToken.None));
            var compared = await new RangeComparison(here, there).RunAsync(CancellationToken.None);
            Assert.Equal((500, 2), (compared.Rows, compared.Differing));
            Assert.Equal(2, Assert.Single(compared.Keys).Keys.Length);
        }

        static string ValueOf(string column) => column.Split(' ')[1] switch
        {
            "int" => "i * 37 % 501",
            "uuid" => "md5(i::text)::uuid",
            "timestamptz" => "timestamptz '1999-12-31 23:00+00' + i * interval '7 hours'",
            "numeric(12,2)" => "i * 1.25 - 300",
            "bytea" => "decode(md5(i::text), 'hex')",
            "float8" => "1.0 / i",
            _ => "(ARRAY['a', 'B', '|', '\\', 'é', '😀', '\uffee', '\"', ' ', ','])[i % 10 + 1] || i",
        };
    }

    /// <summary>Names the columns that differ, those of all types by their type.</summary>
    private static async Task<List<string>> DifferingAsync(ISource source, IDestination destination, StreamPlan plan)
    {
        var differing = new List<string>();
        if (await HashAsync(source, plan, null) == await HashAsync(destination, plan, null))
            return differing;
        for (var i = 1; i < plan.Columns.Length; i++)
            if (await HashAsync(source, plan, i) != await HashAsync(destination, plan, i))
                differing.Add(plan.Stream.Name == "types.keyed" ? TypeTests.Cases[i - 1].Type : plan.Columns[i].SourceName);
        return differing;
    }

    private static async Task<RangeHash> HashAsync(object system, StreamPlan plan, int? column)
    {
        ImmutableArray<HashedColumn>? columns = column is { } one ? [new HashedColumn(one)] : null;
        await using var hasher = await ((IRangeHashes)system).OpenHashesAsync(plan, columns, CancellationToken.None);
        return Assert.Single(await hasher.HashAsync([new KeyRange(null, null)], CancellationToken.None));
    }
}

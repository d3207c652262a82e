using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Schemas;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests.Writing;

/// <summary>A key that comes more than once in a stream that is merged: the last in the order of the source counts, however chunks come.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlDestinationOrderTests(Servers servers)
{
    private const int Chunks = 7;
    private const int RowsPerBlock = 500;
    private const int BlocksPerChunk = 4;
    private const int Keys = 900;

    [Theory, Server(15), Server(18)]
    public async Task Merge_AKeyInManyChunks_TheLastInTheSourceCounts_HoweverChunksCome(int version)
    {
        var server = servers[version];
        foreach (var kind in new[] { "new", "indexed", "plain" })
        {
            server.Execute("DROP SCHEMA IF EXISTS turns CASCADE; CREATE SCHEMA turns");
            if (kind != "new")
                server.Execute($"CREATE TABLE turns.t (id bigint{(kind == "indexed" ? " PRIMARY KEY" : "")}, v text); INSERT INTO turns.t VALUES (1, 'old')");
            await using var run = new DestinationRun(server);
            var seed = version * 10 + kind.Length;
            var random = new Random(seed);
            var rows = Enumerable.Range(0, Chunks * BlocksPerChunk * RowsPerBlock).Select(i => (Key: random.Next(Keys), Value: $"row {i:d6}")).ToList();
            var expected = rows.GroupBy(static row => row.Key).Select(static same => $"{same.Key},{same.Last().Value}").Order(StringComparer.Ordinal);

            await run.Destination.PrepareAsync(Plan, CancellationToken.None);
            // what an attempt left behind is free for others to fill
            await using (var abandoned = await OpenAsync(run, 0))
                await WriteAsync(run, abandoned, rows[..RowsPerBlock]);
            var parts = await StageAsync(run, rows, random);
            server.Execute("VACUUM turns." + server.Ask<string>(
                "SELECT relname::text FROM pg_class WHERE relnamespace = 'turns'::regnamespace AND relkind = 'r' AND relname LIKE '\\_nebula\\_s\\_%'"));
            // a chunk that is moved once more
            parts[2] = await StageChunkAsync(run, 2, rows);
            await run.Destination.CommitAsync(new CommitRequest(Plan, parts, new Checkpoint("s", "", 1), "token"), CancellationToken.None);

            Assert.True(expected.SequenceEqual(run.Rows("SELECT id, v FROM turns.t").Order(StringComparer.Ordinal)), $"{kind}, seed {seed}");
            Assert.Equal(["id", "v"], run.Rows("SELECT attname FROM pg_attribute WHERE attrelid = 'turns.t'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY 1"));
        }
    }

    private static StreamPlan Plan { get; } = new StreamPlan
    {
        Stream = new CatalogStream("s", new Schema([new Field("id", DataType.Int64), new Field("v", DataType.String)])),
        Columns = [.. ((Field[])[new("id", DataType.Int64), new("v", DataType.String)]).Select(static field => new PlannedColumn(field.Name, field))],
        Object = "turns.t",
        RunId = "run",
        Write = WriteMode.Merge,
        PrimaryKey = ["id"],
    }.Build();

    /// <summary>Stages chunks, some at the same time, block by block in an order of chance; each chunk's own blocks in order.</summary>
    private static async Task<StagedPart[]> StageAsync(DestinationRun run, List<(int Key, string Value)> rows, Random random)
    {
        const int AtOnce = 3;
        var parts = new StagedPart[Chunks];
        var waiting = new Queue<int>(Enumerable.Range(0, Chunks).OrderBy(_ => random.Next()));
        var open = new List<(int Chunk, IDestinationWriter Writer, int Block)>();
        while (waiting.Count > 0 || open.Count > 0)
        {
            while (open.Count < AtOnce && waiting.TryDequeue(out var next))
                open.Add((next, await OpenAsync(run, next), 0));
            var turn = random.Next(open.Count);
            var (chunk, writer, block) = open[turn];
            await WriteAsync(run, writer, rows.GetRange((chunk * BlocksPerChunk + block) * RowsPerBlock, RowsPerBlock));
            open[turn] = (chunk, writer, block + 1);
            if (block + 1 < BlocksPerChunk)
                continue;
            parts[chunk] = await writer.CompleteAsync(CancellationToken.None);
            await writer.DisposeAsync();
            open.RemoveAt(turn);
        }
        return parts;
    }

    private static async Task<StagedPart> StageChunkAsync(DestinationRun run, int chunk, List<(int Key, string Value)> rows)
    {
        await using var writer = await OpenAsync(run, chunk);
        await WriteAsync(run, writer, rows.GetRange(chunk * BlocksPerChunk * RowsPerBlock, BlocksPerChunk * RowsPerBlock));
        return await writer.CompleteAsync(CancellationToken.None);
    }

    private static Task<IDestinationWriter> OpenAsync(DestinationRun run, int chunk) =>
        run.Destination.OpenAsync(Plan, new Chunk(chunk, ""), new WriteContext(run.Pool), CancellationToken.None);

    private static async Task WriteAsync(DestinationRun run, IDestinationWriter writer, List<(int Key, string Value)> rows)
    {
        using var builder = new RecordBatchBuilder(run.Pool, Plan.Schema);
        foreach (var (key, value) in rows)
        {
            builder.Columns[0].Append((long)key);
            builder.Columns[1].AppendBytes(Encoding.UTF8.GetBytes(value));
        }
        builder.Length = rows.Count;
        using var batch = builder.Build();
        using var block = writer.Encode(batch);
        await writer.WriteAsync(block, CancellationToken.None);
    }
}

using System.Globalization;
using Nebula.Connectors.PostgreSql;
using Nebula.Connectors.PostgreSql.Connection;
using Nebula.Connectors.PostgreSql.Writing;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Tests;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests;

/// <summary>What goes to and from a server with <c>limits.max_bytes_per_second</c>.</summary>
[Collection(ServersCollection.Name)]
public sealed class PostgreSqlRateLimitTests(Servers servers)
{
    private const int Rate = 1_000_000;
    private readonly JumpingTime _time = new();

    [Theory, Server(15), Server(18)]
    public async Task Read_OverSeveralConnections_KeepsToTheLimitTogether(int version)
    {
        var server = Create(version);
        await using var source = Source(server, new RateLimit(Rate, _time));
        var plan = await PlanAsync(source);
        var before = _time.Elapsed;

        var whole = await ReadAsync(source, plan, null);
        var once = _time.Elapsed - before;
        var chunks = await ReadAsync(source, plan, 1 << 20);
        var twice = _time.Elapsed - before;

        // besides rows there are logins, a header for each row, and a snapshot to share
        Assert.InRange(once.TotalSeconds * Rate, whole - Rate / 10, whole * 1.1 + Rate / 10);
        Assert.InRange((twice - once).TotalSeconds * Rate, chunks - Rate / 10, chunks * 1.2 + Rate / 10);
    }

    [Theory, Server(15), Server(18)]
    public async Task Write_OverSeveralConnections_KeepsToTheLimitTogether(int version)
    {
        var server = Create(version);
        using var pool = new BufferPool();
        await using var source = new PostgreSqlSource(PostgreSqlOptions.Of(Values(server, PostgreSqlOptions.Descriptors)));
        var options = WriteOptions.Of(Values(server, WriteOptions.Descriptors));
        await using var target = new PostgreSqlDestination(options with { Connection = Limited(options.Connection, new RateLimit(Rate, _time)) });

        var result = await new StreamRun(source, target, new PipelineOptions { Workers = 2, MemoryLimit = 1 }, pool, "run")
            .RunAsync(new StreamRequest { Streams = ["limited.t"], Object = "limited.copy" }, CancellationToken.None);

        Assert.Equal(server.CopyCsv("SELECT * FROM limited.t ORDER BY id"), server.CopyCsv("SELECT * FROM limited.copy ORDER BY id"));
        // 12 MB of rows, in COPY's form
        Assert.InRange(_time.Elapsed.TotalSeconds, 11.9, 13.5);
        Assert.Equal(0, pool.Outstanding);
    }

    [Theory, Server(15), Server(18)]
    public async Task Read_ClosedWhileItWaits_Ends(int version)
    {
        var server = Create(version);
        await using var source = Source(server, new RateLimit(10 * Rate, _time));
        var plan = await PlanAsync(source);
        var chunks = await SplitAsync(source, plan, null);
        using var pool = new BufferPool();
        // what is sent while it is opened goes at once, the rest never
        _time.Advance(TimeSpan.FromHours(1));
        _time.Stand();
        var before = _time.Waits.Count;
        var reader = await source.OpenAsync(plan, Assert.Single(chunks), new ReadContext(pool, 64 << 10), CancellationToken.None);
        using var cancelled = new CancellationTokenSource();
        var fetching = Task.Run(async () =>
        {
            while (await reader.FetchAsync(cancelled.Token) is { } block)
                block.Dispose();
        });
        while (_time.Waits.Count == before && !fetching.IsCompleted)
            Thread.Yield();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fetching);
        await reader.DisposeAsync();
        Assert.Equal(0, pool.Outstanding);
    }

    private PostgreSqlServer Create(int version)
    {
        var server = servers[version];
        server.Execute("""
            DROP SCHEMA IF EXISTS limited CASCADE; CREATE SCHEMA limited;
            CREATE TABLE limited.t AS SELECT i AS id, repeat('x', 1000) AS body FROM generate_series(1, 12000) i
            """);
        return server;
    }

    private static PostgreSqlOptions Limited(PostgreSqlOptions options, RateLimit limit) => options with { Wire = options.Wire with { Limit = limit } };

    private static OptionValues Values(PostgreSqlServer server, IReadOnlyList<OptionDescriptor> known) => new("postgresql", known, new[]
    {
        ("host", "127.0.0.1"), ("port", server.Port.ToString(CultureInfo.InvariantCulture)), ("user", "nebula"), ("password", PostgreSqlServer.Password),
        ("database", "postgres"),
    }.Select(static option => KeyValuePair.Create(option.Item1, new OptionValue([option.Item2], new SourceLocation("test")))));

    private static PostgreSqlSource Source(PostgreSqlServer server, RateLimit limit) =>
        new(Limited(PostgreSqlOptions.Of(Values(server, PostgreSqlOptions.Descriptors)), limit));

    private static async Task<StreamPlan> PlanAsync(PostgreSqlSource source)
    {
        var found = Assert.Single((await source.DiscoverAsync(new DiscoverRequest { Streams = ["limited.t"] }, CancellationToken.None)).Streams);
        return new StreamPlan
        {
            Stream = found,
            Columns = [.. found.Schema.Fields.Select(static field => new PlannedColumn(field.Name, field))],
            Object = "",
            RunId = "run",
        }.Build();
    }

    private static async Task<List<Chunk>> SplitAsync(PostgreSqlSource source, StreamPlan plan, long? chunkBytes)
    {
        var chunks = new List<Chunk>();
        await foreach (var chunk in source.SplitAsync(plan, new SplitRequest { ChunkBytes = chunkBytes }, CancellationToken.None))
            chunks.Add(chunk);
        return chunks;
    }

    /// <summary>Reads all chunks at once.</summary>
    /// <returns>Bytes of rows.</returns>
    private static async Task<double> ReadAsync(PostgreSqlSource source, StreamPlan plan, long? chunkBytes)
    {
        using var pool = new BufferPool();
        var chunks = await SplitAsync(source, plan, chunkBytes);
        Assert.True(chunkBytes is null ? chunks.Count == 1 : chunks.Count > 3, $"{chunks.Count} chunks");
        var bytes = await Task.WhenAll(chunks.Select(chunk => Task.Run(async () =>
        {
            await using var reader = await source.OpenAsync(plan, chunk, new ReadContext(pool, 64 << 10), CancellationToken.None);
            while (await reader.FetchAsync(CancellationToken.None) is { } block)
                block.Dispose();
            return (double)reader.BytesRead;
        })));
        Assert.Equal(0, pool.Outstanding);
        return bytes.Sum();
    }
}

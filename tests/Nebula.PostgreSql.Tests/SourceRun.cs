using System.Globalization;
using System.Text;
using Nebula.Connectors.Files;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Connectors.PostgreSql;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;
using Nebula.PostgreSql.Tests.Server;

namespace Nebula.PostgreSql.Tests;

/// <summary>Reads streams of a server. Whatever happens, every buffer is back in its pool at the end.</summary>
internal sealed class SourceRun : IAsyncDisposable
{
    private readonly BufferPool _pool = new();

    public SourceRun(PostgreSqlServer server, string database = "postgres", params (string Key, string Value)[] settings)
        : this([("host", "127.0.0.1"), ("port", server.Port.ToString(CultureInfo.InvariantCulture)), ("user", "nebula"),
            ("password", PostgreSqlServer.Password), ("database", database), .. settings])
    {
    }

    public SourceRun((string Key, string Value)[] settings)
    {
        var connector = new ConnectorRegistry().AddPostgreSql().Find("pg")!;
        // what is named twice counts as it is named last
        Source = connector.Source(new OptionValues("source \"postgresql\"", connector.SourceOptions!,
            settings.GroupBy(static s => s.Key).Select(static s => KeyValuePair.Create(s.Key, new OptionValue([s.Last().Value], new SourceLocation("test"))))));
    }

    public ISource Source { get; }

    public BufferPool Pool => _pool;

    public int BlockSize { get; init; } = 64 << 10;

    public async Task<StreamPlan> PlanAsync(string stream, bool asText = false, params (string Column, DataType Type)[] types)
    {
        var catalog = await Source.DiscoverAsync(new DiscoverRequest { Streams = [stream], InferTypes = !asText }, CancellationToken.None);
        var found = Assert.Single(catalog.Streams);
        return new StreamPlan
        {
            Stream = found,
            Columns = [.. found.Schema.Fields.Select(field => types.FirstOrDefault(type => type.Column == field.Name) is { Type: { } type }
                ? new PlannedColumn(field.Name, new Field(field.Name, type, field.Nullable)) { TypeIsFixed = true } : new PlannedColumn(field.Name, field))],
            Object = "",
            RunId = "run",
        }.Build();
    }

    /// <summary>Plans a statement of the user's.</summary>
    public async Task<StreamPlan> PlanStatementAsync(string sql, bool asText = false)
    {
        var request = new DiscoverRequest { Streams = ["mine"], Sql = sql, InferTypes = !asText };
        var found = Assert.Single((await Source.DiscoverAsync(request, CancellationToken.None)).Streams);
        return new StreamPlan
        {
            Stream = found,
            Columns = [.. found.Schema.Fields.Select(static field => new PlannedColumn(field.Name, field))],
            Object = "",
            RunId = "run",
            Sql = sql,
        }.Build();
    }

    /// <summary>Reads what is new in a stream, in the way that a run does.</summary>
    /// <param name="plan">The stream.</param>
    /// <param name="from">The position that the read before ended with; null for the first.</param>
    /// <param name="chunkBytes">Bytes of a chunk; null for one.</param>
    public async Task<(List<string> Lines, string Position, int Chunks)> ReadNewAsync(StreamPlan plan, string? from = null, long? chunkBytes = null)
    {
        var checkpoint = from is null ? null : new Checkpoint(plan.Stream.Name, from, 1);
        var position = await Source.FindPositionAsync(plan, checkpoint, CancellationToken.None);
        var chunks = await SplitAsync(plan, chunkBytes, checkpoint);
        var lines = new List<string>();
        foreach (var chunk in chunks)
            lines.AddRange((await ReadAsync(plan, chunk)).Lines);
        lines.Sort(StringComparer.Ordinal);
        return (lines, position, chunks.Count);
    }

    public async Task<List<Chunk>> SplitAsync(StreamPlan plan, long? chunkBytes = null, Checkpoint? from = null)
    {
        var chunks = new List<Chunk>();
        await foreach (var chunk in Source.SplitAsync(plan, new SplitRequest { ChunkBytes = chunkBytes, From = from }, CancellationToken.None))
            chunks.Add(chunk);
        return chunks;
    }

    public Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, CancellationToken cancellationToken = default) =>
        Source.OpenAsync(plan, chunk, new ReadContext(_pool, BlockSize), cancellationToken);

    /// <summary>Reads a stream in chunks, all at once, and renders each row.</summary>
    public async Task<Rows> ReadAsync(StreamPlan plan, long? chunkBytes = null)
    {
        var chunks = await SplitAsync(plan, chunkBytes);
        var parts = await Task.WhenAll(chunks.Select(chunk => Task.Run(() => ReadAsync(plan, chunk))));
        return new Rows([.. parts.SelectMany(static part => part.Lines)], [.. parts.SelectMany(static part => part.Rejected)]) { Chunks = chunks.Count };
    }

    public async Task<Rows> ReadAsync(string stream, params (string Column, DataType Type)[] types) =>
        await ReadAsync(await PlanAsync(stream, asText: false, types));

    public async Task<Rows> ReadAsync(StreamPlan plan, Chunk chunk)
    {
        var rows = new Rows([], []);
        await using var reader = await OpenAsync(plan, chunk);
        while (await reader.FetchAsync(CancellationToken.None) is { } block)
            using (block)
                reader.Decode(block, rows);
        return rows;
    }

    /// <summary>Writes a stream to a file, in the way that a run does, and reads the file.</summary>
    public async Task<string> WriteAsync(string stream, string file)
    {
        var folder = Directory.CreateTempSubdirectory("nebula-postgres-");
        try
        {
            var path = Path.Combine(folder.FullName, file);
            await using var destination = new FileDestination(
                new OptionValues("target \"file\"", Connectors.Files.FileOptions.ForDestination(null),
                    [KeyValuePair.Create("path", new OptionValue([path], new SourceLocation("test")))]), null, new LocalStore());
            var run = new StreamRun(Source, destination, new PipelineOptions { Workers = 2, MemoryLimit = 1 }, _pool, "run");
            await run.RunAsync(new StreamRequest { Streams = [stream] }, CancellationToken.None);
            return await File.ReadAllTextAsync(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
    }
}

/// <summary>Rows as text: values with bars between.</summary>
internal sealed record Rows(List<string> Lines, List<RejectedRow> Rejected) : IDecodeSink
{
    public int Chunks { get; init; }

    public void Add(RecordBatch batch)
    {
        using (batch)
            for (var row = 0; row < batch.Length; row++)
                Lines.Add(string.Join('|', batch.Columns.Select(column => Render(column, row))));
    }

    public void Reject(RejectedRow row) => Rejected.Add(row);

    void IDecodeSink.Lines(long count) => Assert.Fail("a table has no lines");

    private static string Render(Column column, int row) => column.IsNull(row) ? "null" : column.Type.Kind switch
    {
        TypeKind.Bool => Bitmap.Get(column.Bits, row) ? "true" : "false",
        TypeKind.Int16 => Text(column.Values<short>()[row]),
        TypeKind.Int32 or TypeKind.Date => Text(column.Values<int>()[row]),
        TypeKind.UInt32 => Text(column.Values<uint>()[row]),
        TypeKind.Int64 or TypeKind.Time or TypeKind.Timestamp => Text(column.Values<long>()[row]),
        TypeKind.Float32 => Text(column.Values<float>()[row]),
        TypeKind.Float64 => Text(column.Values<double>()[row]),
        TypeKind.Decimal => column.Type.ByteWidth == sizeof(long) ? Text(column.Values<long>()[row]) : Text(column.Values<Int128>()[row]),
        TypeKind.Uuid => Convert.ToHexStringLower(System.Runtime.InteropServices.MemoryMarshal.AsBytes(column.Values<Int128>().Slice(row, 1))),
        TypeKind.Binary => Convert.ToHexStringLower(column.GetBytes(row)),
        _ => Encoding.UTF8.GetString(column.GetBytes(row)),
    };

    private static string Text<T>(T value) where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}

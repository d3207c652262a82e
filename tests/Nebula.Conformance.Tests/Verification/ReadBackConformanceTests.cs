using Nebula.Conformance.Tests.Containers;
using Nebula.Connectors.Files;
using Nebula.Connectors.ObjectStores.Local;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;
using Nebula.Engine.Verification;
using Xunit.Abstractions;

namespace Nebula.Conformance.Tests.Verification;

/// <summary>
/// What was written is found again, value by value, in every format: hashes of what went in are those of what comes out, and nothing is a false alarm.
/// </summary>
public sealed class ReadBackConformanceTests(ITestOutputHelper output) : IDisposable
{
    private const int LargestFile = 64 << 10;
    private const int MostFiles = 50;

    // times before midnight and decimals of more digits than their type has: values that no reader of their text can take for what they are declared to be
    private static readonly string[] ImpossibleValues = ["negative-timetz.parquet", "pandas_decimal.parquet"];
    private static readonly string[] Targets =
    [
        "out.csv", "out.tsv.gz", "out.jsonl", "out.json", "out.jsonl.zst", "out.parquet", "out.arrow", "out.avro", "out.orc",
        "parts/p-{part:05}.csv.lz4", "parts/p-{part:05}.parquet",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("nebula-verify-").FullName;

    private int _runs;

    public static TheoryData<string> AllTargets => [.. Targets];

    public static TheoryData<string> Suites => ["parquet", "arrow", "avro", "orc", "csv", "jsonl"];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(AllTargets))]
    public async Task Compare_EveryType_FindsWhatWasWritten(string target)
    {
        DataType[] types = [.. SampleColumns.FlatTypes, DataType.Timestamp(zone: "Europe/Berlin"), .. SampleColumns.NestedTypes];
        foreach (var style in Enum.GetValues<SampleStyle>())
            foreach (var (type, i) in types.Select(static (type, i) => (type, i)))
            {
                var schema = new Schema([new Field("a col-umn, \"ä\".1", type), new Field("n", DataType.Int64)]);
                await CompareGeneratedAsync(new GeneratedSource(schema, rows: 700, style, seed: i), target, $"{type}, {style}");
            }
    }

    /// <summary>In a single column of text, null and the empty text are the same in CSV.</summary>
    [Theory]
    [MemberData(nameof(AllTargets))]
    public async Task Compare_EveryTypeAlone_FindsWhatWasWritten(string target)
    {
        foreach (var (type, i) in SampleColumns.FlatTypes.Select(static (type, i) => (type, i)))
            await CompareGeneratedAsync(new GeneratedSource(new Schema([new Field("a", type)]), rows: 300, SampleStyle.Few, seed: i), target, type.ToString());
    }

    [Theory]
    [InlineData("out.csv", "delimiter", ";", "quote", "'", "quoting", "all", "null_marker", "NULL", "line_end", "crlf")]
    [InlineData("out.csv", "delimiter", "\\t", "header", "false")]
    [InlineData("out.csv", "delimiter", "-", "null_marker", "1")]
    [InlineData("out.json", "format", "array", "nulls", "omit")]
    [InlineData("out.jsonl", "nulls", "omit")]
    [InlineData("out.parquet", "compression", "zstd")]
    [InlineData("out.bin", "format", "csv", "compression", "zstd")]
    [InlineData("out", "format", "parquet", "partition_by", "b")]
    [InlineData("out", "format", "json", "partition_by", "b", "file_size", "1KB")]
    [InlineData("out/a.csv.gz", "partition_by", "b,t", "header", "false")]
    public async Task Compare_WriteOptions_ReadBackWithThem(string target, params string[] settings)
    {
        var options = settings.Chunk(2).Select(static pair => (pair[0], pair[1])).ToArray();
        var schema = new Schema(
        [
            new Field("a", DataType.String), new Field("b", DataType.Int8), new Field("c", DataType.Float64),
            new Field("t", DataType.String), new Field("d", DataType.Bool),
            new Field("e", DataType.Timestamp(zone: "UTC")), new Field("f", DataType.Decimal(18, 3)), new Field("g", DataType.Json),
            new Field("h", DataType.Binary),
        ]);
        await CompareAsync(
            new GeneratedSource(schema, rows: 900, SampleStyle.Few, seed: 5), target, string.Join(' ', settings),
            [("max_partitions", "100000"), .. options]);
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public async Task Compare_FilesOfOthers_FindsWhatWasWrittenInEveryFormat(string suite)
    {
        if (!SharedFixtures.TryFind(suite, output, out var folder))
            return;
        var compared = 0;
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Where(IsWanted).ToList();
        // every file costs several writes to the disk, so that of many some must do
        var step = Math.Max(1, files.Count / MostFiles);
        for (var i = 0; i < files.Count; i += step)
            for (var j = i / step % 4; j < Targets.Length; j += 4)
                try
                {
                    await using var source = new FileSource(Options("source", Connectors.Files.FileOptions.ForSource(null), files[i], []), null,
                        new LocalStore());
                    compared += await CompareAsync(source, Targets[j], files[i], []) ? 1 : 0;
                }
                catch (NebulaException e) when (e.Kind is not ErrorKind.Verification)
                {
                    // whether it can be read and written is for other tests to say
                }
        output.WriteLine($"{compared} comparisons");
        Assert.True(compared > 20, $"{compared} comparisons");
    }

    private static bool IsWanted(string file) => new FileInfo(file).Length < LargestFile && FileFormats.ByPath(FileCodecs.WithoutExtension(file)) is not null
        && !file.Contains(".expected", StringComparison.Ordinal) && !ImpossibleValues.Contains(Path.GetFileName(file));

    private async Task CompareGeneratedAsync(GeneratedSource source, string target, string what)
    {
        try
        {
            Assert.True(await CompareAsync(source, target, what, []));
        }
        catch (DataFormatException e) when (e.Message.Contains("ORC cannot tell", StringComparison.Ordinal))
        {
            // a few moments have no form in ORC, and are refused
        }
    }

    private async Task<bool> CompareAsync(ISource source, string target, string what, (string Key, string Value)[] settings)
    {
        using var pool = new BufferPool();
        var options = new PipelineOptions { Workers = 2, Verify = VerifyMode.Chunk, BadRows = new BadRowOptions { Policy = BadRowPolicy.Skip } };
        // the option 'format' of JSON is not the one that names a format
        var format = FileFormats.ByName("json") is { } json && json.Extensions.Any(target.EndsWith) ? json : null;
        if (target.EndsWith(".json", StringComparison.Ordinal) && settings.Length == 0)
            settings = [("format", "array")];
        var values = Options("target", Connectors.Files.FileOptions.ForDestination(format), Path.Combine(_folder, target), settings);
        await using var destination = new FileDestination(values, format, new LocalStore());
        var result = await new StreamRun(source, destination, options, pool, $"run{++_runs}")
            .RunAsync(new StreamRequest { Lossy = LossyPolicy.Allow }, CancellationToken.None);
        Assert.All(result.Parts, static part => Assert.NotNull(part.Hash));
        var comparisons = await new ReadBack(destination, options, pool).CompareAsync(result.Plan, result.Parts, CancellationToken.None);
        Assert.NotNull(comparisons);
        Assert.Equal(result.Parts.Count, comparisons.Count);
        foreach (var comparison in comparisons)
            Assert.True(comparison is { Matches: true, HasValues: true }, $"{what} in {target}: {comparison} {string.Join(", ", comparison.Columns)}");
        Assert.Equal(0, pool.Outstanding);
        return result.Parts.Sum(static part => part.Rows) > 0;
    }

    private static OptionValues Options(string owner, IReadOnlyList<OptionDescriptor> known, string path, (string Key, string Value)[] settings) => new(
        owner, known, settings.Append(("path", path)).Select(static setting => KeyValuePair.Create(
            setting.Item1, new OptionValue(setting.Item1 == "partition_by" ? setting.Item2.Split(',') : [setting.Item2], new SourceLocation("test")))));

    /// <summary>Rows of generated columns, in several blocks.</summary>
    private sealed class GeneratedSource(Schema schema, int rows, SampleStyle style, int seed) : ISource
    {
        private const int Blocks = 5;

        public bool CanRestart => true;

        public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<CheckResult>>([]);

        public Task<Catalog> DiscoverAsync(DiscoverRequest request, CancellationToken cancellationToken) =>
            Task.FromResult(new Catalog([new CatalogStream("generated", schema)]));

        public async IAsyncEnumerable<Chunk> SplitAsync(
            StreamPlan plan, SplitRequest request,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            yield return new Chunk(0, "");
        }

        public Task<ISourceReader> OpenAsync(StreamPlan plan, Chunk chunk, ReadContext context, CancellationToken cancellationToken) =>
            Task.FromResult<ISourceReader>(new Reader(plan, this, context.Pool));

        public Task AcknowledgeAsync(Checkpoint checkpoint, CancellationToken cancellationToken) => Task.CompletedTask;

        public ValueTask DisposeAsync() => default;

        private RecordBatch Make(int block, Schema planned, BufferPool pool)
        {
            var random = new Random((seed * Blocks) + block);
            return new RecordBatch(
                planned, [.. schema.Fields.Select(field => SampleColumns.Create(pool, field.Type, rows / Blocks, 0.2, style, random))],
                rows / Blocks);
        }

        private sealed class Reader(StreamPlan plan, GeneratedSource source, BufferPool pool) : ISourceReader
        {
            private int _next;

            public long? TotalBytes => null;

            public long BytesRead => 0;

            public ValueTask<RawBlock?> FetchAsync(CancellationToken cancellationToken) =>
                new(_next == Blocks ? null : new RawBlock(pool.Rent(1), new SourcePosition("generated", 0)) { Context = _next++ });

            public void Decode(RawBlock block, IDecodeSink sink)
            {
                var made = source.Make(block.Context, source.Schema, pool);
                var converter = new Engine.Conversion.BatchConverter(
                    source.Schema, plan.Schema, [.. Enumerable.Range(0, plan.Schema.Fields.Length)], plan.Lossy, pool);
                new Engine.Conversion.ConvertingSink(converter, sink, block.Position).Add(made);
            }

            public ValueTask DisposeAsync() => default;
        }

        private Schema Schema => schema;
    }
}

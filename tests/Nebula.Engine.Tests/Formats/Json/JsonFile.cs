using System.Collections.Immutable;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Json;
using Nebula.Engine.Formats.Json.Writing;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Tests.Formats.Json;

/// <summary>Reads a file as a run does: detect, cut, infer, decode. Asserts that every buffer comes back.</summary>
internal sealed class JsonFile
{
    public SimdLevel Level { get; init; } = Simd.Level;

    public Dictionary<string, string> Options { get; init; } = [];

    /// <summary>Bytes that the caller of the splitter has at first, and gets more of each time.</summary>
    public int Step { get; init; } = 1 << 20;

    public bool InferTypes { get; init; } = true;

    /// <summary>How many blocks the inferrer sees; the others come as a surprise.</summary>
    public int SampledBlocks { get; init; } = int.MaxValue;

    public Dictionary<string, DataType> Types { get; init; } = [];

    /// <summary>The columns wanted; all when null.</summary>
    public string[]? Select { get; init; }

    public Schema Schema { get; private set; } = new([]);

    public IReadOnlyDictionary<string, string> Dialect { get; private set; } = ImmutableDictionary<string, string>.Empty;

    public List<object?[]> Rows { get; } = [];

    public List<RejectedRow> Rejected { get; } = [];

    public StringBuilder Lines { get; } = new();

    public long LineCount { get; private set; }

    public int Blocks { get; private set; }

    public int Batches { get; private set; }

    public static JsonFile Read(string content) => new JsonFile().Run(Encoding.UTF8.GetBytes(content));

    public JsonFile Run(string content) => Run(Encoding.UTF8.GetBytes(content));

    public JsonFile Run(byte[] content)
    {
        var format = new JsonFormat(Level);
        var options = new OptionValues("source \"json\"", format.ReadOptions,
            Options.Select(static option => KeyValuePair.Create(option.Key, new OptionValue([option.Value], new SourceLocation("test")))));
        var sample = content.AsSpan(0, Math.Min(content.Length, 64 << 10));
        var dialect = new Dictionary<string, string>(format.DetectDialect(sample, sample.Length == content.Length, options));
        if (!InferTypes)
            dialect[JsonDialect.TypesKey] = "text";
        Dialect = dialect;
        if (format.EncodingOf(dialect) is { } encoding)
            content = Encoding.UTF8.GetBytes(encoding.GetString(content));
        using var pool = new BufferPool();
        var blocks = new List<RawBlock>();
        try
        {
            Cut(format.CreateSplitter(dialect, "test.json"), content, pool, blocks);
            Blocks = blocks.Count;
            var inferrer = format.CreateInferrer(dialect, new DiscoverRequest { InferTypes = InferTypes, Types = Types }, "test.json");
            foreach (var block in blocks.Take(SampledBlocks))
                inferrer.Observe(block.Buffer.Content, block.Context);
            Schema = inferrer.Build();
            var plan = new StreamPlan
            {
                Stream = new CatalogStream("test", Schema) { Details = dialect },
                Columns = [.. Schema.Fields.Where(field => Select?.Contains(field.Name) ?? true)
                    .Select(field => new PlannedColumn(field.Name, field) { TypeIsFixed = Types.ContainsKey(field.Name) })],
                Object = "",
                RunId = "",
            }.Build();
            Schema = plan.Schema;
            var decoder = format.CreateDecoder(plan, pool);
            var sink = new Sink(this, new JsonEncoder(Schema, false, omitNulls: true, pool, Level));
            foreach (var block in blocks)
                decoder.Decode(block, sink);
        }
        finally
        {
            blocks.ForEach(static block => block.Dispose());
            Assert.Equal(0, pool.Outstanding);
        }
        return this;
    }

    private void Cut(IRecordSplitter splitter, byte[] content, BufferPool pool, List<RawBlock> blocks)
    {
        var at = 0;
        var available = Math.Min(Step, content.Length);
        using var memory = pool.Rent(content.Length);
        while (at < content.Length)
        {
            // what lies behind the bytes must not matter
            memory.Span.Fill((byte)"\"},]"[at % 4]);
            content.AsSpan(at, available - at).CopyTo(memory.Span);
            var cut = splitter.FindBoundary(memory.Span[..(available - at)], available == content.Length, out var context);
            Assert.InRange(cut, 0, available - at);
            if (cut > 0)
            {
                var buffer = pool.Rent(cut);
                memory.Span[..cut].CopyTo(buffer.Span);
                buffer.Length = cut;
                blocks.Add(new RawBlock(buffer, new SourcePosition("test.json", at)) { Context = context });
                at += cut;
                if (at < available)
                    continue;
            }
            Assert.True(cut > 0 || available < content.Length, "nothing was cut at the end");
            available = Math.Min(available + Step, content.Length);
        }
    }

    private sealed class Sink(JsonFile file, JsonEncoder encoder) : IDecodeSink
    {
        public void Add(RecordBatch batch)
        {
            using (batch)
            {
                file.Batches++;
                using var block = encoder.Encode(batch);
                file.Lines.Append(Encoding.UTF8.GetString(block.Buffer.Content));
                for (var i = 0; i < batch.Length; i++)
                    file.Rows.Add([.. batch.Columns.Select(column => TestColumns.Read(column, i))]);
                foreach (var column in batch.Columns)
                    TestColumns.AssertConsistent(column, batch.Length);
            }
        }

        public void Reject(RejectedRow row) => file.Rejected.Add(row);

        public void Lines(long count) => file.LineCount += count;
    }
}

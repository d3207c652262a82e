using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Formats.Csv.Reading;
using Nebula.Engine.Schemas;
using Nebula.Engine.Tests.Formats.Json;

namespace Nebula.Engine.Tests.Formats.Csv;

/// <summary>
/// Reads CSV as a file source does, from memory: cut into blocks by the splitter, each block decoded on its own, places completed in the order of the blocks.
/// </summary>
internal static class CsvReading
{
    /// <summary>What became of an input.</summary>
    internal sealed record Result(List<object?[]> Rows, List<(long Line, string Reason, string Raw)> Rejected, long Lines)
    {
        /// <summary>Rows and rejected rows as text, to compare and to show.</summary>
        public string Render() => string.Join('\n', Rows.Select(static row => string.Join(" | ", row.Select(Show)))) + "\n-- "
            + string.Join("\n-- ", Rejected.Select(static r => $"{r.Line}: {r.Raw}"));

        public static string Show(object? value) => value switch
        {
            null => "∅",
            string text => $"'{text}'",
            _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!
        };
    }

    public static CsvDialect WithColumns(this CsvDialect dialect, int count) => dialect with { Columns = CsvHeader.Generate(count) };

    public static StreamPlan Plan(CsvDialect dialect, DataType[]? types = null, bool isFixed = true) => new StreamPlan
    {
        Stream = new CatalogStream("test.csv", new Schema(dialect.Columns.Select(static name => new Field(name, DataType.String))))
        {
            Details = dialect.ToDetails(),
        },
        Columns = [.. dialect.Columns.Select((name, i) => new PlannedColumn(name, new Field(name, types?[i] ?? DataType.String)) { TypeIsFixed = isFixed })],
        Object = "",
        RunId = "run",
    }.Build();

    public static Result Read(string text, CsvDialect dialect, int blockSize = 1 << 20, DataType[]? types = null, bool isFixed = true) =>
        Read(Encoding.UTF8.GetBytes(text), dialect, blockSize, types, isFixed);

    public static Result Read(byte[] input, CsvDialect dialect, int blockSize = 1 << 20, DataType[]? types = null, bool isFixed = true)
    {
        using var pool = new BufferPool();
        try
        {
            return Read(input, dialect, blockSize, Plan(dialect, types, isFixed), pool);
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
        }
    }

    /// <summary>The columns that the whole input gives.</summary>
    public static Schema Infer(string text, CsvDialect dialect, int blockSize = 1 << 20)
    {
        using var pool = new BufferPool();
        var inferrer = new CsvSchemaInferrer(dialect, new DiscoverRequest());
        foreach (var block in Blocks(Encoding.UTF8.GetBytes(text), dialect, blockSize, pool))
            using (block)
                inferrer.Observe(block.Buffer.Content, block.Context);
        return inferrer.Build();
    }

    public static Result Read(byte[] input, CsvDialect dialect, int blockSize, StreamPlan plan, BufferPool pool)
    {
        var decoder = new CsvBlockDecoder(plan, pool);
        var result = new Result([], [], 0);
        foreach (var block in Blocks(input, dialect, blockSize, pool))
            using (block)
            {
                var sink = new Sink(result, result.Lines);
                decoder.Decode(block, sink);
                sink.Complete();
                result = result with { Lines = result.Lines + sink.LineCount };
            }
        return result;
    }

    public static IEnumerable<RawBlock> Blocks(byte[] input, CsvDialect dialect, int blockSize, BufferPool pool)
    {
        var splitter = new CsvSplitter(dialect, "test.csv");
        int start = 0, end = 0;
        while (start < input.Length)
        {
            end = Math.Min(input.Length, end + blockSize);
            var buffer = pool.Rent(end - start);
            input.AsSpan(start..end).CopyTo(buffer.Span);
            buffer.Length = end - start;
            int cut, context;
            try
            {
                cut = splitter.FindBoundary(buffer.Content, end == input.Length, out context);
            }
            catch
            {
                buffer.Dispose();
                throw;
            }
            if (cut == 0)
            {
                buffer.Dispose();
                if (end == input.Length)
                    yield break;
                continue;
            }
            Assert.InRange(cut, 1, buffer.Length);
            buffer.Length = cut;
            yield return new RawBlock(buffer, new SourcePosition("test.csv", start)) { Context = context };
            start += cut;
        }
    }

    private sealed class Sink(Result result, long linesBefore) : IDecodeSink
    {
        private readonly List<RejectedRow> _rejected = [];

        public long LineCount { get; private set; }

        public void Add(RecordBatch batch)
        {
            using (batch)
                for (var row = 0; row < batch.Length; row++)
                    result.Rows.Add([.. batch.Columns.Select(column => TestColumns.Read(column, row))]);
        }

        public void Reject(RejectedRow row) => _rejected.Add(row);

        public void Lines(long count) => LineCount += count;

        public void Complete() => result.Rejected.AddRange(_rejected.OrderBy(static row => row.Location.ByteOffset)
            .Select(row => (row.Location.Line + linesBefore, row.Reason, Encoding.Latin1.GetString(row.Raw.Span))));
    }
}

using System.Text;
using Nebula.Connectors.Files;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Pipeline;
using Nebula.Engine.Schemas;

namespace Nebula.Conformance.Tests;

/// <summary>Reads one file through its connector, with every column as text.</summary>
internal static class TextFiles
{
    /// <param name="Columns">Names of the columns.</param>
    /// <param name="Rows">Texts, null for null.</param>
    /// <param name="Rejected">Rows that could not be read; lines are those of the file.</param>
    internal sealed record Content(IReadOnlyList<string> Columns, List<byte[]?[]> Rows, List<RejectedRow> Rejected);

    public static async Task<Content> ReadAsync(string connector, string path, IReadOnlyDictionary<string, string> settings, DiscoverRequest? request = null,
        int blockSize = 64 << 10, int maxRecordSize = 64 << 20)
    {
        using var pool = new BufferPool();
        var shared = BufferPool.Shared.Outstanding;
        try
        {
            var descriptor = new ConnectorRegistry().AddFiles().Find(connector)!;
            var values = settings.Append(KeyValuePair.Create("path", path))
                .Select(static pair => KeyValuePair.Create(pair.Key,
                    new OptionValue(pair.Value.Length == 0 && pair.Key == "null_markers" ? [] : [pair.Value], new SourceLocation("test"))));
            var source = descriptor.Source(new OptionValues("test", descriptor.SourceOptions!, values));
            await using (source)
            {
                var catalog = await source.DiscoverAsync(request ?? new DiscoverRequest { InferTypes = false }, default);
                var stream = Assert.Single(catalog.Streams);
                var plan = new StreamPlan
                {
                    Stream = stream,
                    Columns = PlannedColumns.Of(stream, new StreamRequest(), new DestinationCapabilities()),
                    Object = "",
                    RunId = "r"
                }.Build();
                var content = new Content([.. stream.Schema.Fields.Select(static field => field.Name)], [], []);
                await foreach (var chunk in source.SplitAsync(plan, new SplitRequest(), default))
                {
                    var reader = await source.OpenAsync(plan, chunk, new ReadContext(pool, blockSize) { MaxRecordSize = maxRecordSize }, default);
                    await using (reader)
                    {
                        var sink = new Sink(content);
                        while (await reader.FetchAsync(default) is { } block)
                            using (block)
                            {
                                reader.Decode(block, sink);
                                sink.NextBlock();
                            }
                    }
                }
                return content;
            }
        }
        finally
        {
            Assert.Equal(0, pool.Outstanding);
            Assert.Equal(shared, BufferPool.Shared.Outstanding);
        }
    }

    private sealed class Sink(Content content) : IDecodeSink
    {
        private readonly List<RejectedRow> _rejected = [];
        private long _linesBefore;
        private long _lines;

        public void Add(RecordBatch batch)
        {
            using (batch)
                for (var row = 0; row < batch.Length; row++)
                    content.Rows.Add([.. batch.Columns.Select(column => column.IsNull(row) ? null : column.Type.Kind == TypeKind.String
                        ? column.GetBytes(row).ToArray() : Encoding.ASCII.GetBytes(column.Type.ToString()))]);
        }

        public void Reject(RejectedRow row) => _rejected.Add(row with { Location = row.Location with { Line = row.Location.Line + _linesBefore } });

        public void Lines(long count) => _lines += count;

        public void NextBlock()
        {
            content.Rejected.AddRange(_rejected.OrderBy(static row => row.Location.ByteOffset));
            _rejected.Clear();
            _linesBefore = _lines;
        }
    }
}

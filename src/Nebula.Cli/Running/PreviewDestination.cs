using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats;
using Nebula.Engine.Formats.Csv;

namespace Nebula.Cli.Running;

/// <summary>Keeps a few rows as text, to be shown. Each value is written as CSV writes it, in quotes unless it is null, and read back from there.</summary>
internal sealed class PreviewDestination : IDestination
{
    private readonly MemoryStream _text = new();
    private int _columns;

    public DestinationCapabilities Capabilities { get; } = new() { KeepsNesting = false };

    public Task<IReadOnlyList<CheckResult>> CheckAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<CheckResult>>([]);

    public Task<Checkpoint?> PrepareAsync(StreamPlan plan, CancellationToken cancellationToken)
    {
        _columns = plan.Columns.Length;
        _text.SetLength(0);
        return Task.FromResult<Checkpoint?>(null);
    }

    public Task<IDestinationWriter> OpenAsync(StreamPlan plan, Chunk chunk, WriteContext context, CancellationToken cancellationToken)
    {
        var format = new CsvFormat();
        var place = new SourceLocation("preview");
        var options = new OptionValues(
            "preview", format.WriteOptions, [new("quoting", new OptionValue(["all"], place)), new("header", new OptionValue(["false"], place))]);
        return Task.FromResult<IDestinationWriter>(new Writer(format.CreateEncoder(plan.Schema, options, context.Pool), _text, chunk));
    }

    public Task<CommitReceipt> CommitAsync(CommitRequest request, CancellationToken cancellationToken) => Task.FromResult(new CommitReceipt([]));

    public Task AbortAsync(StreamPlan plan, IReadOnlyList<StagedPart> parts, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>The rows; null cells are nulls.</summary>
    public IEnumerable<string?[]> Rows()
    {
        var text = Encoding.UTF8.GetString(_text.GetBuffer(), 0, (int)_text.Length);
        var at = 0;
        while (at < text.Length)
        {
            var row = new string?[_columns];
            for (var i = 0; i < _columns; i++)
            {
                row[i] = ReadCell(text, ref at);
                at++;
            }
            yield return row;
        }
    }

    public ValueTask DisposeAsync()
    {
        _text.Dispose();
        return default;
    }

    /// <summary>Reads up to the delimiter or line end behind a cell.</summary>
    private static string? ReadCell(string text, ref int at)
    {
        if (at >= text.Length || text[at] != '"')
            return null;
        var value = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] == '"' && (++at >= text.Length || text[at] != '"'))
                break;
            value.Append(text[at]);
        }
        return value.ToString();
    }

    private sealed class Writer(IBlockEncoder encoder, MemoryStream text, Chunk chunk) : IDestinationWriter
    {
        private long _rows;

        public EncodedBlock Encode(RecordBatch batch) => encoder.Encode(batch);

        public ValueTask WriteAsync(EncodedBlock block, CancellationToken cancellationToken)
        {
            text.Write(block.Buffer.Content);
            _rows += block.Rows;
            return default;
        }

        public ValueTask FlushAsync(CancellationToken cancellationToken) => default;

        public Task<StagedPart> CompleteAsync(CancellationToken cancellationToken) => Task.FromResult(new StagedPart(chunk.Index, "", _rows, text.Length));

        public ValueTask DisposeAsync() => default;
    }
}

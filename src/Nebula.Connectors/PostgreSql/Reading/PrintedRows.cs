using System.Globalization;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Formats.Csv.Reading;
using Npgsql;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Rows as the server prints them: its CSV is RFC 4180 without a header; null is nothing, and an empty text two quotes.</summary>
/// <param name="plan">The columns.</param>
/// <param name="context">Record size and pool.</param>
internal sealed class PrintedRows(StreamPlan plan, ReadContext context) : CopyForm(new CsvBlockDecoder(Plan(plan), context.Pool))
{
    private static readonly CsvDialect Dialect = new() { Header = false };

    public override void Decode(RawBlock block, IDecodeSink sink) => base.Decode(block, new WithoutLines(sink));

    public override IRowCutter CreateCutter() => new Cutter(plan.Stream.Name, context.MaxRecordSize);

    public override NpgsqlRawCopyStream Begin(NpgsqlConnection connection, string query) => BytesOf(connection.BeginTextExport(query));

    public override async Task<NpgsqlRawCopyStream> BeginAsync(NpgsqlConnection connection, string query, CancellationToken cancellationToken) =>
        BytesOf(await connection.BeginTextExportAsync(query, cancellationToken).ConfigureAwait(false));

    // nothing was read yet: the reader of characters has taken none of them
    private static NpgsqlRawCopyStream BytesOf(TextReader characters) => (NpgsqlRawCopyStream)((StreamReader)characters).BaseStream;

    /// <summary>The plan of a file without header that has the columns.</summary>
    private static StreamPlan Plan(StreamPlan plan)
    {
        var names = Enumerable.Range(0, plan.Columns.Length).Select(static i => i.ToString(CultureInfo.InvariantCulture)).ToList();
        return (plan with
        {
            Stream = plan.Stream with { Details = (Dialect with { Columns = [.. names] }).ToDetails() },
            Columns = [.. plan.Columns.Select((column, i) => column with { SourceName = names[i] })],
        }).Build();
    }

    private sealed class Cutter(string name, int maxRecordSize) : IRowCutter
    {
        private readonly CsvSplitter _splitter = new(Dialect, name, inside: true);

        public bool IsEnded => true;

        public int SkipHeader(ReadOnlySpan<byte> bytes) => 0;

        public int Cut(ReadOnlySpan<byte> bytes, long position, bool isAtEnd, out int context)
        {
            context = 0;
            if (bytes.IsEmpty)
                return 0;
            var end = _splitter.FindBoundary(bytes, isAtEnd, out context);
            return end > 0 || bytes.Length <= maxRecordSize ? end : throw new DataFormatException(
                $"A row has more than the {Units.FormatSize(maxRecordSize)} that a record may have. Leave out the large column, or raise the limit.",
                new SourceLocation(name, ByteOffset: position));
        }
    }

    /// <summary>Tables have no lines.</summary>
    private sealed class WithoutLines(IDecodeSink sink) : IDecodeSink
    {
        public void Add(Engine.Columns.RecordBatch batch) => sink.Add(batch);

        public void Reject(RejectedRow row) => sink.Reject(row with { Location = row.Location with { Line = 0 } });

        public void Lines(long count)
        {
        }
    }
}

using System.Globalization;
using Nebula.Connectors.PostgreSql.Wire;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Csv;
using Nebula.Engine.Formats.Csv.Reading;

namespace Nebula.Connectors.PostgreSql.Reading;

/// <summary>Rows as the server prints them: its CSV is RFC 4180 without a header; null is nothing, and an empty text two quotes.</summary>
/// <param name="plan">The columns.</param>
/// <param name="context">Record size and pool.</param>
internal sealed class PrintedRows(StreamPlan plan, ReadContext context) : CopyForm(new CsvBlockDecoder(Plan(plan), context.Pool))
{
    private static readonly CsvDialect Dialect = new() { Header = false };

    public override void Decode(RawBlock block, IDecodeSink sink) => base.Decode(block, new WithoutLines(sink));

    // a block inside of a file
    public override int ContextOf(int rows) => 0;

    public override int Strip(CopyOut copy, PooledBuffer block, bool isFirst, ref int rows) => 0;

    /// <summary>The plan of a file without header that has the columns.</summary>
    private static StreamPlan Plan(StreamPlan plan)
    {
        var names = new string[plan.Columns.Length];
        for (var i = 0; i < names.Length; i++)
            names[i] = i.ToString(CultureInfo.InvariantCulture);
        return (plan with
        {
            Stream = plan.Stream with { Details = (Dialect with { Columns = [.. names] }).ToDetails() },
            Columns = [.. plan.Columns.Select((column, i) => column with { SourceName = names[i] })],
        }).Build();
    }

    /// <summary>Tables have no lines.</summary>
    private sealed class WithoutLines(IDecodeSink sink) : IDecodeSink
    {
        public void Add(RecordBatch batch) => sink.Add(batch);

        public void Reject(RejectedRow row) => sink.Reject(row with { Location = row.Location with { Line = 0 } });

        public void Lines(long count)
        {
        }
    }
}

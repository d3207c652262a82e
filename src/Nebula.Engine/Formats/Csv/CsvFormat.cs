using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Csv.Reading;
using Nebula.Engine.Formats.Csv.Writing;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv;

/// <summary>Comma-separated values: RFC 4180, and what occurs in practice.</summary>
internal sealed class CsvFormat : ITextFormat
{
    public string Name => "csv";

    public string Summary => "Comma-separated values (also tab, semicolon, pipe): dialect, header and types detected";

    public IReadOnlyList<string> Extensions { get; } = [".csv", ".tsv", ".tab", ".psv"];

    public IReadOnlyList<OptionDescriptor> ReadOptions => CsvOptions.Read;

    public IReadOnlyList<OptionDescriptor> WriteOptions => CsvOptions.Write;

    public IReadOnlyList<string>? OwnCodecs => null;

    public bool KeepsTypes => false;

    public bool CanContinue(OptionValues options) => true;

    public TypeMapping Map(DataType type) => type.IsNested
        ? new("text", Fidelity.Widened, "JSON") { WrittenAs = DataType.Json }
        : new("text", Fidelity.Widened, "types are inferred again when read");

    public IReadOnlyDictionary<string, string> DetectDialect(ReadOnlySpan<byte> sample, bool isWhole, OptionValues options) =>
        new CsvDialectDetector(options).Detect(sample, isWhole).ToDetails();

    public Encoding? EncodingOf(IReadOnlyDictionary<string, string> dialect) => CsvDialect.FindEncoding(dialect["encoding"]);

    public IRecordSplitter CreateSplitter(IReadOnlyDictionary<string, string> dialect, string name, bool inside) =>
        new CsvSplitter(CsvDialect.FromDetails(dialect), name, inside);

    public int FindRecordStart(IReadOnlyDictionary<string, string> dialect, ReadOnlySpan<byte> window) =>
        CsvRecordFinder.Find(window, CsvDialect.FromDetails(dialect));

    public ISchemaInferrer CreateInferrer(IReadOnlyDictionary<string, string> dialect, DiscoverRequest request, string name) =>
        new CsvSchemaInferrer(CsvDialect.FromDetails(dialect), request);

    // a null that is alone in its record is written as an empty text
    public bool KeepsEmptyText(Schema schema, OptionValues options) => schema.Fields.Length > 1 || CsvWriteOptions.From(options).NullMarker.Length > 0;

    public IReadOnlyDictionary<string, string> DescribeWritten(Schema schema, OptionValues options)
    {
        var written = CsvWriteOptions.From(options);
        var dialect = new CsvDialect
        {
            Delimiter = written.Delimiter,
            Quote = written.Quote,
            Escape = written.Quote,
            Header = written.Header,
            NullMarkers = [Encoding.UTF8.GetString(written.NullMarker)],
            Columns = [.. schema.Fields.Select(static field => field.Name)],
        };
        return new Dictionary<string, string>(dialect.ToDetails(), StringComparer.Ordinal) { [CsvDialect.OursKey] = "true" };
    }

    public IBlockDecoder CreateDecoder(StreamPlan plan, BufferPool pool) => new CsvBlockDecoder(plan, pool);

    public IBlockEncoder CreateEncoder(Schema schema, OptionValues options, BufferPool pool) =>
        new CsvBlockEncoder(schema, CsvWriteOptions.From(options), pool, Simd.Level);
}

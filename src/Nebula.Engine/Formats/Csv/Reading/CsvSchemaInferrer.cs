using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;
using Nebula.Engine.Connectors;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv.Reading;

/// <summary>
/// Finds the type of each column of a CSV file. What is bad whatever the types are says nothing about them: records with a wrong number of fields or broken
/// UTF-8, and fields whose quotes are wrong.
/// </summary>
internal sealed unsafe class CsvSchemaInferrer(CsvDialect dialect, DiscoverRequest request) : ISchemaInferrer
{
    private readonly CsvTypeLattice[] _types = Types(dialect);
    private readonly ImmutableArray<byte[]> _nullMarkers = [.. dialect.NullMarkers.Select(Encoding.UTF8.GetBytes)];

    public bool HasRecords { get; private set; }

    public void Observe(ReadOnlySpan<byte> block, int context)
    {
        if (!request.InferTypes)
        {
            HasRecords = true;
            return;
        }
        var first = context == CsvSplitter.FirstBlock;
        var allValid = Utf8Validator.FindInvalid(block) < 0;
        var records = new CsvRecords(block, dialect, first ? CsvDialectDetector.EndOfSkippedLines(block, dialect) : 0);
        var dropHeader = first && dialect.Header;
        fixed (byte* p = block)
            while (records.MoveNext())
            {
                if (dropHeader)
                {
                    dropHeader = false;
                    continue;
                }
                HasRecords = true;
                if (records.Fields.Count != _types.Length && !(dialect.NullPadding && records.Fields.Count < _types.Length))
                    continue;
                if (!allValid && !Utf8.IsValid(records.Current))
                    continue;
                for (var i = 0; i < records.Fields.Count; i++)
                    ObserveField(p, ref records, i);
            }
    }

    public Schema Build() => new(dialect.Columns.Select((name, i) =>
        new Field(name, request.Types.TryGetValue(name, out var type) ? type : request.InferTypes ? _types[i].Build() : DataType.String)));

    private static CsvTypeLattice[] Types(CsvDialect dialect)
    {
        var forms = CsvValueForms.Of(dialect);
        return [.. dialect.Columns.Select(_ => new CsvTypeLattice(forms))];
    }

    private void ObserveField(byte* p, ref CsvRecords records, int i)
    {
        var (start, length) = records.Fields[i];
        if (!records.IsQuoted(i))
        {
            var field = new ReadOnlySpan<byte>(p + start, length);
            foreach (var marker in _nullMarkers)
                if (field.SequenceEqual(marker))
                    return;
            if (length == 0)
            {
                // with no null marker an empty field is an empty text
                _types[i].ObserveText();
                return;
            }
            _types[i].Observe(p + start, length);
            return;
        }
        if (length <= 2 || !CsvQuotes.IsClosedAtEnd(new ReadOnlySpan<byte>(p + start, length), dialect.Quote!.Value, dialect.Escape ?? dialect.Quote.Value))
            return;
        var inner = new ReadOnlySpan<byte>(p + start + 1, length - 2);
        if (inner.IndexOf(dialect.Quote.Value) >= 0 || length > 64)
            _types[i].ObserveText();
        else
        {
            // the parsers look behind the text: what follows there must not be the closing quote's neighbour
            var copy = stackalloc byte[64 + Columns.BufferPool.Padding];
            inner.CopyTo(new Span<byte>(copy, 64));
            _types[i].Observe(copy, inner.Length);
        }
    }
}

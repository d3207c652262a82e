using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Text;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Csv.Writing;

/// <summary>
/// Writes rows as CSV (RFC 4180): a field is quoted when it holds a delimiter, quote or line end, or when it would be read as null otherwise.
/// </summary>
internal sealed unsafe class CsvBlockEncoder : IBlockEncoder
{
    private readonly Schema _schema;
    private readonly CsvWriteOptions _options;
    private readonly BufferPool _pool;
    private readonly ICsvRowWriter _rowWriter;

    /// <summary>Makes an encoder.</summary>
    /// <param name="schema">The columns.</param>
    /// <param name="options">How they are written.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="level">The kernels used.</param>
    /// <exception cref="NebulaException">A column has a type that CSV cannot hold.</exception>
    public CsvBlockEncoder(Schema schema, CsvWriteOptions options, BufferPool pool, SimdLevel level)
    {
        _schema = schema;
        // in a single column an empty field would be a blank line, which readers pass over
        _options = schema.Fields.Length == 1 && options.NullMarker.Length == 0 ? options with { NullMarker = [options.Quote, options.Quote] } : options;
        _pool = pool;
        _rowWriter = CreateRowWriter(level);
        foreach (var field in schema.Fields)
            if (field.Type.IsNested)
                throw new NebulaException(ErrorKind.Schema,
                    $"Column \"{field.Name}\" has the type {field.Type}, which CSV cannot hold. Cast it to json (columns: {{ {field.Name}: json }}) or leave "
                    + "it out.");
    }

    /// <inheritdoc/>
    public IFileFrame CreateFrame() => new TextFrame(_options.Header ? Header() : default, default, default, default);

    /// <inheritdoc/>
    public EncodedBlock Encode(RecordBatch batch)
    {
        var bound = (long)batch.Length * _options.LineEnd.Length;
        foreach (var column in batch.Columns)
            bound += Bound(column);
        using var columns = _pool.Rent(batch.Columns.Length * sizeof(ValueText));
        var first = (ValueText*)columns.Pointer;
        for (var i = 0; i < batch.Columns.Length; i++)
            first[i] = new ValueText(batch.Columns[i]);
        using var output = new TextOutput(_pool, bound, "CSV");
        var end = _rowWriter.WriteRows(output, first, batch.Columns.Length, batch.Length);
        return new EncodedBlock(output.Finish(end), batch.Length);
    }

    private ICsvRowWriter CreateRowWriter(SimdLevel level) => level switch
    {
        SimdLevel.Vector512 => new CsvRowWriter<CsvTextKernel512>(_options),
        SimdLevel.Vector256 => new CsvRowWriter<CsvTextKernel256>(_options),
        SimdLevel.Vector128 => new CsvRowWriter<CsvTextKernel128>(_options),
        _ => new CsvRowWriter<ScalarCsvTextKernel>(_options),
    };

    /// <summary>Most bytes that a column takes with its delimiters, counting texts as if none held a quote.</summary>
    private long Bound(Column column)
    {
        const int Frame = 3; // two quotes and the delimiter
        return column.Length * (Frame + (long)Math.Max(ValueText.MostBytes(column.Type), _options.NullMarker.Length)) + ValueText.VariableBytes(column);
    }

    private byte[] Header()
    {
        var text = new StringBuilder();
        var quote = (char)_options.Quote;
        foreach (var field in _schema.Fields)
        {
            if (text.Length > 0 || field != _schema.Fields[0])
                text.Append((char)_options.Delimiter);
            var quoted = _options.QuoteAll || field.Name.Length == 0 || field.Name.IndexOfAny([quote, (char)_options.Delimiter, '\r', '\n']) >= 0;
            text.Append(quoted ? quote + field.Name.Replace(quote.ToString(), new string(quote, 2), StringComparison.Ordinal) + quote : field.Name);
        }
        return [.. Encoding.UTF8.GetBytes(text.ToString()), .. _options.LineEnd];
    }
}

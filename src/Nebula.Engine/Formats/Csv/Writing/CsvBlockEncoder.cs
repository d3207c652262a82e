using System.Runtime.CompilerServices;
using System.Text;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
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

    /// <exception cref="NebulaException">A column has a type that CSV cannot hold.</exception>
    public CsvBlockEncoder(Schema schema, CsvWriteOptions options, BufferPool pool)
    {
        _schema = schema;
        // in a single column an empty field would be a blank line, which readers pass over
        _options = schema.Fields.Length == 1 && options.NullMarker.Length == 0 ? options with { NullMarker = [options.Quote, options.Quote] } : options;
        _pool = pool;
        foreach (var field in schema.Fields)
            if (field.Type.IsNested)
                throw new NebulaException(ErrorKind.Schema,
                    $"Column \"{field.Name}\" has the type {field.Type}, which CSV cannot hold. Cast it to json (columns: {{ {field.Name}: json }}) or leave "
                    + "it out.");
    }

    public IFileFrame CreateFrame() => new TextFrame(_options.Header ? Header() : default, default, default, default);

    public EncodedBlock Encode(RecordBatch batch)
    {
        var columns = new CsvColumnWriter[batch.Columns.Length];
        for (var i = 0; i < columns.Length; i++)
            columns[i] = new CsvColumnWriter(batch.Columns[i]);
        var output = new Output(_pool, EstimateSize(batch));
        var slack = 8 + _options.NullMarker.Length;
        try
        {
            for (var row = 0; row < batch.Length; row++)
            {
                for (var i = 0; i < columns.Length; i++)
                {
                    ref var column = ref columns[i];
                    // a value grows at most twofold by quoting, plus what numbers need
                    var p = output.Reserve(column.MaxLength(row) + slack);
                    if (i > 0)
                        *p++ = _options.Delimiter;
                    p = column.Write(p, row, _options);
                    output.Advance(p);
                }
                var end = output.Reserve(8);
                foreach (var c in _options.LineEnd)
                    *end++ = c;
                output.Advance(end);
            }
            return new EncodedBlock(output.Detach(), batch.Length);
        }
        catch
        {
            output.Dispose();
            throw;
        }
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

    private static int EstimateSize(RecordBatch batch)
    {
        long size = 1024;
        foreach (var column in batch.Columns)
            size += column.Type.IsVariableBinary && column.Dictionary is null ? column.Offsets[column.Length] + 2L * column.Length : 12L * column.Length;
        return (int)Math.Min(size + size / 16, BufferPool.MaxCapacity);
    }

    /// <summary>The growing buffer that rows are written into.</summary>
    private ref struct Output(BufferPool pool, int capacity)
    {
        private PooledBuffer? _buffer = pool.Rent(capacity);
        private int _length;

        /// <summary>Makes room for a number of bytes; <see cref="BufferPool.Padding"/> more may be touched.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public byte* Reserve(int bytes)
        {
            if (_buffer!.Capacity - _length < bytes)
                Grow(bytes);
            return _buffer.Pointer + _length;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Advance(byte* end) => _length = (int)(end - _buffer!.Pointer);

        public PooledBuffer Detach()
        {
            var buffer = _buffer!;
            buffer.Length = _length;
            _buffer = null;
            return buffer;
        }

        public void Dispose() => _buffer?.Dispose();

        private void Grow(int bytes)
        {
            var needed = (long)_length + bytes;
            if (needed > BufferPool.MaxCapacity)
                throw new NebulaException(ErrorKind.Limit, "A block of rows is larger than 2 GB when written. Lower 'batch_size'.");
            var larger = pool.Rent((int)Math.Min(Math.Max(needed, _buffer!.Capacity * 3L / 2), BufferPool.MaxCapacity));
            new Span<byte>(_buffer.Pointer, _length).CopyTo(larger.Span);
            _buffer.Dispose();
            _buffer = larger;
        }
    }
}

using Nebula.Engine.Columns;
using Nebula.Engine.Formats.Orc.Encodings;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Formats.Orc.Streams;

namespace Nebula.Engine.Formats.Orc.Writing;

/// <summary>Writes the streams of one stripe, column after column.</summary>
/// <param name="compressor">Compresses the streams. Stays the caller's.</param>
/// <param name="bloomFilters">Numbers of the columns that get bloom filters.</param>
/// <param name="stride">Rows of a row group.</param>
/// <param name="pool">Where buffers come from.</param>
internal sealed class StripeWriter(ChunkCompressor compressor, IReadOnlySet<int> bloomFilters, int stride, BufferPool pool) : IDisposable
{
    private readonly GrowingBuffer _data = new(pool);

    /// <summary>Content of the stream that is being written.</summary>
    public GrowingBuffer Content { get; } = new(pool);

    /// <summary>Where buffers come from.</summary>
    public BufferPool Pool => pool;

    /// <summary>Streams of all columns as stored, in order.</summary>
    public ReadOnlySpan<byte> Data => _data.Content;

    /// <summary>What was written, by number of column.</summary>
    public List<ColumnOutput> Columns { get; } = [];

    /// <summary>Writes rows.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="root">Their types.</param>
    public void Write(RecordBatch batch, OrcType root)
    {
        var rows = Selection.OfRows(batch.Length, stride);
        var output = Add(root, rows);
        for (var group = 0; group < rows.Groups; group++)
            output.Statistics[group].Count(rows.Group(group).End - rows.Group(group).Start, 0);
        for (var i = 0; i < batch.Columns.Length; i++)
            Write(batch.Columns[i], root.Children[i], rows);
    }

    /// <summary>Starts a stream.</summary>
    public OutputStream Begin(ColumnOutput output, StreamKind kind, PositionForm form, int groups)
    {
        Content.Clear();
        var stream = new OutputStream(kind, form, groups);
        output.Streams.Add(stream);
        return stream;
    }

    /// <summary>Ends the stream that was started last.</summary>
    public void End(OutputStream stream) => stream.Finish(Content.Content, compressor, _data);

    /// <inheritdoc/>
    public void Dispose()
    {
        _data.Dispose();
        Content.Dispose();
    }

    private void Write(Column column, OrcType type, Selection slots)
    {
        if (TextColumns.IsText(column.Type))
        {
            using var text = TextColumns.Convert(column, pool);
            Write(text, type, slots);
            return;
        }
        using var scope = new BufferScope();
        var output = Add(type, slots);
        var valid = slots.Valid(column, scope, pool);
        for (var group = 0; group < slots.Groups; group++)
        {
            var (start, end) = slots.Group(group);
            var (first, last) = valid.Group(group);
            output.Statistics[group].Count(last - first, end - start - (last - first));
        }
        if (valid.Count < slots.Count)
            BooleanColumnWriter.WritePresent(this, output, column, slots);
        switch (type.Kind)
        {
            case OrcTypeKind.Boolean:
                BooleanColumnWriter.Write(this, output, column, valid);
                break;
            case OrcTypeKind.Byte:
                NumberColumnWriter.WriteBytes(this, output, column, valid);
                break;
            case OrcTypeKind.Short or OrcTypeKind.Int or OrcTypeKind.Long or OrcTypeKind.Date:
                NumberColumnWriter.WriteIntegers(this, output, column, valid);
                break;
            case OrcTypeKind.Float:
                NumberColumnWriter.WriteFloats<float>(this, output, column, valid);
                break;
            case OrcTypeKind.Double:
                NumberColumnWriter.WriteFloats<double>(this, output, column, valid);
                break;
            case OrcTypeKind.Decimal:
                DecimalColumnWriter.Write(this, output, column, valid);
                break;
            case OrcTypeKind.Timestamp or OrcTypeKind.TimestampInstant:
                TimestampColumnWriter.Write(this, output, column, valid);
                break;
            case OrcTypeKind.String or OrcTypeKind.Binary:
                StringColumnWriter.Write(this, output, column, valid);
                break;
            case OrcTypeKind.Struct:
                for (var i = 0; i < type.Children.Length; i++)
                    Write(column.Children[i], type.Children[i], valid);
                break;
            default:
                WriteLengths(output, column, valid);
                var elements = valid.Elements(column.Offsets, scope, pool);
                for (var i = 0; i < type.Children.Length; i++)
                    Write(column.Children[i], type.Children[i], elements);
                break;
        }
    }

    private ColumnOutput Add(OrcType type, Selection slots)
    {
        var output = new ColumnOutput(type, slots.Groups);
        if (bloomFilters.Contains(type.Id))
            output.BloomFilters = [.. Enumerable.Range(0, slots.Groups).Select(_ => new BloomFilter(stride))];
        // columns are written in the order of their numbers
        Columns.Add(output);
        return output;
    }

    private void WriteLengths(ColumnOutput output, Column column, Selection valid)
    {
        var stream = Begin(output, StreamKind.Length, PositionForm.Runs, valid.Groups);
        using var scratch = pool.Rent(Math.Max(valid.Count, 1) * sizeof(long));
        var offsets = column.Offsets;
        for (var group = 0; group < valid.Groups; group++)
        {
            var (start, end) = valid.Group(group);
            stream.GroupStarts(group, Content.Length);
            var lengths = scratch.As<long>()[..(end - start)];
            var (least, greatest, sum) = (long.MaxValue, 0L, 0L);
            for (var i = 0; i < lengths.Length; i++)
            {
                var slot = valid[start + i];
                var length = lengths[i] = offsets[slot + 1] - offsets[slot];
                (least, greatest, sum) = (Math.Min(least, length), Math.Max(greatest, length), sum + length);
            }
            if (lengths.Length > 0)
                output.Statistics[group].AddRange(least, greatest, sum);
            IntegerWriter.Write(lengths, isSigned: false, Content);
        }
        End(stream);
    }
}

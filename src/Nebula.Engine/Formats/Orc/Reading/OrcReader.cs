using System.Collections.Immutable;
using Nebula.Engine.Columns;
using Nebula.Engine.Connectors;
using Nebula.Engine.Diagnostics;
using Nebula.Engine.Formats.Orc.Metadata;
using Nebula.Engine.Schemas;

namespace Nebula.Engine.Formats.Orc.Reading;

/// <summary>Reads stripes of a file.</summary>
internal sealed class OrcReader : IContainerReader
{
    private readonly OrcFile _file;
    private readonly BlockDecoder _decoder;
    private readonly StripeCutter _cutter;
    private readonly ReadContext _context;
    private readonly Queue<StripeBlock> _blocks = new();
    private readonly int _endPart;
    private int _nextPart;

    /// <summary>Starts reading.</summary>
    public OrcReader(OrcFile file, ImmutableArray<int> columns, int firstPart, int partCount, ReadContext context)
    {
        _file = file;
        _context = context;
        _nextPart = firstPart;
        _endPart = firstPart + partCount;
        var types = OrcSchema.ColumnsOf(file.Footer.Root);
        var wanted = new bool[file.Footer.ColumnCount];
        // the root itself can be null, row by row
        wanted[0] = true;
        foreach (var column in columns)
            wanted.AsSpan(types[column].Id..(types[column].LastId + 1)).Fill(true);
        _cutter = new StripeCutter(file, wanted, context.BlockSize, firstPart, context.Pool);
        _decoder = new BlockDecoder(new Schema(columns.Select(column => file.Schema.Fields[column])), [.. columns.Select(column => types[column])],
            file.Footer.Root.Kind == OrcTypeKind.Struct, ReadSettings.From(context, file.PostScript));
    }

    /// <inheritdoc/>
    public long BytesRead { get; private set; }

    /// <inheritdoc/>
    public RawBlock? Next()
    {
        try
        {
            while (_blocks.Count == 0)
            {
                if (_nextPart == _endPart)
                    return null;
                foreach (var cut in _cutter.Cut(_nextPart))
                    if (cut.Rows > 0)
                        _blocks.Enqueue(cut);
                BytesRead += _file.Footer.Stripes[_nextPart].FooterLength;
                _nextPart++;
            }
            return Fetch(_blocks.Dequeue());
        }
        catch (OrcFault fault)
        {
            var part = _blocks.Count == 0 ? _nextPart : _blocks.Peek().Stripe;
            throw fault.ToDataFormatException(_file.Bytes.Name, part < _endPart ? _file.Footer.Stripes[part].Offset : -1, $"stripe {part}");
        }
    }

    /// <inheritdoc/>
    public void Decode(RawBlock block, IDecodeSink sink)
    {
        var detail = (StripeBlock)block.Detail!;
        try
        {
            _decoder.Decode(detail, block.Buffer, sink);
        }
        catch (OrcFault fault)
        {
            throw fault.ToDataFormatException(_file.Bytes.Name, block.Position.ByteOffset, $"stripe {detail.Stripe}, from row {detail.FirstRow} on");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private RawBlock Fetch(StripeBlock block)
    {
        var slices = block.Slices;
        var length = slices.Sum(static slice => slice.Length);
        if (length > BufferPool.MaxCapacity)
            throw new OrcFault($"the wanted columns of {block.Rows} rows have {Units.FormatSize(length)} that can only be read at once",
                "Read fewer columns, or write the file again with row indexes or smaller stripes.");
        var buffer = _context.Pool.Rent((int)length);
        try
        {
            buffer.Length = (int)length;
            var position = 0;
            foreach (var i in Enumerable.Range(0, slices.Length).OrderBy(i => slices[i].FileOffset).ToArray())
            {
                slices[i] = slices[i] with { BufferOffset = position };
                position += (int)slices[i].Length;
            }
            ReadInOrder([.. slices.OrderBy(static slice => slice.BufferOffset)], buffer);
            BytesRead += length;
            var offset = slices.Length > 0 ? slices.Min(static slice => slice.FileOffset) : _file.Footer.Stripes[block.Stripe].Offset;
            return new RawBlock(buffer, new SourcePosition(_file.Bytes.Name, offset)) { Detail = block };
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>Reads parts of streams, those that lie side by side with one call.</summary>
    private void ReadInOrder(StreamSlice[] slices, PooledBuffer buffer)
    {
        for (var first = 0; first < slices.Length;)
        {
            var end = first + 1;
            while (end < slices.Length && slices[end].FileOffset == slices[end - 1].FileOffset + slices[end - 1].Length)
                end++;
            var start = slices[first].BufferOffset;
            _file.Bytes.Read(slices[first].FileOffset, buffer.Span[start..(slices[end - 1].BufferOffset + (int)slices[end - 1].Length)]);
            first = end;
        }
    }
}
